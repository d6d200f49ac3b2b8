/* `check` beside a process that writes without a pause: puts, deletes, records, ingests, snapshots,
 * trains, goes back to the version before. A directory that is sound is never called damaged.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "engine/inspection.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

enum { CHECKS = 100, PUTS = 6 };

static const tw_engine_options write_mode = {.mode = TW_ENGINE_WRITE, .threads = 1};
static char catalogue[4096], dir[4096];

static void must(tw_status st, int code)
{
    if (st != TW_OK)
        _exit(code);
}

static void train(tw_engine *e, bool towers)
{
    char *report = NULL;
    const tw_train_options opt = {
        .config_json = towers ? "{\"bits\": 8, \"embed_dim\": 8, \"dim\": 8, \"epochs\": 1, "
                                "\"threads\": 1}"
                              : "{\"user_dim\": 0, \"item_dim\": 8, \"max_len\": 4, \"blocks\": 1, "
                                "\"heads\": 1, \"epochs\": 1, \"threads\": 1}",
        .item_features = !towers,
        .activate = TW_ACTIVATE_ALWAYS,
        .skip_eval = true};
    must(towers ? tw_engine_train_towers(e, &opt, &report, NULL)
                : tw_engine_train_seq(e, &opt, &report, NULL),
         10);
    tw_free(report);
}

static void change_items(tw_engine *e, int round)
{
    for (int i = 0; i < PUTS; i++) {
        char id[32], title[64];
        tw_put_kind kind;
        bool added;
        (void) snprintf(id, sizeof id, "n%d", i);
        (void) snprintf(title, sizeof title, "Robot Story %d", round * PUTS + i);
        must(tw_engine_put(e, &(tw_item){.id = id, .title = title}, &kind, NULL), 11);
        must(tw_engine_record(e, "u1", id, 0, &added, NULL), 12);
        if (i % 3 == 0)
            must(tw_engine_delete(e, id, NULL), 13);
        if (i == 3)
            must(tw_engine_snapshot(e, NULL), 14);
    }
}

static void write_for_ever(void)
{
    for (int round = 0;; round++) {
        tw_engine *e;
        tw_ingest_report r;
        int version;
        must(tw_engine_open(&e, dir, &write_mode, NULL), 15);
        change_items(e, round);
        must(tw_engine_ingest(e, catalogue, NULL, &r, NULL), 16);
        train(e, round % 2 == 0);
        change_items(e, round);
        must(tw_engine_rollback(e, NULL, &version, NULL), 17);
        tw_engine_close(e);
    }
}

static void say(void *ctx, const char *what)
{
    (void) ctx;
    print_error("%s\n", what);
}

static void an_intact_directory_is_never_called_damaged(void **state)
{
    (void) state;
    int status = 0;
    tw_engine *e = toy_engine("busy", true);
    (void) snprintf(dir, sizeof dir, "%s", tw_test_path("busy"));
    (void) snprintf(catalogue, sizeof catalogue, "%s", tw_test_path("films.csv"));
    train(e, true);
    train(e, false);
    tw_engine_close(e);
    tw_log_set_level(TW_LOG_ERROR + 1);

    const pid_t writer = fork();
    if (writer == 0)
        write_for_ever();
    assert_true(writer > 0);
    for (int i = 0; i < CHECKS; i++) {
        tw_error why = {0};
        const tw_status st = tw_engine_check(dir, say, NULL, &why);
        if (st != TW_OK)
            print_error("check %d: %s\n", i, why.msg);
        assert_int_equal(waitpid(writer, &status, WNOHANG), 0); /* it goes on writing */
        assert_int_equal(st, TW_OK);
    }
    assert_int_equal(kill(writer, SIGKILL), 0);
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_ok(tw_engine_open(&e, dir, &write_mode, err)); /* mends what the kill left */
    tw_engine_close(e);
    assert_ok(tw_engine_check(dir, say, NULL, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_intact_directory_is_never_called_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
