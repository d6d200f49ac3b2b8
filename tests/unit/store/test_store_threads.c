#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/store.h"

/* Two writers move items in pairs, so that every committed moment holds both of a pair or none,
 * with the same title; readers look at all of it as fast as they can. */
#define PAIRS  20
#define ROUNDS 150

static tw_store *s;
static atomic_bool stop; /* a flag, nothing is published with it */
static atomic_int failures;
static atomic_long reads;

static void expect(bool ok)
{
    if (!ok)
        atomic_fetch_add(&failures, 1);
}

static tw_status put(int writer, int pair, int half, int round)
{
    char id[32];
    char title[32];
    tw_put_result r;
    tw_error err;
    const float vec[4] = {(float) round, 0, 0, (float) half};
    (void) snprintf(id, sizeof id, "%d-%d-%d", writer, pair, half);
    (void) snprintf(title, sizeof title, "%d", round);
    const tw_item item = {.id = id, .title = title};
    tw_status st = tw_store_put_item(s, &item, &r, &err);
    return st == TW_OK ? tw_store_put_vector(s, r.row, 1, vec, 4, NULL, &err) : st;
}

static tw_status remove_half(int writer, int pair, int half)
{
    char id[32];
    tw_error err;
    (void) snprintf(id, sizeof id, "%d-%d-%d", writer, pair, half);
    tw_status st = tw_store_delete_item(s, id, NULL, &err);
    return st == TW_ENOTFOUND ? TW_OK : st;
}

static void *write_pairs(void *arg)
{
    int writer = *(int *) arg;
    for (int round = 0; round < ROUNDS; round++) {
        int pair = (round * 7) % PAIRS;
        bool remove = round % 5 == 4;
        expect(tw_store_begin(s, NULL) == TW_OK);
        for (int half = 0; half < 2; half++)
            expect((remove ? remove_half(writer, pair, half) : put(writer, pair, half, round)) ==
                   TW_OK);
        if (round % 11 == 10)
            tw_store_rollback(s);
        else
            expect(tw_store_commit(s, NULL) == TW_OK);
    }
    return NULL;
}

typedef struct view {
    int live[2][PAIRS];
    int round[2][PAIRS];
} view;

static tw_status see(void *ctx, const tw_item *item, tw_error *err)
{
    view *v = ctx;
    char *at;
    (void) err;
    long writer = strtol(item->id, &at, 10); /* "writer-pair-half" */
    long pair = strtol(at + 1, NULL, 10);
    int round = (int) strtol(item->title, NULL, 10);
    if (v->live[writer][pair]++ == 0)
        v->round[writer][pair] = round;
    else
        expect(v->round[writer][pair] == round);
    return TW_OK;
}

static tw_status count(void *ctx, const tw_store_vector_change *c, tw_error *err)
{
    (void) err;
    *(int64_t *) ctx += c->live ? 1 : 0;
    return TW_OK;
}

static void *read_all(void *arg)
{
    (void) arg;
    tw_text text;
    tw_text_init(&text, 1 << 20);
    while (!atomic_load(&stop)) {
        view v = {0};
        int64_t vectors = 0;
        int64_t rows[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        tw_item_name names[8];
        tw_store_stats stats;
        expect(tw_store_each_item(s, 0, see, &v, NULL) == TW_OK);
        for (int w = 0; w < 2; w++)
            for (int p = 0; p < PAIRS; p++)
                expect(v.live[w][p] != 1);
        expect(tw_store_each_vector(s, 1, 0, count, &vectors, NULL) == TW_OK);
        expect(vectors % 2 == 0);
        expect(tw_store_get_stats(s, &stats, NULL) == TW_OK);
        expect(stats.items % 2 == 0);
        expect(stats.n_models == 0 || stats.models[0].vectors == stats.items);
        expect(tw_store_names(s, rows, 8, names, &text, NULL) == TW_OK);
        atomic_fetch_add(&reads, 1);
    }
    tw_text_fini(&text);
    return NULL;
}

static void no_problem(void *ctx, const char *sentence)
{
    (void) ctx;
    print_error("check: %s\n", sentence);
}

static void readers_see_whole_transactions_while_two_writers_write(void **state)
{
    (void) state;
    pthread_t readers[3];
    pthread_t writers[2];
    int names[2] = {0, 1};
    assert_ok(tw_store_open(&s, tw_test_path("threads.db"), TW_STORE_CREATE, err));
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_all, NULL), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_pairs, &names[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(writers[i], NULL), 0);
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    assert_int_equal(atomic_load(&failures), 0);
    assert_true(atomic_load(&reads) > 0);
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_whole_transactions_while_two_writers_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
