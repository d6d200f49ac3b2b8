/* What holds for every format: places, limits, gzip, media paths, and what a reader tells of
 * itself. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/test.h"
#include "tests/unit/ingest/ingest_rows.h"

enum { MAX_ROWS = 64 };

typedef struct seen_row {
    char text[1024];
    tw_reader_place place;
} seen_row;

/* Reads to the end: good and bad rows, with the place behind each. */
static int read_all(tw_reader *r, tw_ingest_kind kind, seen_row *rows)
{
    int n = 0;
    for (bool got = true; n < MAX_ROWS;) {
        tw_row row;
        tw_error why = {0};
        tw_status st = tw_reader_next(r, &row, &got, &why);
        if (!got)
            return n;
        if (st == TW_OK)
            render_row(rows[n].text, sizeof rows[n].text, kind, &row);
        else
            (void) snprintf(rows[n].text, sizeof rows[n].text, "! %s", why.msg);
        rows[n++].place = tw_reader_tell(r);
    }
    return n;
}

static void reading_goes_on_from_any_place_as_if_it_had_never_stopped(void **state)
{
    (void) state;
    static const struct {
        const char *name, *content;
        tw_ingest_kind kind;
    } files[] = {
        {"a.csv", "id,title\r\n1,\"a\nb\"\r\n\r\n2,x,y\r\n3,\"c\r\n4,d", TW_INGEST_ITEMS},
        {"b.csv", "\xef\xbb\xbfuser,item\nu,a\nu\n\nu,b\nu,c\n\n", TW_INGEST_EVENTS},
        {"a.tsv", "id\ttitle\n1\ta\n\n2\n3\tc\n", TW_INGEST_ITEMS},
        {"a.jsonl", "{\"id\":1}\n\n{\"id\":\n{\"id\":3}", TW_INGEST_ITEMS},
        {"a.json", "[{\"id\":1} ,\n5, {\"id\":\n3}\n, {\"id\":4}]\n", TW_INGEST_ITEMS},
        {"b.json", "{\"x\": {},\n \"y\":1, \"z\": {}}", TW_INGEST_ITEMS},
        {"c.json", "{\n\"id\":1}\n{\"id\":\n{\n\"id\":3},\n\n5 6\n{\"id\":4}", TW_INGEST_ITEMS},
        {"d.json", "\x1e{\"id\":1}\n\x1e{\"id\":\n\x1e{\n\"id\":3}\n", TW_INGEST_ITEMS},
        {"e.json", "[{\"id\":1}]\n[{\"id\":2},{\"id\":\n3}] [ ] x\ny", TW_INGEST_ITEMS},
        {"u.data", "1\t2\t3\t4\n1\t2\n5\t6\t7\t8\n", TW_INGEST_EVENTS},
        {"s.txt", "1 2\n3\n\n4 5\n4 6", TW_INGEST_EVENTS},
    };
    static seen_row all[MAX_ROWS], rest[MAX_ROWS];
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
        tw_reader *r;
        const char *path = tw_test_file(files[f].name, files[f].content);
        assert_ok(tw_reader_open(&r, path, files[f].kind, NULL, err));
        const tw_reader_place start = tw_reader_tell(r);
        const int n = read_all(r, files[f].kind, all);
        assert_true(n >= 3);
        for (int i = -1; i < n; i++) { /* with a new reader, and back with the old one */
            const tw_reader_place place = i < 0 ? start : all[i].place;
            if (i % 2 == 0) {
                tw_reader_close(r);
                assert_ok(tw_reader_open(&r, path, files[f].kind, NULL, err));
            }
            assert_ok(tw_reader_seek(r, place, err));
            assert_int_equal(read_all(r, files[f].kind, rest), n - i - 1);
            for (int k = i + 1; k < n; k++) {
                assert_string_equal(rest[k - i - 1].text, all[k].text);
                assert_memory_equal(&rest[k - i - 1].place, &all[k].place, sizeof start);
            }
        }
        const tw_reader_place zero = {0};
        assert_ok(tw_reader_seek(r, zero, err));
        assert_int_equal(read_all(r, files[f].kind, rest), n);
        assert_string_equal(rest[0].text, all[0].text);
        tw_reader_close(r);
    }
}

