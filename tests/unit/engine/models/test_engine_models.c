/* Which versions of the models are listed, kept and swept. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/generation.h"
#include "engine/inspection.h"
#include "engine/models/model_dir.h"
#include "engine/models/publish.h"
#include "engine/models/registry.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"
#include "tests/unit/engine/models/models_toy.h"

typedef struct seen {
    int n, version[16], served[16];
    char withheld[256];
} seen;

static tw_status see(void *ctx, const tw_engine_model *m, tw_error *err)
{
    seen *s = ctx;
    (void) err;
    assert_true(s->n < 16);
    s->version[s->n] = m->version;
    s->served[s->n++] = m->served;
    assert_string_equal(m->problem, "");
    assert_int_equal(strlen(m->created), 20);
    if (m->withheld[0] != '\0')
        (void) snprintf(s->withheld, sizeof s->withheld, "%s", m->withheld);
    return TW_OK;
}

static seen models_of(tw_engine *e)
{
    seen s = {0};
    assert_ok(tw_engine_each_model(e, see, &s, err));
    return s;
}

/* As a training does that decides against itself. */
static void publish_withheld(tw_engine *e, const char *why)
{
    int version = 0;
    char tmp[TW_PATH_MAX], dir[TW_PATH_MAX], from[TW_PATH_MAX], to[TW_PATH_MAX];
    char *data = NULL;
    size_t len;
    twi_generation *base = twi_acquire(e);
    assert_ok(twi_model_begin(e, base, true, &version, tmp, err));
    assert_ok(twi_model_dir(e, base->version, dir, err));
    path_of(from, dir, TWI_TOWERS_FILE);
    path_of(to, tmp, TWI_TOWERS_FILE);
    assert_ok(tw_file_read(from, 1 << 24, &data, &len, err));
    assert_ok(tw_file_replace(to, data, len, err));
    tw_free(data);
    const twi_new_version v = {.version = version,
                               .tmp = tmp,
                               .parts = {.towers_version = version},
                               .tower = base->tower,
                               .withheld = why};
    assert_ok(twi_publish(e, &v, &(tw_train_options){0}, err));
    twi_release(e, base);
}

static void a_withheld_version_is_listed_and_can_be_activated(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX];
    int version;
    tw_engine *e = toy_engine("withheld", true);
    copy_dir(dir, "withheld");
    train_towers(e);
    publish_withheld(e, "no better than before");
    assert_int_equal(toy_stats(e).model, 1);
    tw_engine_close(e);
    e = toy_open(dir, TW_ENGINE_WRITE); /* and no sweep takes it away */
    seen s = models_of(e);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.served[0], 1);
    assert_int_equal(s.served[1], 0);
    assert_string_equal(s.withheld, "no better than before");
    assert_status(tw_engine_rollback(e, NULL, &version, err), TW_ESTATE); /* it never served */
    assert_ok(tw_engine_activate(e, 2, NULL, err));
    assert_int_equal(toy_stats(e).model, 2);
    assert_int_equal(toy_stats(e).indexed, TOY_ITEMS);
    s = models_of(e);
    assert_int_equal(s.served[0], 2);
    assert_int_equal(s.served[1], 1);
    tw_engine_close(e);
    assert_ok(tw_engine_check(dir, toy_collect, &(toy_findings){0}, err));
}

static bool has_folder(const char *dir, int version)
{
    char name[32], path[TW_PATH_MAX];
    (void) snprintf(name, sizeof name, "models/%04d", version);
    path_of(path, dir, name);
    return tw_file_exists(path);
}

