/* Text of other encodings: what is found out, what has to be named, what it becomes. */
#include "tests/support/test.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "ingest/ingest.h"
#include "tests/unit/ingest/ingest_rows.h"

enum { ROOM = 1 << 20 };

/* UTF-8 text in another encoding. */
static size_t encode(const char *name, const char *utf8, char *to, size_t room)
{
    iconv_t cd = iconv_open(name, "UTF-8");
    assert_true(cd != (iconv_t) -1);
    char *in = (char *) (uintptr_t) utf8, *out = to;
    size_t left = strlen(utf8), free_bytes = room;
    assert_true(iconv(cd, &in, &left, &out, &free_bytes) != (size_t) -1);
    assert_int_equal(iconv_close(cd), 0);
    return room - free_bytes;
}

static const char *found(const char *content, size_t len, const char *named, bool *guessed)
{
    static char name[64];
    tw_reader *r;
    tw_row row;
    bool got = true;
    const tw_reader_options opt = {.encoding = named};
    const char *path = tw_test_path("e.csv");
    assert_ok(tw_file_replace(path, content, len, err));
    assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, &opt, err));
    while (got)
        assert_ok(tw_reader_next(r, &row, &got, err));
    (void) snprintf(name, sizeof name, "%s", tw_reader_encoding(r, guessed));
    tw_reader_close(r);
    return name;
}

static const char western[] =
    "id,title\n1,Caf\xc3\xa9 M\xc3\xbcnchen\n2,\xe2\x80\x9eTh\xc3\xa9\xe2\x80\x9c "
    "f\xc3\xbcr 3 \xe2\x82\xac\n3,plain\n";
static const char western_rows[] =
    "1|Caf\xc3\xa9 M\xc3\xbcnchen||{}\n2|\xe2\x80\x9eTh\xc3\xa9\xe2\x80\x9c f\xc3\xbcr 3 "
    "\xe2\x82\xac||{}\n"
    "3|plain||{}\n";

static void encodings_are_found_out(void **state)
{
    (void) state;
    static const struct {
        const char *as, *found, *bom;
        size_t bom_len;
    } rows[] = {
        {"UTF-8", "utf-8", "", 0},
        {"UTF-8", "utf-8", "\xef\xbb\xbf", 3},
        {"WINDOWS-1252", "windows-1252", "", 0},
        {"UTF-16LE", "utf-16le", "\xff\xfe", 2},
        {"UTF-16BE", "utf-16be", "\xfe\xff", 2},
        {"UTF-16LE", "utf-16le", "", 0},
        {"UTF-16BE", "utf-16be", "", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static char bytes[ROOM];
        bool guessed;
        memcpy(bytes, rows[i].bom, rows[i].bom_len);
        const size_t len = rows[i].bom_len + encode(rows[i].as, western, bytes + rows[i].bom_len,
                                                    sizeof bytes - rows[i].bom_len);
        assert_string_equal(rows_of("e.csv", bytes, len, TW_INGEST_ITEMS, NULL), western_rows);
        assert_string_equal(found(bytes, len, NULL, &guessed), rows[i].found);
        assert_true(guessed);
    }
}

static void an_encoding_that_is_named_is_taken(void **state)
{
    (void) state;
    static const char text[] = "id,title\n1,\xd0\xa7\xd0\xb0\xd0\xb9\n";
    static const char *const names[] = {"windows-1251", "KOI8-R",    "utf-16", "UTF-32LE",
                                        "gb18030",      "shift_jis", "utf-7",  "iso-8859-5"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char bytes[400];
        bool guessed;
        const tw_reader_options opt = {.encoding = names[i]};
        const size_t len = encode(names[i], text, bytes, sizeof bytes);
        assert_string_equal(rows_of("e.csv", bytes, len, TW_INGEST_ITEMS, &opt),
                            "1|\xd0\xa7\xd0\xb0\xd0\xb9||{}\n");
        assert_string_equal(found(bytes, len, names[i], &guessed), names[i]);
        assert_false(guessed);
    }
}

static void another_alphabet_has_to_be_named(void **state)
{
    (void) state;
    static const struct {
        const char *as, *utf8;
    } rows[] = {
        {"windows-1251", "id,title\n1,\xd0\xa7\xd0\xb0\xd0\xb9 \xd0\xb8 "
                         "\xd1\x81\xd0\xb0\xd1\x85\xd0\xb0\xd1\x80\n"},
        {"shift_jis", "id,title\n1,\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe6\x9c\xac\n"},
        {"gbk", "id,title\n1,\xe4\xb8\xad\xe6\x96\x87\xe5\x9b\xbe\xe4\xb9\xa6\n"},
        {"euc-kr", "id,title\n1,\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char bytes[400];
        const size_t len = encode(rows[i].as, rows[i].utf8, bytes, sizeof bytes);
        const char *got = rows_of("e.csv", bytes, len, TW_INGEST_ITEMS, NULL);
        if (got[0] != '?' || strstr(got, "--encoding") == NULL)
            fail_msg("%s: %s", rows[i].as, got);
    }
}

/* What is ASCII for long says nothing of what comes. */
static void the_first_letter_that_is_not_ascii_decides_wherever_it_stands(void **state)
{
    (void) state;
    static char bytes[ROOM];
    for (int latin = 0; latin < 2; latin++) {
        size_t len = (size_t) snprintf(bytes, sizeof bytes, "id,title\n");
        for (int i = 0; len < ROOM / 2; i++)
            len += (size_t) snprintf(bytes + len, sizeof bytes - len, "%d,a title of ASCII\n", i);
        len += (size_t) snprintf(bytes + len, sizeof bytes - len, "late,Caf%s\nlast,x\n",
                                 latin ? "\xe9" : "\xc3\xa9");
        const char *path = tw_test_path("late.csv");
        assert_ok(tw_file_replace(path, bytes, len, err));
        tw_reader *r, *again;
        tw_row row;
        bool got = true, guessed;
        tw_reader_place place = {0};
        assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, NULL, err));
        assert_string_equal(tw_reader_encoding(r, &guessed), "ascii");
        do {
            assert_ok(tw_reader_next(r, &row, &got, err));
            if (row.line == 20000)
                place = tw_reader_tell(r);
        } while (strcmp(row.id, "late") != 0);
        assert_string_equal(row.title, "Caf\xc3\xa9");
        assert_string_equal(tw_reader_encoding(r, &guessed), latin ? "windows-1252" : "utf-8");
        /* In another process, too, that goes on before it or behind it. */
        const tw_reader_place behind = tw_reader_tell(r);
        assert_ok(tw_reader_open(&again, path, TW_INGEST_ITEMS, NULL, err));
        assert_ok(tw_reader_seek(again, place, err));
        assert_ok(tw_reader_next(again, &row, &got, err));
        assert_int_equal(row.line, 20001);
        assert_ok(tw_reader_seek(again, behind, err));
        assert_ok(tw_reader_next(again, &row, &got, err));
        assert_string_equal(row.id, "last");
        tw_reader_close(again);
        tw_reader_close(r);
    }
}

