/* LightGCN's propagation: vectors take part of what their neighbours in a graph
 * have, weights by both ends' degrees, nothing learnt. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "towers/towers.h"

typedef struct graph {
    int64_t *offsets; /* (n + 1) */
    int32_t *to;      /* (2 edges) */
    float *weight;    /* (2 edges) w / sqrt(degree * degree) */
} graph;

static void graph_fini(graph *g)
{
    tw_free(g->offsets);
    tw_free(g->to);
    tw_free(g->weight);
}

static bool is_edge(const tw_item_pair *p) { return p->label >= 0.5F && p->a != p->b; }

static tw_status graph_build(graph *g, int64_t n, const tw_item_pair *pairs, int64_t n_pairs,
                             tw_error *err)
{
    tw_status st = TW_OK;
    double *degree = tw_alloc((size_t) n, sizeof *degree);
    int64_t *at = tw_alloc((size_t) n, sizeof *at);

    g->offsets = tw_alloc((size_t) n + 1, sizeof *g->offsets);
    g->to = tw_alloc(2 * (size_t) n_pairs + 1, sizeof *g->to);
    g->weight = tw_alloc(2 * (size_t) n_pairs + 1, sizeof *g->weight);
    if (degree == NULL || at == NULL || g->offsets == NULL || g->to == NULL || g->weight == NULL) {
        st = tw_fail(err, TW_ENOMEM, "a graph of %lld pairs", (long long) n_pairs);
        goto done;
    }
    for (int64_t k = 0; k < n_pairs; k++) {
        const tw_item_pair *p = &pairs[k];
        if (p->a < 0 || p->a >= n || p->b < 0 || p->b >= n) {
            st = tw_fail(err, TW_EINVAL, "pair %lld: an item is outside 0..%lld", (long long) k,
                         (long long) n - 1);
            goto done;
        }
        if (!is_edge(p))
            continue;
        g->offsets[p->a + 1]++;
        g->offsets[p->b + 1]++;
        degree[p->a] += (double) p->weight;
        degree[p->b] += (double) p->weight;
    }
    for (int64_t i = 0; i < n; i++) {
        g->offsets[i + 1] += g->offsets[i];
        at[i] = g->offsets[i];
    }
    for (int64_t k = 0; k < n_pairs; k++) {
        const tw_item_pair *p = &pairs[k];
        if (!is_edge(p))
            continue;
        const double both = sqrt(degree[p->a] * degree[p->b]);
        const float w = both > 0 ? (float) ((double) p->weight / both) : 0;
        g->to[at[p->a]] = p->b;
        g->weight[at[p->a]++] = w;
        g->to[at[p->b]] = p->a;
        g->weight[at[p->b]++] = w;
    }
done:
    tw_free(degree);
    tw_free(at);
    return st;
}

/* next (n, dim) = the graph's weights times now (n, dim). */
static void propagate(float *next, const float *now, const graph *g, int64_t n, int dim)
{
    memset(next, 0, (size_t) n * (size_t) dim * sizeof *next);
    for (int64_t i = 0; i < n; i++) {
        float *to = next + (size_t) i * (size_t) dim;
        for (int64_t k = g->offsets[i]; k < g->offsets[i + 1]; k++) {
            const float *from = now + (size_t) g->to[k] * (size_t) dim, w = g->weight[k];
            for (int d = 0; d < dim; d++)
                to[d] += w * from[d];
        }
    }
}

static void to_unit(float *v, int dim)
{
    double sum = 0;
    for (int d = 0; d < dim; d++)
        sum += (double) v[d] * (double) v[d];
    const double scale = sum > 1e-24 ? 1 / sqrt(sum) : 0;
    for (int d = 0; d < dim; d++)
        v[d] = (float) ((double) v[d] * scale);
}

tw_status tw_lightgcn(float *vecs, int64_t n, int dim, const tw_item_pair *pairs, int64_t n_pairs,
                      int layers, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t size = (size_t) n * (size_t) dim;
    graph g = {0};
    float *now = tw_alloc(size, sizeof *now), *next = tw_alloc(size, sizeof *next);

    if (now == NULL || next == NULL) {
        st = tw_fail(err, TW_ENOMEM, "vectors of %lld items", (long long) n);
        goto done;
    }
    TW_TRY(graph_build(&g, n, pairs, n_pairs, err));
    memcpy(now, vecs, size * sizeof *now);
    for (int layer = 0; layer < layers; layer++) {
        float *keep = now;
        propagate(next, now, &g, n, dim);
        for (size_t i = 0; i < size; i++)
            vecs[i] += next[i];
        now = next;
        next = keep;
    }
    for (int64_t i = 0; i < n && layers > 0; i++)
        if (g.offsets[i + 1] > g.offsets[i])
            to_unit(vecs + (size_t) i * (size_t) dim, dim);
done:
    graph_fini(&g);
    tw_free(now);
    tw_free(next);
    return st;
}
