/* A ranking task from pairs of items: who asks, what is right, what is hidden. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "metrics/partners.h"
#include "metrics/ranking.h"

typedef struct asked {
    tw_score_fn score;
    void *ctx;
    const int32_t *items; /* (queries) */
} asked;

/* Query numbers into item numbers, a few at a time. */
static tw_status score_items(void *ctx, int worker, const int32_t *queries, int nq, int64_t first,
                             int n, float *scores, tw_error *err)
{
    enum { AT_ONCE = 64 };
    const asked *a = ctx;
    int32_t items[AT_ONCE];

    for (int from = 0; from < nq; from += AT_ONCE) {
        const int some = nq - from < AT_ONCE ? nq - from : AT_ONCE;
        for (int i = 0; i < some; i++)
            items[i] = a->items[queries[from + i]];
        tw_status st = a->score(a->ctx, worker, items, some, first, n,
                                scores + (size_t) from * (size_t) n, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t x = tw_fnv1a(TW_FNV_START, a, sizeof(int32_t));
    const uint64_t y = tw_fnv1a(TW_FNV_START, b, sizeof(int32_t));
    return (x > y) - (x < y);
}

static int compare_ids(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *) a, y = *(const int32_t *) b;
    return (x > y) - (x < y);
}

/* Items with partners, the `most` whose number hashes lowest; returns how many. */
static int64_t choose(int32_t *items, const tw_partners *held, int64_t n, int64_t most)
{
    int64_t queries = 0;
    for (int64_t i = 0; i < n; i++)
        if (held->offsets[i + 1] > held->offsets[i])
            items[queries++] = (int32_t) i;
    if (most <= 0 || queries <= most)
        return queries;
    qsort(items, (size_t) queries, sizeof *items, compare_hashes);
    qsort(items, (size_t) most, sizeof *items, compare_ids);
    return most;
}

/* The lists of the chosen items one after the other, in place: a list only moves to the front. */
static void pack(tw_partners *p, const int32_t *items, int64_t queries)
{
    int64_t to = 0;
    for (int64_t q = 0; q < queries; q++) {
        const int64_t from = p->offsets[items[q]], end = p->offsets[items[q] + 1];
        p->offsets[q] = to; /* items rise, so the offsets still to be read stand further on */
        for (int64_t k = from; k < end; k++)
            p->items[to++] = p->items[k];
    }
    p->offsets[queries] = to;
}

tw_status tw_rank_pairs(tw_ranked *out, int64_t n, int k, const tw_retrieval_task *pairs,
                        tw_score_fn score, void *ctx, tw_pool *pool, tw_error *err)
{
    tw_status st = TW_OK;
    tw_partners held = {0}, known = {0};
    const int64_t n_known = pairs->known != NULL ? pairs->n_known : 0;
    int32_t *items = NULL;

    *out = (tw_ranked){0};
    TW_TRY(tw_partners_build(&held, n, pairs->held, pairs->n_held, err));
    TW_TRY(tw_partners_build(&known, n, pairs->known, n_known, err));
    items = tw_alloc((size_t) n, sizeof *items);
    if (items == NULL) {
        st = tw_fail(err, TW_ENOMEM, "queries of %lld items", (long long) n);
        goto done;
    }
    const int64_t queries = choose(items, &held, n, pairs->max_queries);
    pack(&held, items, queries);
    pack(&known, items, queries);
    asked a = {score, ctx, items};
    const tw_rank_task task = {.queries = queries,
                               .pool = n,
                               .k = k,
                               .own = items,
                               .right_offsets = held.offsets,
                               .right = held.items,
                               .hide_offsets = known.offsets,
                               .hide = known.items};
    TW_TRY(tw_rank(out, &task, score_items, &a, pool, err));
done:
    tw_free(items);
    tw_partners_fini(&held);
    tw_partners_fini(&known);
    return st;
}
