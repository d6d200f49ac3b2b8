/* One flipped bit, anywhere: check tells of it, and what is read is what was written or an error.
 */
#include "tests/support/test.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/rng.h"
#include "store/store.h"

#define ITEMS  60
#define USERS  5
#define EVENTS 200
#define DIM    8
#define FLIPS  150

/* ---- A store with something of everything ---------------------------------------------------- */

static void put_one(tw_store *s, int i)
{
    char id[32], title[64], text[200], key[16];
    float vec[DIM];
    tw_put_result put;
    (void) snprintf(id, sizeof id, "item-%d", i);
    (void) snprintf(title, sizeof title, "Title number %d", i);
    (void) snprintf(text, sizeof text, "A text of %d words that nobody will ever read again", i);
    const tw_item item = {
        .id = id, .title = title, .text = text, .attributes = "{\"year\":1999}", .image = "a.png"};
    assert_ok(tw_store_put_item(s, &item, &put, err));
    for (int d = 0; d < DIM; d++)
        vec[d] = (float) (i * d) / 7;
    assert_ok(tw_store_put_vector(s, put.row, 1, vec, DIM, NULL, err));
    for (int e = 0; e < EVENTS / ITEMS; e++) {
        tw_event event = {.item = put.row, .time = 1000 * e + i, .rating = i % 5, .value = NAN};
        (void) snprintf(key, sizeof key, "user-%d", (i + e) % USERS);
        assert_ok(tw_store_add_event(s, key, &event, NULL, err));
    }
}

static void fill(tw_store *s)
{
    const tw_store_mark mark = {.bytes = 5, .rows = 6, .done = true};
    for (int i = 0; i < ITEMS; i++)
        put_one(s, i);
    assert_ok(tw_store_delete_item(s, "item-3", NULL, err));
    assert_ok(tw_store_add_model(s, 1, "{\"towers\":1}", err));
    assert_ok(tw_store_activate_model(s, 1, err));
    assert_ok(tw_store_set_meta(s, "key", "value", err));
    assert_ok(tw_store_set_mark(s, "file", &mark, err));
}

/* ---- All that can be read, as one number ----------------------------------------------------- */

static tw_status hash_item(void *ctx, const tw_item *i, tw_error *err)
{
    uint64_t *h = ctx;
    const char *const strings[] = {i->id, i->title, i->text, i->attributes, i->image, i->audio};
    (void) err;
    *h = tw_hash_word(tw_hash_word(*h, (uint64_t) i->row), (uint64_t) i->seq);
    for (size_t n = 0; n < sizeof strings / sizeof strings[0]; n++)
        *h = tw_hash_bytes(*h, strings[n], strlen(strings[n]));
    return TW_OK;
}

static tw_status hash_vector(void *ctx, const tw_store_vector_change *v, tw_error *err)
{
    uint64_t *h = ctx;
    if (v->damaged)
        return tw_fail(err, TW_ECORRUPT, "a vector");
    *h = tw_hash_word(tw_hash_word(*h, (uint64_t) v->row), (uint64_t) v->seq);
    *h = v->live ? tw_hash_bytes(*h, v->vec, (size_t) v->dim * sizeof(float)) : *h;
    return TW_OK;
}

static tw_status hash_event(void *ctx, const tw_event *e, tw_error *err)
{
    uint64_t *h = ctx;
    (void) err;
    *h = tw_hash_word(tw_hash_word(*h, (uint64_t) e->user), (uint64_t) e->item);
    *h = tw_hash_word(tw_hash_word(*h, (uint64_t) e->time), (uint64_t) e->seq);
    *h = tw_hash_word(*h, (uint64_t) (e->rating * 100));
    return TW_OK;
}

static tw_status hash_model(void *ctx, const tw_store_model *m, tw_error *err)
{
    uint64_t *h = ctx;
    (void) err;
    *h = tw_hash_word(tw_hash_word(*h, (uint64_t) m->version), m->active ? 1 : 0);
    *h = tw_hash_bytes(*h, m->json, strlen(m->json));
    return TW_OK;
}

static tw_status hash_names(tw_store *s, uint64_t *h, tw_text *text, tw_error *err)
{
    tw_item_name name;
    tw_status st = TW_OK;
    for (int64_t row = 1; row <= ITEMS && st == TW_OK; row++) {
        st = tw_store_names(s, &row, 1, &name, text, err);
        if (st == TW_OK)
            *h = tw_hash_bytes(*h, name.title, strlen(name.title));
    }
    return st;
}

