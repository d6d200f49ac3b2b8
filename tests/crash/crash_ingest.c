/* A load that is killed at any step and started again has every row once: the good ones where they
 * are kept, the bad ones in FILE.rejected. The store is played by a file that is replaced
 * atomically and holds the rows taken so far together with the reader's place. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crash.h"
#include "base/file.h"
#include "ingest/ingest.h"
#include "tests/support/test.h"

enum { BATCH = 3, ROWS = 10 };

typedef struct kept {
    tw_reader_place place;
    char ids[256];
} kept;

static const char content[] = "id,title\n1,a\n,b\n3,c\n4,d,e\n5,\"f\n6,g\n7,h\n,\n9,i\n10,j\n";
static const char want_ids[] = "1 3 6 7 9 10 ";
static const char want_rejected[] =
    "3\tline 3: the id is empty\t,b\n"
    "5\tline 5: the row has 3 fields where the header has 2\t4,d,e\n"
    "6\tline 6: a quote is opened and not closed in this row\t5,\"f\n"
    "9\tline 9: the id is empty\t,\n";

static tw_status load_kept(const char *path, kept *k, tw_error *err)
{
    char *data = NULL;
    size_t len;
    memset(k, 0, sizeof *k);
    if (!tw_file_exists(path))
        return TW_OK;
    tw_status st = tw_file_read(path, sizeof *k, &data, &len, err);
    if (st == TW_OK)
        memcpy(k, data, sizeof *k);
    tw_free(data);
    return st;
}

/* The loop that every caller has: take rows, and with each batch the rejects, then the place. */
static tw_status load(const char *csv, const char *store, const char *rejected, tw_error *err)
{
    tw_status st = TW_OK;
    tw_reader *r = NULL;
    tw_rejects *j = NULL;
    tw_error why = {0};
    tw_row row;
    kept k;
    bool got = true;

    TW_TRY(load_kept(store, &k, err));
    TW_TRY(tw_reader_open(&r, csv, TW_INGEST_ITEMS, NULL, err));
    TW_TRY(tw_reader_seek(r, k.place, err));
    TW_TRY(tw_rejects_open(&j, rejected, k.place, err));
    for (int n = 1; got; n++) {
        st = tw_reader_next(r, &row, &got, &why);
        if (st == TW_EINVAL) {
            size_t len;
            const char *raw = tw_reader_raw(r, &len);
            st = tw_rejects_add(j, tw_reader_line(r), why.msg, raw, len, err);
        } else if (st == TW_OK && got) {
            (void) snprintf(k.ids + strlen(k.ids), sizeof k.ids - strlen(k.ids), "%s ", row.id);
        }
        TW_TRY(st);
        if (n % BATCH == 0 || !got) {
            TW_TRY(tw_rejects_flush(j, err));
            k.place = tw_reader_tell(r);
            TW_TRY(tw_file_replace(store, &k, sizeof k, err));
        }
    }
    TW_TRY(tw_rejects_finish(j, err));
done:
    tw_rejects_close(j);
    tw_reader_close(r);
    return st;
}

static void a_killed_load_goes_on_with_every_row_once(void **state)
{
    (void) state;
    const char *csv = tw_test_file("a.csv", content), *store = tw_test_path("store"),
               *rejected = tw_test_path("a.csv.rejected");
    int points = 0, status = 0;
    do {
        points++;
        assert_ok(tw_remove_tree(store, err));
        assert_ok(tw_remove_tree(rejected, err));
        pid_t pid = fork();
        if (pid == 0) {
            tw_crash_arm(points);
            _exit(load(csv, store, rejected, NULL) == TW_OK ? 0 : 1);
        }
        assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
        assert_int_not_equal(WEXITSTATUS(status), 1);

        kept k;
        char *data;
        size_t len;
        assert_ok(load(csv, store, rejected, err));
        assert_ok(load_kept(store, &k, err));
        assert_string_equal(k.ids, want_ids);
        assert_int_equal(k.place.row, ROWS);
        assert_ok(tw_file_read(rejected, 4096, &data, &len, err));
        assert_string_equal(data, want_rejected);
        tw_free(data);
    } while (WEXITSTATUS(status) == TW_CRASH_STATUS);
    /* four batches of one flush and the points of a file's replacement, and one flush at the end */
    assert_true(points - 1 >= 4 * 2 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_load_goes_on_with_every_row_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
