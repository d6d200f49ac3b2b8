/* A name says what a group has that others have not, as most items spell it. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "engine/cluster/cluster_names.h"
#include "tests/support/test.h"

enum { MAX_K = 8 };
static char names[MAX_K][TWI_NAME_MAX];
static const char *const like[MAX_K] = {"Alpha", "Beta", "Gamma", "Delta",
                                        "Alpha", "Beta", "Gamma", "Delta"};

static void name(const tw_item *items, const int32_t *cluster, int n, int k)
{
    twi_names *nm = NULL;
    assert_ok(twi_names_begin(&nm, cluster, n, k, err));
    for (int i = 0; i < n; i++)
        assert_ok(twi_names_read(nm, i, &items[i], err));
    assert_ok(twi_names_finish(nm, like, names, err));
    twi_names_end(nm);
}

/* 3 x 12 items: word of the group, a word of all, a number of its own. */
enum { EACH = 12, N = 3 * EACH };
static char titles[N][64];
static tw_item items[N];
static int32_t cluster[N];

static void fill(const char *const *words, const char *const *attributes)
{
    for (int i = 0; i < N; i++) {
        cluster[i] = i % 3;
        (void) snprintf(titles[i], sizeof titles[i], "The %s of film%d", words[i % 3], i);
        items[i] = (tw_item){.title = titles[i],
                             .attributes = attributes != NULL ? attributes[i % 3] : NULL};
    }
}

static void the_telling_word_names_the_group(void **state)
{
    (void) state;
    const char *const words[] = {"Western", "Romance", "Robot"};
    fill(words, NULL);
    name(items, cluster, N, 3);
    for (int c = 0; c < 3; c++)
        assert_string_equal(names[c], words[c]);
}

/* Some of the titles have their accents apart, as names from macOS have; "STRASSE" is "Straße". */
static void one_word_in_two_spellings_is_one(void **state)
{
    (void) state;
    const char *const words[] = {"Caf\xc3\xa9",
                                 ("Stra\xc3\x9f"
                                  "e"),
                                 "Robot"};
    const char *const others[] = {"Cafe\xcc\x81", "STRASSE", "ROBOT"};
    fill(words, NULL);
    for (int i = 0; i < N; i++)
        if (i / 3 % 12 >= 7) /* fewer than have the first */
            (void) snprintf(titles[i], sizeof titles[i], "The %s of film%d", others[i % 3], i);
    name(items, cluster, N, 3);
    for (int c = 0; c < 3; c++)
        assert_string_equal(names[c], words[c]);
}

static void two_words_that_stand_together_are_said_together(void **state)
{
    (void) state;
    const char *const words[] = {"Star Trek", "old war", "Robot"};
    fill(words, NULL);
    name(items, cluster, N, 3);
    assert_string_equal(names[0], "Star Trek");
    assert_string_equal(names[1], "old war");
    assert_string_equal(names[2], "Robot");
}

static void words_that_a_sign_parts_are_two(void **state)
{
    (void) state;
    const char *const words[] = {"Star; Trek", "Romance", "Robot"};
    fill(words, NULL);
    name(items, cluster, N, 3);
    assert_string_equal(names[0], "Star, Trek");
}

static void a_word_counts_once_in_an_item(void **state)
{
    (void) state;
    const char *const words[] = {"Western", "Romance", "Robot"};
    fill(words, NULL);
    items[3].text =
        "Quixotic; quixotic; quixotic; quixotic; quixotic; quixotic; quixotic; quixotic";
    name(items, cluster, N, 3);
    assert_string_equal(names[0], "Western");
}

static void values_of_text_attributes_name_too_but_dates_and_links_do_not(void **state)
{
    (void) state;
    const char *const words[] = {"story", "story", "story"};
    const char *const attributes[] = {
        "{\"genres\":[\"Science Fiction\",\"Film\"],\"made\":\"1995-01-02\",\"year\":1995}",
        "{\"genres\":[\"Film-Noir\",\"Film\"],\"url\":\"http://b\"}",
        "{\"brand\":\"Nike\",\"genres\":[\"Film\"]}"};
    fill(words, attributes);
    name(items, cluster, N, 3);
    assert_string_equal(names[0], "Science Fiction");
    assert_string_equal(names[1], "Film-Noir");
    assert_string_equal(names[2], "Nike");
}

static void the_spelling_is_that_of_most_items(void **state)
{
    (void) state;
    const char *const words[] = {"Ärger", "Romance", "Robot"};
    fill(words, NULL);
    for (int i = 0; i < 9; i += 3)
        (void) snprintf(titles[i], sizeof titles[i], "The ÄRGER of film%d", i);
    name(items, cluster, N, 3);
    assert_string_equal(names[0], "Ärger");
}

