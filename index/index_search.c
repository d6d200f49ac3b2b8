/* Search: choose between the graph and a scan, merge main and delta, never give too few.
 *
 * The choice. A graph is asked for its `width` nearest nodes, whose rows may all be dead, excluded
 * or not allowed. For the recall of an unfiltered search as many as there must be left over: so a
 * filter that lets a share s of the rows pass needs a search 1/s times as wide, while a scan of
 * what passes gets cheaper in proportion. One unit of width costs as much as scanning GRAPH_ROWS
 * rows; the scan is taken when
 *
 *     allowed rows <= GRAPH_ROWS * width
 *
 * which also settles small indexes, large k and long lists of exclusions, all by one rule.
 *
 * Excluded ids may all lie where the query looks, or nowhere near: the first try is wider by half
 * its target at most, whatever their number, and the count below says when that was too little.
 * (Wider by all 200 items of a long history, a `next` among 100,000 items took four times as long.)
 *
 * The share is a guess: what passes may be rare just where the query looks (short vectors, another
 * genre). So matching candidates are counted, and when too few are left the search is made wider
 * until it costs as much as a scan. FAISS's own filter (IDSelector) is not used: it takes whatever
 * passing rows the walk happens to meet, and cannot tell that they are too few. With a filter on
 * the 60 % shortest rows of clustered data its recall@10 was 0.77.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/size.h"
#include "index/index_graph.h"
#include "index/index_kernel.h"
#include "index/index_main.h"
#include "index/index_rules.h"
#include "index/index_scan.h"
#include "index/index_state.h"
#include "index/index_topk.h"

/* Measured, one thread: 55 on 10,000 rows of 128 floats in cache, 60 to 130 on 50,000 rows. */
#define GRAPH_ROWS 60

/* Queries that share one pass over the rows, or one FAISS call, which allocates and clears a
 * visited table however many it gets. */
#define QUERIES_MAX    64
#define CANDIDATES_MAX 65536

/* Candidates wanted for each of the k; with the share of them that must be found, above 1. */
#define SURPLUS 1.5
#define ENOUGH  0.75

/* ---- the plan -------------------------------------------------------------------------------- */

typedef struct plan {
    twi_view view;
    const twi_rules *rules;
    int64_t rows;  /* what a scan would have to score */
    double share;  /* of main's rows that are live and allowed, in [0, 1] */
    double target; /* candidates that should match */
} plan;

static int64_t count_allowed(const tw_index_options *opt)
{
    int64_t n = 0;
    for (size_t w = 0; w < opt->allow_words; w++)
        n += __builtin_popcountll(opt->allow[w]);
    return n;
}

static plan make_plan(const tw_index *ix, twi_view v, const twi_rules *r, int k)
{
    const twi_main *m = &v.state->main;
    const double ef = r->opt->ef > 0 ? r->opt->ef : ix->cfg.ef_search;
    plan p = {.view = v, .rules = r, .rows = m->nodes, .share = 1};

    p.target = SURPLUS * k > ef ? SURPLUS * k : ef;
    if (m->graph == NULL || r->opt->exact)
        return p;
    p.share = 1 - (double) __atomic_load_n(&m->dead, __ATOMIC_RELAXED) / (double) m->n;
    if (r->opt->allow != NULL) {
        const int64_t allowed = count_allowed(r->opt);
        p.rows = allowed < m->n ? allowed : m->n;
        p.share *= (double) p.rows / (double) m->n;
    }
    return p;
}

/* The width when it is cheaper than a scan, else 0. */
static int affordable(const plan *p, double width)
{
    return width <= TW_INDEX_MAX_EF && width * GRAPH_ROWS < (double) p->rows ? (int) width : 0;
}

static int first_width(const plan *p)
{
    const tw_index_options *opt = p->rules->opt;
    if (p->view.state->main.graph == NULL || opt->exact || !(p->share > 0))
        return 0;
    const double excluded = p->rules->n_excluded;
    return affordable(p, ceil(p->target / p->share) + fmin(excluded, p->target / 2));
}

