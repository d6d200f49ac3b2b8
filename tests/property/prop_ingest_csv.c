/* What is written as CSV or JSON comes back as it was: random tables, written by the rules of RFC
 * 4180 with every liberty that it leaves, read back, and compared cell by cell. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "ingest/ingest.h"
#include "tests/support/test.h"

enum { ROWS = 40, COLUMNS = 5, CELL = 24, TABLES = 50 };

static char cells[ROWS][COLUMNS][4 * CELL + 1];
static tw_text file;

static const char *const pieces[] = {
    "a",        "\"",           ",",  "\n", "\r",   "\r\n", " ",  ";",  "|",    "0",    "\t",
    "\xc3\xa9", "\xe2\x82\xac", "\\", "x",  "\x01", "[]",   "{}", "::", "\"\"", "null", "1e3"};

/* A cell of up to CELL pieces; quotes, separators and line ends are frequent. */
static void random_cell(tw_rng *rng, char *out)
{
    const int n = (int) tw_rng_below(rng, CELL / 2);
    out[0] = '\0';
    for (int i = 0; i < n; i++) {
        const char *piece = pieces[tw_rng_below(rng, sizeof pieces / sizeof pieces[0])];
        memcpy(out + strlen(out), piece, strlen(piece) + 1);
    }
}

static void random_table(tw_rng *rng)
{
    for (int i = 0; i < ROWS; i++) {
        (void) snprintf(cells[i][0], sizeof cells[i][0], "r%d", i);
        for (int k = 1; k < COLUMNS; k++)
            random_cell(rng, cells[i][k]);
    }
}

static void put(const char *s) { assert_ok(tw_text_adds(&file, s, err)); }

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Quotes where the rules ask for it, or blanks at an end would be lost, and now and then where they
 * do not. `doubling` off breaks them. */
static void put_csv_cell(tw_rng *rng, const char *s, bool doubling)
{
    const size_t len = strlen(s);
    const bool must =
        strpbrk(s, "\",\r\n") != NULL || (len > 0 && (is_blank(s[0]) || is_blank(s[len - 1])));
    if (!must && tw_rng_below(rng, 3) > 0) {
        put(s);
        return;
    }
    put("\"");
    for (; *s != '\0'; s++) {
        const char one[3] = {*s, *s == '"' && doubling ? '"' : '\0', '\0'};
        put(one);
    }
    put("\"");
}

static void write_csv(tw_rng *rng, bool doubling)
{
    const char *end = tw_rng_below(rng, 2) == 0 ? "\n" : "\r\n";
    tw_text_clear(&file);
    put(tw_rng_below(rng, 2) == 0 ? "\xef\xbb\xbf" : "");
    put("id,c1:string,c2:string,c3:string,c4:string");
    put(end);
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < COLUMNS; k++) {
            put(k > 0 ? "," : "");
            put_csv_cell(rng, cells[i][k], doubling);
        }
        put(i + 1 < ROWS || tw_rng_below(rng, 2) == 0 ? end : "");
    }
}

static int append(const char *buffer, size_t size, void *data)
{
    return tw_text_add(data, buffer, size, NULL) == TW_OK ? 0 : -1;
}

static void write_json(tw_rng *rng, bool lines)
{
    tw_text_clear(&file);
    put(lines ? "" : "[");
    for (int i = 0; i < ROWS; i++) {
        json_t *row = json_object();
        for (int k = 0; k < COLUMNS; k++) {
            char name[16];
            (void) snprintf(name, sizeof name, k == 0 ? "id" : "c%d", k);
            (void) json_object_set_new(row, name, json_string(cells[i][k]));
        }
        const size_t flags = tw_rng_below(rng, 2) == 0 ? JSON_COMPACT : JSON_ENSURE_ASCII;
        assert_int_equal(
            json_dump_callback(row, append, &file, flags | (lines ? 0 : JSON_INDENT(2))), 0);
        json_decref(row);
        put(lines ? "\n" : i + 1 < ROWS ? ", " : "]");
    }
}

/* The number of rows that come back other than they were written. */
static int wrong_rows(const char *name)
{
    const char *path = tw_test_path(name);
    tw_reader *r;
    tw_row row;
    bool got = true;
    int wrong = 0, n = 0;

    assert_ok(tw_file_replace(path, file.data, file.len, err));
    assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err));
    while (true) {
        tw_status st = tw_reader_next(r, &row, &got, NULL);
        if (!got)
            break;
        bool same = st == TW_OK && n < ROWS && strcmp(row.id, cells[n][0]) == 0;
        json_t *attributes = same ? json_loads(row.attributes, JSON_REJECT_DUPLICATES, NULL) : NULL;
        for (int k = 1; k < COLUMNS && same; k++) {
            char key[16];
            (void) snprintf(key, sizeof key, "c%d", k);
            const char *value = json_string_value(json_object_get(attributes, key));
            same = strcmp(value != NULL ? value : "", cells[n][k]) == 0;
        }
        json_decref(attributes);
        wrong += !same;
        n++;
    }
    tw_reader_close(r);
    return wrong + (n > ROWS ? n - ROWS : ROWS - n);
}

static void csv_comes_back_as_it_was(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int t = 0; t < TABLES; t++) {
        random_table(&rng);
        write_csv(&rng, true);
        assert_int_equal(wrong_rows("t.csv"), 0);
    }
}

static void the_comparison_can_tell_a_writer_that_does_not_double_quotes(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    random_table(&rng);
    write_csv(&rng, false);
    assert_true(wrong_rows("t.csv") > ROWS / 4);
}

static void json_comes_back_as_it_was(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int t = 0; t < TABLES; t++) {
        random_table(&rng);
        write_json(&rng, true);
        assert_int_equal(wrong_rows("t.jsonl"), 0);
        write_json(&rng, false);
        assert_int_equal(wrong_rows("t.json"), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_comes_back_as_it_was),
        cmocka_unit_test(the_comparison_can_tell_a_writer_that_does_not_double_quotes),
        cmocka_unit_test(json_comes_back_as_it_was),
    };
    tw_text_init(&file, (size_t) 8 << 20);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tw_text_fini(&file);
    return failed;
}
