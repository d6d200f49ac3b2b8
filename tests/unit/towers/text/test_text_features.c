#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "towers/text/text_features.h"

static tw_tower_config small_config(int ngram_min, int ngram_max)
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    cfg.ngram_min = ngram_min;
    cfg.ngram_max = ngram_max;
    return cfg;
}

/* How often a feature was counted; 0: not at all. */
static int count_of(const twi_features *f, const char *feature)
{
    const int32_t id = twi_bucket(feature, strlen(feature), f->cfg.bits);
    for (int k = 0; k < f->n; k++)
        if (f->ids[k] == id)
            return f->counts[k];
    return 0;
}

/* The published 64-bit FNV-1a of "a" is af63dc4c8601ec8c and of "foobar" 85944171f73967e8; the
 * halves' exclusive or is 296230c0 and 72ad2699. */
static void buckets_are_the_published_hash_folded(void **state)
{
    (void) state;
    assert_int_equal(twi_bucket("a", 1, 16), 0x30c0);
    assert_int_equal(twi_bucket("foobar", 6, 16), 0x2699);
    assert_int_equal(twi_bucket("foobar", 6, 8), 0x99);
    assert_int_equal(twi_bucket("foobar", 6, 22), 0x2d2699);
}

/* "To be": each word whole, and with its marks the 3-grams <to to> <be be>. */
static void words_and_ngrams_are_those_by_hand(void **state)
{
    const tw_tower_config cfg = small_config(3, 3);
    twi_features f;
    (void) state;
    assert_ok(twi_features_init(&f, &cfg, err));
    assert_ok(twi_features_count(&f, "To be", 5, err));
    assert_int_equal(f.n, 6);
    static const char *const want[] = {"<to>", "<to", "to>", "<be>", "<be", "be>"};
    for (int i = 0; i < 6; i++)
        assert_int_equal(count_of(&f, want[i]), 1);
    assert_int_equal(count_of(&f, "o b"), 0);
    twi_features_fini(&f);
}

/* "<be>" is a 4-gram too: it counts as the word only. */
static void a_whole_word_is_counted_once(void **state)
{
    const tw_tower_config cfg = small_config(3, 4);
    twi_features f;
    (void) state;
    assert_ok(twi_features_init(&f, &cfg, err));
    assert_ok(twi_features_count(&f, "be", 2, err));
    assert_int_equal(f.n, 3);
    assert_int_equal(count_of(&f, "<be>"), 1);
    twi_features_fini(&f);
}

static void ngram_range_zero_means_whole_words(void **state)
{
    const tw_tower_config cfg = small_config(3, 0);
    twi_features f;
    (void) state;
    assert_ok(twi_features_init(&f, &cfg, err));
    assert_ok(twi_features_count(&f, "one two one", 11, err));
    assert_int_equal(f.n, 2);
    assert_int_equal(count_of(&f, "<one>"), 2);
    assert_int_equal(count_of(&f, "<two>"), 1);
    twi_features_fini(&f);
}

/* A two-byte letter is one character of an n-gram. */
static void ngrams_count_characters_not_bytes(void **state)
{
    const tw_tower_config cfg = small_config(3, 3);
    twi_features f;
    (void) state;
    assert_ok(twi_features_init(&f, &cfg, err));
    assert_ok(twi_features_count(&f, "\xc3\x89T\xc3\x89", 5, err)); /* ETE with acutes */
    assert_int_equal(f.n, 4);
    assert_int_equal(count_of(&f, "<\xc3\xa9t"), 1);
    assert_int_equal(count_of(&f, "\xc3\xa9t\xc3\xa9"), 1);
    assert_int_equal(count_of(&f, "t\xc3\xa9>"), 1);
    assert_int_equal(count_of(&f, "<\xc3\xa9t\xc3\xa9>"), 1);
    twi_features_fini(&f);
}

