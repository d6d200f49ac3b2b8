#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "towers/towers.h"

/* Three people; each history is in time order.
 *   u0: 0 1 2      u1: 1 0 3      u2: 0 4 4 1 */
static const int32_t items[] = {0, 1, 2, 1, 0, 3, 0, 4, 4, 1};
static const int64_t offsets[] = {0, 3, 6, 10};

static const tw_item_pair *find(const tw_item_pair *pairs, int64_t n, int32_t a, int32_t b)
{
    for (int64_t k = 0; k < n; k++)
        if (pairs[k].a == a && pairs[k].b == b)
            return &pairs[k];
    return NULL;
}

/* Window 1: neighbours only. 0 and 1 meet in u0 and u1, not in u2; c_0 = c_1 = 3, c_2 = c_3 = c_4
 * = 1. Shrinkage 2, power 0.5: (0,1) 2/3 * 2/4 = 1/3      (1,2) 1/sqrt(3) * 1/3    (0,3), (0,4),
 * (1,4) the same */
static void weights_are_those_by_hand(void **state)
{
    const tw_mine_config cfg = {
        .window = 1, .neighbours = 10, .shrinkage = 2, .power = 0.5, .min_count = 1};
    tw_item_pair *pairs = NULL;
    int64_t n;
    (void) state;
    assert_ok(tw_mine_events(&pairs, &n, items, offsets, 3, 5, &cfg, err));
    assert_int_equal(n, 5);
    static const int32_t want[5][2] = {{0, 1}, {0, 3}, {0, 4}, {1, 2}, {1, 4}};
    for (int k = 0; k < 5; k++) {
        assert_int_equal(pairs[k].a, want[k][0]);
        assert_int_equal(pairs[k].b, want[k][1]);
        assert_near(pairs[k].label, 1, 0);
        assert_near(pairs[k].weight, k == 0 ? 1 : 1 / sqrt(3), 1e-6);
    }
    tw_free(pairs);
}

/* Window 3 reaches over the two 4s of u2: (0,1) meets three times. Repetition within a history
 * counts once, so (0,4) meets once. */
static void a_history_counts_a_meeting_once(void **state)
{
    const tw_mine_config cfg = {
        .window = 3, .neighbours = 10, .shrinkage = 0, .power = 0, .min_count = 1};
    tw_item_pair *pairs = NULL;
    int64_t n;
    (void) state;
    assert_ok(tw_mine_events(&pairs, &n, items, offsets, 3, 5, &cfg, err));
    assert_near(find(pairs, n, 0, 1)->weight, 1, 1e-6);
    assert_near(find(pairs, n, 0, 4)->weight, 1.0 / 3, 1e-6);
    assert_non_null(find(pairs, n, 0, 2)); /* 2 apart */
    tw_free(pairs);
}

static void histories_do_not_meet_across_their_ends(void **state)
{
    const tw_mine_config cfg = {
        .window = 1000, .neighbours = 10, .shrinkage = 0, .power = 0.5, .min_count = 1};
    tw_item_pair *pairs = NULL;
    int64_t n;
    (void) state;
    assert_ok(tw_mine_events(&pairs, &n, items, offsets, 3, 5, &cfg, err));
    assert_null(find(pairs, n, 2, 3));
    assert_null(find(pairs, n, 2, 4));
    assert_null(find(pairs, n, 3, 4));
    tw_free(pairs);
}

static void rare_meetings_can_be_dropped(void **state)
{
    const tw_mine_config cfg = {
        .window = 1, .neighbours = 10, .shrinkage = 0, .power = 0.5, .min_count = 2};
    tw_item_pair *pairs = NULL;
    int64_t n;
    (void) state;
    assert_ok(tw_mine_events(&pairs, &n, items, offsets, 3, 5, &cfg, err));
    assert_int_equal(n, 1);
    assert_int_equal(pairs[0].a, 0);
    tw_free(pairs);
}

/* Item 0 keeps one partner, 1; but each of the others chose 0 or 1 as its own strongest, the
 * smaller number on a tie. */
static void each_item_keeps_its_strongest(void **state)
{
    const tw_mine_config cfg = {
        .window = 1, .neighbours = 1, .shrinkage = 2, .power = 0.5, .min_count = 1};
    tw_item_pair *pairs = NULL;
    int64_t n;
    (void) state;
    assert_ok(tw_mine_events(&pairs, &n, items, offsets, 3, 5, &cfg, err));
    assert_int_equal(n, 4);
    assert_non_null(find(pairs, n, 0, 4));
    assert_null(find(pairs, n, 1, 4));
    tw_free(pairs);
}