/* By what was missing, but at least twofold and at most eightfold. */
static int next_width(const plan *p, int width, int matched)
{
    const double factor = matched > 0 ? p->target / matched : 8;
    return affordable(p, width * (factor < 2 ? 2 : factor > 8 ? 8 : factor));
}

/* ---- the graph ------------------------------------------------------------------------------- */

/* Buffers of one FAISS call, in one block: rows first, for alignment. */
typedef struct scratch {
    int64_t *rows;
    float *distances;
    void *block; /* owned, or NULL when the caller's stack was enough */
} scratch;

#define SMALL_WORDS 768 /* 6 KiB: a few queries at the usual width */

static tw_status scratch_init(scratch *s, int64_t small[SMALL_WORDS], size_t cells, tw_error *err)
{
    const size_t bytes = cells * (sizeof *s->rows + sizeof *s->distances);

    s->block = NULL;
    s->rows = small;
    if (bytes > SMALL_WORDS * sizeof *small) {
        s->block = tw_alloc(1, bytes);
        if (s->block == NULL)
            return tw_fail(err, TW_ENOMEM, "%zu bytes of candidates", bytes);
        s->rows = s->block;
    }
    // cppcheck-suppress invalidPointerCast ; the block's second part was sized for floats
    s->distances = (float *) (s->rows + cells);
    return TW_OK;
}

/* Pushes what matches of the rows behind the candidates, and returns how many nodes had any: a node
 * of a thousand equal rows is one find, for the next best may be another node's. Scored anew:
 * FAISS's distances may be of codes, and its sums are not in our order. */
static int take_candidates(const tw_index *ix, const plan *p, const float *q, const int64_t *nodes,
                           int n, twi_topk *top)
{
    const twi_main *m = &p->view.state->main;
    int matched = 0;

    for (int j = 0; j < n; j++) {
        float score;
        if (nodes[j] < 0)
            continue;
        ix->scores(&score, q, twi_main_node_vec(m, nodes[j]), 0, m->dim, 1);
        matched += twi_offer_node(p->view, p->rules, nodes[j], score, top);
    }
    return matched;
}

/* Searches main's graph at one width, for n <= QUERIES_MAX queries, into tops; matched (n). */
static tw_status search_graph(const tw_index *ix, const plan *p, int width, const float *q, int n,
                              twi_topk *tops, int *matched, tw_error *err)
{
    tw_status st = TW_OK;
    const twi_main *m = &p->view.state->main;
    const size_t dim = (size_t) m->dim;
    const int k = width < m->nodes ? width : (int) m->nodes;
    const int room = CANDIDATES_MAX / k > 1 ? CANDIDATES_MAX / k : 1;
    const int portion = room < n ? room : n;
    int64_t small[SMALL_WORDS];
    scratch s = {0};

    TW_TRY(scratch_init(&s, small, (size_t) portion * (size_t) k, err));
    for (int at = 0; at < n; at += portion) {
        const int some = n - at < portion ? n - at : portion;
        const float *given = q + (size_t) at * dim;
        TW_TRY(twi_graph_search(m->graph, some, given, k, width, s.distances, s.rows, err));
        for (int i = 0; i < some; i++)
            matched[at + i] = take_candidates(ix, p, given + (size_t) i * dim,
                                              s.rows + (size_t) i * (size_t) k, k, &tops[at + i]);
    }
done:
    tw_free(s.block);
    return st;
}

static bool enough(const plan *p, int matched) { return matched >= ENOUGH * p->target; }

/* One query whose first try matched too little: wider, at last everything. */
static tw_status search_wider(const tw_index *ix, const plan *p, int width, int matched,
                              const float *q, twi_topk *top, tw_error *err)
{
    tw_status st = TW_OK;
    while (!enough(p, matched)) {
        width = next_width(p, width, matched);
        top->n = 0;
        if (width == 0) {
            twi_scan_all(ix, p->view, p->rules, q, 1, top);
            break;
        }
        twi_scan_delta(ix, p->view, p->rules, q, 1, top);
        TW_TRY(search_graph(ix, p, width, q, 1, top, &matched, err));
    }
done:
    return st;
}