/* "aa aa b" as words: counts 2 and 1, idf 2 and 3: weights (1 + ln 2) 2 and 3, to unit length. */
static void weights_are_tf_idf_of_unit_length(void **state)
{
    const tw_tower_config cfg = small_config(3, 0);
    twi_features f;
    float *idf = tw_alloc((size_t) 1 << cfg.bits, sizeof *idf);
    (void) state;
    assert_non_null(idf);
    assert_ok(twi_features_init(&f, &cfg, err));
    const int32_t aa = twi_bucket("<aa>", 4, cfg.bits), b = twi_bucket("<b>", 3, cfg.bits);
    idf[aa] = 2;
    idf[b] = 3;
    assert_ok(twi_features_count(&f, "aa aa b", 7, err));
    twi_weigh(f.weights, f.ids, f.counts, f.n, idf);
    assert_int_equal(f.n, 2);
    const double first = (1 + log(2)) * 2, norm = sqrt(first * first + 9);
    for (int k = 0; k < 2; k++)
        assert_near(f.weights[k], (f.ids[k] == aa ? first : 3) / norm, 1e-6);
    twi_features_fini(&f);
    tw_free(idf);
}

static void case_order_and_punctuation_change_nothing(void **state)
{
    const tw_tower_config cfg = small_config(3, 5);
    twi_features f, g;
    (void) state;
    assert_ok(twi_features_init(&f, &cfg, err));
    assert_ok(twi_features_init(&g, &cfg, err));
    assert_ok(twi_features_count(&f, "The Matrix (1999)", 17, err));
    assert_ok(twi_features_count(&g, "1999: MATRIX,the!", 17, err));
    assert_int_equal(f.n, g.n);
    assert_memory_equal(f.ids, g.ids, (size_t) f.n * sizeof *f.ids);
    assert_memory_equal(f.counts, g.counts, (size_t) f.n * sizeof *f.counts);
    twi_features_fini(&f);
    twi_features_fini(&g);
}

static void nothing_to_hash_gives_no_feature(void **state)
{
    static const char *const texts[] = {"", "   \t\n", "?!... --", "\xc2\xa0\xe2\x80\x94"};
    const tw_tower_config cfg = small_config(3, 5);
    twi_features f;
    (void) state;
    assert_ok(twi_features_init(&f, &cfg, err));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_ok(twi_features_count(&f, texts[i], strlen(texts[i]), err));
        assert_int_equal(f.n, 0);
    }
    twi_features_fini(&f);
}

static void features_stop_at_the_cap(void **state)
{
    tw_tower_config cfg = small_config(3, 5);
    twi_features f;
    char text[8 * 500];
    size_t len = 0;
    (void) state;
    cfg.max_features = 100;
    for (int i = 0; i < 500; i++)
        len += (size_t) snprintf(text + len, sizeof text - len, "w%d ", i);
    assert_ok(twi_features_init(&f, &cfg, err));
    assert_ok(twi_features_count(&f, text, len, err));
    assert_int_equal(f.n, 100);
    for (int k = 1; k < f.n; k++)
        assert_true(f.ids[k - 1] < f.ids[k]);
    twi_features_fini(&f);
}

/* A word of 2 * 256 + 10 letters is read as three; of a megabyte, as many. */
static void endless_words_are_read_in_pieces(void **state)
{
    const tw_tower_config cfg = small_config(3, 0);
    const size_t big = 1 << 20;
    twi_features f;
    char *text = tw_alloc(big, 1);
    (void) state;
    assert_non_null(text);
    memset(text, 'x', big);
    assert_ok(twi_features_init(&f, &cfg, err));
    assert_ok(twi_features_count(&f, text, 2 * TW_PIECES_WORD_MAX + 10, err));
    assert_int_equal(f.n, 2);
    assert_int_equal(count_of(&f, "<xxxxxxxxxx>"), 1);
    assert_ok(twi_features_count(&f, text, big, err));
    assert_int_equal(f.n, 1);
    assert_int_equal(f.counts[0], (int) (big / TW_PIECES_WORD_MAX));
    twi_features_fini(&f);
    tw_free(text);
}

static void broken_utf8_is_a_letter_like_any_other(void **state)
{
    const tw_tower_config cfg = small_config(3, 0);
    twi_features f;
    (void) state;
    assert_ok(twi_features_init(&f, &cfg, err));
    assert_ok(twi_features_count(&f, "caf\xe9", 4, err)); /* Latin-1, and cut short at that */
    assert_int_equal(f.n, 1);
    assert_int_equal(count_of(&f, "<caf\xef\xbf\xbd>"), 1);
    twi_features_fini(&f);
}

