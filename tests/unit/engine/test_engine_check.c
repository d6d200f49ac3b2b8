/* check beside the store's own: models, snapshots against the store, a store put back from a copy.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/inspection.h"
#include "engine/models/model_dir.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static const tw_engine_options write_mode = {.mode = TW_ENGINE_WRITE, .threads = 1};
static const tw_engine_options read_mode = {.mode = TW_ENGINE_READ, .threads = 1};
static tw_answer answer;
static char dir[TW_PATH_MAX];

static int begin(void **state)
{
    (void) state;
    tw_log_set_level(TW_LOG_ERROR + 1);
    tw_answer_init(&answer);
    return 0;
}

static int end(void **state)
{
    (void) state;
    tw_answer_fini(&answer);
    return 0;
}

static void expect_intact(void)
{
    toy_findings f = {0};
    tw_error why = {0};
    if (tw_engine_check(dir, toy_collect, &f, &why) != TW_OK)
        fail_msg("%s: %s", why.msg, f.all);
    assert_int_equal(f.n, 0);
}

/* Each of the words is in some sentence. */
static void expect_found(const char *a, const char *b)
{
    toy_findings f = {0};
    assert_status(tw_engine_check(dir, toy_collect, &f, err), TW_ECORRUPT);
    if (strstr(f.all, a) == NULL || strstr(f.all, b) == NULL)
        fail_msg("'%s' or '%s' is not in: %s", a, b, f.all);
}

static void make(const char *name)
{
    tw_engine *e = toy_engine(name, true);
    (void) snprintf(dir, sizeof dir, "%s", tw_test_path(name));
    toy_train(e);
    tw_engine_close(e);
}

static void path_of(char out[TW_PATH_MAX], const char *file)
{
    assert_ok(tw_path_join(out, dir, file, err));
}

/* ---- a store put back from a copy ------------------------------------------------------------ */

static void copy_file(const char *from, const char *to)
{
    char *data = NULL;
    size_t len;
    assert_ok(tw_file_read(from, 1 << 26, &data, &len, err));
    assert_ok(tw_file_replace(to, data, len, err));
    tw_free(data);
}

static void put_many(const char *prefix, const char *title, int n)
{
    tw_engine *e;
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    for (int i = 0; i < n; i++) {
        char id[32];
        tw_put_kind kind;
        (void) snprintf(id, sizeof id, "%s%d", prefix, i);
        assert_ok(tw_engine_put(e, &(tw_item){.id = id, .title = title}, &kind, err));
    }
    tw_engine_close(e);
}

static void expect_near(const tw_engine_options *mode, const char *id, const char *near)
{
    tw_engine *e;
    bool there = false;
    assert_ok(tw_engine_open(&e, dir, mode, err));
    tw_engine_stats s;
    assert_ok(tw_engine_stats_get(e, &s, err));
    assert_int_equal(s.indexed, s.items);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = id, .k = 10}, &answer, err));
    for (int i = 0; i < answer.n; i++)
        there = there || strcmp(answer.rows[i].id, near) == 0;
    assert_true(there);
    tw_engine_close(e);
}

/* The numbers of the two histories are the same, the changes are not. */
static void an_older_store_does_not_believe_a_later_snapshot(void **state)
{
    (void) state;
    char db[TW_PATH_MAX], copy[TW_PATH_MAX], snapshot[TW_PATH_MAX], newer[TW_PATH_MAX];
    make("put_back");
    path_of(db, "twindex.db");
    path_of(snapshot, "index/items-0001.twx");
    (void) snprintf(copy, sizeof copy, "%s", tw_test_path("copy.db"));
    (void) snprintf(newer, sizeof newer, "%s", tw_test_path("newer.twx"));
    copy_file(db, copy);
    put_many("lost", "Western Story 99", 3);
    copy_file(snapshot, newer);

    copy_file(copy, db);
    expect_found("items-0001.twx", "another copy of the store");
    put_many("kept", "Robot Story 99", 6); /* beyond the numbers of the lost ones */
    expect_near(&write_mode, "kept0", "kept1");
    expect_intact();

    copy_file(newer, snapshot); /* and a later start meets it again */
    expect_found("items-0001.twx", "another copy of the store");
    expect_near(&read_mode, "kept0", "kept1");
    expect_near(&write_mode, "kept0", "kept1");
}

static void a_snapshot_of_another_directory_is_not_believed(void **state)
{
    (void) state;
    char theirs[TW_PATH_MAX], ours[TW_PATH_MAX];
    make("others");
    put_many("theirs", "Western Story 99", 9);
    path_of(theirs, "index/items-0001.twx");
    make("mine");
    put_many("mine", "Robot Story 99", 9);
    path_of(ours, "index/items-0001.twx");
    copy_file(theirs, ours);
    expect_found("items-0001.twx", "another copy of the store");
    expect_near(&read_mode, "mine0", "mine1");
}