static tw_status read_all(tw_store *s, uint64_t *h, tw_error *err)
{
    tw_event events[EVENTS];
    tw_store_stats stats;
    tw_store_mark mark;
    tw_text text;
    int n;
    tw_status st = TW_OK;
    tw_text_init(&text, 1 << 16);
    *h = TW_HASH_START;
    TW_TRY(tw_store_each_change(s, 0, hash_item, h, err));
    TW_TRY(tw_store_each_vector(s, 1, 0, hash_vector, h, err));
    TW_TRY(tw_store_each_event(s, hash_event, h, err));
    TW_TRY(tw_store_each_model(s, hash_model, h, err));
    TW_TRY(hash_names(s, h, &text, err));
    for (int64_t user = 1; user <= USERS; user++) {
        TW_TRY(tw_store_history(s, user, EVENTS, events, &n, err));
        for (int i = 0; i < n; i++)
            (void) hash_event(h, &events[i], NULL);
        TW_TRY(tw_store_user_key(s, user, &text, err));
        *h = tw_hash_bytes(*h, text.data, text.len);
    }
    TW_TRY(tw_store_meta(s, "key", &text, err));
    *h = tw_hash_bytes(*h, text.data, text.len);
    TW_TRY(tw_store_get_mark(s, "file", &mark, err));
    *h = tw_hash_word(*h, (uint64_t) (mark.bytes * 1000 + mark.rows * 10 + (mark.done ? 1 : 0)));
    TW_TRY(tw_store_get_stats(s, &stats, err));
    *h = tw_hash_word(*h, (uint64_t) (stats.seq * 1000 + stats.items + stats.events));
done:
    tw_text_fini(&text);
    return st;
}

/* ---- Files ----------------------------------------------------------------------------------- */

typedef struct blob {
    char *data;
    size_t len;
} blob;

static blob slurp(const char *path)
{
    blob b = {0};
    assert_ok(tw_file_read(path, 64 << 20, &b.data, &b.len, err));
    return b;
}

static const char *with(const char *path, const char *suffix)
{
    static char names[4][TW_PATH_MAX];
    static int next;
    char *name = names[next++ % 4];
    (void) snprintf(name, TW_PATH_MAX, "%s%s", path, suffix);
    return name;
}

static void spit(const char *path, const char *suffix, const blob *b)
{
    FILE *file = fopen(with(path, suffix), "wb"); /* no sync: there are hundreds */
    assert_non_null(file);
    assert_int_equal(fwrite(b->data, 1, b->len, file), b->len);
    assert_int_equal(fclose(file), 0);
}

static void count_problem(void *ctx, const char *sentence)
{
    (void) sentence;
    ++*(int *) ctx;
}

typedef struct outcome {
    bool told;    /* by open or by check */
    bool differs; /* all reads succeeded, and gave something else */
} outcome;

static outcome look(const char *path, uint64_t want)
{
    outcome o = {0};
    uint64_t have = 0;
    int problems = 0;
    tw_store *s;
    if (tw_store_open(&s, path, TW_STORE_READ, NULL) != TW_OK)
        return (outcome){.told = true};
    o.told = tw_store_check(s, false, count_problem, &problems, NULL) != TW_OK;
    o.differs = read_all(s, &have, NULL) == TW_OK && have != want;
    tw_store_close(s);
    return o;
}

static void report(const char *what, int told, int silent)
{
    print_message("%s: %d of %d flips told, the others change nothing\n", what, told,
                  told + silent);
}

/* ---- The database ---------------------------------------------------------------------------- */

/* Inner pages and indexes lead to rows; when one leads nowhere, rows are missed that nobody looks
 * at. Only check can tell of that. */
static void a_flipped_bit_of_the_database_is_reported_or_changes_nothing(void **state)
{
    (void) state;
    const char *path = tw_test_path("flip.db");
    uint64_t want;
    tw_store *s;
    tw_rng rng;
    int told = 0, silent = 0, unseen = 0;
    assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err));
    assert_ok(tw_store_begin(s, err));
    fill(s);
    assert_ok(tw_store_commit(s, err));
    assert_ok(read_all(s, &want, err));
    tw_store_close(s);
    const blob db = slurp(path);
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < FLIPS; i++) {
        const size_t at = (size_t) tw_rng_below(&rng, db.len);
        const int bit = (int) tw_rng_below(&rng, 8);
        db.data[at] = (char) (db.data[at] ^ (1 << bit));
        spit(path, "", &db);
        const outcome o = look(path, want);
        if (o.differs && !o.told)
            fail_msg("bit %d of byte %zu: reads differ, and check says nothing", bit, at);
        unseen += o.differs ? 1 : 0;
        told += o.told ? 1 : 0;
        silent += o.told ? 0 : 1;
        db.data[at] = (char) (db.data[at] ^ (1 << bit));
    }
    report("database", told, silent);
    print_message("%d flips were met by no read, and changed what all reads give\n", unseen);
    assert_true(told > FLIPS / 6);    /* the flips met something */
    assert_true(unseen < FLIPS / 20); /* rows that no inner page leads to any more */
    tw_free(db.data);
}

