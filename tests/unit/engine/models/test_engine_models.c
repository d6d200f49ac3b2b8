/* Versions of the models: a file that is damaged or gone, the way back, what is kept. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/generation.h"
#include "engine/inspection.h"
#include "engine/models/model_dir.h"
#include "engine/models/publish.h"
#include "engine/models/registry.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static const tw_engine_options write_mode = {.mode = TW_ENGINE_WRITE, .threads = 1};
static const tw_engine_options read_mode = {.mode = TW_ENGINE_READ, .threads = 1};
static tw_answer answer;

static int open_answer(void **state)
{
    (void) state;
    tw_answer_init(&answer);
    tw_log_set_level(TW_LOG_ERROR + 1);
    return 0;
}

static int close_answer(void **state)
{
    (void) state;
    tw_answer_fini(&answer);
    return 0;
}

static tw_engine *reopen(const char *dir, const tw_engine_options *opt)
{
    tw_engine *e = NULL;
    assert_ok(tw_engine_open(&e, dir, opt, err));
    return e;
}

static tw_engine_stats stats_of(tw_engine *e)
{
    tw_engine_stats s;
    assert_ok(tw_engine_stats_get(e, &s, err));
    return s;
}

/* A copy, for tw_test_path() reuses its buffers. */
static void copy_dir(char out[TW_PATH_MAX], const char *name)
{
    (void) snprintf(out, TW_PATH_MAX, "%s", tw_test_path(name));
}

static void path_of(char out[TW_PATH_MAX], const char *dir, const char *file)
{
    assert_ok(tw_path_join(out, dir, file, err));
}

static void ignore(void *ctx, const char *what)
{
    (void) ctx;
    (void) what;
}

static void overwrite(const char *dir, const char *file, const char *with)
{
    char path[TW_PATH_MAX];
    path_of(path, dir, file);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_true(fwrite(with, 1, strlen(with), f) == strlen(with) && fclose(f) == 0);
}

static void train_towers(tw_engine *e)
{
    char *report = NULL;
    const tw_train_options opt = {
        .config_json = TOY_TOWERS, .activate = TW_ACTIVATE_ALWAYS, .skip_eval = true};
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    tw_free(report);
}

static void train_seq(tw_engine *e)
{
    char *report = NULL;
    const tw_train_options opt = {
        .config_json = "{\"user_dim\": 0, \"item_dim\": 8, \"max_len\": 6, \"blocks\": 1, "
                       "\"heads\": 1, \"epochs\": 2, \"eval_every\": 1, \"threads\": 1}",
        .activate = TW_ACTIVATE_ALWAYS,
        .skip_eval = true};
    assert_ok(tw_engine_train_seq(e, &opt, &report, err));
    tw_free(report);
}

/* Everything but `similar` goes on where the towers are damaged, in each mode. */
static void expect_without_towers(tw_engine *e, const char *dir)
{
    tw_item item;
    tw_error why = {0};
    const tw_engine_stats s = stats_of(e);

    assert_false(s.has_towers);
    assert_true(s.has_seq);
    assert_non_null(strstr(s.towers_problem, "models/0002/towers.safetensors"));
    assert_null(strstr(s.towers_problem, dir)); /* clients are told this, too */
    assert_string_equal(s.seq_problem, "");
    assert_ok(tw_engine_get(e, "f1", &item, err));
    tw_item_fini(&item);
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 3}, &answer, err));
    assert_int_equal(answer.n, 3);
    assert_int_equal(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &answer, &why),
                     TW_ECORRUPT);
    assert_non_null(strstr(why.msg, "models/0002/towers.safetensors"));
    assert_non_null(strstr(why.msg, "twindex rollback"));
    assert_non_null(strstr(why.msg, "twindex train towers"));
}

