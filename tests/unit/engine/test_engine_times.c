/* In what order events are kept, whatever their log says of time. */
#include "tests/support/test.h"

#include <string.h>

#include "base/file.h"
#include "engine/engine.h"
#include "engine/eval/offline_eval.h"
#include "store/store.h"

static char dir[TW_PATH_MAX];

static tw_engine *open_new(const char *name)
{
    tw_engine *e = NULL;
    const tw_engine_options options = {.mode = TW_ENGINE_WRITE};
    (void) snprintf(dir, sizeof dir, "%s", tw_test_path(name));
    assert_ok(tw_engine_create(dir, err));
    assert_ok(tw_engine_open(&e, dir, &options, err));
    return e;
}

/* The ids of what a user consumed, in order: "a b c". */
static const char *history(const char *user)
{
    static char out[512];
    char path[TW_PATH_MAX];
    tw_store *s;
    tw_event e[64];
    int64_t row;
    int n = 0;
    tw_text text;
    out[0] = '\0';
    tw_text_init(&text, 1 << 16);
    assert_ok(tw_path_join(path, dir, "twindex.db", err));
    assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
    assert_ok(tw_store_user_row(s, user, &row, err));
    assert_ok(tw_store_history(s, row, 64, e, &n, err));
    for (int i = 0; i < n; i++) {
        tw_item_name name;
        assert_ok(tw_store_names(s, &e[i].item, 1, &name, &text, err));
        const size_t len = strlen(out);
        (void) snprintf(out + len, sizeof out - len, "%s%s", i > 0 ? " " : "", name.id);
    }
    tw_store_close(s);
    tw_text_fini(&text);
    return out;
}

static tw_ingest_report load(tw_engine *e, const char *path, const tw_ingest_options *opt)
{
    tw_ingest_report r;
    assert_ok(tw_engine_events(e, path, opt, &r, err));
    return r;
}

static void a_log_without_times_follows_the_one_before(void **state)
{
    (void) state;
    tw_engine *e = open_new("untimed");
    char first[TW_PATH_MAX], second[TW_PATH_MAX];
    bool added;
    (void) snprintf(first, sizeof first, "%s",
                    tw_test_file("first.csv", "user,item\nu,a\nu,b\nv,a\nu,a\n"));
    (void) snprintf(second, sizeof second, "%s",
                    tw_test_file("second.csv", "user,item\nu,c\nu,a\n"));
    assert_int_equal(load(e, first, NULL).created, 4); /* the second u,a is one of its own */
    assert_int_equal(load(e, second, NULL).created, 2);
    assert_string_equal(history("u"), "a b a c a");
    assert_int_equal(load(e, first, NULL).unchanged, 4); /* the very same files add nothing */
    assert_int_equal(load(e, second, NULL).unchanged, 2);
    assert_string_equal(history("u"), "a b a c a");
    assert_ok(tw_engine_record(e, "u", "b", 0, &added, err));
    tw_engine_close(e);
    const tw_engine_options options = {.mode = TW_ENGINE_WRITE};
    assert_ok(tw_engine_open(&e, dir, &options, err));
    assert_int_equal(load(e, tw_test_file("third.csv", "user,item\nu,c\n"), NULL).created, 1);
    assert_string_equal(history("u"), "a b a c a c b"); /* what has a time comes last */
    tw_engine_close(e);
}

static void a_recorded_event_is_newer_than_a_log_of_any_unit(void **state)
{
    (void) state;
    static const char *const times[] = {"1588687728", "1588687728923", "1588687728923456",
                                        "1588687728923456789", "2020-05-05T14:08:48.923Z"};
    for (int i = 0; i < 5; i++) {
        char name[16], log[120];
        bool added;
        (void) snprintf(name, sizeof name, "unit%d", i);
        tw_engine *e = open_new(name);
        (void) snprintf(log, sizeof log, "user,item,timestamp\nu,old,%s\n", times[i]);
        (void) load(e, tw_test_file("log.csv", log), NULL);
        assert_ok(
            tw_engine_put(e, &(tw_item){.id = "new", .title = "New"}, &(tw_put_kind){0}, err));
        assert_ok(tw_engine_record(e, "u", "new", 1588687729, &added, err));
        assert_string_equal(history("u"), "old new");
        tw_engine_close(e);
    }
}

static void options_of_times_go_through(void **state)
{
    (void) state;
    tw_engine *e = open_new("options");
    tw_ingest_report r;
    tw_error why = {0};
    const char *path =
        tw_test_file("log.csv", "user,item,date\nu,feb,01/02/2024\nu,jan,02/01/2024\n"
                                "u,far,02/02/2300\n");
    const tw_ingest_options day = {.time_format = "day-first"};
    const tw_ingest_options any = {.time_format = "day-first", .allow_future = true};
    assert_status(tw_engine_events(e, path, NULL, &r, &why), TW_EINVAL);
    assert_non_null(strstr(why.msg, "--time-format"));
    assert_int_equal(load(e, path, &day).rejected, 1);
    assert_string_equal(history("u"), "jan feb");
    assert_int_equal(load(e, path, &any).created, 1);
    assert_string_equal(history("u"), "jan feb far");
    tw_engine_close(e);

    char *report = NULL;
    const tw_offline_eval_options eval = {.path = path};
    assert_status(tw_offline_eval(&eval, &report, &why), TW_EINVAL);
    assert_non_null(strstr(why.msg, "--time-format"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_without_times_follows_the_one_before),
        cmocka_unit_test(a_recorded_event_is_newer_than_a_log_of_any_unit),
        cmocka_unit_test(options_of_times_go_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