/* "KX-TG93/b on" has the words kx, tg93, b and on, and kxtg93b, which is what stands between
 * spaces; "on" alone is no compound. Signs and their number do not matter, the end of the text is a
 * space. */
static void compounds_are_what_no_space_parts(void **state)
{
    static const char *const texts[] = {"KX-TG93/b on", "on (kx.tg93--B)",
                                        "on\xc2\xa0kx-tg93-b\ton"};
    tw_tower_config cfg = small_config(3, 0);
    twi_features f;
    (void) state;
    cfg.compounds = true;
    assert_ok(twi_features_init(&f, &cfg, err));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_ok(twi_features_count(&f, texts[i], strlen(texts[i]), err));
        assert_int_equal(f.n, 5);
        assert_int_equal(count_of(&f, "<kxtg93b>"), 1);
        assert_int_equal(count_of(&f, "<kx>"), 1);
        assert_int_equal(count_of(&f, "<on>"), i == 2 ? 2 : 1);
    }
    twi_features_fini(&f);
    cfg.compounds = false;
    assert_ok(twi_features_init(&f, &cfg, err));
    assert_ok(twi_features_count(&f, texts[0], strlen(texts[0]), err));
    assert_int_equal(f.n, 4);
    twi_features_fini(&f);
}

/* Compounds that are too long are cut as words are, and their n-grams are features. */
static void compounds_have_ngrams_and_an_end(void **state)
{
    tw_tower_config cfg = small_config(3, 3);
    char text[4 * TW_PIECES_WORD_MAX];
    twi_features f;
    (void) state;
    cfg.compounds = true;
    assert_ok(twi_features_init(&f, &cfg, err));
    assert_ok(twi_features_count(&f, "ab-cd", 5, err));
    assert_int_equal(count_of(&f, "bcd") + count_of(&f, "abc"), 2);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 == 0 ? 'x' : '-';
    assert_ok(
        twi_features_count(&f, text, sizeof text, err)); /* 512 times "x", two compounds of 256 */
    assert_int_equal(count_of(&f, "xxx"), 2 * (TW_PIECES_WORD_MAX - 2));
    assert_int_equal(count_of(&f, "<x>"), 2 * TW_PIECES_WORD_MAX);
    twi_features_fini(&f);
}

/* Towers in people's directories were trained with these: no bucket and no count may change. The
 * hashes were taken from the program that knew rules 1 alone. */
static void rules_1_are_as_they_always_were(void **state)
{
    static const char text[] =
        "Toy Story (1995) \xc3\x89T\xc3\x89 Stra\xc3\x9f"
        "e \xc4\xb0stanbul cafe\xcc\x81 \xe6\x9c\x80\xe6\x96\xb0\xe7\x94\xb5\xe5\xbd\xb1"
        "\xe6\x8e\xa8\xe8\x8d\x90 \xe3\x82\xb9\xe3\x82\xbf\xe3\x83\xbc\xe3\x83\xbb"
        "\xe3\x82\xa6 \xf0\x9f\x8e\xac KX-TG9344 \xe0\xb9\x81\xe0\xb8\xa1\xe0\xb8\xa7 "
        "caf\xe9 \xef\xbc\xa1\xe2\x84\xa2";
    static const uint64_t want[2] = {0xdd637ca83611f47c, 0x99251f0b93c51937};
    (void) state;
    for (int compounds = 0; compounds < 2; compounds++) {
        tw_tower_config cfg = small_config(3, 5);
        twi_features f;
        cfg.compounds = compounds != 0;
        cfg.text_rules = 1;
        assert_ok(twi_features_init(&f, &cfg, err));
        assert_ok(twi_features_count(&f, text, strlen(text), err));
        uint64_t h = tw_fnv1a(TW_FNV_START, f.ids, (size_t) f.n * sizeof *f.ids);
        h = tw_fnv1a(h, f.counts, (size_t) f.n * sizeof *f.counts);
        assert_int_equal(h, want[compounds]);
        twi_features_fini(&f);
    }
}

