#include "nn/params.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/size.h"
#include "nn/internal.h"

/* A table larger than this may be touched here and there only, and then each place would cost a
 * whole large page. */
#define LARGE_PAGES_MAX ((size_t) 256 << 20)

typedef struct slot {
    tw_param p;                         /* first: a tw_param * of ours is a slot * */
    void *value_base, *m_base, *v_base; /* owned */
} slot;

struct tw_params {
    slot *slots[TW_PARAMS_MAX]; /* owned, one block each: a tw_param never moves */
    int count;
    bool deferred; /* tensors get their memory later, all at once */
};

tw_real *twi_block(void **base, size_t n)
{
    const size_t align = 64;
    size_t bytes;
    *base = NULL;
    if (!tw_size_mul(n, sizeof(tw_real), &bytes) || !tw_size_add(bytes, align, &bytes))
        return NULL;
    unsigned char *p = tw_alloc(bytes, 1);
    if (p == NULL)
        return NULL;
    if (bytes <= LARGE_PAGES_MAX)
        tw_prefer_large_pages(p, bytes);
    *base = p;
    return (tw_real *) (void *) (p + (align - (uintptr_t) p % align));
}

tw_status tw_params_create(tw_params **out, tw_error *err)
{
    *out = tw_alloc(1, sizeof **out);
    return *out != NULL ? TW_OK : tw_fail(err, TW_ENOMEM, "parameter set");
}

static void destroy_slot(slot *s)
{
    if (s == NULL)
        return;
    tw_free(s->value_base);
    tw_free(s->m_base);
    tw_free(s->v_base);
    tw_free(s);
}

void tw_params_destroy(tw_params *ps)
{
    if (ps == NULL)
        return;
    for (int i = 0; i < ps->count; i++)
        destroy_slot(ps->slots[i]);
    tw_free(ps);
}

static tw_status check_new(const tw_params *ps, const char *name, int64_t rows, int cols,
                           tw_error *err)
{
    if (name[0] == '\0' || strlen(name) >= TW_PARAM_NAME_MAX)
        return tw_fail(err, TW_EINVAL, "tensor name '%.80s' has not 1..%d bytes", name,
                       TW_PARAM_NAME_MAX - 1);
    if (tw_params_find(ps, name) != NULL)
        return tw_fail(err, TW_EINVAL, "tensor '%s' is there already", name);
    if (ps->count == TW_PARAMS_MAX)
        return tw_fail(err, TW_EINVAL, "tensor '%s' is one more than %d", name, TW_PARAMS_MAX);
    if (rows < 1 || rows >= INT32_MAX || cols < 1)
        return tw_fail(err, TW_EINVAL, "tensor '%s' of %lld x %d has a size outside 1..2^31 - 2",
                       name, (long long) rows, cols);
    return TW_OK;
}

static tw_status allocate(slot *s, tw_error *err)
{
    size_t n;
    if (tw_size_mul((size_t) s->p.rows, (size_t) s->p.cols, &n))
        s->p.value = twi_block(&s->value_base, n);
    return s->p.value != NULL ? TW_OK
                              : tw_fail(err, TW_ENOMEM, "tensor '%s' of %lld x %d", s->p.name,
                                        (long long) s->p.rows, s->p.cols);
}

void tw_params_defer(tw_params *ps) { ps->deferred = true; }

tw_status tw_params_allocate(tw_params *ps, tw_error *err)
{
    for (int i = 0; i < ps->count; i++) {
        tw_status st = ps->slots[i]->p.value != NULL ? TW_OK : allocate(ps->slots[i], err);
        if (st != TW_OK)
            return st;
    }
    ps->deferred = false;
    return TW_OK;
}

tw_status tw_params_add(tw_params *ps, tw_param **out, const char *name, int64_t rows, int cols,
                        tw_param_kind kind, tw_error *err)
{
    *out = NULL;
    tw_status st = check_new(ps, name, rows, cols, err);
    if (st != TW_OK)
        return st;

    slot *s = tw_alloc(1, sizeof *s);
    if (s == NULL)
        return tw_fail(err, TW_ENOMEM, "tensor '%s'", name);
    memcpy(s->p.name, name, strlen(name) + 1);
    s->p.kind = kind;
    s->p.rows = rows;
    s->p.cols = cols;
    st = ps->deferred ? TW_OK : allocate(s, err);
    if (st != TW_OK) {
        destroy_slot(s);
        return st;
    }
    s->p.index = ps->count;
    ps->slots[ps->count++] = s;
    *out = &s->p;
    return TW_OK;
}

tw_status twi_params_moments(tw_params *ps, tw_error *err)
{
    for (int i = 0; i < ps->count; i++) {
        slot *s = ps->slots[i];
        size_t n = (size_t) s->p.rows * (size_t) s->p.cols;
        if (s->p.m == NULL)
            s->p.m = twi_block(&s->m_base, n);
        if (s->p.v == NULL)
            s->p.v = twi_block(&s->v_base, n);
        if (s->p.m == NULL || s->p.v == NULL)
            return tw_fail(err, TW_ENOMEM, "Adam moments of '%s'", s->p.name);
    }
    return TW_OK;
}

int tw_params_count(const tw_params *ps) { return ps->count; }

tw_param *tw_params_at(const tw_params *ps, int index) { return &ps->slots[index]->p; }

tw_param *tw_params_find(const tw_params *ps, const char *name)
{
    for (int i = 0; i < ps->count; i++)
        if (strcmp(ps->slots[i]->p.name, name) == 0)
            return &ps->slots[i]->p;
    return NULL;
}

int64_t tw_params_size(const tw_params *ps)
{
    int64_t sum = 0;
    for (int i = 0; i < ps->count; i++)
        sum += ps->slots[i]->p.rows * ps->slots[i]->p.cols;
    return sum;
}

static size_t numbers(const tw_param *p) { return (size_t) p->rows * (size_t) p->cols; }

void tw_param_init_normal(tw_param *p, double std, tw_rng *rng)
{
    for (size_t i = 0; i < numbers(p); i++)
        p->value[i] = (tw_real) (std * tw_rng_normal(rng));
}

void tw_param_init_uniform(tw_param *p, double bound, tw_rng *rng)
{
    for (size_t i = 0; i < numbers(p); i++)
        p->value[i] = (tw_real) (bound * (2 * tw_rng_uniform(rng) - 1));
}

void tw_param_init_glorot(tw_param *p, tw_rng *rng)
{
    tw_param_init_uniform(p, sqrt(6.0 / ((double) p->rows + p->cols)), rng);
}

void tw_param_fill(tw_param *p, tw_real value)
{
    for (size_t i = 0; i < numbers(p); i++)
        p->value[i] = value;
}