static void damaged_towers_stop_similar_alone(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX];
    tw_put_kind kind;
    bool added;
    tw_engine *e = toy_engine("towers_damaged", true);
    toy_train(e);
    tw_engine_close(e);
    copy_dir(dir, "towers_damaged");
    overwrite(dir, "models/0002/towers.safetensors", "garbage garbage"); /* a link of 0001's */

    e = reopen(dir, &read_mode);
    expect_without_towers(e, dir);
    tw_engine_close(e);
    e = reopen(dir, &write_mode);
    expect_without_towers(e, dir);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "n1", .title = "Robot Story 99"}, &kind, err));
    assert_ok(tw_engine_record(e, "u1", "n1", 5000, &added, err));
    assert_true(added);
    train_seq(e); /* one part is trained; the towers stay what they are */
    assert_int_equal(stats_of(e).model, 3);
    assert_true(stats_of(e).towers_problem[0] != '\0');
    train_towers(e); /* and anew, as the sentence says */
    assert_string_equal(stats_of(e).towers_problem, "");
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "n1", .k = 3}, &answer, err));
    assert_int_equal(answer.n, 3);
    tw_engine_close(e);
}

static void a_missing_seq_file_stops_next_alone(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX], path[TW_PATH_MAX];
    tw_error why = {0};
    tw_engine *e = toy_engine("seq_missing", true);
    toy_train(e);
    tw_engine_close(e);
    copy_dir(dir, "seq_missing");
    path_of(path, dir, "models/0002/seq.safetensors");
    assert_int_equal(unlink(path), 0);

    e = reopen(dir, &write_mode);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &answer, err));
    assert_int_equal(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 3}, &answer, &why),
                     TW_ECORRUPT);
    assert_non_null(strstr(why.msg, "models/0002/seq.safetensors"));
    train_seq(e);
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 3}, &answer, err));
    tw_engine_close(e);
}

/* What was put while the towers could not be used has its vector once they can. */
static void a_file_put_back_serves_with_what_was_put_meanwhile(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX], path[TW_PATH_MAX], away[TW_PATH_MAX];
    tw_put_kind kind;
    tw_engine *e = toy_engine("put_back", true);
    train_towers(e);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "f2", .title = "Robot tale"}, &kind, err));
    tw_engine_close(e);
    copy_dir(dir, "put_back");
    path_of(path, dir, "models/0001/towers.safetensors");
    path_of(away, dir, "media/away");
    assert_int_equal(rename(path, away), 0);

    e = reopen(dir, &write_mode);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "n1", .title = "Robot Story 99"}, &kind, err));
    assert_ok(tw_engine_put(e, &(tw_item){.id = "f1", .title = "Robot Story 98"}, &kind, err));
    assert_ok(tw_engine_delete(e, "f5", err)); /* so that as many are embedded as there are items */
    tw_engine_close(e);
    assert_int_equal(rename(away, path), 0);

    e = reopen(dir, &write_mode);
    assert_int_equal(stats_of(e).indexed, stats_of(e).items);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "n1", .k = 12}, &answer, err));
    int robots = 0;
    for (int i = 0; i < answer.n; i++)
        robots += strncmp(answer.rows[i].title, "Robot", 5) == 0;
    assert_true(robots >= 10);
    bool found = false; /* f1 is a robot now */
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 12}, &answer, err));
    for (int i = 0; i < answer.n; i++)
        found = found || strcmp(answer.rows[i].id, "n1") == 0;
    assert_true(found);
    tw_engine_close(e);
}

/* A damaged file whose part is kept in a second folder, too, is read there and put in order. */
static void a_part_is_taken_from_another_version(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX], path[TW_PATH_MAX];
    tw_engine *e = toy_engine("borrow", true);
    toy_train(e);
    tw_engine_close(e);
    copy_dir(dir, "borrow");
    path_of(path, dir, "models/0002/towers.safetensors");
    assert_int_equal(unlink(path), 0);
    assert_ok(tw_file_replace(path, "garbage", 7, err)); /* no link of 0001's any more */

    e = reopen(dir, &read_mode);
    assert_string_equal(stats_of(e).towers_problem, "");
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &answer, err));
    tw_engine_close(e);
    assert_status(tw_engine_check(dir, ignore, NULL, err), TW_ECORRUPT);
    tw_engine_close(reopen(dir, &write_mode));
    assert_ok(tw_engine_check(dir, ignore, NULL, err));
}

/* ---- the way back ---------------------------------------------------------------------------- */

static void first_hit(tw_engine *e, const char *text, char id[64], float *score)
{
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.text = text, .k = 1}, &answer, err));
    (void) snprintf(id, 64, "%s", answer.rows[0].id);
    *score = answer.rows[0].score;
}

