/* Who goes with whom, from pairs. */
#include "metrics/partners.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static bool is_positive(const tw_item_pair *p) { return p->label >= 0.5F && p->a != p->b; }

static int compare_items(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *) a, y = *(const int32_t *) b;
    return (x > y) - (x < y);
}

/* Sorts every item's list and drops repetitions, moving the lists together. */
static void sort_and_pack(tw_partners *p, int64_t n)
{
    int64_t to = 0, begin = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t end = p->offsets[i + 1], start = to;
        qsort(p->items + begin, (size_t) (end - begin), sizeof *p->items, compare_items);
        for (int64_t k = begin; k < end; k++)
            if (to == start || p->items[to - 1] != p->items[k])
                p->items[to++] = p->items[k];
        begin = end;
        p->offsets[i + 1] = to;
    }
}

tw_status tw_partners_build(tw_partners *p, int64_t n, const tw_item_pair *pairs, int64_t n_pairs,
                            tw_error *err)
{
    tw_status st = TW_OK;
    int64_t *at = NULL;

    *p = (tw_partners){0};
    p->offsets = tw_alloc((size_t) n + 1, sizeof *p->offsets);
    p->items = tw_alloc((size_t) n_pairs, 2 * sizeof *p->items);
    at = tw_alloc((size_t) n + 1, sizeof *at);
    if (p->offsets == NULL || p->items == NULL || at == NULL) {
        st = tw_fail(err, TW_ENOMEM, "partners of %lld items", (long long) n);
        goto done;
    }
    for (int64_t k = 0; k < n_pairs; k++) {
        const int32_t a = pairs[k].a, b = pairs[k].b;
        if (a < 0 || a >= n || b < 0 || b >= n) {
            st = tw_fail(err, TW_EINVAL, "pair %lld (%d, %d) names no item of 0..%lld",
                         (long long) k, a, b, (long long) n - 1);
            goto done;
        }
        if (!is_positive(&pairs[k]))
            continue;
        p->offsets[a + 1]++;
        p->offsets[b + 1]++;
    }
    for (int64_t i = 0; i < n; i++)
        p->offsets[i + 1] += p->offsets[i];
    memcpy(at, p->offsets, (size_t) n * sizeof *at);
    for (int64_t k = 0; k < n_pairs; k++) {
        if (is_positive(&pairs[k])) {
            p->items[at[pairs[k].a]++] = pairs[k].b;
            p->items[at[pairs[k].b]++] = pairs[k].a;
        }
    }
    sort_and_pack(p, n);
done:
    tw_free(at);
    if (st != TW_OK)
        tw_partners_fini(p);
    return st;
}

void tw_partners_fini(tw_partners *p)
{
    tw_free(p->offsets);
    tw_free(p->items);
    *p = (tw_partners){0};
}
