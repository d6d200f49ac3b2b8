/* A folder as rows: which files, in which order, under which ids and titles. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "ingest/media/media_folder.h"
#include "tests/support/test.h"

static const char png[] = "\x89PNG\r\n\x1a\n....", wav[] = "RIFF....WAVEfmt ";

static void put(const char *name, const char *bytes, size_t len)
{
    char path[TW_PATH_MAX], dir[TW_PATH_MAX];
    (void) snprintf(path, sizeof path, "%s", tw_test_path(name));
    (void) snprintf(dir, sizeof dir, "%.*s", (int) (strrchr(path, '/') - path), path);
    assert_ok(tw_dir_create(dir, err));
    assert_ok(tw_file_replace(path, bytes, len, err));
}

static void names_become_ids_titles_and_folders(void **state)
{
    (void) state;
    static const struct {
        const char *name, *id, *title, *attributes;
    } rows[] = {
        {"A/red_ring-4.png", "A/red_ring-4.png", "red ring 4", "{\"folder\": \"A\"}"},
        {"A/z/__x__.PNG", "A/z/__x__.PNG", "x", "{\"folder\": \"A/z\"}"},
        {"_.png", "_.png", "", "{}"},
        {"a \"q\"/b", "a \"q\"/b", "b", "{\"folder\": \"a \\\"q\\\"\"}"},
        {"a.b.c.png", "a.b.c.png", "a.b.c", "{}"},
        {"cafe\xcc\x81.png", "caf\xc3\xa9.png", "caf\xc3\xa9", "{}"},
    };
    const size_t n = sizeof rows / sizeof rows[0];
    tw_media_folder *m;
    tw_media_file f;
    for (size_t i = n; i-- > 0;) {
        char name[64];
        (void) snprintf(name, sizeof name, "names/%s", rows[i].name);
        put(name, png, sizeof png - 1);
    }
    assert_ok(tw_media_folder_open(&m, tw_test_path("names"), err));
    assert_int_equal(tw_media_folder_count(m), n);
    for (size_t i = 0; i < n; i++) {
        tw_row row;
        tw_media_kind kind;
        assert_true(tw_media_folder_next(m, &f));
        assert_string_equal(f.id, rows[i].id);
        assert_string_equal(f.name, rows[i].name);
        assert_int_equal(f.size, sizeof png - 1);
        assert_ok(tw_media_folder_row(m, &row, &kind, err));
        assert_int_equal(kind, TW_MEDIA_IMAGE);
        assert_string_equal(row.id, rows[i].id);
        assert_string_equal(row.title, rows[i].title);
        assert_string_equal(row.attributes, rows[i].attributes);
        assert_string_equal(row.image, f.path);
        assert_string_equal(row.audio, "");
        assert_string_equal(f.path + strlen(f.path) - strlen(f.name), f.name);
    }
    assert_false(tw_media_folder_next(m, &f));
    tw_media_folder_close(m);
}

/* What a file is by its bytes, else by its name. */
static void first_bytes_say_what_a_file_is(void **state)
{
    (void) state;
    static const struct {
        const char *name, *bytes;
        size_t len;
        tw_media_kind want;
    } rows[] = {
        {"x", png, sizeof png - 1, TW_MEDIA_IMAGE},
        {"x.wav", png, sizeof png - 1, TW_MEDIA_IMAGE},
        {"x.png", wav, sizeof wav - 1, TW_MEDIA_AUDIO},
        {"x", "ID3\4....", 8, TW_MEDIA_AUDIO},
        {"x", "\xff\xfb\x90\x64....", 8, TW_MEDIA_AUDIO},
        {"x", "\xff\xfeh\0i\0", 6, TW_MEDIA_NEITHER}, /* UTF-16 */
        {"x", "fLaC....", 8, TW_MEDIA_AUDIO},
        {"x", "....ftypM4A ....", 16, TW_MEDIA_AUDIO},
        {"x", "....ftypisom....", 16, TW_MEDIA_NEITHER}, /* a video */
        {"x",
         "\0\0\0\x18"
         "ftypheic....",
         16, TW_MEDIA_IMAGE},
        {"x", "RIFF....AVI ....", 16, TW_MEDIA_NEITHER},
        {"x", "MM\0*....", 8, TW_MEDIA_IMAGE},
        {"x", "%PDF-1.4", 8, TW_MEDIA_NEITHER},
        {"x.pdf", "%PDF-1.4", 8, TW_MEDIA_NEITHER},
        {"x", "BM is a firm", 12, TW_MEDIA_NEITHER},
        {"x", "", 0, TW_MEDIA_NEITHER},
        {"x.JPEG", "", 0, TW_MEDIA_IMAGE},
        {"x.mp3", "text", 4, TW_MEDIA_AUDIO},
        {"x.txt", "text", 4, TW_MEDIA_NEITHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_media_kind got = tw_media_kind_of(rows[i].bytes, rows[i].len);
        if (got == TW_MEDIA_NEITHER)
            got = tw_media_kind_named(rows[i].name);
        if (got != rows[i].want)
            fail_msg("row %zu: %d, not %d", i, (int) got, (int) rows[i].want);
    }
}

static void links_and_hidden_names_are_left_out(void **state)
{
    (void) state;
    tw_media_folder *m;
    tw_media_file f;
    put("links/a.png", png, sizeof png - 1);
    put("links/.b.png", png, sizeof png - 1);
    put("links/.c/d.png", png, sizeof png - 1);
    put("links/e/f.png", png, sizeof png - 1);
    assert_int_equal(symlink("..", tw_test_path("links/e/up")), 0);
    assert_int_equal(symlink("a.png", tw_test_path("links/z.png")), 0);
    assert_int_equal(symlink("/nowhere", tw_test_path("links/y.png")), 0);
    assert_int_equal(symlink("links", tw_test_path("other")), 0);
    assert_ok(tw_media_folder_open(&m, tw_test_path("other"), err)); /* but the folder may be one */
    assert_int_equal(tw_media_folder_count(m), 2);
    assert_int_equal(tw_media_folder_links(m), 3);
    assert_true(tw_media_folder_next(m, &f));
    assert_string_equal(f.id, "a.png");
    assert_string_equal(f.path, tw_test_path("links/a.png"));
    assert_true(tw_media_folder_next(m, &f));
    assert_string_equal(f.id, "e/f.png");
    tw_media_folder_close(m);
}

static void names_that_cannot_be_ids_are_refused(void **state)
{
    (void) state;
    static const char *const says[] = {
        "the name 'bad\\xff.png' is no UTF-8: rename the file",
        NULL,
        "the name 'caf\xc3\xa9.png' is that of another file",
    };
    tw_media_folder *m;
    tw_media_file f;
    put("bad/bad\xff.png", png, sizeof png - 1);
    put("bad/cafe\xcc\x81.png", png, sizeof png - 1);
    put("bad/caf\xc3\xa9.png", png, sizeof png - 1);
    assert_ok(tw_media_folder_open(&m, tw_test_path("bad"), err));
    for (size_t i = 0; i < 3; i++) {
        tw_row row;
        tw_media_kind kind;
        tw_error err = {0};
        assert_true(tw_media_folder_next(m, &f));
        const tw_status st = tw_media_folder_row(m, &row, &kind, &err);
        assert_int_equal(st, says[i] == NULL ? TW_OK : TW_EINVAL);
        if (says[i] != NULL && strstr(err.msg, says[i]) == NULL)
            fail_msg("'%s'", err.msg);
    }
    tw_media_folder_close(m);
    assert_status(tw_media_folder_open(&m, tw_test_path("none"), err), TW_ENOTFOUND);
    assert_null(m);
}

static void one_catalogue_is_named(void **state)
{
    (void) state;
    tw_media_folder *m;
    put("cat/a.png", png, sizeof png - 1);
    put("cat/deep/Items.CSV", "id\n", 3);
    assert_ok(tw_media_folder_open(&m, tw_test_path("cat"), err));
    assert_string_equal(tw_media_folder_catalogue(m), "deep/Items.CSV");
    tw_media_folder_close(m);
    put("cat/more.jsonl", "{}\n", 3);
    assert_ok(tw_media_folder_open(&m, tw_test_path("cat"), err));
    assert_null(tw_media_folder_catalogue(m));
    tw_media_folder_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_ids_titles_and_folders),
        cmocka_unit_test(first_bytes_say_what_a_file_is),
        cmocka_unit_test(links_and_hidden_names_are_left_out),
        cmocka_unit_test(names_that_cannot_be_ids_are_refused),
        cmocka_unit_test(one_catalogue_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