/* What is read of a damaged row is an error with its name and a way out, whatever reads it. */
static const struct {
    const char *sql;
    const char *says;
} rows[] = {
    {"UPDATE items SET title = 'x' WHERE row = 2", "item 'item-1' (row 2) is not what was written"},
    {"UPDATE contents SET text = 'x' WHERE row = 2", "the content of item 'item-1' (row 2)"},
    {"UPDATE vectors SET vec = zeroblob(32) WHERE row = 2", "vector"},
    {"UPDATE events SET rating = 9 WHERE time = 1", "the event of user row 2 with item row 2 at 1"},
    {"UPDATE users SET key = 'x' WHERE row = 2", "user 'x' (row 2)"},
    {"UPDATE models SET json = '{\"a\":1}'", "the registration of model version '1'"},
    {"UPDATE meta SET value = 'x'", "the value of 'key'"},
    {"UPDATE marks SET rows = 7", "the mark of file 'file'"},
    {"UPDATE counts SET events = events + 1", "the line of its counters and totals"},
};

static void a_damaged_row_is_named_by_each_reader(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[32];
        tw_error why = {0};
        uint64_t have;
        tw_store *s;
        sqlite3 *db = NULL;
        (void) snprintf(name, sizeof name, "row%zu.db", i);
        const char *path = tw_test_path(name);
        assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err));
        assert_ok(tw_store_begin(s, err));
        fill(s);
        assert_ok(tw_store_commit(s, err));
        tw_store_close(s);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, rows[i].sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_changes(db), 1);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
        if (read_all(s, &have, &why) != TW_ECORRUPT || strstr(why.msg, rows[i].says) == NULL)
            fail_msg("after %s: '%s', want '%s'", rows[i].sql, why.msg, rows[i].says);
        tw_store_close(s);
    }
}

/* The way out: a damaged item or vector is put again, and all is well. */
static void what_is_put_again_is_intact(void **state)
{
    (void) state;
    const char *path = tw_test_path("again.db");
    const float vec[DIM] = {1};
    const tw_item item = {.id = "item-1", .title = "Again"};
    int problems = 0;
    tw_put_result put;
    tw_store *s;
    sqlite3 *db = NULL;
    assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err));
    fill(s);
    tw_store_close(s);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE items SET sum = 5 WHERE row = 2;"
                                  "UPDATE contents SET sum = 5 WHERE row = 2;"
                                  "UPDATE vectors SET sum = 5 WHERE row = 2",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    assert_status(tw_store_check(s, false, count_problem, &problems, err), TW_ECORRUPT);
    assert_ok(tw_store_put_item(s, &item, &put, err));
    assert_int_equal(put.kind, TW_PUT_REPLACED);
    assert_ok(tw_store_put_vector(s, put.row, 1, vec, DIM, NULL, err));
    assert_ok(tw_store_check(s, false, count_problem, &problems, err));
    tw_store_close(s);
}

/* ---- The log --------------------------------------------------------------------------------- */

/* A process that is killed: its commits are in the log alone. */
static void write_and_die(const char *path)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        tw_store *s = NULL;
        if (tw_store_open(&s, path, TW_STORE_CREATE, NULL) != TW_OK)
            _exit(1);
        fill(s);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

typedef struct files {
    blob db, log, seq;
} files;

static files slurp_all(const char *path)
{
    const files f = {slurp(path), slurp(with(path, "-wal")), slurp(with(path, "-seq"))};
    return f;
}

static void spit_all(const char *path, const files *f)
{
    spit(path, "", &f->db);
    spit(path, "-wal", &f->log);
    spit(path, "-seq", &f->seq);
    (void) unlink(with(path, "-shm"));
    (void) unlink(with(path, "-wal.damaged"));
}

static void free_all(files *f)
{
    tw_free(f->db.data);
    tw_free(f->log.data);
    tw_free(f->seq.data);
}