/* Years may name; other numbers, single letters and words of every sentence may not. */
static void what_tells_nothing_is_not_said(void **state)
{
    (void) state;
    const char *const words[] = {"1995", "4711", "and x"};
    fill(words, NULL);
    name(items, cluster, N, 3);
    assert_string_equal(names[0], "1995");
    assert_string_equal(names[1], "like Beta");
    assert_string_equal(names[2], "like Gamma");
}

static void years_of_a_decade_speak_together(void **state)
{
    (void) state;
    const char *const words[] = {"x", "2003", "Robot"};
    fill(words, NULL);
    for (int i = 0; i < N; i += 3)
        (void) snprintf(titles[i], sizeof titles[i], "The film%d (19%d)", i, 40 + i / 4);
    name(items, cluster, N, 3);
    assert_string_equal(names[0], "1940s");
    assert_string_equal(names[1], "2003"); /* all of one year, which says it all */
}

/* Two thirds are of the 1990s: that tells nothing, but the years do. */
static void a_name_has_its_years_last_and_in_order(void **state)
{
    (void) state;
    const char *const words[] = {"1997 Robot", "2003", "1994"};
    fill(words, NULL);
    for (int i = 3; i < 24; i += 3)
        (void) snprintf(titles[i], sizeof titles[i], "The 1996 Robot, film%d", i);
    name(items, cluster, N, 3);
    assert_string_equal(names[0], "Robot, 1996, 1997");
}

static void no_two_groups_have_one_name(void **state)
{
    (void) state;
    const char *const words[] = {"Drama", "Drama", "Robot"};
    fill(words, NULL);
    name(items, cluster, N, 3);
    assert_string_equal(names[0], "Drama");
    assert_string_equal(names[1], "Drama (like Beta)");
    for (int i = 0; i < N; i++)
        cluster[i] = i % 8; /* nothing tells them apart, and titles come twice */
    name(items, cluster, N, 8);
    for (int a = 0; a < 8; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(names[a], names[b]);
}

/* One rare word in a third of the group loses against one that nearly all have. */
static void frequent_here_counts_for_more_than_rare_elsewhere(void **state)
{
    (void) state;
    const char *const words[] = {"Western", "Romance", "Robot"};
    fill(words, NULL);
    for (int i = 0; i < N; i++)
        if (i == 1 || (i % 3 == 0 && i < 12))
            (void) snprintf(titles[i], sizeof titles[i], "The %s, Quixotic, of film%d",
                            words[i % 3], i);
    name(items, cluster, N, 3);
    assert_int_equal(strncmp(names[0], "Western", 7), 0);
}

static void items_in_no_group_and_unread_items_do_no_harm(void **state)
{
    (void) state;
    const char *const words[] = {"Western", "Romance", "Western"};
    twi_names *nm = NULL;
    fill(words, NULL);
    for (int i = 2; i < N; i += 3)
        cluster[i] = -1;
    assert_ok(twi_names_begin(&nm, cluster, N, 2, err));
    for (int i = 0; i < N - 1; i++)
        if (i % 6 != 3)
            assert_ok(twi_names_read(nm, i, &items[i], err));
    assert_ok(twi_names_finish(nm, like, names, err));
    assert_string_equal(names[0], "Western");
    assert_string_equal(names[1], "Romance");
    twi_names_end(nm);
    twi_names_end(NULL);
}

static void a_long_title_is_cut_between_characters(void **state)
{
    (void) state;
    char title[300] = "x";
    const char *const one[] = {title};
    twi_names *nm = NULL;
    for (size_t i = 1; i + 2 < 200; i += 2)
        memcpy(title + i, "ä", 3);
    assert_ok(twi_names_begin(&nm, cluster, 0, 1, err));
    assert_ok(twi_names_finish(nm, one, names, err));
    twi_names_end(nm);
    assert_true(tw_utf8_valid(names[0], strlen(names[0])));
    assert_in_range(strlen(names[0]), 60, 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_telling_word_names_the_group),
        cmocka_unit_test(one_word_in_two_spellings_is_one),
        cmocka_unit_test(two_words_that_stand_together_are_said_together),
        cmocka_unit_test(words_that_a_sign_parts_are_two),
        cmocka_unit_test(a_word_counts_once_in_an_item),
        cmocka_unit_test(values_of_text_attributes_name_too_but_dates_and_links_do_not),
        cmocka_unit_test(the_spelling_is_that_of_most_items),
        cmocka_unit_test(what_tells_nothing_is_not_said),
        cmocka_unit_test(years_of_a_decade_speak_together),
        cmocka_unit_test(a_name_has_its_years_last_and_in_order),
        cmocka_unit_test(no_two_groups_have_one_name),
        cmocka_unit_test(frequent_here_counts_for_more_than_rare_elsewhere),
        cmocka_unit_test(items_in_no_group_and_unread_items_do_no_harm),
        cmocka_unit_test(a_long_title_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
