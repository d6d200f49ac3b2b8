/* Every kind of file of a data directory, damaged in every way: what can be done without it is
 * done, and what cannot says the file's name. Nothing crashes, nothing waits for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/inspection.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

enum { PATIENCE_S = 30 };

static const tw_engine_options write_mode = {.mode = TW_ENGINE_WRITE, .threads = 1};
static const tw_engine_options read_mode = {.mode = TW_ENGINE_READ, .threads = 1};
static char audio[TW_PATH_MAX], dir[TW_PATH_MAX];

/* ---- the damages ----------------------------------------------------------------------------- */

typedef void (*damage_fn)(const char *path);

static void missing(const char *path) { assert_ok(tw_remove_tree(path, err)); }

static void empty(const char *path)
{
    assert_ok(tw_remove_tree(path, err));
    assert_ok(tw_file_replace(path, "", 0, err));
}

static int64_t size_of(const char *path)
{
    struct stat sb;
    return stat(path, &sb) == 0 && S_ISREG(sb.st_mode) ? (int64_t) sb.st_size : -1;
}

static void cut_in_half(const char *path)
{
    if (size_of(path) >= 0)
        assert_int_equal(truncate(path, (off_t) size_of(path) / 2), 0);
}

static void flip(const char *path, int64_t at)
{
    unsigned char byte = 0;
    if (size_of(path) <= 0)
        return;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && pread(fd, &byte, 1, (off_t) at) == 1);
    byte ^= 0x40;
    assert_true(pwrite(fd, &byte, 1, (off_t) at) == 1 && close(fd) == 0);
}

static void flip_first(const char *path) { flip(path, 0); }
static void flip_header(const char *path) { flip(path, size_of(path) > 20 ? 20 : 0); }
static void flip_middle(const char *path) { flip(path, size_of(path) / 2); }
static void flip_last(const char *path) { flip(path, size_of(path) - 1); }

static void a_folder(const char *path)
{
    assert_ok(tw_remove_tree(path, err));
    assert_int_equal(mkdir(path, 0755), 0);
}

static void a_full_folder(const char *path)
{
    a_folder(path);
    char inside[TW_PATH_MAX];
    assert_ok(tw_path_join(inside, path, "inside", err));
    assert_ok(tw_file_replace(inside, "x", 1, err));
}

static void a_loop(const char *path)
{
    assert_ok(tw_remove_tree(path, err));
    assert_int_equal(symlink(path, path), 0);
}

static void a_dangling_link(const char *path)
{
    assert_ok(tw_remove_tree(path, err));
    assert_int_equal(symlink("/nonexistent/elsewhere", path), 0);
}

static void a_pipe(const char *path)
{
    assert_ok(tw_remove_tree(path, err));
    assert_int_equal(mkfifo(path, 0644), 0);
}

static void a_file(const char *path)
{
    assert_ok(tw_remove_tree(path, err));
    assert_ok(tw_file_replace(path, "a file, where a folder was", 26, err));
}

static const struct {
    const char *name;
    damage_fn make;
    bool of_bytes;
} damages[] = {
    {"missing", missing, false},
    {"empty", empty, false},
    {"cut in half", cut_in_half, true},
    {"first byte flipped", flip_first, true},
    {"byte 20 flipped", flip_header, true},
    {"middle byte flipped", flip_middle, true},
    {"last byte flipped", flip_last, true},
    {"a folder", a_folder, false},
    {"a full folder", a_full_folder, false},
    {"a link to itself", a_loop, false},
    {"a dangling link", a_dangling_link, false},
    {"a FIFO", a_pipe, false},
    {"a file", a_file, false},
};

static const char *const files[] = {
    "twindex.db",
    "lock",
    "models/0002/model.json",
    "models/0002/towers.safetensors",
    "models/0002/seq.safetensors",
    "models/0002/seq.cut.safetensors",
    "models/0002/towers.report.json",
    "models/0002/seq.report.json",
    "models/0002/seq.metrics.jsonl",
    "models/0001/towers.safetensors",
    "index/items-0001.twx",
    "index/next-0002.twx",
    "index/items-0001.twx.tmp",
    "models/0002",
    "models/0001",
    "models/0003",
    "models/0003.tmp",
    "models",
    "index",
    "media",
};

/* ---- what is tried --------------------------------------------------------------------------- */

static const char *damaged; /* the file of this case */
static int failures;

/* A status other than TW_OK is fine if the sentence names the file (its last part, or for a folder
 * something in it) and the way out. */
