/* Searchers, a writer, a folder and a saver on one index. Under TSan this is the proof of its
 * thread rules; anywhere it is the proof that a search sees one moment: while ids are only ever
 * replaced, a search for all of them finds each exactly once. */
#include <pthread.h>
#include <string.h>

#include "base/rng.h"
#include "index/index.h"
#include "tests/support/test.h"

enum { IDS = 1000, EXTRA = 50, D = 8, WRITES = 60000, SEARCHERS = 2 };

typedef struct scene {
    tw_index *ix;
    int done;    /* atomic: the writer has finished */
    long checks; /* atomic: searches that were judged */
    int wrong;   /* atomic: what went wrong first, by number; cmocka's asserts are for one thread */
} scene;

static void complain(scene *s, int what)
{
    int none = 0;
    (void) __atomic_compare_exchange_n(&s->wrong, &none, what, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

static bool going(const scene *s) { return __atomic_load_n(&s->done, __ATOMIC_ACQUIRE) == 0; }

/* Two ids share a number, and versions are few, so that a main often has both as one vector. */
static float number_of(int64_t id) { return (float) ((id + 1) / 2); }

/* Every version of an id has its number in front and the version behind: a torn row would show. */
static void version_of(float v[D], int64_t id, int version)
{
    v[0] = number_of(id);
    for (int j = 1; j < D; j++)
        v[j] = (float) version;
}

/* Ids 1..IDS are replaced for ever; IDS+1..IDS+EXTRA come and go. */
static void *write_on(void *ctx)
{
    scene *s = ctx;
    tw_rng rng;
    float v[D];
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 1; i <= WRITES; i++) {
        const int64_t id = 1 + (int64_t) tw_rng_below(&rng, IDS + EXTRA);
        version_of(v, id, i % 4);
        if (id > IDS && tw_rng_below(&rng, 2) == 0) {
            const tw_status st = tw_index_delete(s->ix, id, NULL);
            if (st != TW_OK && st != TW_ENOTFOUND)
                complain(s, 1);
        } else if (tw_index_put(s->ix, id, v, NULL) != TW_OK) {
            complain(s, 2);
        }
        float back[D]; /* what was written is read at once */
        if (id <= IDS && (tw_index_get(s->ix, id, back, NULL) != TW_OK || back[1] != v[1]))
            complain(s, 3);
    }
    __atomic_store_n(&s->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void check_hits(scene *s, const tw_hit *hits, int n)
{
    bool seen[IDS + EXTRA + 1] = {false};
    int kept = 0;
    for (int i = 0; i < n; i++) {
        const int64_t id = hits[i].item;
        if (id < 1 || id > IDS + EXTRA || seen[id])
            complain(s, 4);
        else
            seen[id] = true;
        kept += id <= IDS;
        if (hits[i].score != number_of(id)) /* the query picks the first coordinate */
            complain(s, 5);
    }
    if (kept != IDS)
        complain(s, 6);
    (void) __atomic_add_fetch(&s->checks, 1, __ATOMIC_RELAXED);
}

static void *search_on(void *ctx)
{
    scene *s = ctx;
    const float q[D] = {1};
    uint64_t allow[(IDS + EXTRA) / 64 + 1];
    tw_hit hits[IDS + EXTRA];
    int n = 0, turn = 0;
    float v[D];

    memset(allow, 0xff, sizeof allow);
    const tw_index_options filtered = {.allow = allow,
                                       .allow_words = sizeof allow / sizeof allow[0]};
    const tw_index_options narrow = {.ef = 1}; /* cheaper than a scan: goes to the graph */
    while (going(s)) {
        if (tw_index_search(s->ix, q, IDS + EXTRA, turn++ % 2 ? NULL : &filtered, hits, &n, NULL) !=
            TW_OK)
            complain(s, 7);
        check_hits(s, hits, n);
        if (tw_index_get(s->ix, 1 + turn % IDS, v, NULL) != TW_OK ||
            v[0] != number_of(1 + turn % IDS) || v[1] != v[D - 1])
            complain(s, 8);
        if (tw_index_search(s->ix, q, 1, &narrow, hits, &n, NULL) != TW_OK || n != 1)
            complain(s, 9);
    }
    return NULL;
}

static void *fold_on(void *ctx)
{
    scene *s = ctx;
    while (going(s)) {
        if (tw_index_merge(s->ix, NULL, NULL, NULL) != TW_OK)
            complain(s, 10);
        (void) tw_index_wants_merge(s->ix);
    }
    return NULL;
}

static void *save_on(void *ctx)
{
    scene *s = ctx;
    const char *path = tw_test_path("threads.twi");
    const tw_index_config cfg = {.dim = D};
    const float q[D] = {1};
    tw_hit hits[IDS + EXTRA];
    int n = 0;
    while (going(s)) {
        tw_index *back = NULL;
        tw_index_stats stats;
        tw_index_get_stats(s->ix, &stats);
        if (tw_index_save(s->ix, path, "t", 1, NULL) != TW_OK ||
            tw_index_load(&back, &cfg, path, NULL, NULL) != TW_OK) {
            complain(s, 11);
            continue;
        }
        /* one moment, too */
        if (tw_index_search(back, q, IDS + EXTRA, NULL, hits, &n, NULL) != TW_OK)
            complain(s, 12);
        check_hits(s, hits, n);
        tw_index_destroy(back);
    }
    return NULL;
}

static void play(const char *factory)
{
    scene s = {0};
    pthread_t threads[SEARCHERS + 3];
    float v[D];
    const tw_index_config cfg = {.dim = D, .factory = factory};

    (void) tw_test_dir(); /* made before the threads that use it */
    (void) tw_test_seed();
    assert_ok(tw_index_create(&s.ix, &cfg, err));
    for (int64_t id = 1; id <= IDS; id++) {
        version_of(v, id, 0);
        assert_ok(tw_index_put(s.ix, id, v, err));
    }
    for (int i = 0; i < SEARCHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, search_on, &s), 0);
    assert_int_equal(pthread_create(&threads[SEARCHERS], NULL, fold_on, &s), 0);
    assert_int_equal(pthread_create(&threads[SEARCHERS + 1], NULL, save_on, &s), 0);
    assert_int_equal(pthread_create(&threads[SEARCHERS + 2], NULL, write_on, &s), 0);
    for (int i = 0; i < SEARCHERS + 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);

    assert_int_equal(s.wrong, 0);
    assert_true(s.checks > 0);
    assert_ok(tw_index_merge(s.ix, NULL, NULL, err));
    tw_index_destroy(s.ix);
}

static void an_exact_index_shows_every_search_one_moment(void **state)
{
    (void) state;
    play(NULL);
}

static void a_graph_index_shows_every_search_one_moment(void **state)
{
    (void) state;
    play("HNSW4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_index_shows_every_search_one_moment),
        cmocka_unit_test(a_graph_index_shows_every_search_one_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
