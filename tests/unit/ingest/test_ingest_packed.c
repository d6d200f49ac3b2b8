/* Files that are packed: read, and resumed, as if they were not; damaged ones; other containers. */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#ifdef TW_HAVE_ZSTD
#include <zstd.h>
#endif
#ifdef TW_HAVE_XZ
#include <lzma.h>
#endif

#include "base/alloc.h"
#include "base/file.h"
#include "ingest/ingest.h"
#include "ingest/ingest_unpack.h"

enum { ROWS = 40000, ROOM = 1 << 21 };

static char csv[ROOM];
static size_t csv_len;
static unsigned char packed[ROOM];

/* Rows that do not pack to nothing, so that a packed file is longer than one piece. */
static void make_csv(void)
{
    uint64_t x = 88172645463325252U;
    csv_len = (size_t) snprintf(csv, sizeof csv, "id,title\n");
    for (int i = 0; i < ROWS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        csv_len += (size_t) snprintf(csv + csv_len, sizeof csv - csv_len, "%d,%016llx\n", i,
                                     (unsigned long long) x);
    }
}

typedef size_t (*pack_fn)(const char *data, size_t n, unsigned char *to, size_t room);

static size_t pack_gzip(const char *data, size_t n, unsigned char *to, size_t room)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *) (uintptr_t) data;
    z.avail_in = (unsigned) n;
    z.next_out = to;
    z.avail_out = (unsigned) room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t len = z.total_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
    return len;
}

#ifdef TW_HAVE_ZSTD
static size_t pack_zstd(const char *data, size_t n, unsigned char *to, size_t room)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1))); /* as zstd(1) */
    const size_t len = ZSTD_compress2(z, to, room, data, n);
    assert_false(ZSTD_isError(len));
    (void) ZSTD_freeCCtx(z);
    return len;
}
#endif

#ifdef TW_HAVE_XZ
static size_t pack_xz(const char *data, size_t n, unsigned char *to, size_t room)
{
    size_t len = 0;
    assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, (const uint8_t *) data, n,
                                             to, &len, room),
                     LZMA_OK);
    return len;
}
#endif

static const struct {
    const char *name;
    pack_fn pack;
} packings[] = {
    {"gzip", pack_gzip},
#ifdef TW_HAVE_ZSTD
    {"zstd", pack_zstd},
#endif
#ifdef TW_HAVE_XZ
    {"xz", pack_xz},
#endif
};
#define PACKINGS (sizeof packings / sizeof packings[0])

static const char *file_of(size_t len)
{
    const char *path = tw_test_path("a.csv");
    assert_ok(tw_file_replace(path, packed, len, err));
    return path;
}

/* Reads all rows; how it ended. */
static tw_status read_all(const char *path, bool intact, int *rows, tw_error *why)
{
    tw_reader *r;
    tw_row row;
    bool got = true;
    *rows = 0;
    tw_status st = tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, why);
    while (st == TW_OK && got) {
        st = tw_reader_next(r, &row, &got, why);
        if (!intact && st == TW_EINVAL) /* the damage has reached a row before its sum was read */
            st = TW_OK;
        if (intact && st == TW_OK && got && strtol(row.id, NULL, 10) != *rows)
            fail_msg("row %d is '%s'", *rows, row.id);
        *rows += st == TW_OK && got;
    }
    tw_reader_close(r);
    return st;
}

static void every_row_of_a_packed_file_is_read(void **state)
{
    (void) state;
    for (size_t p = 0; p < PACKINGS; p++) {
        int rows;
        const size_t len = packings[p].pack(csv, csv_len, packed, sizeof packed);
        assert_ok(read_all(file_of(len), true, &rows, err));
        assert_int_equal(rows, ROWS);
    }
}

/* As `cat a.gz b.gz` makes them, cut everywhere, so that any byte can end a piece of the file. */
static void packed_files_behind_each_other_are_one(void **state)
{
    (void) state;
    static const double cuts[] = {0.3, 0.5, 0.9};
    for (size_t p = 0; p < PACKINGS; p++) {
        for (size_t i = 0; i < 3; i++) {
            int rows;
            const size_t first = (size_t) ((double) csv_len * cuts[i]);
            size_t len = packings[p].pack(csv, first, packed, sizeof packed);
            len +=
                packings[p].pack(csv + first, csv_len - first, packed + len, sizeof packed - len);
            assert_ok(read_all(file_of(len), true, &rows, err));
            assert_int_equal(rows, ROWS);
        }
    }
}