static void two_that_served_and_five_that_did_not_are_kept(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX];
    tw_engine *e = toy_engine("kept", true);
    copy_dir(dir, "kept");
    train_towers(e); /* 1 */
    for (int i = 0; i < TWI_KEPT_WITHHELD + 1; i++)
        publish_withheld(e, "no better");                  /* 2..7 */
    train_towers(e);                                       /* 8 */
    assert_true(has_folder(dir, 1) && has_folder(dir, 8)); /* not neighbours by number */
    assert_false(has_folder(dir, 2));
    for (int v = 3; v <= 7; v++)
        assert_true(has_folder(dir, v));
    train_towers(e); /* 9 */
    assert_false(has_folder(dir, 1));
    tw_engine_close(e);
    e = toy_open(dir, TW_ENGINE_WRITE);
    seen s = models_of(e);
    assert_int_equal(s.n, 7);
    assert_int_equal(s.version[5], 8);
    assert_int_equal(s.served[5], 2);
    assert_int_equal(s.version[6], 9);
    assert_int_equal(s.served[6], 1);
    tw_engine_close(e);
}

static bool there(const char *dir, const char *name)
{
    char path[TW_PATH_MAX];
    path_of(path, dir, name);
    return tw_file_exists(path);
}

static void litter(const char *dir, const char *name)
{
    char path[TW_PATH_MAX];
    path_of(path, dir, name);
    if (name[strlen(name) - 1] == '/')
        assert_ok(tw_dir_create(path, err));
    else
        assert_ok(tw_file_replace(path, "x", 1, err));
}

static void what_no_kept_version_needs_is_swept_and_nothing_else(void **state)
{
    (void) state;
    static const char *const ours[] = {
        "index/items-0099.twx",    "index/next-0001.twx",  "index/items-0001.twx.tmp",
        "index/next-0007.twx.tmp", "models/0042/",         "models/0043.tmp/",
        "seq.checkpoint.tmp",      "towers.checkpoint.tmp"};
    static const char *const others[] = {
        "index/notes.txt",   "index/items-.twx",   "index/items-0001.twx.old", "models/0001.bak",
        "models/mine.tmp/",  "models/-1/",         "seq.checkpoint",           "towers.checkpoint",
        "index/items-x.twx", "index/rows-0001.twx"};
    char dir[TW_PATH_MAX];
    tw_engine *e = toy_engine("litter", true);
    copy_dir(dir, "litter");
    toy_train(e);
    tw_engine_close(e);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        litter(dir, ours[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        litter(dir, others[i]);
    tw_engine_close(toy_open(dir, TW_ENGINE_READ));
    assert_true(there(dir, ours[0])); /* a reader changes nothing */
    e = toy_open(dir, TW_ENGINE_WRITE);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (there(dir, ours[i]))
            fail_msg("%s is still there", ours[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (!there(dir, others[i]))
            fail_msg("%s is gone", others[i]);
    assert_true(there(dir, "index/items-0001.twx") && there(dir, "index/next-0002.twx"));
    train_towers(e);
    assert_false(
        there(dir, "index/items-0001.twx")); /* its vectors are not in the store any more */
    assert_true(there(dir, "index/items-0003.twx") && there(dir, "index/next-0002.twx"));
    tw_engine_close(e);
}

/* A directory of before versions were withheld: each one served. */
static void without_the_list_the_version_before_is_the_one_by_number(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX], path[TW_PATH_MAX];
    tw_store *store;
    int version;
    tw_engine *e = toy_engine("older", true);
    copy_dir(dir, "older");
    train_towers(e);
    train_seq(e);
    train_seq(e);
    tw_engine_close(e);
    path_of(path, dir, "twindex.db");
    assert_ok(tw_store_open(&store, path, TW_STORE_WRITE, err));
    assert_ok(tw_store_set_meta(store, "models.served", NULL, err));
    tw_store_close(store);
    e = toy_open(dir, TW_ENGINE_WRITE);
    assert_ok(tw_engine_rollback(e, NULL, &version, err));
    assert_int_equal(version, 2);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_withheld_version_is_listed_and_can_be_activated),
        cmocka_unit_test(two_that_served_and_five_that_did_not_are_kept),
        cmocka_unit_test(what_no_kept_version_needs_is_swept_and_nothing_else),
        cmocka_unit_test(without_the_list_the_version_before_is_the_one_by_number),
    };
    return cmocka_run_group_tests(tests, open_answer, close_answer);
}