static void no_meeting_is_no_failure(void **state)
{
    static const int64_t none[] = {0, 0};
    tw_item_pair *pairs = (void *) &pairs;
    int64_t n = 7;
    (void) state;
    assert_ok(tw_mine_events(&pairs, &n, items, none, 1, 5, &TW_MINE_DEFAULT, err));
    assert_int_equal(n, 0);
    tw_free(pairs);
    assert_ok(tw_mine_events(&pairs, &n, items, none, 0, 0, &TW_MINE_DEFAULT, err));
    assert_int_equal(n, 0);
    tw_free(pairs);
}

static void wrong_histories_are_refused(void **state)
{
    static const int64_t falling[] = {0, 3, 2}, late[] = {1, 3};
    tw_mine_config cfg = TW_MINE_DEFAULT;
    tw_item_pair *pairs = NULL;
    int64_t n;
    (void) state;
    assert_status(tw_mine_events(&pairs, &n, items, offsets, 3, 4, &cfg, err), TW_EINVAL);
    assert_status(tw_mine_events(&pairs, &n, items, falling, 2, 5, &cfg, err), TW_EINVAL);
    assert_status(tw_mine_events(&pairs, &n, items, late, 1, 5, &cfg, err), TW_EINVAL);
    cfg.window = 0;
    assert_status(tw_mine_events(&pairs, &n, items, offsets, 3, 5, &cfg, err), TW_EINVAL);
    assert_null(pairs);
}

/* The slow obvious version: a square table of meetings. */
enum { N = 30, USERS = 60, EVENTS = 900 };

static void oracle(double met[N][N], double held[N], const int32_t *ev, const int64_t *off,
                   int window)
{
    memset(met, 0, N * N * sizeof(double));
    memset(held, 0, N * sizeof(double));
    for (int u = 0; u < USERS; u++)
        for (int a = 0; a < N; a++) {
            bool has = false;
            for (int64_t i = off[u]; i < off[u + 1]; i++)
                has |= ev[i] == a;
            held[a] += has;
            for (int b = 0; b < N; b++) {
                bool meets = false;
                for (int64_t i = off[u]; i < off[u + 1]; i++)
                    for (int64_t k = off[u]; k < off[u + 1]; k++)
                        meets |= ev[i] == a && ev[k] == b && a != b && i - k <= window &&
                                 k - i <= window;
                met[a][b] += meets;
            }
        }
}

static void mining_equals_a_square_table(void **state)
{
    static double met[N][N], held[N];
    int32_t ev[EVENTS];
    int64_t off[USERS + 1] = {0}, n;
    tw_item_pair *pairs = NULL;
    tw_rng rng;
    const tw_mine_config cfg = {
        .window = 4, .neighbours = N, .shrinkage = 3, .power = 0.7, .min_count = 2};
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < EVENTS; i++)
        ev[i] = (int32_t) (tw_rng_below(&rng, N) * tw_rng_below(&rng, N) / N);
    for (int u = 1; u <= USERS; u++)
        off[u] = u * (EVENTS / USERS);
    oracle(met, held, ev, off, cfg.window);
    assert_ok(tw_mine_events(&pairs, &n, ev, off, USERS, N, &cfg, err));
    double largest = 0;
    int64_t expected = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int a = 0; a < N; a++)
            for (int b = a + 1; b < N; b++) {
                const double c = met[a][b], w = c / pow(held[a] * held[b], 0.7) * c / (c + 3);
                if (c < 2)
                    continue;
                largest = fmax(largest, w);
                if (pass == 1) {
                    const tw_item_pair *p = find(pairs, n, a, b);
                    assert_non_null(p);
                    assert_near(p->weight, w / largest, 1e-6);
                    expected++;
                }
            }
    assert_true(expected > 50);
    assert_int_equal(n, expected);
    tw_free(pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_those_by_hand),
        cmocka_unit_test(a_history_counts_a_meeting_once),
        cmocka_unit_test(histories_do_not_meet_across_their_ends),
        cmocka_unit_test(rare_meetings_can_be_dropped),
        cmocka_unit_test(each_item_keeps_its_strongest),
        cmocka_unit_test(no_meeting_is_no_failure),
        cmocka_unit_test(wrong_histories_are_refused),
        cmocka_unit_test(mining_equals_a_square_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
