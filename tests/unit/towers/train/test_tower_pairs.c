#include "tests/support/test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "metrics/partners.h"
#include "towers/towers.h"

static void partners_are_both_ways_sorted_and_single(void **state)
{
    static const tw_item_pair pairs[] = {{3, 1, 1, 1}, {1, 0, 1, 1}, {1, 3, 1, 1},
                                         {2, 1, 0, 1}, {0, 0, 1, 1}, {1, 2, 0.5F, 1}};
    static const int32_t of_1[] = {0, 2, 3};
    tw_partners p;
    (void) state;
    assert_ok(tw_partners_build(&p, 5, pairs, 6, err));
    assert_int_equal(p.offsets[1] - p.offsets[0], 1); /* 0: 1, and not itself */
    assert_int_equal(p.items[p.offsets[0]], 1);
    assert_int_equal(p.offsets[2] - p.offsets[1], 3);
    assert_memory_equal(p.items + p.offsets[1], of_1, sizeof of_1);
    assert_int_equal(p.offsets[5] - p.offsets[4], 0);
    tw_partners_fini(&p);
}

static void partners_must_exist(void **state)
{
    static const tw_item_pair bad[][1] = {{{-1, 0, 1, 1}}, {{0, 5, 1, 1}}};
    tw_partners p;
    (void) state;
    assert_status(tw_partners_build(&p, 5, bad[0], 1, err), TW_EINVAL);
    assert_status(tw_partners_build(&p, 5, bad[1], 1, err), TW_EINVAL);
    assert_null(p.items);
}

enum { PAIRS = 20000, ITEMS = 500 };

static tw_item_pair *random_pairs(void)
{
    tw_item_pair *pairs = tw_alloc(PAIRS, sizeof *pairs);
    tw_rng rng;
    assert_non_null(pairs);
    tw_rng_seed(&rng, tw_test_seed());
    for (int k = 0; k < PAIRS; k++)
        pairs[k] = (tw_item_pair){(int32_t) tw_rng_below(&rng, ITEMS),
                                  (int32_t) tw_rng_below(&rng, ITEMS), 1, (float) k};
    return pairs;
}

static void split_shares_are_those_asked_for(void **state)
{
    tw_item_pair *pairs = random_pairs();
    const tw_split_config cfg = {.valid = 0.1, .test = 0.2, .cold = 0.1, .seed = 3};
    tw_split s;
    (void) state;
    assert_ok(tw_pairs_split(pairs, PAIRS, &cfg, &s, err));
    assert_int_equal(s.train + s.valid + s.test + s.cold, PAIRS);
    /* One pair in five holds a cold item (1 - 0.9^2), up to the luck of 500 items. */
    const double warm = (double) (PAIRS - s.cold);
    assert_near((double) s.cold / PAIRS, 0.19, 0.06);
    assert_near((double) s.valid / warm, 0.1, 0.02);
    assert_near((double) s.test / warm, 0.2, 0.02);
    tw_free(pairs);
}

/* Which part an index lies in. */
static int part(const tw_split *s, int64_t k)
{
    return k < s->train                        ? 0
           : k < s->train + s->valid           ? 1
           : k < s->train + s->valid + s->test ? 2
                                               : 3;
}

static void a_pair_and_its_mirror_fall_together_and_order_is_kept(void **state)
{
    tw_item_pair *pairs = random_pairs();
    unsigned char *where = tw_alloc((size_t) ITEMS * ITEMS, 1), cold[ITEMS] = {0};
    const tw_split_config cfg = {.valid = 0.1, .test = 0.1, .cold = 0.05};
    tw_split s;
    (void) state;
    assert_non_null(where);
    assert_ok(tw_pairs_split(pairs, PAIRS, &cfg, &s, err));
    assert_true(s.cold > 0);
    for (int64_t k = 0; k < PAIRS; k++) {
        const int32_t lo = pairs[k].a < pairs[k].b ? pairs[k].a : pairs[k].b;
        const int32_t hi = pairs[k].a < pairs[k].b ? pairs[k].b : pairs[k].a;
        unsigned char *w = &where[lo * ITEMS + hi];
        assert_true(*w == 0 || *w == part(&s, k) + 1);
        *w = (unsigned char) (part(&s, k) + 1);
        if (k > 0 && part(&s, k) == part(&s, k - 1))
            assert_true(pairs[k - 1].weight < pairs[k].weight);
        if (part(&s, k) < 3)
            cold[lo] = cold[hi] = 1; /* seen warm */
    }
    for (int64_t k = PAIRS - s.cold; k < PAIRS; k++)
        assert_true(!cold[pairs[k].a] || !cold[pairs[k].b]);
    tw_free(where);
    tw_free(pairs);
}

static void triplets_split_by_anchor_and_positive(void **state)
{
    tw_item_triplet t[400];
    tw_item_pair p[400];
    const tw_split_config cfg = {.valid = 0.3, .test = 0.1, .seed = 1};
    tw_split a, b;
    (void) state;
    for (int k = 0; k < 400; k++) {
        t[k] = (tw_item_triplet){k % 40, (k * 7) % 40, k % 3};
        p[k] = (tw_item_pair){k % 40, (k * 7) % 40, 1, 1};
    }
    assert_ok(tw_triplets_split(t, 400, &cfg, &a, err));
    assert_ok(tw_pairs_split(p, 400, &cfg, &b, err));
    assert_memory_equal(&a, &b, sizeof a);
    for (int k = 0; k < 400; k++)
        assert_int_equal(t[k].positive, p[k].b);
}

static void a_share_above_half_is_refused(void **state)
{
    tw_item_pair p[1] = {{0, 1, 1, 1}};
    const tw_split_config cfg = {.valid = 0.6};
    tw_split s;
    (void) state;
    assert_status(tw_pairs_split(p, 1, &cfg, &s, err), TW_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partners_are_both_ways_sorted_and_single),
        cmocka_unit_test(partners_must_exist),
        cmocka_unit_test(split_shares_are_those_asked_for),
        cmocka_unit_test(a_pair_and_its_mirror_fall_together_and_order_is_kept),
        cmocka_unit_test(triplets_split_by_anchor_and_positive),
        cmocka_unit_test(a_share_above_half_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
