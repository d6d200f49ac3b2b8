/* Building main: rows in one block, in order of id, and above a size a FAISS graph over them.
 *
 * The graph's measure is the inner product itself, for rows of any length. The textbook way for
 * unequal lengths is another: one more coordinate, sqrt(M^2 - |x|^2), makes them equal and turns
 * the task into Euclidean search (Bachrach et al. 2014, "Speeding up the Xbox recommender system").
 * We built both and measured (15,000 rows of 64 floats, HNSW32, ef 64, recall@10, inner product
 * against the reduction): isotropic rows with log-normal lengths 0.99 against 0.06, clustered ones
 * 0.998 against 0.58, a decaying spectrum 0.999 against 0.70, unit rows 1.0 against 1.0. The extra
 * coordinate makes all short rows each other's neighbours and hides their direction. What the
 * inner-product graph does lose is short rows under a filter that keeps only those: index_search.c
 * watches for that.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "index/internal.h"

/* Rows given to FAISS at a time: between two portions progress is told and may cancel. */
#define PORTION 4096

static tw_status told(const twi_source *src, const char *stage, int64_t done, tw_error *err)
{
    if (src->progress == NULL)
        return TW_OK;
    const tw_progress p = {.stage = stage, .done = done, .total = src->n};
    if (src->progress(src->progress_ctx, &p) != 0)
        return tw_fail(err, TW_ECANCELLED, "stopped after %lld of %lld rows while %s",
                       (long long) done, (long long) src->n, stage);
    return TW_OK;
}

static bool is_flat(const char *factory) { return factory != NULL && strcmp(factory, "Flat") == 0; }

static void choose_kind(twi_main *m, const tw_index_config *cfg)
{
    const char *factory = cfg->factory != NULL ? cfg->factory : TWI_DEFAULT_FACTORY;
    const char *kind = m->n == 0 || m->n < cfg->exact_below || is_flat(factory) ? "exact" : factory;
    (void) snprintf(m->kind, sizeof m->kind, "%s", kind);
}

static tw_status copy_rows(twi_main *m, const twi_source *src, tw_error *err)
{
    m->own = tw_alloc((size_t) m->n, (size_t) m->dim * sizeof *m->own);
    if (m->own == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld rows of %d floats", (long long) m->n, m->dim);
    for (int64_t i = 0; i < m->n; i++) {
        if (i % PORTION == 0) {
            tw_status st = told(src, "copying", i, err);
            if (st != TW_OK)
                return st;
        }
        memcpy(m->own + (size_t) i * (size_t) m->dim, src->row(src->ctx, i),
               (size_t) m->dim * sizeof *m->own);
    }
    return told(src, "copying", m->n, err);
}

/* FAISS keeps the rows itself: they pass through `portion` and no second copy is made. */
static tw_status add_rows(twi_main *m, const tw_index_config *cfg, const twi_source *src,
                          float *portion, tw_error *err)
{
    tw_status st = TW_OK;
    for (int64_t i = 0; i < m->n; i += PORTION) {
        const int64_t n = m->n - i < PORTION ? m->n - i : PORTION;
        const float *rows = portion;
        TW_TRY(told(src, "building", i, err));
        if (m->own != NULL)
            rows = m->own + (size_t) i * (size_t) m->dim;
        else {
            for (int64_t r = 0; r < n; r++)
                memcpy(portion + (size_t) r * (size_t) m->dim, src->row(src->ctx, i + r),
                       (size_t) m->dim * sizeof *portion);
        }
        TW_TRY(twi_graph_add(m->graph, n, rows, cfg->build_threads, err));
    }
    TW_TRY(told(src, "building", m->n, err));
done:
    return st;
}

static tw_status build_graph(twi_main *m, const tw_index_config *cfg, const twi_source *src,
                             tw_error *err)
{
    tw_status st = TW_OK;
    float *portion = NULL;

    TW_TRY(twi_graph_create(&m->graph, m->dim, m->kind, cfg->ef_construction, err));
    const bool keeps_rows = twi_graph_keeps_rows(m->graph);
    if (!keeps_rows || !twi_graph_trained(m->graph))
        TW_TRY(copy_rows(m, src, err));
    if (!twi_graph_trained(m->graph))
        TW_TRY(twi_graph_train(m->graph, m->n, m->own, cfg->build_threads, err));
    if (m->own == NULL) {
        portion = tw_alloc(PORTION, (size_t) m->dim * sizeof *portion);
        if (portion == NULL) {
            st = tw_fail(err, TW_ENOMEM, "%d rows of %d floats", PORTION, m->dim);
            goto done;
        }
    }
    TW_TRY(add_rows(m, cfg, src, portion, err));
done:
    tw_free(portion);
    return st;
}

static tw_status finish_main(twi_main *m, tw_error *err)
{
    m->died = tw_alloc((size_t) m->n, sizeof *m->died);
    if (m->died == NULL)
        return tw_fail(err, TW_ENOMEM, "death stamps of %lld rows", (long long) m->n);
    m->vecs = m->own != NULL ? m->own : twi_graph_vectors(m->graph);
    return twi_main_code(m, err);
}

tw_status twi_main_code(twi_main *m, tw_error *err)
{
    return m->graph != NULL ? TW_OK : twi_codes_build(&m->codes, m->vecs, m->n, m->dim, err);
}

tw_status twi_main_build(twi_main *m, const tw_index_config *cfg, twi_source *src, tw_error *err)
{
    tw_status st = TW_OK;

    m->n = src->n;
    m->dim = cfg->dim;
    m->ids = src->ids;
    src->ids = NULL;
    choose_kind(m, cfg);
    if (strcmp(m->kind, "exact") == 0)
        TW_TRY(copy_rows(m, src, err));
    else
        TW_TRY(build_graph(m, cfg, src, err));
    TW_TRY(finish_main(m, err));
done:
    return st;
}

void twi_main_fini(twi_main *m)
{
    twi_graph_free(m->graph);
    twi_codes_fini(&m->codes);
    tw_free(m->own);
    tw_free(m->ids);
    tw_free(m->died);
    memset(m, 0, sizeof *m);
}

const float *twi_main_vec(const twi_main *m, int64_t row)
{
    return m->vecs + (size_t) row * (size_t) m->dim;
}

bool twi_main_sees(const twi_main *m, int64_t row, uint64_t stamp)
{
    const uint64_t died = __atomic_load_n(&m->died[row], __ATOMIC_RELAXED);
    return died == 0 || died > stamp;
}
