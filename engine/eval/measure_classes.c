/* Which items ask for others of their class, and among whom. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "engine/eval/measure_parts.h"

typedef struct hashed {
    uint64_t hash;
    int32_t item;
} hashed;

static int compare_hashed(const void *a, const void *b)
{
    const hashed *x = a, *y = b;
    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1)
                              : (x->item > y->item) - (x->item < y->item);
}

/* Held items ask. What they may find are the items learnt from, where some of their classes were
 * learnt: else two takes of one scene answer for each other. Classes that were not learnt can only
 * be distinguished from each other, so all items of known class are there then. */
static void choose_pool(const twi_train_set *x, int64_t n, twi_class_task *t)
{
    for (int64_t i = 0; i < n; i++) /* for now: 1 where the class is learnt */
        if (!x->held[i] && x->classes[i] >= 0)
            t->pool_class[x->classes[i]] = 1;
    for (int64_t i = 0; i < n; i++)
        t->among_learnt |= x->held[i] && x->classes[i] >= 0 && t->pool_class[x->classes[i]] == 1;
    for (int64_t i = 0; i < n; i++) {
        t->pool_class[i] = t->among_learnt && x->held[i] ? -1 : x->classes[i];
        t->items += t->pool_class[i] >= 0;
    }
}

tw_status twi_class_task_init(twi_class_task *t, const twi_train_set *x, int64_t n, int64_t most,
                              tw_error *err)
{
    tw_status st = TW_OK;
    hashed *by_hash = tw_alloc((size_t) n, sizeof *by_hash);

    t->query = tw_alloc((size_t) n, sizeof *t->query);
    t->query_class = tw_alloc((size_t) n, sizeof *t->query_class);
    t->pool_class = tw_alloc((size_t) n, sizeof *t->pool_class); /* classes are fewer than items */
    if (by_hash == NULL || t->query == NULL || t->query_class == NULL || t->pool_class == NULL) {
        st = tw_fail(err, TW_ENOMEM, "classes of %lld items", (long long) n);
        goto done;
    }
    choose_pool(x, n, t);
    for (int32_t i = 0; i < n; i++)
        if (x->held[i] && x->classes[i] >= 0)
            by_hash[t->queries++] = (hashed){tw_fnv1a(TW_FNV_START, &i, sizeof i), i};
    qsort(by_hash, (size_t) t->queries, sizeof *by_hash, compare_hashed);
    t->queries = t->queries < most ? t->queries : most;
    for (int64_t q = 0; q < t->queries; q++) {
        t->query[q] = by_hash[q].item;
        t->query_class[q] = x->classes[by_hash[q].item];
    }
done:
    tw_free(by_hash);
    return st;
}

void twi_class_task_fini(twi_class_task *t)
{
    tw_free(t->query);
    tw_free(t->query_class);
    tw_free(t->pool_class);
}

/* A baseline's scores of items for items, those that may not be found taken out. */
tw_status twi_score_classes(void *ctx, int worker, const int32_t *queries, int nq, int64_t first,
                            int n, float *scores, tw_error *err)
{
    enum { AT_ONCE = 64 };
    const twi_class_asks *a = ctx;
    int32_t items[AT_ONCE];

    for (int from = 0; from < nq; from += AT_ONCE) {
        const int some = nq - from < AT_ONCE ? nq - from : AT_ONCE;
        float *rows = scores + (size_t) from * (size_t) n;
        for (int i = 0; i < some; i++)
            items[i] = a->t->query[queries[from + i]];
        tw_status st = a->r->score(a->r->ctx, worker, items, some, first, n, rows, err);
        if (st != TW_OK)
            return st;
        for (int j = 0; j < n; j++)
            for (int i = 0; i < some && a->t->pool_class[first + j] < 0; i++)
                rows[(size_t) i * (size_t) n + (size_t) j] = -INFINITY;
    }
    return TW_OK;
}