static void a_place_that_is_none_is_refused(void **state)
{
    (void) state;
    tw_reader *r;
    tw_row row;
    bool got;
    const char *path = tw_test_file("p.csv", "id,title\n1,a\n2,b\n");
    assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err));
    const tw_reader_place inside = {11, 2, 1}, header = {3, 1, 0}, behind = {1000, 9, 9},
                          negative = {13, 2, -1};
    assert_status(tw_reader_seek(r, inside, err), TW_EINVAL);
    assert_status(tw_reader_seek(r, header, err), TW_EINVAL);
    tw_error why = {0};
    assert_int_equal(tw_reader_seek(r, behind, &why), TW_EINVAL);
    assert_non_null(strstr(why.msg, "ends before byte 1000"));
    assert_status(tw_reader_seek(r, negative, err), TW_EINVAL);
    const tw_reader_place good = {13, 2, 1};
    assert_ok(tw_reader_seek(r, good, err));
    assert_ok(tw_reader_next(r, &row, &got, err));
    assert_string_equal(row.id, "2");
    assert_int_equal(row.line, 3);
    tw_reader_close(r);

    path = tw_test_file("q.csv", "id,\"ti\ntle\"\n1,a\n"); /* a line ends inside the header */
    assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err));
    const tw_reader_place in_header = {7, 2, 0};
    assert_status(tw_reader_seek(r, in_header, err), TW_EINVAL);
    tw_reader_close(r);
}

/* A CSV whose third line has `len` bytes, its end included, then one good row. */
static const char *long_file(const char *name, size_t len, const char *before)
{
    const char *path = tw_test_path(name), *head = "id,title\n1,a\n", *tail = "3,c\n";
    char *data = tw_alloc(len + 64, 1);
    assert_non_null(data);
    size_t at = strlen(head), n = strlen(before);
    memcpy(data, head, at);
    memset(data + at, 'x', len);
    memcpy(data + at, before, n);
    data[at + len - 1] = '\n';
    memcpy(data + at + len, tail, strlen(tail));
    assert_ok(tw_file_replace(path, data, at + len + strlen(tail), err));
    tw_free(data);
    return path;
}

static void a_row_over_the_limit_is_refused_and_the_next_one_read(void **state)
{
    (void) state;
    static const struct {
        size_t over;
        const char *before;
    } cases[] = {{0, "2,"}, {1, "2,"}, {TW_INGEST_MAX_LINE, "2,"}, {1, "2,\""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_reader *r;
        tw_row row;
        bool got;
        size_t len;
        const char *path = long_file("l.csv", TW_INGEST_MAX_LINE + cases[i].over, cases[i].before);
        assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err));
        assert_ok(tw_reader_next(r, &row, &got, err));
        if (cases[i].over == 0) {
            assert_ok(tw_reader_next(r, &row, &got, err));
            assert_int_equal(strlen(row.title), TW_INGEST_MAX_LINE - 3);
        } else {
            tw_error why = {0};
            assert_int_equal(tw_reader_next(r, &row, &got, &why), TW_EINVAL);
            assert_string_equal(why.msg, "line 3: the row is longer than 4194304 bytes");
            assert_true(got);
            assert_memory_equal(tw_reader_raw(r, &len), cases[i].before, strlen(cases[i].before));
            assert_true(len > 0 && len < 1024);
        }
        assert_ok(tw_reader_next(r, &row, &got, err));
        assert_true(got);
        assert_string_equal(row.id, "3");
        assert_int_equal(row.line, 4);
        tw_reader_close(r);
    }
}

static void a_json_element_over_the_limit_is_refused_too(void **state)
{
    (void) state;
    const size_t len = (size_t) 3 * TW_INGEST_MAX_LINE;
    char *data = tw_alloc(len + 1, 1);
    assert_non_null(data);
    memset(data, 'x', len);
    memcpy(data, "[{\"id\":\"", 8);
    memcpy(data + len - 15, "\"},\n{\"id\":\"b\"}]", 15);
    const char *path = tw_test_path("l.json");
    assert_ok(tw_file_replace(path, data, len, err));
    tw_free(data);

    tw_reader *r;
    tw_row row;
    bool got;
    assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err));
    assert_status(tw_reader_next(r, &row, &got, err), TW_EINVAL);
    assert_ok(tw_reader_next(r, &row, &got, err));
    assert_string_equal(row.id, "b");
    assert_int_equal(row.line, 2);
    assert_ok(tw_reader_next(r, &row, &got, err));
    assert_false(got);
    tw_reader_close(r);
}

static void columns_have_a_limit(void **state)
{
    (void) state;
    tw_reader *r;
    for (int n = TW_INGEST_MAX_COLUMNS; n <= TW_INGEST_MAX_COLUMNS + 1; n++) {
        char *data = tw_alloc((size_t) n, 8);
        assert_non_null(data);
        size_t at = 0;
        for (int i = 0; i < n; i++)
            at += (size_t) snprintf(data + at, 8, "%s%d%c", i == 0 ? "id" : "c", i == 0 ? 0 : i,
                                    i + 1 < n ? ',' : '\n');
        memcpy(data, "id,", 3);
        memmove(data + 3, data + 4, at - 4); /* "id0," lost its digit */
        const char *path = tw_test_path("wide.csv");
        assert_ok(tw_file_replace(path, data, at - 1, err));
        tw_free(data);
        assert_status(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err),
                      n > TW_INGEST_MAX_COLUMNS ? TW_EINVAL : TW_OK);
        assert_true((r == NULL) == (n > TW_INGEST_MAX_COLUMNS));
        tw_reader_close(r);
    }
}

