/* Thousands of random operations on an index and on a plain array, compared at every search.
 *
 * Values are small whole numbers, so that sums are exact in any order and ties are many: the exact
 * answer is then one, bit for bit. The graph may miss rows but not break any other promise. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "index/index.h"
#include "tests/support/test.h"

enum { D = 6, IDS = 1000, OPS = 4000, K_MAX = 60 };

typedef struct world {
    tw_index *ix;
    tw_index_config cfg;
    bool live[IDS + 1];
    float vecs[IDS + 1][D];
    int64_t seq;
    tw_rng rng;
} world;

static int roll(world *w, int n) { return (int) tw_rng_below(&w->rng, (uint64_t) n); }

static void random_vec(world *w, float v[D])
{
    /* A third are copies of eight, and zeros have either sign. */
    const int copy = roll(w, 3) == 0 ? roll(w, 8) : -1;
    for (int j = 0; j < D; j++) {
        v[j] = (float) (copy >= 0 ? (copy >> j % 3 & 1) * (j + 1) : roll(w, 9) - 4);
        if (copy < 0 && v[j] == 0 && roll(w, 2) == 0)
            v[j] = -v[j];
    }
}

static int best_first(const void *a, const void *b)
{
    const tw_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static bool may_return(const tw_index_options *opt, int64_t id)
{
    for (int i = 0; i < opt->n_exclude; i++)
        if (opt->exclude[i] == id)
            return false;
    return opt->allow == NULL ||
           ((size_t) id / 64 < opt->allow_words && (opt->allow[id / 64] >> (id % 64) & 1) != 0);
}

/* The slow obvious version: score all, sort all. */
static int truth(const world *w, const float *q, const tw_index_options *opt, tw_hit *out)
{
    int n = 0;
    for (int id = 1; id <= IDS; id++) {
        if (!w->live[id] || !may_return(opt, id))
            continue;
        out[n] = (tw_hit){.item = id};
        for (int j = 0; j < D; j++)
            out[n].score += q[j] * w->vecs[id][j];
        n++;
    }
    qsort(out, (size_t) n, sizeof *out, best_first);
    return n;
}

static void do_search(world *w)
{
    static tw_hit want[IDS], got[K_MAX];
    float q[D];
    int64_t exclude[300];
    uint64_t allow[IDS / 64 + 1];
    tw_index_options opt = {.exact = roll(w, 2) == 0};
    const int k = 1 + roll(w, roll(w, 2) == 0 ? K_MAX : 4);
    int n;

    random_vec(w, q);
    opt.ef =
        roll(w, 4); /* a narrow search: a wider one would cost more than a scan of so few rows */
    if (roll(w, 2) == 0) {
        opt.n_exclude = roll(w, 10) == 0 ? 300 : roll(w, 4);
        for (int i = 0; i < opt.n_exclude; i++)
            exclude[i] = roll(w, IDS + 50) - 10;
        opt.exclude = exclude;
    }
    if (roll(w, 2) == 0) {
        const int share = roll(w, 100);
        memset(allow, 0, sizeof allow);
        for (int i = 0; i < (int) sizeof allow * 8; i++)
            if (roll(w, 100) < share)
                allow[i / 64] |= UINT64_C(1) << (i % 64);
        opt.allow = allow;
        opt.allow_words = (size_t) roll(w, (int) (sizeof allow / sizeof allow[0]) + 1);
    }

    const int matching = truth(w, q, &opt, want);
    assert_ok(tw_index_search(w->ix, q, k, &opt, got, &n, err));
    assert_int_equal(n, matching < k ? matching : k);
    for (int i = 0; i < n; i++) {
        if (opt.exact) {
            assert_int_equal(got[i].item, want[i].item);
            assert_near(got[i].score, want[i].score, 0);
            continue;
        }
        const int64_t id = got[i].item; /* the graph's answer: true, sorted, allowed */
        float score = 0;
        assert_true(id >= 1 && id <= IDS && w->live[id] && may_return(&opt, id));
        for (int j = 0; j < D; j++)
            score += q[j] * w->vecs[id][j];
        assert_near(got[i].score, score, 0);
        assert_true(i == 0 || best_first(&got[i - 1], &got[i]) < 0);
    }
}

static void do_put(world *w)
{
    const int id = 1 + roll(w, IDS);
    random_vec(w, w->vecs[id]);
    w->live[id] = true;
    assert_ok(tw_index_put(w->ix, id, w->vecs[id], err));
}

static void do_delete(world *w)
{
    const int id = 1 + roll(w, IDS);
    assert_status(tw_index_delete(w->ix, id, err), w->live[id] ? TW_OK : TW_ENOTFOUND);
    w->live[id] = false;
}

static void do_get(world *w)
{
    const int id = 1 + roll(w, IDS);
    float v[D];
    assert_int_equal(tw_index_has(w->ix, id), w->live[id]);
    assert_status(tw_index_get(w->ix, id, v, err), w->live[id] ? TW_OK : TW_ENOTFOUND);
    for (int j = 0; w->live[id] && j < D; j++)
        assert_true(v[j] == w->vecs[id][j]); /* but for a zero's sign */
}

static void do_save_and_load(world *w)
{
    const char *path = tw_test_path("oracle.twi");
    tw_index_snapshot info;
    assert_ok(tw_index_save(w->ix, path, "v", ++w->seq, err));
    tw_index_destroy(w->ix);
    assert_ok(tw_index_load(&w->ix, &w->cfg, path, &info, err));
    assert_int_equal(info.seq, w->seq);
}

static void do_build(world *w)
{
    int64_t ids[IDS];
    static float vecs[IDS * D];
    int n = 0;
    for (int id = IDS; id >= 1; id--) {
        w->live[id] = roll(w, 2) == 0;
        if (!w->live[id])
            continue;
        random_vec(w, w->vecs[id]);
        ids[n] = id;
        memcpy(vecs + n++ * D, w->vecs[id], sizeof w->vecs[id]);
    }
    assert_ok(tw_index_build(w->ix, ids, vecs, n, NULL, NULL, err));
}

static void run(const char *factory)
{
    static world w;
    memset(&w, 0, sizeof w);
    w.cfg = (tw_index_config){.dim = D, .factory = factory, .exact_below = 40};
    tw_rng_seed(&w.rng, tw_test_seed());
    assert_ok(tw_index_create(&w.ix, &w.cfg, err));
    for (int op = 0; op < OPS; op++) {
        const int what = roll(&w, 1000);
        int live = 0;
        if (what < 400)
            do_put(&w);
        else if (what < 600)
            do_delete(&w);
        else if (what < 700)
            do_get(&w);
        else if (what < 985)
            do_search(&w);
        else if (what < 993)
            assert_ok(tw_index_merge(w.ix, NULL, NULL, err));
        else if (what < 998)
            do_save_and_load(&w);
        else
            do_build(&w);
        for (int id = 1; id <= IDS; id++)
            live += w.live[id];
        assert_int_equal(tw_index_size(w.ix), live);
    }
    tw_index_destroy(w.ix);
}

static void an_exact_index_equals_the_array(void **state)
{
    (void) state;
    run("Flat");
}

static void a_graph_index_equals_the_array_but_for_recall(void **state)
{
    (void) state;
    run("HNSW8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_index_equals_the_array),
        cmocka_unit_test(a_graph_index_equals_the_array_but_for_recall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