static void rollback_brings_the_version_before_back_and_again_itself(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX], id[64], back[64];
    float score, again;
    int version;
    tw_put_kind kind;
    tw_engine *e = toy_engine("rollback", true);
    copy_dir(dir, "rollback");
    assert_status(tw_engine_rollback(e, NULL, &version, err), TW_ESTATE);
    train_towers(e);
    assert_status(tw_engine_rollback(e, NULL, &version, err), TW_ESTATE);
    first_hit(e, "Robot 3", id, &score);
    char *report = NULL;
    assert_ok(tw_engine_train_towers(e,
                                     &(tw_train_options){.config_json = "{\"bits\": 8, \"dim\": 8, "
                                                                        "\"embed_dim\": 8, "
                                                                        "\"epochs\": 1}",
                                                         .activate = TW_ACTIVATE_ALWAYS,
                                                         .skip_eval = true},
                                     &report, err));
    tw_free(report);
    assert_int_equal(stats_of(e).tower_dim, 8);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "n1", .title = "Western nights"}, &kind, err));

    assert_ok(tw_engine_rollback(e, NULL, &version, err));
    assert_int_equal(version, 1);
    assert_int_equal(stats_of(e).model, 1);
    assert_int_equal(stats_of(e).tower_dim, 16);
    assert_int_equal(stats_of(e).indexed, TOY_ITEMS + 1); /* n1 came under the dropped towers */
    first_hit(e, "Robot 3", back, &again);
    assert_string_equal(back, id);
    assert_near(again, score, 1e-6);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "n2", .title = "Western days"}, &kind, err));
    tw_engine_close(e);

    e = reopen(dir, &write_mode); /* it is on disk */
    assert_int_equal(stats_of(e).model, 1);
    assert_int_equal(stats_of(e).indexed, TOY_ITEMS + 2);
    assert_status(tw_engine_activate(e, 1, NULL, err), TW_EEXIST);
    assert_ok(tw_engine_rollback(e, NULL, &version, err));
    assert_int_equal(version, 2);
    assert_int_equal(stats_of(e).tower_dim, 8);
    assert_int_equal(stats_of(e).indexed, TOY_ITEMS + 2);
    tw_engine_close(e);
    assert_ok(tw_engine_check(dir, ignore, NULL, err));
}

/* A graph is not kept, so what was smoothed over it is. */
static void smoothed_vectors_come_back_as_they_were(void **state)
{
    (void) state;
    float before[TW_ENGINE_MAX_DIM], after[TW_ENGINE_MAX_DIM];
    char *report = NULL;
    int dim, model, version;
    const tw_train_options smooth = {.config_json =
                                         "{\"bits\": 10, \"embed_dim\": 16, \"dim\": 16, "
                                         "\"epochs\": 1, \"min_count\": 1, "
                                         "\"graph_layers\": 2, \"threads\": 1}",
                                     .activate = TW_ACTIVATE_ALWAYS,
                                     .skip_eval = true};
    tw_engine *e = toy_engine("smoothed", true);
    assert_ok(tw_engine_train_towers(e, &smooth, &report, err));
    tw_free(report);
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "f1"}, before, &dim, &model, err));
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.text = "Western Story 1 Western Film"}, after,
                              &dim, &model, err));
    assert_memory_not_equal(before, after, 16 * sizeof *after); /* or the test shows nothing */
    train_towers(e);
    assert_ok(tw_engine_rollback(e, NULL, &version, err));
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "f1"}, after, &dim, &model, err));
    assert_int_equal(model, 1);
    assert_memory_equal(before, after, 16 * sizeof *after);
    tw_engine_close(e);
}

static void rollback_gives_next_back_too(void **state)
{
    (void) state;
    int version;
    tw_engine *e = toy_engine("rollback_seq", true);
    toy_train(e);
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 1}, &answer, err));
    char id[64];
    (void) snprintf(id, sizeof id, "%s", answer.rows[0].id);
    const float score = answer.rows[0].score;
    train_seq(e);
    assert_ok(tw_engine_rollback(e, NULL, &version, err));
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 1}, &answer, err));
    assert_string_equal(answer.rows[0].id, id);
    assert_near(answer.rows[0].score, score, 1e-6);
    assert_int_equal(answer.model, 2);
    tw_engine_close(e);
}