/* ---- snapshots that are not what the store holds --------------------------------------------- */

/* Changes the content of a snapshot, and nothing of what it says of itself. */
static void falsify(const char *file, void (*how)(tw_index *ix, const float *v))
{
    char path[TW_PATH_MAX];
    float v[TW_INDEX_MAX_DIM] = {0};
    tw_index *ix = NULL;
    tw_index_snapshot info;
    const tw_index_config cfg = {0};
    path_of(path, file);
    assert_ok(tw_index_load(&ix, &cfg, path, &info, err));
    v[0] = 1;
    how(ix, v);
    assert_ok(tw_index_save(ix, path, info.tag, info.seq, err));
    tw_index_destroy(ix);
}

static void lose(tw_index *ix, const float *v)
{
    (void) v;
    assert_ok(tw_index_delete(ix, 3, err));
    assert_ok(tw_index_delete(ix, 4, err));
}

static void change(tw_index *ix, const float *v) { assert_ok(tw_index_put(ix, 3, v, err)); }

static void invent(tw_index *ix, const float *v) { assert_ok(tw_index_put(ix, 4711, v, err)); }

static void revive(tw_index *ix, const float *v) { assert_ok(tw_index_put(ix, 2, v, err)); }

static void a_snapshot_is_compared_with_the_store(void **state)
{
    (void) state;
    static const struct {
        void (*how)(tw_index *ix, const float *v);
        const char *says;
    } cases[] = {{lose, "lacks 2, has another vector of 0, and holds 0"},
                 {change, "lacks 0, has another vector of 1, and holds 0"},
                 {invent, "lacks 0, has another vector of 0, and holds 1"},
                 {revive, "lacks 0, has another vector of 0, and holds 1"}};
    tw_engine *e;
    make("compared");
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    assert_ok(tw_engine_delete(e, "f2", err)); /* row 2 */
    tw_engine_close(e);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const char *const files[] = {"index/items-0001.twx", "index/next-0002.twx"};
        for (int k = 0; k < 2; k++) {
            char path[TW_PATH_MAX];
            expect_intact();
            falsify(files[k], cases[i].how);
            expect_found(files[k], cases[i].says);
            path_of(path, files[k]);
            assert_ok(tw_remove_tree(path, err));
            assert_ok(tw_engine_open(&e, dir, &write_mode, err)); /* as the sentence says */
            tw_engine_close(e);
        }
    }
}

static void a_model_that_reads_content_is_compared_too(void **state)
{
    (void) state;
    char *report = NULL;
    tw_engine *e;
    const tw_train_options opt = {.config_json = TOY_SEQ,
                                  .item_features = true,
                                  .activate = TW_ACTIVATE_ALWAYS,
                                  .skip_eval = true};
    make("content");
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    assert_ok(tw_engine_train_seq(e, &opt, &report, err));
    tw_free(report);
    tw_engine_close(e);
    put_many("n", "Robot Story 99", 3);
    expect_intact();
    falsify("index/next-0003.twx", change);
    expect_found("index/next-0003.twx", "has another vector of 1");
}

/* ---- models ---------------------------------------------------------------------------------- */

static void a_version_that_does_not_serve_is_checked_too(void **state)
{
    (void) state;
    char path[TW_PATH_MAX];
    make("before");
    path_of(path, "models/0001/towers.safetensors");
    assert_int_equal(unlink(path), 0);
    assert_ok(tw_file_replace(path, "garbage", 7, err));
    expect_found("models/0001", "does not serve");
    assert_ok(tw_remove_tree(tw_test_path("before/models/0001"), err)); /* gone is not damaged */
    expect_intact();
}

static void items_that_were_never_embedded_are_reported(void **state)
{
    (void) state;
    char path[TW_PATH_MAX], away[TW_PATH_MAX];
    make("pending");
    path_of(path, "models/0002/towers.safetensors");
    path_of(away, "media/away");
    assert_int_equal(rename(path, away), 0);
    path_of(path, "models/0001/towers.safetensors");
    assert_int_equal(unlink(path), 0);
    put_many("n", "Robot Story 99", 2);
    path_of(path, "models/0002/towers.safetensors");
    assert_int_equal(rename(away, path), 0);
    toy_findings f = {0};
    assert_status(tw_engine_check(dir, toy_collect, &f, err), TW_ECORRUPT);
    assert_non_null(strstr(f.all, "2 items: the active towers have not embedded them"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_store_does_not_believe_a_later_snapshot),
        cmocka_unit_test(a_snapshot_of_another_directory_is_not_believed),
        cmocka_unit_test(a_snapshot_is_compared_with_the_store),
        cmocka_unit_test(a_model_that_reads_content_is_compared_too),
        cmocka_unit_test(a_version_that_does_not_serve_is_checked_too),
        cmocka_unit_test(items_that_were_never_embedded_are_reported),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
