/* "Did you mean" in a catalogue that is larger than the number of names it reads. */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "store/store.h"

#define ITEMS 6000

static tw_store *s;
static tw_text text;

static const char *const words[] = {"red",   "river",  "night", "story", "king",   "blue",
                                    "house", "last",   "train", "moon",  "silent", "garden",
                                    "queen", "winter", "stone", "road"};

static void name_of(int i, char id[16], char title[64])
{
    (void) snprintf(id, 16, "%d", i);
    (void) snprintf(title, 64, "The %s %s of %s %d", words[i % 16], words[i / 16 % 16],
                    words[i / 256 % 16], 1900 + i % 120);
}

static void put(const char *id, const char *title)
{
    const tw_item item = {.id = id, .title = title};
    assert_ok(tw_store_put_item(s, &item, NULL, err));
}

static int open_store(void **state)
{
    char id[16], title[64];
    (void) state;
    tw_text_init(&text, 1 << 20);
    assert_ok(tw_store_open(&s, tw_test_path("near.db"), TW_STORE_CREATE, err));
    assert_ok(tw_store_begin(s, err));
    for (int i = 1; i <= ITEMS; i++) {
        name_of(i, id, title);
        put(id, title);
    }
    put("k1", "\xe4\xb8\x83\xe4\xba\xba\xe3\x81\xae\xe4\xbe\x8d"); /* 七人の侍 */
    put("k2", "Stra\xc3\x9f"
              "e der Tr\xc3\xa4ume");
    put("ab", "");
    put("long", "A title that begins like none of the others do and goes on for quite a while");
    assert_ok(tw_store_commit(s, err));
    return 0;
}

static int close_store(void **state)
{
    (void) state;
    tw_store_close(s);
    tw_text_fini(&text);
    return 0;
}

/* Whether `id` is among the three that are named. */
static bool names(const char *query, const char *id)
{
    tw_item_name out[3];
    int n;
    assert_ok(tw_store_near(s, query, 3, out, &n, &text, err));
    for (int i = 0; i < n; i++)
        if (strcmp(out[i].id, id) == 0)
            return true;
    return false;
}

static void a_title_with_a_letter_wrong_is_named(void **state)
{
    (void) state;
    tw_rng rng;
    int found = 0;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < 200; i++) {
        char id[16], title[64];
        name_of(1 + (int) tw_rng_below(&rng, ITEMS), id, title);
        const size_t len = strlen(title);
        const size_t at = 4 + (size_t) tw_rng_below(&rng, len - 9); /* not in the number */
        if (i % 2 == 0)
            memmove(title + at, title + at + 1, len - at);
        else
            title[at] = 'x';
        found += names(title, id) ? 1 : 0;
    }
    print_message("%d of 200 found\n", found);
    assert_true(found >= 190);
}

static void short_long_and_foreign_names_are_named(void **state)
{
    (void) state;
    assert_true(names("\xe4\xb8\x83\xe4\xba\xba\xe3\x81\xae\xe4\xbe\x8d\xe9\x81\x94", "k1"));
    assert_true(names("\xe4\xba\xba\xe3\x81\xae\xe4\xbe\x8d", "k1"));
    assert_true(names("strasse der traume", "k2"));
    assert_true(names("abc", "ab"));
    assert_true(names("goes on for quite a whila", "long")); /* a part of it */
    assert_true(names("6001", "6000"));
    assert_false(names("zzqqzzqqzzqq", "1"));
}

/* Later changes are followed; those of a transaction that is taken back are not believed. */
static void changes_are_followed(void **state)
{
    (void) state;
    assert_false(names("Xylophonist", "new"));
    put("new", "Xylophonists");
    assert_true(names("Xylophonist", "new"));
    put("new", "Quixotic");
    assert_false(names("Xylophonist", "new"));
    assert_true(names("Quixotik", "new"));
    assert_ok(tw_store_begin(s, err));
    put("never", "Gobbledygook");
    assert_false(names("Gobbledygok", "never")); /* not before it is there for good */
    tw_store_rollback(s);
    put("other", "Flabbergasted"); /* with the number that was taken back */
    assert_true(names("Flabergasted", "other"));
    assert_ok(tw_store_delete_item(s, "other", NULL, err));
    assert_false(names("Flabergasted", "other"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_title_with_a_letter_wrong_is_named),
        cmocka_unit_test(short_long_and_foreign_names_are_named),
        cmocka_unit_test(changes_are_followed),
    };
    return cmocka_run_group_tests(tests, open_store, close_store);
}