static const char *gz_file(const char *name, const char *content)
{
    const char *path = tw_test_path(name);
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, content, (unsigned) strlen(content)), (int) strlen(content));
    assert_int_equal(gzclose(f), Z_OK);
    return path;
}

static void gzip_is_unpacked_whatever_its_name(void **state)
{
    (void) state;
    static const char *const names[] = {"a.csv.gz", "a.csv"};
    for (int i = 0; i < 2; i++) {
        tw_reader *r;
        tw_row row;
        bool got;
        const char *path = gz_file(names[i], "id,title\n1,a\n2,b\n");
        assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err));
        assert_int_equal(tw_reader_format(r), TW_FORMAT_CSV);
        assert_ok(tw_reader_next(r, &row, &got, err));
        const tw_reader_place place = tw_reader_tell(r);
        assert_int_equal(place.offset, 13); /* of the unpacked bytes */
        assert_ok(tw_reader_next(r, &row, &got, err));
        assert_ok(tw_reader_seek(r, place, err));
        assert_ok(tw_reader_next(r, &row, &got, err));
        assert_string_equal(row.id, "2");
        assert_ok(tw_reader_next(r, &row, &got, err));
        assert_false(got);
        int64_t done, total;
        tw_reader_progress(r, &done, &total);
        assert_int_equal(done, total);
        tw_reader_close(r);
    }
}

static void damaged_gzip_is_reported_as_corrupt(void **state)
{
    (void) state;
    char text[4000], *data;
    size_t len;
    uint64_t x = 88172645463325252u;
    int at = snprintf(text, sizeof text, "id,title\n");
    for (int i = 0; at < 3900; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        at +=
            snprintf(text + at, sizeof text - (size_t) at, "%d,%llx\n", i, (unsigned long long) x);
    }
    const char *path = gz_file("d.csv.gz", text);
    assert_ok(tw_file_read(path, 1 << 20, &data, &len, err));
    for (int how = 0; how < 2; how++) {
        tw_reader *r;
        tw_row row;
        bool got = true;
        tw_error why = {0};
        if (how == 1)
            data[len / 2] = (char) (data[len / 2] ^ 0x55);
        assert_ok(tw_file_replace(path, data, how == 0 ? len / 2 : len, err));
        tw_status st = tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, &why);
        while (st == TW_OK && got)
            st = tw_reader_next(r, &row, &got, &why);
        assert_int_equal(st, TW_ECORRUPT);
        assert_non_null(strstr(why.msg, "is damaged"));
        tw_reader_close(r);
    }
    tw_free(data);
}

static void raw_is_the_row_as_it_stands_in_the_file(void **state)
{
    (void) state;
    static const struct {
        int64_t line;
        const char *raw;
    } want[] = {{2, "1,\"a\nb\""}, {4, "2,x,y"}, {5, "3,caf\xe9"}, {7, "4,d"}};
    tw_reader *r;
    tw_row row;
    bool got;
    size_t len;
    const char *path = tw_test_file("r.csv", "id,title\r\n1,\"a\nb\"\r\n2,x,y\r\n3,caf\xe9\n\n4,d");
    const tw_reader_options utf8 = {.encoding = "utf-8"};
    assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, &utf8, err));
    assert_int_equal(tw_reader_line(r), 0);
    for (size_t i = 0; i < 4; i++) {
        tw_status st = tw_reader_next(r, &row, &got, NULL);
        assert_int_equal(st, i == 1 || i == 2 ? TW_EINVAL : TW_OK);
        const char *raw = tw_reader_raw(r, &len);
        assert_int_equal(len, strlen(want[i].raw));
        assert_memory_equal(raw, want[i].raw, len);
        assert_int_equal(tw_reader_line(r), want[i].line);
    }
    tw_reader_close(r);
}

static void media_paths_are_taken_from_the_files_folder(void **state)
{
    (void) state;
    tw_reader *r;
    tw_row row;
    bool got;
    char want[TW_PATH_MAX];
    const char *path = tw_test_file("m.csv", "id,image,audio\n1,pics/a.png,/x/b.wav\n"
                                             "2,https://h/a.png,\n");
    assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err));
    assert_ok(tw_reader_next(r, &row, &got, err));
    (void) snprintf(want, sizeof want, "%s/pics/a.png", tw_test_dir());
    assert_string_equal(row.image, want);
    assert_string_equal(row.audio, "/x/b.wav");
    assert_ok(tw_reader_next(r, &row, &got, err));
    assert_string_equal(row.image, ""); /* never fetched */
    assert_string_equal(row.audio, "");
    tw_reader_close(r);
}

