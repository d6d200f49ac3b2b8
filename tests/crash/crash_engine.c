/* kill -9 at every durable step of a bulk load and of a training run: nothing that was acknowledged
 * is lost, nothing is there twice, and no hand is needed. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crash.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/training.h"
#include "ingest/image.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

enum {
    ROWS = 2200,      /* three transactions */
    ROW_POINTS = 2,   /* the store's crash points for each new item */
    NEAR_COMMIT = 12, /* points around the end of a transaction that are all tried */
    STRIDE = 211,
};

/* The next point worth a try: all near a commit, a few inside transactions, where nothing but the
 * row number differs. */
static int next_point(int point)
{
    const int batch = 1000 * ROW_POINTS;
    int at = (point + NEAR_COMMIT / 2) % batch;
    return point + (at < NEAR_COMMIT ? 1 : batch - at < STRIDE ? batch - at : STRIDE);
}

static const tw_engine_options write_mode = {.mode = TW_ENGINE_WRITE, .threads = 1};

/* Runs fn in a child that dies at its nth durable step; returns its status. */
static int in_child(void (*fn)(const char *dir), const char *dir, long nth)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        tw_crash_arm(nth);
        fn(dir);
        _exit(0);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void create(const char *dir)
{
    if (tw_engine_create(dir, NULL) != TW_OK)
        _exit(1);
}

static void a_killed_create_can_be_repeated(void **state)
{
    (void) state;
    int point = 0, status;
    do {
        char name[32];
        tw_engine *e;
        tw_engine_stats s;
        (void) snprintf(name, sizeof name, "create%d", ++point);
        const char *dir = tw_test_path(name);
        status = in_child(create, dir, point);
        assert_true(status == TW_CRASH_STATUS || status == 0);
        tw_error why = {0};
        const tw_status st = tw_engine_create(dir, &why);
        if (st != TW_OK && st != TW_EEXIST) /* as when the kill came after the last commit */
            fail_msg("after point %d: %s", point, why.msg);
        assert_true(status == TW_CRASH_STATUS || st == TW_EEXIST);
        assert_ok(tw_engine_open(&e, dir, &write_mode, err));
        assert_ok(tw_engine_stats_get(e, &s, err));
        tw_engine_close(e);
        assert_ok(tw_remove_tree(dir, err));
    } while (status == TW_CRASH_STATUS);
    assert_true(point > 6);
}

static const char *big_catalogue(void)
{
    tw_text t;
    tw_text_init(&t, 1 << 20);
    assert_ok(tw_text_adds(&t, "id,title\n", err));
    for (int i = 0; i < ROWS; i++)
        assert_ok(tw_text_addf(&t, err, i == 1500 ? "bad %d\n" : "i%d,Title %d\n", i, i));
    const char *path = tw_test_file("big.csv", tw_text_cstr(&t));
    tw_text_fini(&t);
    return path;
}

static char big[TW_PATH_MAX]; /* a copy: tw_test_path() reuses its buffers */

static void ingest(const char *dir)
{
    tw_engine *e;
    tw_ingest_report r;
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    assert_ok(tw_engine_ingest(e, big, NULL, &r, err));
    tw_engine_close(e);
}

static void no_item_is_lost_or_twice_when_an_ingest_is_killed(void **state)
{
    (void) state;
    int point = 0, killed = 0, status;
    (void) snprintf(big, sizeof big, "%s", big_catalogue());
    do {
        char name[32];
        point = next_point(point);
        (void) snprintf(name, sizeof name, "ingest%d", point);
        const char *dir = tw_test_path(name);
        assert_ok(tw_engine_create(dir, err));
        status = in_child(ingest, dir, point);
        assert_true(status == TW_CRASH_STATUS || status == 0);

        ingest(dir); /* the same command again */
        tw_engine *e;
        tw_engine_stats s;
        assert_ok(tw_engine_open(&e, dir, &write_mode, err));
        assert_ok(tw_engine_stats_get(e, &s, err));
        assert_int_equal(s.items, ROWS - 1);
        tw_engine_close(e);
        char *rejected;
        size_t len;
        assert_ok(tw_file_read(tw_test_path("big.csv.rejected"), 1000, &rejected, &len, err));
        int lines = 0;
        for (size_t i = 0; i < len; i++)
            lines += rejected[i] == '\n';
        assert_int_equal(lines, 1); /* rejected once, however often the run was killed */
        tw_free(rejected);
        assert_ok(tw_remove_tree(dir, err));
        killed += status == TW_CRASH_STATUS;
    } while (status == TW_CRASH_STATUS);
    assert_true(killed > 3 * NEAR_COMMIT);
}

enum { PICTURES = 70 }; /* two transactions */

static char folder[TW_PATH_MAX];