/* The features of one text by each of the rules. */
static void both_rules(twi_features f[2], const char *text)
{
    for (int k = 0; k < 2; k++) {
        tw_tower_config cfg = small_config(3, 5);
        cfg.text_rules = k + 1;
        cfg.compounds = true;
        assert_ok(twi_features_init(&f[k], &cfg, err));
        assert_ok(twi_features_count(&f[k], text, strlen(text), err));
    }
}

static bool same(const twi_features *f, const twi_features *g)
{
    return f->n == g->n && memcmp(f->ids, g->ids, (size_t) f->n * sizeof *f->ids) == 0 &&
           memcmp(f->counts, g->counts, (size_t) f->n * sizeof *f->counts) == 0;
}

static void plain_texts_are_the_same_by_both_rules(void **state)
{
    static const char *const texts[] = {
        "One Flew Over the Cuckoo's Nest (1975)",
        "KX-TG9344 5.8GHz -- 2-line 50% off!",
        "Caf\xc3\xa9 cr\xc3\xa8me, \xc3\x85ngstr\xc3\xb6m",
        ("Mis\xc3\xa9rables, Les \xc2\xab"
         "1995\xc2\xbb"),
        "\xd0\x9c\xd0\xb8\xd1\x80, \xce\xa3\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82",
        "I \xc2\xb4 m \xc2\xa8 proud", /* spaced accents */
    };
    (void) state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        twi_features f[2];
        both_rules(f, texts[i]);
        if (!same(&f[0], &f[1]))
            fail_msg("text: %s", texts[i]);
        twi_features_fini(&f[0]);
        twi_features_fini(&f[1]);
    }
}

static void one_text_in_two_spellings_is_one(void **state)
{
    static const char *const rows[][2] = {
        {"Caf\xc3\xa9", "cafe\xcc\x81"},
        {"Vi\xe1\xbb\x87t Nam", "Vie\xcc\xa3\xcc\x82t NAM"},
        {"\xed\x95\x9c\xea\xb5\xad", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80"
                                     "\xe1\x85\xae\xe1\x86\xa8"},
        {"Stra\xc3\x9f"
         "e",
         "STRASSE"},
        {"\xe3\x83\x91\xe3\x83\xb3", "\xe3\x83\x8f\xe3\x82\x9a\xe3\x83\xb3"},
        {"\xef\xbc\xa1\xef\xbc\xa2 1", "ab \xef\xbc\x91"},
        {"\xef\xbd\xb6\xef\xbe\x9e", "\xe3\x82\xac"},
        {"I\xcc\x87stanbul", "istanbul"},
        {"so\xc2\xad"
         "up",
         "soup"},
        {"Lego\xe2\x84\xa2 set", "lego SET"},
        {"\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4"},
        {"\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd", "\xf0\x9f\x91\x8d"}, /* skin colour */
        {"1\xef\xb8\x8f\xe2\x83\xa3", "1"},                       /* keycap */
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        twi_features a[2], b[2];
        both_rules(a, rows[i][0]);
        both_rules(b, rows[i][1]);
        if (!same(&a[1], &b[1]) || a[1].n == 0)
            fail_msg("%s and %s: %d and %d features", rows[i][0], rows[i][1], a[1].n, b[1].n);
        assert_false(same(&a[0], &b[0]));
        for (int k = 0; k < 2; k++) {
            twi_features_fini(&a[k]);
            twi_features_fini(&b[k]);
        }
    }
}