/* Puts once, between the first round of embedding and the building of the index. */
static int put_once(void *ctx, const tw_progress *p)
{
    tw_engine **e = ctx;
    tw_put_kind kind;
    if (*e == NULL || strcmp(p->stage, "embedding") != 0)
        return 0;
    assert_ok(tw_engine_put(*e, &(tw_item){.id = "n1", .title = "Robot dawn"}, &kind, err));
    assert_ok(tw_engine_put(*e, &(tw_item){.id = "f1", .title = "Robot dawn"}, &kind, err));
    *e = NULL;
    return 0;
}

static void what_is_put_while_a_version_comes_is_in_it(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("meanwhile", true), *once = e;
    train_towers(e);
    train_towers(e);
    const tw_train_options opt = {.progress = put_once, .progress_ctx = &once};
    assert_ok(tw_engine_activate(e, 1, &opt, err));
    assert_null(once);
    assert_int_equal(stats_of(e).indexed, TOY_ITEMS + 1);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 1}, &answer, err));
    assert_string_equal(answer.rows[0].id, "n1");
    tw_engine_close(e);
}

static void a_damaged_version_is_not_activated(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX];
    tw_error why = {0};
    int version;
    tw_engine *e = toy_engine("no_way_back", true);
    copy_dir(dir, "no_way_back");
    train_towers(e);
    train_towers(e);
    overwrite(dir, "models/0001/towers.safetensors", "garbage garbage");
    assert_int_equal(tw_engine_rollback(e, NULL, &version, &why), TW_ECORRUPT);
    assert_non_null(strstr(why.msg, "models/0001/towers.safetensors"));
    assert_int_equal(stats_of(e).model, 2);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &answer, err));
    assert_status(tw_engine_activate(e, 77, NULL, err), TW_ENOTFOUND);
    tw_engine_close(e);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

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
    assert_int_equal(stats_of(e).model, 1);
    tw_engine_close(e);
    e = reopen(dir, &write_mode); /* and no sweep takes it away */
    seen s = models_of(e);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.served[0], 1);
    assert_int_equal(s.served[1], 0);
    assert_string_equal(s.withheld, "no better than before");
    assert_status(tw_engine_rollback(e, NULL, &version, err), TW_ESTATE); /* it never served */
    assert_ok(tw_engine_activate(e, 2, NULL, err));
    assert_int_equal(stats_of(e).model, 2);
    assert_int_equal(stats_of(e).indexed, TOY_ITEMS);
    s = models_of(e);
    assert_int_equal(s.served[0], 2);
    assert_int_equal(s.served[1], 1);
    tw_engine_close(e);
    assert_ok(tw_engine_check(dir, ignore, NULL, err));
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
    e = reopen(dir, &write_mode);
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
    tw_engine_close(reopen(dir, &read_mode));
    assert_true(there(dir, ours[0])); /* a reader changes nothing */
    e = reopen(dir, &write_mode);
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
    e = reopen(dir, &write_mode);
    assert_ok(tw_engine_rollback(e, NULL, &version, err));
    assert_int_equal(version, 2);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_towers_stop_similar_alone),
        cmocka_unit_test(a_missing_seq_file_stops_next_alone),
        cmocka_unit_test(a_file_put_back_serves_with_what_was_put_meanwhile),
        cmocka_unit_test(a_part_is_taken_from_another_version),
        cmocka_unit_test(rollback_brings_the_version_before_back_and_again_itself),
        cmocka_unit_test(smoothed_vectors_come_back_as_they_were),
        cmocka_unit_test(rollback_gives_next_back_too),
        cmocka_unit_test(what_is_put_while_a_version_comes_is_in_it),
        cmocka_unit_test(a_damaged_version_is_not_activated),
        cmocka_unit_test(a_withheld_version_is_listed_and_can_be_activated),
        cmocka_unit_test(two_that_served_and_five_that_did_not_are_kept),
        cmocka_unit_test(what_no_kept_version_needs_is_swept_and_nothing_else),
        cmocka_unit_test(without_the_list_the_version_before_is_the_one_by_number),
    };
    return cmocka_run_group_tests(tests, open_answer, close_answer);
}