static void many_small_ones_are_read_wherever_a_piece_ends(void **state)
{
    (void) state;
    for (size_t p = 0; p < PACKINGS; p++) {
        size_t len = 0, at = 0;
        int rows;
        while (at < csv_len / 4) {
            const size_t n = 97;
            len += packings[p].pack(csv + at, n, packed + len, sizeof packed - len);
            at += n;
        }
        tw_error why = {0};
        assert_ok(read_all(file_of(len), true, &rows, &why));
        assert_in_range(rows, ROWS / 4 - 1000, ROWS / 4 + 1000);
    }
}

static void what_is_cut_off_or_changed_is_damaged(void **state)
{
    (void) state;
    for (size_t p = 0; p < PACKINGS; p++) {
        const size_t len = packings[p].pack(csv, csv_len, packed, sizeof packed);
        for (size_t cut = 1; cut <= 3; cut++) {
            tw_error why = {0};
            int rows;
            assert_int_equal(read_all(file_of(len * cut / 4), true, &rows, &why), TW_ECORRUPT);
            assert_non_null(strstr(why.msg, packings[p].name));
            assert_non_null(strstr(why.msg, "damaged"));
        }
        tw_error why = {0};
        int rows;
        packed[len / 2] ^= 0x55;
        assert_int_equal(read_all(file_of(len), false, &rows, &why), TW_ECORRUPT);
    }
}

static void reading_goes_on_behind_any_row(void **state)
{
    (void) state;
    for (size_t p = 0; p < PACKINGS; p++) {
        tw_reader *r, *again;
        tw_row row;
        bool got;
        const size_t len = packings[p].pack(csv, csv_len, packed, sizeof packed);
        const char *path = file_of(len);
        assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err));
        for (int i = 0; i < ROWS; i++) {
            assert_ok(tw_reader_next(r, &row, &got, err));
            if (i % 9973 != 0)
                continue;
            assert_ok(tw_reader_open(&again, path, TW_INGEST_ITEMS, NULL, err));
            assert_ok(tw_reader_seek(again, tw_reader_tell(r), err));
            assert_ok(tw_reader_next(again, &row, &got, err));
            assert_int_equal(strtol(row.id, NULL, 10), i + 1);
            tw_reader_close(again);
        }
        tw_reader_close(r);
    }
}

static void what_holds_rows_but_is_no_text_is_named_with_the_way_out(void **state)
{
    (void) state;
    static const struct {
        const char *head;
        size_t len;
        const char *name, *how;
    } rows[] = {
        {"PAR1\x15\x04\x15\x10", 8, "Parquet", "read_parquet"},
        {"PK\3\4\x14\0\6\0\10\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml", 49,
         "spreadsheet (XLSX)", "libreoffice"},
        {"PK\3\4\x14\0\0\0\10\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0a.csv", 35, "zip", "unzip"},
        {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", 10, "spreadsheet (XLS)", "CSV"},
        {"BZh91AY&SY", 10, "bzip2", "bunzip2"},
        {"SQLite format 3\0\x10", 17, "SQLite", "sqlite3 -header -csv"},
        {"ARROW1\0\0", 8, "Feather", "read_feather"},
        {"\x80\4\x95\1\0\0\0", 7, "pickle", "read_pickle"},
        {"\x93NUMPY\1\0", 8, "NumPy", "savetxt"},
        {"7z\xbc\xaf\x27\x1c\0\4", 8, "7z", "7z x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_reader *r;
        tw_error why = {0};
        memcpy(packed, rows[i].head, rows[i].len);
        assert_int_equal(tw_reader_open(&r, file_of(rows[i].len), TW_INGEST_ITEMS, NULL, &why),
                         TW_EUNSUPPORTED);
        if (strstr(why.msg, rows[i].name) == NULL || strstr(why.msg, rows[i].how) == NULL)
            fail_msg("%s: %s", rows[i].name, why.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_a_packed_file_is_read),
        cmocka_unit_test(packed_files_behind_each_other_are_one),
        cmocka_unit_test(many_small_ones_are_read_wherever_a_piece_ends),
        cmocka_unit_test(what_is_cut_off_or_changed_is_damaged),
        cmocka_unit_test(reading_goes_on_behind_any_row),
        cmocka_unit_test(what_holds_rows_but_is_no_text_is_named_with_the_way_out),
    };
    make_csv();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
