/* A tower from its making to its end: weights, idf, the forward pass. */
#include "towers/towers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "towers/internal.h"

tw_status twi_tower_alloc(tw_tower **out, const tw_tower_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower *t = NULL;

    *out = NULL;
    TW_TRY(twi_tower_config_check(cfg, err));
    const size_t V = (size_t) 1 << cfg->bits;
    t = tw_alloc(1, sizeof *t);
    if (t == NULL) {
        st = tw_fail(err, TW_ENOMEM, "tower");
        goto done;
    }
    t->cfg = *cfg;
    TW_TRY(tw_params_create(&t->params, err));
    TW_TRY(tw_params_add(t->params, &t->table, "text.table", (int64_t) V, cfg->embed_dim, TW_TABLE,
                         err));
    TW_TRY(tw_params_add(t->params, &t->w, "text.proj.w", cfg->dim, cfg->embed_dim, TW_DENSE, err));
    TW_TRY(tw_params_add(t->params, &t->b, "text.proj.b", 1, cfg->dim, TW_DENSE, err));
    t->table->no_decay = true;
    t->b->no_decay = true;
    t->idf = tw_alloc(V, sizeof *t->idf);
    t->wt = tw_alloc_aligned((size_t) cfg->embed_dim * (size_t) cfg->dim, sizeof *t->wt);
    if (t->idf == NULL || t->wt == NULL) {
        st = tw_fail(err, TW_ENOMEM, "tower of 2^%d buckets", cfg->bits);
        goto done;
    }
    for (size_t i = 0; i < V; i++)
        t->idf[i] = 1;
    *out = t;
    t = NULL;
done:
    tw_tower_destroy(t);
    return st;
}

void tw_tower_destroy(tw_tower *t)
{
    if (t == NULL)
        return;
    tw_params_destroy(t->params);
    tw_free(t->idf);
    tw_free(t->wt);
    tw_free(t);
}

void twi_tower_refresh(tw_tower *t)
{
    const int D = t->cfg.dim, E = t->cfg.embed_dim;
    for (int o = 0; o < D; o++) {
        const tw_real *row = t->w->value + (size_t) o * (size_t) E;
        for (int i = 0; i < E; i++)
            t->wt[(size_t) i * (size_t) D + (size_t) o] = row[i];
    }
}

static double dot(const tw_real *a, const tw_real *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double) a[i] * (double) b[i];
    return sum;
}

/* Random orthonormal rows in m (rows, cols), rows <= cols: Gram-Schmidt, each row twice, which is
 * enough for float. */
static void orthonormal_rows(tw_real *m, int rows, int cols, tw_rng *rng)
{
    for (int r = 0; r < rows; r++) {
        tw_real *row = m + (size_t) r * (size_t) cols;
        for (int i = 0; i < cols; i++)
            row[i] = (tw_real) tw_rng_normal(rng);
        for (int k = 0; k < 2 * r; k++) {
            const tw_real *other = m + (size_t) (k % r) * (size_t) cols;
            tw_real along = (tw_real) dot(row, other, cols);
            for (int i = 0; i < cols; i++)
                row[i] -= along * other[i];
        }
        tw_real scale = (tw_real) (1 / sqrt(dot(row, row, cols)));
        for (int i = 0; i < cols; i++)
            row[i] *= scale;
    }
}

/* w keeps inner products as well as its shape allows: the identity, or orthonormal rows or columns.
 */
static tw_status init_projection(tw_tower *t, tw_rng *rng, tw_error *err)
{
    const int D = t->cfg.dim, E = t->cfg.embed_dim;
    tw_real *w = t->w->value;

    if (D == E) {
        for (int i = 0; i < D; i++)
            w[(size_t) i * (size_t) E + (size_t) i] = 1;
        return TW_OK;
    }
    if (D < E) {
        orthonormal_rows(w, D, E, rng);
        return TW_OK;
    }
    tw_real *m = tw_alloc((size_t) E * (size_t) D, sizeof *m);
    if (m == NULL)
        return tw_fail(err, TW_ENOMEM, "projection of %d by %d", D, E);
    orthonormal_rows(m, E, D, rng);
    for (int o = 0; o < D; o++)
        for (int i = 0; i < E; i++)
            w[(size_t) o * (size_t) E + (size_t) i] = m[(size_t) i * (size_t) D + (size_t) o];
    tw_free(m);
    return TW_OK;
}

tw_status tw_tower_create(tw_tower **out, const tw_tower_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower *t = NULL;
    tw_rng rng;

    *out = NULL;
    TW_TRY(twi_tower_alloc(&t, cfg, err));
    assert(t != NULL);
    tw_rng_seed3(&rng, (uint64_t) cfg->seed, 1, 0);
    tw_param_init_normal(t->table, 1 / sqrt(cfg->embed_dim), &rng);
    tw_rng_seed3(&rng, (uint64_t) cfg->seed, 2, 0);
    TW_TRY(init_projection(t, &rng, err));
    twi_tower_refresh(t);
    *out = t;
    t = NULL;
done:
    tw_tower_destroy(t);
    return st;
}

tw_status tw_tower_untrained(tw_tower **out, const tw_tower *t, tw_error *err)
{
    tw_status st = tw_tower_create(out, &t->cfg, err);
    if (st == TW_OK)
        memcpy((*out)->idf, t->idf, ((size_t) 1 << t->cfg.bits) * sizeof *t->idf);
    return st;
}

tw_status tw_tower_fit(tw_tower *t, const char *const *texts, const size_t *lens, int64_t n,
                       tw_error *err)
{
    tw_status st = TW_OK;
    const size_t V = (size_t) 1 << t->cfg.bits;
    twi_features f = {0};
    int64_t *df = tw_alloc(V, sizeof *df); /* texts that hold a feature */

    if (df == NULL) {
        st = tw_fail(err, TW_ENOMEM, "document frequencies of 2^%d features", t->cfg.bits);
        goto done;
    }
    TW_TRY(twi_features_init(&f, &t->cfg, err));
    for (int64_t i = 0; i < n; i++) {
        twi_features_count(&f, texts[i], twi_text_len(texts, lens, i));
        for (int k = 0; k < f.n; k++)
            df[f.ids[k]]++;
    }
    for (size_t v = 0; v < V; v++)
        t->idf[v] = (float) (1 + log((1.0 + (double) n) / (1.0 + (double) df[v])));
done:
    twi_features_fini(&f);
    tw_free(df);
    return st;
}

int tw_tower_dim(const tw_tower *t) { return t->cfg.dim; }

tw_tower_config tw_tower_config_of(const tw_tower *t) { return t->cfg; }

tw_tensor *twi_tower_forward(tw_tape *tape, const tw_tower *t, const int32_t *ids,
                             const tw_real *weights, const int32_t *offsets, int n)
{
    tw_tensor *x = tw_op_bag(tape, t->table, ids, weights, offsets, n);
    return tw_op_l2norm(tape, tw_op_linear(tape, x, t->w, t->b));
}
