/* Parameter sets to and from safetensors. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/safetensors.h"
#include "nn/st_internal.h"

enum { NAME_MAX_MOMENT = TW_PARAM_NAME_MAX + 8 };

static void moment_name(char out[NAME_MAX_MOMENT], const tw_param *p, char which)
{
    (void) snprintf(out, NAME_MAX_MOMENT, "%s.adam_%c", p->name, which);
}

static tw_status add_moments(tw_st_writer *w, const tw_param *p, tw_error *err)
{
    char name[NAME_MAX_MOMENT];
    if (p->m == NULL || p->v == NULL)
        return tw_fail(err, TW_ESTATE, "tensor '%s' has no Adam moments yet", p->name);
    moment_name(name, p, 'm');
    tw_status st = tw_st_add(w, name, TW_REAL_DTYPE, p->rows, p->cols, p->m, err);
    if (st != TW_OK)
        return st;
    moment_name(name, p, 'v');
    return tw_st_add(w, name, TW_REAL_DTYPE, p->rows, p->cols, p->v, err);
}

tw_status tw_st_add_params(tw_st_writer *w, const tw_params *ps, bool moments, tw_error *err)
{
    tw_status st = TW_OK;
    for (int i = 0; i < tw_params_count(ps); i++) {
        const tw_param *p = tw_params_at(ps, i);
        TW_TRY(tw_st_add(w, p->name, TW_REAL_DTYPE, p->rows, p->cols, p->value, err));
        if (moments)
            TW_TRY(add_moments(w, p, err));
    }
done:
    return st;
}

/* IEEE 754 binary16: sign, 5 bits of exponent less 15, 10 of fraction. */
static float from_half(uint16_t h)
{
    const float sign = h & 0x8000 ? -1 : 1;
    const int exponent = (h >> 10) & 31, fraction = h & 1023;
    if (exponent == 31)
        return fraction != 0 ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexpf((float) fraction, -24);
    return sign * ldexpf((float) (1024 + fraction), exponent - 25);
}

/* bfloat16: the upper half of a float. */
static float from_brain(uint16_t h)
{
    uint32_t bits = (uint32_t) h << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Number i at `at`, which may be unaligned. */
static tw_real number(tw_dtype type, const unsigned char *at)
{
    double d;
    float f;
    uint16_t h;
    switch (type) {
    case TW_F64: memcpy(&d, at, sizeof d); return (tw_real) d;
    case TW_F32: memcpy(&f, at, sizeof f); return (tw_real) f;
    default: memcpy(&h, at, sizeof h); break;
    }
    return (tw_real) (type == TW_F16 ? from_half(h) : from_brain(h));
}

tw_status tw_st_numbers(const tw_st_tensor *t, tw_real *out, size_t n, tw_error *err)
{
    const size_t has = (size_t) t->rows * (size_t) (t->cols > 0 ? t->cols : 1);
    if (t->type != TW_F32 && t->type != TW_F64 && t->type != TW_F16 && t->type != TW_BF16)
        return tw_fail(err, TW_ECORRUPT, "tensor '%.80s' is %s, not floating point", t->name,
                       twi_dtype_name(t->type));
    if (has != n)
        return tw_fail(err, TW_ECORRUPT, "tensor '%.80s' has %zu numbers, expected %zu", t->name,
                       has, n);
    const unsigned char *at = t->data;
    const size_t size = tw_dtype_size(t->type);
    if (t->type == TW_REAL_DTYPE)
        memcpy(out, at, n * size);
    for (size_t i = 0; t->type != TW_REAL_DTYPE && i < n; i++)
        out[i] = number(t->type, at + i * size);
    return TW_OK;
}

/* *t is the tensor `name`, of the shape of p. */
static tw_status find_one(const tw_st_file *f, const char *name, const tw_param *p, tw_st_tensor *t,
                          tw_error *err)
{
    if (!twi_st_lookup(f, name, t))
        return tw_fail(err, TW_ECORRUPT, "no tensor '%s' in the file", name);
    bool same = t->rows == p->rows && t->cols == p->cols;
    bool flat = t->cols == 0 && (p->rows == 1 || p->cols == 1) && t->rows == p->rows * p->cols;
    if (!same && !flat) {
        return tw_fail(err, TW_ECORRUPT, "tensor '%s' is %lld x %lld, the model's is %lld x %d",
                       name, (long long) t->rows, (long long) t->cols, (long long) p->rows,
                       p->cols);
    }
    return TW_OK;
}

tw_status tw_st_check_params(const tw_st_file *f, const tw_params *ps, tw_error *err)
{
    tw_st_tensor t;
    tw_status st = TW_OK;
    for (int i = 0; i < tw_params_count(ps) && st == TW_OK; i++)
        st = find_one(f, tw_params_at(ps, i)->name, tw_params_at(ps, i), &t, err);
    return st;
}

static tw_status load_one(const tw_st_file *f, const char *name, tw_real *out, const tw_param *p,
                          tw_error *err)
{
    tw_st_tensor t;
    const tw_status st = find_one(f, name, p, &t, err);
    return st == TW_OK ? tw_st_numbers(&t, out, (size_t) p->rows * (size_t) p->cols, err) : st;
}

tw_status tw_st_load_params(const tw_st_file *f, tw_params *ps, bool moments, tw_error *err)
{
    tw_status st = TW_OK;
    if (moments)
        TW_TRY(twi_params_moments(ps, err));
    for (int i = 0; i < tw_params_count(ps); i++) {
        const tw_param *p = tw_params_at(ps, i);
        TW_TRY(load_one(f, p->name, p->value, p, err));
        if (!moments)
            continue;
        char name[NAME_MAX_MOMENT];
        moment_name(name, p, 'm');
        TW_TRY(load_one(f, name, p->m, p, err));
        moment_name(name, p, 'v');
        TW_TRY(load_one(f, name, p->v, p, err));
    }
done:
    return st;
}