static void make_folder(void)
{
    static unsigned char px[16 * 16];
    const tw_image im = {.width = 16, .height = 16, .channels = 1, .px = px};
    (void) snprintf(folder, sizeof folder, "%s", tw_test_path("pics"));
    assert_ok(tw_dir_create(folder, err));
    for (int i = 0; i < PICTURES; i++) {
        char name[32];
        px[i] = 255;
        (void) snprintf(name, sizeof name, "pics/%d.png", i);
        assert_ok(tw_image_save_png(tw_test_path(name), &im, err));
    }
    assert_ok(tw_file_replace(tw_test_path("pics/bad.png"), "bad", 3, err));
}

static tw_ingest_report ingest_folder(const char *dir)
{
    tw_engine *e;
    tw_ingest_report r;
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    assert_ok(tw_engine_ingest(e, folder, NULL, &r, err));
    tw_engine_close(e);
    return r;
}

static void ingest_pictures(const char *dir) { (void) ingest_folder(dir); }

/* What was committed is not decoded again, and what was not is: the first transaction has 64. */
static void a_folder_goes_on_where_it_was_killed(void **state)
{
    (void) state;
    enum { FEW = 13 };
    int point = 1, status, with_rest = 0;
    make_folder();
    do {
        char name[32];
        (void) snprintf(name, sizeof name, "folder%d", point);
        const char *dir = tw_test_path(name);
        assert_ok(tw_engine_create(dir, err));
        status = in_child(ingest_pictures, dir, point);
        assert_true(status == TW_CRASH_STATUS || status == 0);
        const tw_ingest_report r = ingest_folder(dir);
        assert_int_equal(r.created + r.unchanged, PICTURES);
        assert_int_equal(r.rejected, 1);
        assert_true(r.unchanged == 0 || r.unchanged >= 60);
        with_rest += r.unchanged > 0 && r.created > 0;
        assert_int_equal(ingest_folder(dir).unchanged, PICTURES);
        assert_ok(tw_remove_tree(dir, err));
        point += point > 2 * 60 && point < 2 * 66 ? 1 : FEW;
    } while (status == TW_CRASH_STATUS);
    assert_true(with_rest > 0);
}

static void train(const char *dir)
{
    tw_engine *e;
    char *report;
    if (tw_engine_open(&e, dir, &write_mode, NULL) != TW_OK)
        _exit(1);
    const tw_train_options towers = {
        .config_json = "{\"bits\": 8, \"embed_dim\": 4, \"dim\": 4, \"epochs\": 1, \"threads\": 1}",
        .skip_eval = true};
    if (tw_engine_train_towers(e, &towers, &report, NULL) != TW_OK)
        _exit(2);
    tw_free(report);
    tw_engine_close(e);
}

static int active_model(const char *dir)
{
    tw_engine *e;
    tw_engine_stats s;
    tw_answer a;
    tw_answer_init(&a);
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    assert_ok(tw_engine_stats_get(e, &s, err));
    if (s.model > 0) { /* whole: it answers */
        assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &a, err));
        assert_int_equal(a.n, 3);
        assert_int_equal(s.indexed, TOY_ITEMS);
    }
    tw_engine_close(e);
    tw_answer_fini(&a);

    tw_store *store;
    tw_store_stats stats;
    char path[TW_PATH_MAX];
    assert_ok(tw_path_join(path, dir, "twindex.db", err));
    assert_ok(tw_store_open(&store, path, TW_STORE_READ, err));
    assert_ok(tw_store_get_stats(store, &stats, err));
    assert_int_equal(stats.n_models, s.model > 0); /* vectors of the model that serves, no others */
    tw_store_close(store);
    return s.model;
}

static void a_killed_training_leaves_the_old_model_or_the_new_one(void **state)
{
    (void) state;
    int points = 0, status, seen_old = 0, seen_new = 0;
    do {
        char name[32];
        points += points < 8 ? 1 : 3;
        (void) snprintf(name, sizeof name, "train%d", points);
        const char *dir = tw_test_path(name);
        tw_engine_close(toy_engine(name, true));
        status = in_child(train, dir, points);
        assert_true(status == TW_CRASH_STATUS || status == 0);
        int model = active_model(dir);
        seen_old += model == 0;
        seen_new += model > 0;
        train(dir); /* and the next run is not in its way */
        assert_true(active_model(dir) > model);
        assert_ok(tw_remove_tree(dir, err));
    } while (status == TW_CRASH_STATUS);
    assert_true(seen_old > 3 && seen_new > 0);
}

static void roll_back(const char *dir)
{
    tw_engine *e;
    int version;
    if (tw_engine_open(&e, dir, &write_mode, NULL) != TW_OK)
        _exit(1);
    if (tw_engine_rollback(e, NULL, &version, NULL) != TW_OK)
        _exit(2);
    tw_engine_close(e);
}

