/* Building main: different vectors in one block, and above a number of them a FAISS graph.
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
#include "index/index_codes.h"
#include "index/index_graph.h"
#include "index/index_main.h"

const char twi_exact_kind[] = "exact";

/* Between two portions progress is reported and may cancel. What a row costs a graph goes with dim
 * and ef_construction (0.3 to 1.3 ms at 128 and 200, from 100,000 rows to 800,000), so this is half
 * a second at most. It must not depend on time: FAISS takes a portion's rows in an order of its
 * own, and equal content shall give equal graphs. */
#define PORTION_WORK (400.0 * 128 * 200)
#define PORTION_MOST 4096
#define COPY_ROWS    4096

tw_status twi_report_progress(const twi_source *src, const char *stage, int64_t done, int64_t total,
                              tw_error *err)
{
    if (src->progress == NULL)
        return TW_OK;
    const tw_progress p = {.stage = stage, .done = done, .total = total};
    if (src->progress(src->progress_ctx, &p) != 0)
        return tw_fail(err, TW_ECANCELLED, "stopped after %lld of %lld while %s", (long long) done,
                       (long long) total, stage);
    return TW_OK;
}

const char *twi_main_kind(const tw_index_config *cfg, int64_t nodes)
{
    const char *factory = cfg->factory != NULL ? cfg->factory : TWI_DEFAULT_FACTORY;
    return nodes == 0 || nodes < cfg->exact_below || strcmp(factory, "Flat") == 0 ? twi_exact_kind
                                                                                  : factory;
}

bool twi_main_lacks_graph(const twi_main *m, const tw_index_config *cfg)
{
    return m->graph == NULL && !(m->recall > 0) && twi_main_kind(cfg, m->nodes) != twi_exact_kind;
}

static int64_t portion_rows(const tw_index_config *cfg)
{
    const double rows =
        PORTION_WORK * cfg->build_threads / ((double) cfg->dim * cfg->ef_construction);
    return rows < 16 ? 16 : rows > PORTION_MOST ? PORTION_MOST : (int64_t) rows;
}

static const float *source_vec(const twi_main *m, const twi_source *src, int64_t node)
{
    return src->row(src->ctx, twi_main_first(m, node));
}

static tw_status alloc_own(twi_main *m, tw_error *err)
{
    m->own = tw_alloc((size_t) m->nodes, (size_t) m->dim * sizeof *m->own);
    return m->own != NULL
               ? TW_OK
               : tw_fail(err, TW_ENOMEM, "%lld rows of %d floats", (long long) m->nodes, m->dim);
}

static tw_status copy_rows(twi_main *m, const twi_source *src, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(alloc_own(m, err));
    for (int64_t j = 0; j < m->nodes; j++) {
        if (j % COPY_ROWS == 0)
            TW_TRY(twi_report_progress(src, "copying", j, m->nodes, err));
        memcpy(m->own + (size_t) j * (size_t) m->dim, source_vec(m, src, j),
               (size_t) m->dim * sizeof *m->own);
    }
    TW_TRY(twi_report_progress(src, "copying", m->nodes, m->nodes, err));
done:
    return st;
}

/* FAISS keeps the rows itself: they pass through `portion` and no second copy is made. */
static tw_status add_rows(twi_main *m, const tw_index_config *cfg, const twi_source *src,
                          float *portion, tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t most = portion_rows(cfg);
    for (int64_t i = 0; i < m->nodes; i += most) {
        const int64_t n = m->nodes - i < most ? m->nodes - i : most;
        const float *rows = portion;
        TW_TRY(twi_report_progress(src, "building", i, m->nodes, err));
        if (m->own != NULL)
            rows = m->own + (size_t) i * (size_t) m->dim;
        else {
            for (int64_t r = 0; r < n; r++)
                memcpy(portion + (size_t) r * (size_t) m->dim, source_vec(m, src, i + r),
                       (size_t) m->dim * sizeof *portion);
        }
        TW_TRY(twi_graph_add(m->graph, n, rows, cfg->build_threads, err));
    }
    TW_TRY(twi_report_progress(src, "building", m->nodes, m->nodes, err));
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
        TW_TRY(twi_graph_train(m->graph, m->nodes, m->own, cfg->build_threads, err));
    if (m->own == NULL) {
        portion = tw_alloc((size_t) portion_rows(cfg), (size_t) m->dim * sizeof *portion);
        if (portion == NULL) {
            st = tw_fail(err, TW_ENOMEM, "%lld rows of %d floats", (long long) portion_rows(cfg),
                         m->dim);
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
    m->deleted = tw_alloc((size_t) m->n, sizeof *m->deleted);
    if (m->deleted == NULL)
        return tw_fail(err, TW_ENOMEM, "deletion versions of %lld rows", (long long) m->n);
    m->vecs = m->own != NULL ? m->own : twi_graph_vectors(m->graph);
    return twi_main_code(m, err);
}

tw_status twi_main_code(twi_main *m, tw_error *err)
{
    return m->graph != NULL ? TW_OK : twi_codes_build(&m->codes, m->vecs, m->nodes, m->dim, err);
}

tw_status twi_main_drop_graph(twi_main *m, tw_error *err)
{
    tw_status st = TW_OK;
    if (m->own == NULL) {
        TW_TRY(alloc_own(m, err));
        memcpy(m->own, m->vecs, (size_t) m->nodes * (size_t) m->dim * sizeof *m->own);
        m->vecs = m->own;
    }
    TW_TRY(twi_codes_build(&m->codes, m->vecs, m->nodes, m->dim, err));
    twi_graph_free(m->graph);
    m->graph = NULL;
    (void) snprintf(m->kind, sizeof m->kind, "%s", twi_exact_kind);
done:
    return st;
}

/* The order's arrays are needed only where rows and nodes are not the same. */
static void take_order(twi_main *m, twi_order *o)
{
    m->nodes = o->nodes;
    if (m->nodes == m->n)
        return;
    m->first = o->first;
    m->node = o->node;
    o->first = o->node = NULL;
}

tw_status twi_main_build(twi_main *m, const tw_index_config *cfg, const twi_source *src,
                         twi_order *o, tw_error *err)
{
    tw_status st = TW_OK;

    m->n = src->n;
    m->dim = cfg->dim;
    take_order(m, o);
    (void) snprintf(m->kind, sizeof m->kind, "%s", twi_main_kind(cfg, m->nodes));
    if (strcmp(m->kind, twi_exact_kind) == 0)
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
    tw_free(m->first);
    tw_free(m->node);
    tw_free(m->deleted);
    memset(m, 0, sizeof *m);
}

int64_t twi_main_first(const twi_main *m, int64_t node)
{
    return m->first != NULL ? m->first[node] : node;
}

const float *twi_main_node_vec(const twi_main *m, int64_t node)
{
    return m->vecs + (size_t) node * (size_t) m->dim;
}

const float *twi_main_vec(const twi_main *m, int64_t row)
{
    return twi_main_node_vec(m, m->node != NULL ? m->node[row] : row);
}

bool twi_main_sees(const twi_main *m, int64_t row, uint64_t version)
{
    const uint64_t deleted = __atomic_load_n(&m->deleted[row], __ATOMIC_RELAXED);
    return deleted == 0 || deleted > version;
}
