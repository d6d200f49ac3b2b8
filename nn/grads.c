/* Gradient stores: a full-size array for each tensor, and for tables a list of
 * the rows that are not zero. The arrays' untouched pages cost nothing. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/internal.h"
#include "nn/params.h"

typedef struct store {
    const tw_param *param; /* borrowed */
    tw_real *d;            /* (rows, cols), zero where not touched */
    void *base;            /* owns d */
    int64_t *list;         /* (rows) rows touched, in order; NULL for dense tensors */
    unsigned char *seen;   /* (rows) 1: in the list; NULL for dense tensors */
    int64_t n;             /* rows in the list */
    bool all;              /* every row counts as touched */
} store;

struct tw_grads {
    store *stores; /* (count) one per tensor, by its index */
    int count;
};

static tw_status create_store(store *s, const tw_param *p, tw_error *err)
{
    s->param = p;
    s->d = twi_block(&s->base, (size_t) p->rows * (size_t) p->cols);
    if (p->kind == TW_TABLE) {
        s->list = tw_alloc((size_t) p->rows, sizeof *s->list);
        s->seen = tw_alloc((size_t) p->rows, 1);
    } else {
        s->all = true;
    }
    if (s->d == NULL || (p->kind == TW_TABLE && (s->list == NULL || s->seen == NULL)))
        return tw_fail(err, TW_ENOMEM, "gradient of '%s'", p->name);
    return TW_OK;
}

tw_status tw_grads_create(tw_grads **out, const tw_params *ps, tw_error *err)
{
    tw_status st = TW_OK;
    *out = NULL;
    tw_grads *g = tw_alloc(1, sizeof *g);
    if (g != NULL)
        g->stores = tw_alloc((size_t) tw_params_count(ps), sizeof *g->stores);
    if (g == NULL || g->stores == NULL) {
        st = tw_fail(err, TW_ENOMEM, "gradient store");
        goto done;
    }
    g->count = tw_params_count(ps);
    for (int i = 0; i < g->count; i++)
        TW_TRY(create_store(&g->stores[i], tw_params_at(ps, i), err));
    *out = g;
    g = NULL;
done:
    tw_grads_destroy(g);
    return st;
}

void tw_grads_destroy(tw_grads *g)
{
    if (g == NULL)
        return;
    for (int i = 0; i < g->count; i++) {
        tw_free(g->stores[i].base);
        tw_free(g->stores[i].list);
        tw_free(g->stores[i].seen);
    }
    tw_free(g->stores);
    tw_free(g);
}

/* A tensor added after the store was made has no place in it: our own bug. */
static store *store_of(const tw_grads *g, const tw_param *p)
{
    assert(p->index < g->count && g->stores[p->index].param == p);
    return &g->stores[p->index];
}

tw_real *tw_grads_all(tw_grads *g, const tw_param *p)
{
    store *s = store_of(g, p);
    s->all = true;
    return s->d;
}

void twi_grads_touch(tw_grads *g, const tw_param *p, int64_t row)
{
    store *s = store_of(g, p);
    assert(row >= 0 && row < p->rows);
    if (s->all || s->seen[row])
        return;
    s->seen[row] = 1;
    s->list[s->n++] = row;
}

bool twi_grads_is_touched(const tw_grads *g, const tw_param *p, int64_t row)
{
    const store *s = store_of(g, p);
    return s->all || s->seen[row] != 0;
}

tw_real *twi_grads_data(tw_grads *g, const tw_param *p) { return store_of(g, p)->d; }

tw_real *tw_grads_row(tw_grads *g, const tw_param *p, int64_t row)
{
    twi_grads_touch(g, p, row);
    return store_of(g, p)->d + (size_t) row * (size_t) p->cols;
}

const tw_real *tw_grads_peek(const tw_grads *g, const tw_param *p, int64_t row)
{
    return store_of(g, p)->d + (size_t) row * (size_t) p->cols;
}

void tw_grads_touched(const tw_grads *g, const tw_param *p, const int64_t **rows, int64_t *n)
{
    const store *s = store_of(g, p);
    *rows = s->all ? NULL : s->list;
    *n = s->all ? p->rows : s->n;
}

void tw_grads_zero(tw_grads *g)
{
    for (int i = 0; i < g->count; i++) {
        store *s = &g->stores[i];
        size_t row = (size_t) s->param->cols * sizeof *s->d;
        if (s->all)
            memset(s->d, 0, (size_t) s->param->rows * row);
        for (int64_t k = 0; !s->all && k < s->n; k++)
            memset(s->d + (size_t) s->list[k] * (size_t) s->param->cols, 0, row);
    }
    twi_grads_forget(g);
}

void twi_grads_forget(tw_grads *g)
{
    for (int i = 0; i < g->count; i++) {
        store *s = &g->stores[i];
        for (int64_t k = 0; k < s->n; k++)
            s->seen[s->list[k]] = 0;
        s->n = 0;
        s->all = s->param->kind == TW_DENSE;
    }
}