static void a_fingerprint_tells_files_and_options_apart(void **state)
{
    (void) state;
    char key[6][TW_FINGERPRINT_MAX];
    const char *path = tw_test_file("f.csv", "id,item,user\n1,2,3\n");
    static const tw_reader_options title = {.title_template = "{id}"};
    static const tw_column_map map = {"title", "user"};
    static const tw_reader_options mapped = {.columns = &map, .n_columns = 1};
    const struct {
        tw_ingest_kind kind;
        const tw_reader_options *opt;
    } how[] = {{TW_INGEST_ITEMS, NULL},   {TW_INGEST_ITEMS, NULL},    {TW_INGEST_EVENTS, NULL},
               {TW_INGEST_ITEMS, &title}, {TW_INGEST_ITEMS, &mapped}, {TW_INGEST_ITEMS, NULL}};
    for (int i = 0; i < 6; i++) {
        tw_reader *r;
        if (i == 5)
            path = tw_test_file("f.csv", "id,item,user\n1,2,4\n");
        assert_ok(tw_reader_open(&r, path, how[i].kind, how[i].opt, err));
        tw_reader_fingerprint(r, key[i]);
        tw_reader_close(r);
    }
    assert_string_equal(key[0], key[1]);
    for (int i = 2; i < 6; i++) {
        for (int k = 1; k < i; k++)
            assert_string_not_equal(key[i], key[k]);
    }
}

static void a_reader_tells_how_it_understands_the_file(void **state)
{
    (void) state;
    tw_reader *r;
    const char *path = tw_test_file("d.csv", "movie_id,name,year,tags\n1,a,2,c\n");
    assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err));
    assert_string_equal(
        tw_reader_describe(r),
        "columns: id=movie_id title=name text=- image=- audio=- attributes=year:number,tags:list");
    tw_reader_close(r);
    assert_ok(tw_reader_open(&r, tw_test_file("d.txt", "1 2\n"), TW_INGEST_EVENTS, NULL, err));
    assert_string_equal(tw_reader_describe(r), "columns: user=#1 item=#2 time=- rating=-");
    tw_reader_close(r);
    assert_ok(tw_reader_open(&r, tw_test_file("d.jsonl", "{\"name\":\"x\",\"id\":1,\"a\":2}\n"),
                             TW_INGEST_ITEMS, NULL, err));
    assert_string_equal(tw_reader_describe(r),
                        "columns: id=id title=name text=- image=- audio=- attributes=a");
    tw_reader_close(r);
}

static void a_file_that_cannot_be_opened_is_reported_with_its_name(void **state)
{
    (void) state;
    tw_reader *r = NULL;
    tw_error why = {0};
    char longest[TW_PATH_MAX + 2];
    assert_int_equal(tw_reader_open(&r, tw_test_path("nosuch.csv"), TW_INGEST_ITEMS, NULL, &why),
                     TW_ENOTFOUND);
    assert_non_null(strstr(why.msg, "nosuch.csv"));
    assert_null(r);
    assert_status(tw_reader_open(&r, tw_test_dir(), TW_INGEST_ITEMS, NULL, err), TW_EINVAL);
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_status(tw_reader_open(&r, longest, TW_INGEST_ITEMS, NULL, err), TW_EINVAL);
    if (geteuid() != 0) {
        const char *path = tw_test_file("shut.csv", "id\n1\n");
        assert_int_equal(chmod(path, 0), 0);
        assert_status(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err), TW_EDENIED);
    }
    tw_reader_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_goes_on_from_any_place_as_if_it_had_never_stopped),
        cmocka_unit_test(a_place_that_is_none_is_refused),
        cmocka_unit_test(a_row_over_the_limit_is_refused_and_the_next_one_read),
        cmocka_unit_test(a_json_element_over_the_limit_is_refused_too),
        cmocka_unit_test(columns_have_a_limit),
        cmocka_unit_test(gzip_is_unpacked_whatever_its_name),
        cmocka_unit_test(damaged_gzip_is_reported_as_corrupt),
        cmocka_unit_test(raw_is_the_row_as_it_stands_in_the_file),
        cmocka_unit_test(media_paths_are_taken_from_the_files_folder),
        cmocka_unit_test(a_fingerprint_tells_files_and_options_apart),
        cmocka_unit_test(a_reader_tells_how_it_understands_the_file),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_reported_with_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
