/* FILE.rejected: what is in it, when it is there, and what an interrupted run leaves. */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "ingest/ingest.h"
#include "tests/support/test.h"

static const tw_reader_place from_start = {0, 0, 0};

static void assert_content(const char *path, const char *want, size_t len)
{
    char *data;
    size_t got;
    assert_ok(tw_file_read(path, 1 << 20, &data, &got, err));
    assert_int_equal(got, len);
    assert_memory_equal(data, want, len);
    tw_free(data);
}

static void no_rejected_row_no_file(void **state)
{
    (void) state;
    tw_rejects *j;
    const char *path = tw_test_path("none.rejected");
    assert_ok(tw_rejects_open(&j, path, from_start, err));
    assert_ok(tw_rejects_flush(j, err));
    assert_ok(tw_rejects_finish(j, err));
    assert_int_equal(tw_rejects_count(j), 0);
    tw_rejects_close(j);
    assert_false(tw_file_exists(path));
}

static void a_run_without_rejected_rows_removes_the_last_runs_file(void **state)
{
    (void) state;
    tw_rejects *j;
    const char *path = tw_test_file("old.rejected", "3\told\told\n");
    assert_ok(tw_rejects_open(&j, path, from_start, err));
    assert_true(tw_file_exists(path)); /* until it is known that nothing takes its place */
    assert_ok(tw_rejects_finish(j, err));
    tw_rejects_close(j);
    assert_false(tw_file_exists(path));
}

static void each_row_is_one_line(void **state)
{
    (void) state;
    static const char want[] = "2\tno id\t,a\tb\n7\ttab new line\t\\r\\n\\0\\\n";
    tw_rejects *j;
    const char *path = tw_test_path("two.rejected");
    assert_ok(tw_rejects_open(&j, path, from_start, err));
    assert_ok(tw_rejects_add(j, 2, "no id", ",a\tb", 4, err));
    assert_ok(tw_rejects_add(j, 7, "tab\tnew\nline", "\r\n\0\\", 4, err));
    assert_int_equal(tw_rejects_count(j), 2);
    assert_ok(tw_rejects_finish(j, err));
    assert_content(path, want, sizeof want - 1);
    tw_rejects_close(j);
}

static void going_on_keeps_the_rows_before_the_place_and_drops_the_others(void **state)
{
    (void) state;
    static const struct {
        int64_t line;
        const char *kept;
        int64_t count;
    } cases[] = {
        {1, "9\tnew\tx\n", 1},
        {2, "2\ta\tb\n9\tnew\tx\n", 2},
        {8, "2\ta\tb\n5\tc\td\n9\tnew\tx\n", 3},
        {100, "2\ta\tb\n5\tc\td\n30\te\tf\n9\tnew\tx\n", 4}, /* the torn last line is dropped */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_rejects *j;
        const tw_reader_place place = {1000, cases[i].line, 1};
        const char *path = tw_test_file("on.rejected", "2\ta\tb\n5\tc\td\n30\te\tf\n31\tto");
        assert_ok(tw_rejects_open(&j, path, place, err));
        assert_ok(tw_rejects_add(j, 9, "new", "x", 1, err));
        assert_int_equal(tw_rejects_count(j), cases[i].count);
        assert_ok(tw_rejects_finish(j, err));
        assert_content(path, cases[i].kept, strlen(cases[i].kept));
        tw_rejects_close(j);
    }
}

static void what_is_flushed_is_there_for_another_process(void **state)
{
    (void) state;
    tw_rejects *j;
    const char *path = tw_test_path("flush.rejected");
    assert_ok(tw_rejects_open(&j, path, from_start, err));
    assert_ok(tw_rejects_add(j, 1, "why", "row", 3, err));
    assert_ok(tw_rejects_flush(j, err));
    assert_content(path, "1\twhy\trow\n", 10);
    tw_rejects_close(j);
}

static void a_place_that_cannot_be_written_is_reported(void **state)
{
    (void) state;
    tw_rejects *j;
    tw_error why = {0};
    const char *path = tw_test_path("nosuch/x.rejected");
    assert_ok(tw_rejects_open(&j, path, from_start, err));
    assert_int_equal(tw_rejects_add(j, 1, "why", "row", 3, &why), TW_ENOTFOUND);
    assert_non_null(strstr(why.msg, "x.rejected"));
    tw_rejects_close(j);
    tw_rejects_close(NULL);
}

static void a_full_disk_is_reported(void **state)
{
    (void) state;
    tw_rejects *j;
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_ok(tw_rejects_open(&j, "/dev/full", from_start, err));
    assert_ok(tw_rejects_add(j, 1, "why", "row", 3, err)); /* still in the buffer */
    assert_status(tw_rejects_flush(j, err), TW_ENOSPC);
    tw_rejects_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_rejected_row_no_file),
        cmocka_unit_test(a_run_without_rejected_rows_removes_the_last_runs_file),
        cmocka_unit_test(each_row_is_one_line),
        cmocka_unit_test(going_on_keeps_the_rows_before_the_place_and_drops_the_others),
        cmocka_unit_test(what_is_flushed_is_there_for_another_process),
        cmocka_unit_test(a_place_that_cannot_be_written_is_reported),
        cmocka_unit_test(a_full_disk_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
