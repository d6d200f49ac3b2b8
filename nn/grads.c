/* Gradient stores: the whole array of a dense tensor; of a table the touched rows, one behind the
 * other in the order of their first touch, so that a step works in as little memory as it touches.
 * Room for all rows is there, but pages that no step has reached cost nothing. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/internal.h"
#include "nn/params.h"

typedef struct store {
    const tw_param *param; /* borrowed */
    tw_real *d;            /* (rows, cols), zero where not touched: row list[k] at place k, unless
                              `all`; a table has one more row, which stays zero */
    void *base;            /* owns d */
    int64_t *list;         /* (rows) rows touched, in order; NULL for dense tensors */
    int32_t *place;        /* (rows) 1 + the row's place, 0: not touched; NULL for dense tensors */
    int64_t n;             /* rows in the list */
    bool all;              /* every row counts as touched, and is at its own place */
} store;

struct tw_grads {
    store *stores; /* (count) one per tensor, by its index */
    int count;
};

static tw_status create_store(store *s, const tw_param *p, tw_error *err)
{
    s->param = p;
    const bool table = p->kind == TW_TABLE;
    s->d = twi_block(&s->base, ((size_t) p->rows + table) * (size_t) p->cols);
    if (table) {
        s->list = tw_alloc((size_t) p->rows, sizeof *s->list);
        s->place = tw_alloc((size_t) p->rows, sizeof *s->place);
    } else {
        s->all = true;
    }
    if (s->d == NULL || (table && (s->list == NULL || s->place == NULL)))
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
        tw_free(g->stores[i].place);
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

static tw_real *at_place(const store *s, int64_t place)
{
    return s->d + (size_t) place * (size_t) s->param->cols;
}

static void swap_rows(tw_real *a, tw_real *b, int n)
{
    for (int j = 0; j < n; j++) {
        const tw_real kept = a[j];
        a[j] = b[j];
        b[j] = kept;
    }
}

/* Brings every touched row to the place of its own number. */
static void spread(store *s)
{
    const int cols = s->param->cols;
    for (int64_t k = 0; k < s->n; k++) {
        /* What is swapped in has its place elsewhere, too, or is zero. */
        while (s->list[k] >= 0 && s->list[k] != k) {
            const int64_t row = s->list[k];
            swap_rows(at_place(s, k), at_place(s, row), cols);
            s->place[row] = 0;
            s->list[k] = row < s->n ? s->list[row] : -1;
            if (row < s->n)
                s->list[row] = row;
        }
        if (s->list[k] >= 0)
            s->place[k] = 0;
    }
    s->n = 0;
}

tw_real *tw_grads_all(tw_grads *g, const tw_param *p)
{
    store *s = store_of(g, p);
    if (!s->all)
        spread(s);
    s->all = true;
    return s->d;
}

tw_real *tw_grads_row(tw_grads *g, const tw_param *p, int64_t row)
{
    store *s = store_of(g, p);
    assert(row >= 0 && row < p->rows);
    if (s->all)
        return at_place(s, row);
    if (s->place[row] == 0) {
        s->list[s->n++] = row;
        s->place[row] = (int32_t) s->n;
    }
    return at_place(s, s->place[row] - 1);
}

bool twi_grads_is_touched(const tw_grads *g, const tw_param *p, int64_t row)
{
    const store *s = store_of(g, p);
    return s->all || s->place[row] != 0;
}

const tw_real *tw_grads_peek(const tw_grads *g, const tw_param *p, int64_t row)
{
    const store *s = store_of(g, p);
    if (s->all)
        return at_place(s, row);
    return at_place(s, s->place[row] != 0 ? s->place[row] - 1 : p->rows);
}

void twi_grads_ask(const tw_grads *g, const tw_param *p, int64_t row)
{
    const store *s = store_of(g, p);
    if (!s->all)
        __builtin_prefetch(&s->place[row]);
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
        const store *s = &g->stores[i];
        const int64_t rows = s->all ? s->param->rows : s->n;
        memset(s->d, 0, (size_t) rows * (size_t) s->param->cols * sizeof *s->d);
    }
    twi_grads_forget(g);
}

void twi_grads_forget(tw_grads *g)
{
    for (int i = 0; i < g->count; i++) {
        store *s = &g->stores[i];
        for (int64_t k = 0; k < s->n; k++)
            s->place[s->list[k]] = 0;
        s->n = 0;
        s->all = s->param->kind == TW_DENSE;
    }
}