static void reported(const char *what, tw_status st, const tw_error *err)
{
    const char *slash = strrchr(damaged, '/');
    const char *name = slash != NULL ? slash + 1 : damaged;
    if (st == TW_OK || (strstr(err->msg, name) != NULL && st != TW_ENOMEM &&
                        (strstr(err->msg, "copy") != NULL || strstr(err->msg, "remove ") != NULL ||
                         strstr(err->msg, "put ") != NULL)))
        return;
    print_error("    %s: %s: %s\n", what, tw_status_name(st), err->msg);
    failures++;
}

static void found(void *ctx, const char *what)
{
    (void) ctx;
    (void) what;
}

static void ask(tw_engine *e, const char *mode)
{
    tw_error why = {0};
    tw_answer a;
    tw_item item;
    char what[64];
    tw_answer_init(&a);
    (void) snprintf(what, sizeof what, "similar, %s", mode);
    reported(what, tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &a, &why), &why);
    (void) snprintf(what, sizeof what, "next, %s", mode);
    reported(what, tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 3}, &a, &why), &why);
    (void) snprintf(what, sizeof what, "get, %s", mode);
    const tw_status st = tw_engine_get(e, "f1", &item, &why);
    reported(what, st, &why);
    if (st == TW_OK)
        tw_item_fini(&item);
    tw_answer_fini(&a);
}

static void change(tw_engine *e)
{
    tw_error why = {0};
    tw_put_kind kind;
    char *report = NULL;
    bool added;
    const tw_train_options opt = {
        .config_json = "{\"user_dim\": 0, \"item_dim\": 8, \"max_len\": 4, \"blocks\": 1, "
                       "\"heads\": 1, \"epochs\": 1, \"threads\": 1}",
        .activate = TW_ACTIVATE_ALWAYS,
        .skip_eval = true};
    reported("put", tw_engine_put(e, &(tw_item){.id = "n", .title = "Robot"}, &kind, &why), &why);
    reported("record", tw_engine_record(e, "u1", "f9", 0, &added, &why), &why);
    reported("snapshot", tw_engine_snapshot(e, &why), &why);
    const tw_status st = tw_engine_train_seq(e, &opt, &report, &why);
    reported("train seq", st, &why);
    failures += strncmp(damaged, "index", 5) == 0 && st != TW_OK; /* derived: it needs none */
    tw_free(report);
}

static tw_status see(void *ctx, const tw_engine_model *m, tw_error *err)
{
    (void) ctx;
    (void) m;
    (void) err;
    return TW_OK;
}

static void look_and_change(void)
{
    tw_engine *e = NULL;
    tw_error why = {0};
    tw_status st = tw_engine_open(&e, dir, &read_mode, &why);
    reported("open for reading", st, &why);
    if (st == TW_OK) {
        ask(e, "reading");
        reported("models", tw_engine_each_model(e, see, NULL, &why), &why);
    }
    tw_engine_close(e);
    st = tw_engine_check(dir, found, NULL, &why);
    if (st != TW_ECORRUPT) /* then the problems were reported one by one */
        reported("check", st, &why);
    st = tw_engine_open(&e, dir, &write_mode, &why);
    reported("open for writing", st, &why);
    if (st == TW_OK) {
        ask(e, "writing");
        change(e);
        ask(e, "after training");
    }
    tw_engine_close(e);
}

/* ---- the table ------------------------------------------------------------------------------- */

static void copy_of_intact(void)
{
    int status = 0;
    assert_ok(tw_remove_tree(dir, err));
    const pid_t pid = fork();
    if (pid == 0) {
        (void) execlp("cp", "cp", "-a", audio, dir, (char *) NULL);
        _exit(127);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static int one_case(size_t f, size_t d)
{
    char path[TW_PATH_MAX];
    int status = 0;
    assert_ok(tw_path_join(path, audio, files[f], err));
    if (damages[d].of_bytes && size_of(path) <= 0)
        return 0; /* there are none */
    copy_of_intact();
    assert_ok(tw_path_join(path, dir, files[f], err));
    damages[d].make(path);
    damaged = files[f];
    const pid_t pid = fork();
    if (pid == 0) {
        (void) alarm(PATIENCE_S);
        look_and_change();
        _exit(failures);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    print_error("%s: %s: %s %d\n", files[f], damages[d].name,
                WIFEXITED(status) ? "sentences without the name:" : "killed by signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return 1;
}

static void every_file_damaged_in_every_way(void **state)
{
    (void) state;
    int bad = 0;
    tw_engine *e = toy_engine("audio", true);
    tw_log_set_level(TW_LOG_ERROR + 1);
    toy_train(e);
    tw_engine_close(e);
    (void) snprintf(audio, sizeof audio, "%s", tw_test_path("audio"));
    (void) snprintf(dir, sizeof dir, "%s", tw_test_path("dir"));
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++)
        for (size_t d = 0; d < sizeof damages / sizeof damages[0]; d++)
            bad += one_case(f, d);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_damaged_in_every_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