static void a_killed_rollback_leaves_the_one_version_or_the_other(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX];
    int point = 0, status, seen_old = 0, seen_new = 0;
    (void) snprintf(dir, sizeof dir, "%s", tw_test_path("rollback"));
    tw_engine_close(toy_engine("rollback", true));
    train(dir);
    train(dir);
    do { /* from the state that the one before left: back and forth */
        const int before = active_model(dir);
        status = in_child(roll_back, dir, point += point < 8 ? 1 : 3);
        assert_true(status == TW_CRASH_STATUS || status == 0);
        const int after = active_model(dir);
        assert_in_range(after, 1, 2);
        seen_old += after == before;
        seen_new += after != before;
        assert_true(status != 0 || after != before);
    } while (status == TW_CRASH_STATUS);
    assert_true(seen_old > 3 && seen_new > 1);
}

/* ---- a sequential model that reads tower vectors: both indexes follow the store -------------- */

static char fresh[24]; /* id of the item that a child puts */

static void put_fresh(const char *dir)
{
    tw_engine *e;
    tw_put_kind kind;
    if (tw_engine_open(&e, dir, &write_mode, NULL) != TW_OK ||
        tw_engine_put(e, &(tw_item){.id = fresh, .title = "Robot Story"}, &kind, NULL) != TW_OK)
        _exit(1);
    tw_engine_close(e);
}

static const char *with_content(const char *name)
{
    char *report;
    tw_engine *e;
    const char *dir = tw_test_path(name);
    const tw_train_options opt = {
        .config_json = "{\"user_dim\": 0, \"item_dim\": 4, \"heads\": 1, \"blocks\": 1, "
                       "\"max_len\": 4, \"epochs\": 1, \"threads\": 1}",
        .item_features = true,
        .skip_eval = true};
    tw_engine_close(toy_engine(name, true));
    train(dir);
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    assert_ok(tw_engine_train_seq(e, &opt, &report, err));
    tw_free(report);
    tw_engine_close(e);
    return dir;
}

/* Every item has its vector in both indexes, or where other towers serve, those of the training. */
static tw_engine_stats in_step(const char *dir)
{
    tw_engine *e;
    tw_engine_stats s;
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    assert_ok(tw_engine_stats_get(e, &s, err));
    assert_true(s.seq_item_features);
    assert_int_equal(s.indexed, s.items);
    assert_int_equal(s.seq_indexed, s.seq_item_features_live ? s.items : TOY_ITEMS);
    tw_engine_close(e);
    return s;
}

static void a_killed_put_is_in_both_indexes_or_in_none(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX];
    int point = 0, status;
    int64_t before = TOY_ITEMS;
    (void) snprintf(dir, sizeof dir, "%s", with_content("puts"));
    do {
        (void) snprintf(fresh, sizeof fresh, "fresh%d", ++point);
        status = in_child(put_fresh, dir, point);
        assert_true(status == TW_CRASH_STATUS || status == 0);
        tw_engine_stats s = in_step(dir);
        assert_in_range(s.items, before, before + 1);
        assert_true(status != 0 || s.items == before + 1); /* it was acknowledged */
        before = s.items;
    } while (status == TW_CRASH_STATUS);
    assert_true(point > 3);
}

static void killed_towers_leave_next_with_the_old_ones_or_frozen(void **state)
{
    (void) state;
    int points = 0, status, live = 0, frozen = 0;
    do {
        char name[32], dir[TW_PATH_MAX];
        points += 3;
        (void) snprintf(name, sizeof name, "freeze%d", points);
        (void) snprintf(dir, sizeof dir, "%s", with_content(name));
        (void) snprintf(fresh, sizeof fresh, "late");
        put_fresh(dir); /* so that the snapshot has what the towers after cannot make */
        status = in_child(train, dir, points);
        assert_true(status == TW_CRASH_STATUS || status == 0);
        bool now_live = in_step(dir).seq_item_features_live;
        live += now_live;
        frozen += !now_live;
        assert_ok(tw_remove_tree(dir, err));
    } while (status == TW_CRASH_STATUS);
    assert_true(live > 1 && frozen > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_create_can_be_repeated),
        cmocka_unit_test(no_item_is_lost_or_twice_when_an_ingest_is_killed),
        cmocka_unit_test(a_folder_goes_on_where_it_was_killed),
        cmocka_unit_test(a_killed_training_leaves_the_old_model_or_the_new_one),
        cmocka_unit_test(a_killed_rollback_leaves_the_one_version_or_the_other),
        cmocka_unit_test(a_killed_put_is_in_both_indexes_or_in_none),
        cmocka_unit_test(killed_towers_leave_next_with_the_old_ones_or_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