static uint64_t read_of(const char *path)
{
    uint64_t want;
    tw_store *s;
    assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
    assert_ok(read_all(s, &want, err));
    int problems = 0;
    assert_ok(tw_store_check(s, false, count_problem, &problems, err));
    tw_store_close(s);
    return want;
}

static void a_flipped_bit_of_the_log_is_reported_or_changes_nothing(void **state)
{
    (void) state;
    const char *path = tw_test_path("log.db");
    tw_rng rng;
    int told = 0;
    write_and_die(path);
    files f = slurp_all(path);
    const uint64_t want = read_of(path);
    tw_rng_seed(&rng, tw_test_seed() + 1);
    for (int i = 0; i < FLIPS; i++) {
        const size_t at = i < 32 ? (size_t) i : (size_t) tw_rng_below(&rng, f.log.len);
        const int bit = (int) tw_rng_below(&rng, 8);
        f.log.data[at] = (char) (f.log.data[at] ^ (1 << bit));
        spit_all(path, &f);
        const outcome o = look(path, want);
        if (!o.told)
            fail_msg("bit %d of byte %zu of the log: check says nothing, reads %s", bit, at,
                     o.differs ? "differ" : "are the same");
        told += o.told ? 1 : 0;
        f.log.data[at] = (char) (f.log.data[at] ^ (1 << bit));
    }
    report("log", told, FLIPS - told);
    free_all(&f);
}

static void a_log_that_was_cut_off_is_reported(void **state)
{
    (void) state;
    const char *path = tw_test_path("cut.db");
    tw_rng rng;
    write_and_die(path);
    files f = slurp_all(path);
    const uint64_t want = read_of(path);
    const size_t whole = f.log.len;
    tw_rng_seed(&rng, tw_test_seed() + 2);
    for (int i = 0; i < 20; i++) {
        f.log.len = i == 0 ? 0 : (size_t) tw_rng_below(&rng, whole - 8000);
        spit_all(path, &f);
        if (!look(path, want).told)
            fail_msg("a log cut to %zu of %zu bytes: check says nothing", f.log.len, whole);
    }
    free_all(&f);
}

/* Opened for writing, a damaged log is kept beside, said once, and the rest goes on. */
static void a_damaged_log_is_kept_when_the_store_is_written_to(void **state)
{
    (void) state;
    const char *path = tw_test_path("kept.db");
    const tw_item item = {.id = "after"};
    int problems = 0;
    tw_store *s;
    write_and_die(path);
    files f = slurp_all(path);
    f.log.data[f.log.len / 2] ^= 4;
    spit_all(path, &f);
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    const blob kept = slurp(with(path, "-wal.damaged"));
    assert_int_equal(kept.len, f.log.len);
    assert_memory_equal(kept.data, f.log.data, kept.len);
    assert_ok(tw_store_put_item(s, &item, NULL, err));
    assert_ok(tw_store_check(s, false, count_problem, &problems, err));
    tw_store_close(s);
    (void) unlink(with(path, "-wal.damaged"));
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    assert_false(tw_file_exists(with(path, "-wal.damaged"))); /* no second time */
    tw_store_close(s);
    tw_free(kept.data);
    free_all(&f);
}

/* An older copy of the database, put back beside what else is there. */
static void an_older_copy_is_reported(void **state)
{
    (void) state;
    const char *path = tw_test_path("older.db");
    int problems = 0;
    tw_store *s;
    assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err));
    put_one(s, 1);
    tw_store_close(s);
    const blob old = slurp(path);
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    put_one(s, 2);
    assert_ok(tw_store_check(s, false, count_problem, &problems, err));
    tw_store_close(s);
    spit(path, "", &old);
    assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
    assert_status(tw_store_check(s, false, count_problem, &problems, err), TW_ECORRUPT);
    assert_int_equal(problems, 1);
    tw_store_close(s);
    tw_free(old.data);
}

int main(void)
{
    tw_log_set_level(TW_LOG_ERROR + 1); /* damage is told in the log, too */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_of_the_database_is_reported_or_changes_nothing),
        cmocka_unit_test(a_damaged_row_is_named_by_each_reader),
        cmocka_unit_test(what_is_put_again_is_intact),
        cmocka_unit_test(a_flipped_bit_of_the_log_is_reported_or_changes_nothing),
        cmocka_unit_test(a_log_that_was_cut_off_is_reported),
        cmocka_unit_test(a_damaged_log_is_kept_when_the_store_is_written_to),
        cmocka_unit_test(an_older_copy_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