/* Four characters of Han and kana: each, and each pair of neighbours, four times. */
static void scripts_without_spaces_give_characters_and_pairs(void **state)
{
    static const struct {
        const char *text;
        int n;
        const char *pieces[12];
        int counts[12];
    } rows[] = {
        {"\xe7\x8c\xab\xe3\x81\xae\xe6\x9c\xac\xe7\x8c\xab", /* cat no book cat */
         6,
         {"\xe7\x8c\xab", "\xe3\x81\xae", "\xe6\x9c\xac", "\xe7\x8c\xab\xe3\x81\xae",
          "\xe3\x81\xae\xe6\x9c\xac", "\xe6\x9c\xac\xe7\x8c\xab"},
         {8, 4, 4, 4, 4, 4}},
        {"\xe7\x8c\xab ab\xe6\x9c\xac", /* words between are words, and part pairs */
         5,
         {"\xe7\x8c\xab", "\xe6\x9c\xac", "<ab>", "<ab", "ab>"},
         {4, 4, 1, 1, 1}},
        {"\xed\x95\x9c\xea\xb5\xad", /* Korean, two syllables */
         3,
         {"\xed\x95\x9c", "\xea\xb5\xad", "\xed\x95\x9c\xea\xb5\xad"},
         {4, 4, 4}},
        {"\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", /* a flag is two signs */
         3,
         {"\xf0\x9f\x87\xa9", "\xf0\x9f\x87\xaa", "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa"},
         {8, 8, 8}},
        /* Thai "khrua": two consonants, the second with a mark, a vowel; also the three */
        {"\xe0\xb8\x84\xe0\xb8\xa3\xe0\xb8\xb1\xe0\xb8\xa7",
         6,
         {"\xe0\xb8\x84", "\xe0\xb8\xa3\xe0\xb8\xb1", "\xe0\xb8\xa7",
          "\xe0\xb8\x84\xe0\xb8\xa3\xe0\xb8\xb1", "\xe0\xb8\xa3\xe0\xb8\xb1\xe0\xb8\xa7",
          "\xe0\xb8\x84\xe0\xb8\xa3\xe0\xb8\xb1\xe0\xb8\xa7"},
         {4, 4, 4, 4, 4, 4}},
    };
    const tw_tower_config cfg = small_config(3, 3);
    twi_features f;
    (void) state;
    assert_ok(twi_features_init(&f, &cfg, err));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_ok(twi_features_count(&f, rows[i].text, strlen(rows[i].text), err));
        for (int k = 0; k < rows[i].n; k++)
            if (count_of(&f, rows[i].pieces[k]) != rows[i].counts[k])
                fail_msg("%s: '%s' counts %d", rows[i].text, rows[i].pieces[k],
                         count_of(&f, rows[i].pieces[k]));
        assert_int_equal(f.n, rows[i].n);
    }
    twi_features_fini(&f);
}

/* Punctuation of other scripts parts words, and is none. */
static void signs_of_other_scripts_part_words(void **state)
{
    const tw_tower_config cfg = small_config(3, 0);
    twi_features f;
    (void) state;
    assert_ok(twi_features_init(&f, &cfg, err));
    /* Arabic comma, Devanagari danda, Ethiopic full stop, katakana middle dot */
    static const char none[] = "\xd8\x8c \xe0\xa5\xa4 \xe1\x8d\xa2 \xe3\x83\xbb";
    assert_ok(twi_features_count(&f, none, strlen(none), err));
    assert_int_equal(f.n, 0);
    assert_ok(twi_features_count(&f, "\xd8\xa8\xd8\x8c\xd8\xaa", 6, err)); /* be, comma, te */
    assert_int_equal(f.n, 2);
    twi_features_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_the_published_hash_folded),
        cmocka_unit_test(words_and_ngrams_are_those_by_hand),
        cmocka_unit_test(a_whole_word_is_counted_once),
        cmocka_unit_test(ngram_range_zero_means_whole_words),
        cmocka_unit_test(ngrams_count_characters_not_bytes),
        cmocka_unit_test(weights_are_tf_idf_of_unit_length),
        cmocka_unit_test(case_order_and_punctuation_change_nothing),
        cmocka_unit_test(nothing_to_hash_gives_no_feature),
        cmocka_unit_test(features_stop_at_the_cap),
        cmocka_unit_test(endless_words_are_read_in_pieces),
        cmocka_unit_test(broken_utf8_is_a_letter_like_any_other),
        cmocka_unit_test(compounds_are_what_no_space_parts),
        cmocka_unit_test(compounds_have_ngrams_and_an_end),
        cmocka_unit_test(rules_1_are_as_they_always_were),
        cmocka_unit_test(plain_texts_are_the_same_by_both_rules),
        cmocka_unit_test(one_text_in_two_spellings_is_one),
        cmocka_unit_test(scripts_without_spaces_give_characters_and_pairs),
        cmocka_unit_test(signs_of_other_scripts_part_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
