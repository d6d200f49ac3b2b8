#include "tests/support/test.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store/store.h"

static const char *path;

static void fill(void)
{
    tw_store *s;
    const float vec[2] = {1, 2};
    assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err));
    for (int i = 0; i < 3; i++) {
        const char *const ids[] = {"a", "b", "c"};
        tw_item item = {.id = ids[i], .title = "title"};
        tw_event e = {.item = i + 1, .time = i, .rating = NAN, .value = NAN};
        assert_ok(tw_store_put_item(s, &item, NULL, err));
        assert_ok(tw_store_put_vector(s, i + 1, 1, vec, 2, NULL, err));
        assert_ok(tw_store_add_event(s, "ann", &e, NULL, err));
    }
    assert_ok(tw_store_delete_item(s, "c", NULL, err));
    assert_ok(tw_store_add_model(s, 1, NULL, err));
    assert_ok(tw_store_activate_model(s, 1, err));
    tw_store_close(s);
}

/* Each row breaks one promise by hand; check must say so. */
static const struct {
    const char *sql;
    const char *says;
} damage[] = {
    {"UPDATE counts SET items = 3", "1 live items more or fewer than counted"},
    {"UPDATE counts SET deleted = 0", "1 deleted items more or fewer"},
    {"UPDATE counts SET users = 5", "4 users more or fewer"},
    {"UPDATE counts SET events = 1", "2 events more or fewer"},
    {"UPDATE spaces SET vectors = 3", "1 models whose number of vectors"},
    {"UPDATE counts SET seq = 3", "changes numbered beyond"},
    {"INSERT INTO contents VALUES(3, '{}', '', '', 'left over', 0)", "1 deleted items that still"},
    {"DELETE FROM contents WHERE row = 1", "1 deleted items that still have content, or live"},
    {"INSERT INTO contents VALUES(77, '{}', '', '', '', 0)", "1 deleted items that still"},
    {"UPDATE items SET title = 'x' WHERE row = 3", "1 deleted items that still"},
    {"UPDATE vectors SET vec = zeroblob(8) WHERE row = 3", "1 vectors of deleted items"},
    {"UPDATE vectors SET vec = zeroblob(12) WHERE row = 1", "1 vectors of another width"},
    {"INSERT INTO events VALUES(9, 1, 1, 1, NULL, NULL, 0)",
     "1 vectors, users or events that name"},
    {"INSERT INTO events VALUES(1, 1, 99, 1, NULL, NULL, 0)",
     "1 vectors, users or events that name"},
    {"INSERT INTO models VALUES(2, 1, '{}', 0)", "1 models that serve at the same time"},
    {"UPDATE items SET id = '' WHERE row = 1", "1 items whose id is empty"},
    {"UPDATE items SET title = 'other' WHERE row = 1", "1 items that cannot be found by their"},
    /* what no rule forbids, and was not written */
    {"UPDATE items SET title = 'other' WHERE row = 1", "item 'a' (row 1) is not what was written"},
    {"UPDATE items SET seq = seq + 90 WHERE row = 2", "item 'b' (row 2) is not what"},
    {"UPDATE contents SET text = 'x' WHERE row = 2", "the content of item row 2 is not what"},
    {"UPDATE vectors SET vec = zeroblob(8) WHERE row = 1", "the vector of item row 1 and model 1"},
    {"UPDATE users SET key = 'anN'", "user 'anN' (row 1) is not what"},
    {"UPDATE events SET time = 5 WHERE item = 1", "the event of user row 1 with item row 1 at 5"},
    {"UPDATE events SET rating = 1 WHERE item = 1", "the event of user row 1 with item row 1 at 0"},
    {"UPDATE models SET json = '{ }'", "the registration of model 1 is not what"},
    {"INSERT INTO meta VALUES('k', 'v', 1)", "the value of 'k' is not what"},
    {"INSERT INTO marks VALUES('k', 1, 1, 1, 1, 1, 1)", "the mark of file 'k' is not what"},
    {"UPDATE spaces SET dim = 3", "the line of the vectors of model 1 is not what"},
    {"UPDATE counts SET seq = 77", "the line of its counters and totals is not what"},
    {"UPDATE sums SET store = 77", "the line of its counters and totals is not what"},
    /* a row that is gone or that is an older one, checksum and all */
    {"UPDATE items SET sum = sum + 1 WHERE row = 1", "1 total of the items that"},
    {"DELETE FROM contents WHERE row = 1", "1 total of the items' contents"},
    {"DELETE FROM events WHERE item = 1", "1 total of the events"},
    {"DELETE FROM models", "1 total of models, settings and marks"},
    {"DELETE FROM users", "1 total of the users"},
    {"DELETE FROM vectors WHERE row = 1", "1 totals of a model's vectors"},
    {"DELETE FROM spaces", "1 totals of a model's vectors"},
    {"DROP INDEX items_fold", "the definitions of its tables are not"},
};

typedef struct findings {
    const char *says;
    int matching;
    int total;
} findings;

static void note(void *ctx, const char *sentence)
{
    findings *f = ctx;
    f->total++;
    f->matching += strstr(sentence, f->says) != NULL ? 1 : 0;
}

static void each_broken_promise_is_reported(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        char name[32];
        sqlite3 *db = NULL;
        tw_store *s;
        findings f = {.says = damage[i].says};
        (void) snprintf(name, sizeof name, "damage%zu.db", i);
        path = tw_test_path(name);
        fill();
        assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
        assert_ok(tw_store_check(s, false, note, &f, err));
        assert_int_equal(f.total, 0);
        tw_store_close(s);

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        if (sqlite3_exec(db, damage[i].sql, NULL, NULL, NULL) != SQLITE_OK)
            fail_msg("%s: %s", damage[i].sql, sqlite3_errmsg(db));
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
        assert_status(tw_store_check(s, false, note, &f, err), TW_ECORRUPT);
        if (f.matching != 1)
            fail_msg("'%s' was not told after: %s", damage[i].says, damage[i].sql);
        tw_store_close(s);
    }
}

/* A page of zeros in the middle of the file. */
static void a_damaged_page_is_reported(void **state)
{
    (void) state;
    static const char zeros[4096];
    findings f = {.says = ""};
    tw_store *s;
    path = tw_test_path("page.db");
    fill();
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 3 * 4096, SEEK_SET), 0);
    assert_int_equal(fwrite(zeros, 1, sizeof zeros, file), sizeof zeros);
    assert_int_equal(fclose(file), 0);
    assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
    assert_status(tw_store_check(s, true, note, &f, err), TW_ECORRUPT);
    assert_true(f.total > 0);
    tw_store_close(s);
}

static void a_check_inside_a_transaction_is_refused(void **state)
{
    (void) state;
    findings f = {.says = ""};
    tw_store *s;
    assert_ok(tw_store_open(&s, tw_test_path("inside.db"), TW_STORE_CREATE, err));
    assert_ok(tw_store_begin(s, err));
    assert_status(tw_store_check(s, true, note, &f, err), TW_ESTATE);
    tw_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_broken_promise_is_reported),
        cmocka_unit_test(a_damaged_page_is_reported),
        cmocka_unit_test(a_check_inside_a_transaction_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