static void a_damaged_row_of_utf8_stays_a_damaged_row(void **state)
{
    (void) state;
    static const char text[] = "id,title\n1,Th\xc3\xa9\n2,\xff\xfe\n3,Caf\xc3\xa9\n";
    assert_string_equal(rows_of("e.csv", text, sizeof text - 1, TW_INGEST_ITEMS, NULL),
                        "1|Th\xc3\xa9||{}\n! line 3: byte 3 of the row is 0xff, which is no UTF-8 "
                        "text\n3|Caf\xc3\xa9||{}\n");
}

static void what_is_no_character_of_the_encoding_spoils_its_row_alone(void **state)
{
    (void) state;
    static const char text[] = "id,title\n1,Caf\xe9\n2,\x81\n3,b\n";
    const tw_reader_options opt = {.encoding = "windows-1252"};
    assert_string_equal(rows_of("e.csv", text, sizeof text - 1, TW_INGEST_ITEMS, &opt),
                        "1|Caf\xc3\xa9||{}\n! line 3: byte 3 of the row is 0xff, which is no UTF-8 "
                        "text\n3|b||{}\n");
    static const char half[] = "i\0d\0\n\0"
                               "1\0\n\0"
                               "2";
    const tw_reader_options utf16 = {.encoding = "utf-16le"};
    assert_non_null(
        strstr(rows_of("e.csv", half, sizeof half - 1, TW_INGEST_ITEMS, &utf16), "0xff"));
}

static void a_name_that_is_none_gets_one_sentence(void **state)
{
    (void) state;
    tw_reader *r;
    tw_error why = {0};
    const tw_reader_options opt = {.encoding = "klingon"};
    const char *path = tw_test_file("e.csv", "id\n1\n");
    assert_int_equal(tw_reader_open(&r, path, TW_INGEST_ITEMS, &opt, &why), TW_EINVAL);
    assert_non_null(strstr(why.msg, "no encoding 'klingon'"));
}

/* Characters of several bytes, cut by every piece that is read. */
static void large_files_of_utf16_are_read_whole(void **state)
{
    (void) state;
    static char utf8[ROOM], bytes[2 * ROOM];
    size_t len = (size_t) snprintf(utf8, sizeof utf8, "id,title\n");
    for (int i = 0; len < ROOM - 100; i++)
        len += (size_t) snprintf(utf8 + len, sizeof utf8 - len,
                                 "%d,\xf0\x9f\x8e\xac\xe4\xb8\xad a%d\n", i, i % 7);
    len = encode("UTF-16LE", utf8, bytes, sizeof bytes);
    tw_reader *r;
    tw_row row;
    bool got = true;
    int rows = 0;
    const tw_reader_options opt = {.encoding = "utf-16le"};
    const char *path = tw_test_path("big.csv");
    assert_ok(tw_file_replace(path, bytes, len, err));
    assert_ok(tw_reader_open(&r, path, TW_INGEST_ITEMS, &opt, err));
    for (;; rows++) {
        char title[64];
        assert_ok(tw_reader_next(r, &row, &got, err));
        if (!got)
            break;
        (void) snprintf(title, sizeof title, "\xf0\x9f\x8e\xac\xe4\xb8\xad a%d", rows % 7);
        assert_string_equal(row.title, title);
    }
    assert_in_range(rows, 40000, 70000);
    tw_reader_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings_are_found_out),
        cmocka_unit_test(an_encoding_that_is_named_is_taken),
        cmocka_unit_test(another_alphabet_has_to_be_named),
        cmocka_unit_test(the_first_letter_that_is_not_ascii_decides_wherever_it_stands),
        cmocka_unit_test(a_damaged_row_of_utf8_stays_a_damaged_row),
        cmocka_unit_test(what_is_no_character_of_the_encoding_spoils_its_row_alone),
        cmocka_unit_test(a_name_that_is_none_gets_one_sentence),
        cmocka_unit_test(large_files_of_utf16_are_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