static tw_status run_plan(const tw_index *ix, const plan *p, const float *q, int n, twi_topk *tops,
                          tw_error *err)
{
    tw_status st = TW_OK;
    const int width = first_width(p);
    int matched[QUERIES_MAX] = {0};

    if (width == 0) {
        twi_scan_all(ix, p->view, p->rules, q, n, tops);
        return TW_OK;
    }
    twi_scan_delta(ix, p->view, p->rules, q, n, tops);
    TW_TRY(search_graph(ix, p, width, q, n, tops, matched, err));
    for (int i = 0; i < n; i++)
        TW_TRY(search_wider(ix, p, width, matched[i], q + (size_t) i * (size_t) ix->cfg.dim,
                            &tops[i], err));
done:
    return st;
}

/* ---- the calls ------------------------------------------------------------------------------- */

static tw_status check_query(const tw_index *ix, const float *queries, int n, int k, tw_error *err)
{
    if (k < 1 || k > TW_INDEX_MAX_K)
        return tw_fail(err, TW_EINVAL, "k %d is outside 1..%d", k, TW_INDEX_MAX_K);
    if (n < 0)
        return tw_fail(err, TW_EINVAL, "number of queries %d is negative", n);
    const int64_t bad = twi_first_unusable(queries, (int64_t) n * ix->cfg.dim);
    if (bad >= 0) {
        return tw_fail(err, TW_EINVAL, "query %lld has %g at position %lld",
                       (long long) (bad / ix->cfg.dim), (double) queries[bad],
                       (long long) (bad % ix->cfg.dim));
    }
    return TW_OK;
}

tw_status twi_search_view(const tw_index *ix, twi_view v, const float *queries, int n, int k,
                          const tw_index_options *opt, tw_hit *hits, int *n_hits, tw_error *err)
{
    tw_status st = TW_OK;
    twi_rules rules;
    twi_topk tops[QUERIES_MAX];

    for (int i = 0; i < n; i++)
        n_hits[i] = 0;
    st = check_query(ix, queries, n, k, err);
    if (st != TW_OK)
        return st;
    st = twi_rules_init(&rules, opt, err);
    if (st != TW_OK)
        return st;

    const plan p = make_plan(ix, v, &rules, k);
    for (int at = 0; at < n; at += QUERIES_MAX) {
        const int some = n - at < QUERIES_MAX ? n - at : QUERIES_MAX;
        for (int i = 0; i < some; i++)
            tops[i] = (twi_topk){.hits = hits + (size_t) (at + i) * (size_t) k, .k = k};
        TW_TRY(run_plan(ix, &p, queries + (size_t) at * (size_t) ix->cfg.dim, some, tops, err));
        TW_TRY(tw_deadline_check(rules.opt->deadline, "the index was searched", err));
        for (int i = 0; i < some; i++) {
            twi_topk_sort(&tops[i]);
            n_hits[at + i] = tops[i].n;
        }
    }
done:
    for (int i = 0; st != TW_OK && i < n; i++)
        n_hits[i] = 0;
    twi_rules_fini(&rules);
    return st;
}

tw_status tw_index_search_batch(const tw_index *ix, const float *queries, int n, int k,
                                const tw_index_options *opt, tw_hit *hits, int *n_hits,
                                tw_error *err)
{
    twi_view v = twi_view_take(ix);
    tw_status st = twi_search_view(ix, v, queries, n, k, opt, hits, n_hits, err);
    twi_view_drop(ix, v);
    return st;
}

tw_status tw_index_search(const tw_index *ix, const float *query, int k,
                          const tw_index_options *opt, tw_hit *hits, int *n_hits, tw_error *err)
{
    return tw_index_search_batch(ix, query, 1, k, opt, hits, n_hits, err);
}
