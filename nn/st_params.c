/* Parameter sets to and from safetensors. */
#include <stdio.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/safetensors.h"
#include "nn/st_internal.h"

#ifdef TW_REAL_DOUBLE
#define REAL_DTYPE TW_F64
#else
#define REAL_DTYPE TW_F32
#endif

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
    tw_status st = tw_st_add(w, name, REAL_DTYPE, p->rows, p->cols, p->m, err);
    if (st != TW_OK)
        return st;
    moment_name(name, p, 'v');
    return tw_st_add(w, name, REAL_DTYPE, p->rows, p->cols, p->v, err);
}

tw_status tw_st_add_params(tw_st_writer *w, const tw_params *ps, bool moments, tw_error *err)
{
    tw_status st = TW_OK;
    for (int i = 0; i < tw_params_count(ps); i++) {
        const tw_param *p = tw_params_at(ps, i);
        TW_TRY(tw_st_add(w, p->name, REAL_DTYPE, p->rows, p->cols, p->value, err));
        if (moments)
            TW_TRY(add_moments(w, p, err));
    }
done:
    return st;
}

static void convert(tw_real *out, const tw_st_tensor *t, size_t n)
{
    const unsigned char *at = t->data;
    if (t->type == REAL_DTYPE) {
        memcpy(out, at, n * sizeof *out);
        return;
    }
    for (size_t i = 0; i < n; i++) {
#ifdef TW_REAL_DOUBLE
        float x;
#else
        double x;
#endif
        memcpy(&x, at + i * sizeof x, sizeof x);
        out[i] = (tw_real) x;
    }
}

static tw_status load_one(const tw_st_file *f, const char *name, tw_real *out, const tw_param *p,
                          tw_error *err)
{
    tw_st_tensor t;
    if (!twi_st_lookup(f, name, &t))
        return tw_fail(err, TW_ECORRUPT, "no tensor '%s' in the file", name);
    if (t.type != TW_F32 && t.type != TW_F64)
        return tw_fail(err, TW_ECORRUPT, "tensor '%s' is %s, expected F32 or F64", name,
                       twi_dtype_name(t.type));
    bool same = t.rows == p->rows && t.cols == p->cols;
    bool flat = t.cols == 0 && (p->rows == 1 || p->cols == 1) && t.rows == p->rows * p->cols;
    if (!same && !flat)
        return tw_fail(err, TW_ECORRUPT, "tensor '%s' is %lld x %lld, the model's is %lld x %d",
                       name, (long long) t.rows, (long long) t.cols, (long long) p->rows, p->cols);
    convert(out, &t, (size_t) p->rows * (size_t) p->cols);
    return TW_OK;
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
