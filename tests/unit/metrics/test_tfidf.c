/* tf-idf: by hand, and through the ranking. */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "metrics/ranking.h"
#include "metrics/tfidf.h"

/* df over three texts: red 2, apple 2, car 1, fast 1. idf 1 + ln(4/3) for two, 1 + ln(2) for one.
 */
static void words_by_hand(void **state)
{
    static const char *const texts[] = {"Red apple", "red, red CAR", "fast apple", "", "blue"};
    const double two = 1 + log(4 / 3.0), one = 1 + log(4 / 2.0), twice = (1 + log(2)) * two;
    static const unsigned char fitted[5] = {1, 1, 1, 0, 0};
    const tw_tfidf_config words = {.words = true};
    tw_tfidf *t;
    (void) state;
    assert_ok(tw_tfidf_create(&t, &words, texts, NULL, 5, fitted, err));
    assert_int_equal(tw_tfidf_terms(t), 5);
    assert_near(tw_tfidf_cosine(t, 0, 0), 1, 1e-6);
    assert_near(tw_tfidf_cosine(t, 0, 1),
                two * twice / sqrt(2 * two * two) / sqrt(twice * twice + one * one), 1e-6);
    assert_near(tw_tfidf_cosine(t, 0, 2),
                two * two / sqrt(2 * two * two) / sqrt(two * two + one * one), 1e-6);
    assert_near(tw_tfidf_cosine(t, 1, 2), 0, 0);
    assert_near(tw_tfidf_cosine(t, 3, 0), 0, 0); /* an empty text is near to nothing, itself too */
    assert_near(tw_tfidf_cosine(t, 3, 3), 0, 0);
    assert_near(tw_tfidf_cosine(t, 4, 4), 1, 1e-6); /* a word that no fitted text has */
    tw_tfidf_destroy(t);
    /* All five fitted: red is rarer now, so the two are less alike in other words. */
    assert_ok(tw_tfidf_create(&t, &words, texts, NULL, 5, NULL, err));
    const double idf2 = 1 + log(6 / 3.0), idf1 = 1 + log(6 / 2.0);
    assert_near(tw_tfidf_cosine(t, 0, 2), idf2 / sqrt(2) / sqrt(idf2 * idf2 + idf1 * idf1), 1e-6);
    tw_tfidf_destroy(t);
}

/* "<ab>" has the 3-grams <ab, ab> and the 4-gram <ab>; "<abc>" has <ab, abc, bc>, <abc, abc>. */
static void ngrams_of_a_word(void **state)
{
    static const char *const texts[] = {"ab", "abc"};
    const double both = 1, one = 1 + log(3 / 2.0);
    tw_tfidf *t;
    (void) state;
    assert_ok(tw_tfidf_create(&t, &(tw_tfidf_config){.ngram_min = 3, .ngram_max = 4}, texts, NULL,
                              2, NULL, err));
    assert_int_equal(tw_tfidf_terms(t), 7);
    assert_near(tw_tfidf_cosine(t, 0, 1),
                both / sqrt(both + 2 * one * one) / sqrt(both + 4 * one * one), 1e-6);
    tw_tfidf_destroy(t);
    /* With words the whole is counted once. */
    assert_ok(tw_tfidf_create(&t, &(tw_tfidf_config){true, 3, 4}, texts, NULL, 2, NULL, err));
    assert_int_equal(tw_tfidf_terms(t), 8);
    tw_tfidf_destroy(t);
}

enum { N = 300 };
static char store[N][80];
static const char *texts[N];

/* Letters and blanks, a few with accents: words of all lengths, many shared. */
static void fill(void)
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N; i++) {
        size_t at = 0;
        const int len = (int) tw_rng_below(&rng, 40);
        for (int k = 0; k < len; k++) {
            const uint64_t r = tw_rng_below(&rng, 9);
            if (r == 8) {
                memcpy(store[i] + at, "\xc3\x89", 2); /* E with acute, folded */
                at += 2;
            } else {
                store[i][at++] = r < 6 ? (char) ('a' + r) : ' ';
            }
        }
        store[i][at] = '\0';
        texts[i] = store[i];
    }
}

/* Columns give what rows give, for any part of the pool. */
static void scores_are_the_cosines(void **state)
{
    static const int32_t items[3] = {7, 200, 299}, queries[2] = {2, 1};
    float scores[2 * 50];
    tw_tfidf *t;
    (void) state;
    fill();
    assert_ok(tw_tfidf_create(&t, &(tw_tfidf_config){.ngram_min = 2, .ngram_max = 3}, texts, NULL,
                              N, NULL, err));
    tw_tfidf_query asks = {.tfidf = t, .item = items, .pool_first = 100};
    assert_ok(tw_tfidf_score(&asks, 0, queries, 2, 60, 50, scores, err));
    double sum = 0;
    for (int j = 0; j < 50; j++) {
        const float own = (float) tw_tfidf_cosine(t, 160 + j, 160 + j);
        assert_true(own == 1 || own == 0); /* not nearly; 0: no word */
        assert_near(scores[j], tw_tfidf_cosine(t, 299, 160 + j), 1e-6);
        assert_near(scores[50 + j], tw_tfidf_cosine(t, 200, 160 + j), 1e-6);
        sum += (double) scores[j];
    }
    assert_true(sum > 1);
    assert_near(scores[50 + 40], 1, 1e-6); /* 200 itself is place 100 */
    tw_tfidf_destroy(t);
}

/* A text and its twin with one letter changed find each other among all. */
static void twins_find_each_other(void **state)
{
    static const char *const pairs[] = {"wooden chair",  "steel table", "glass lamp",
                                        "wooden chairs", "steal table", "glass lamps"};
    static const int32_t items[3] = {0, 1, 2};
    static const int64_t offsets[4] = {0, 1, 2, 3};
    static const int32_t right[3] = {0, 1, 2};
    tw_tfidf *t;
    tw_ranked lists;
    tw_ranking f;
    (void) state;
    assert_ok(tw_tfidf_create(&t, &(tw_tfidf_config){.ngram_min = 3, .ngram_max = 5}, pairs, NULL,
                              6, NULL, err));
    tw_tfidf_query asks = {.tfidf = t, .item = items, .pool_first = 3};
    const tw_rank_task task = {
        .queries = 3, .pool = 3, .k = 1, .right_offsets = offsets, .right = right};
    assert_ok(tw_rank(&lists, &task, tw_tfidf_score, &asks, NULL, err));
    assert_ok(tw_ranking_measure(&f, &lists, 1, err));
    assert_near(f.recall.mean, 1, 0);
    tw_ranked_fini(&lists);
    tw_tfidf_destroy(t);
}

static void odd_input(void **state)
{
    static const tw_tfidf_config bad[] = {
        {false, 0, 0}, {true, 0, 3}, {true, 4, 3}, {true, 1, 9}, {true, 1, -1}};
    static char longest[5000];
    const char *one[1] = {longest};
    static const size_t lens[1] = {2};
    tw_tfidf *t;
    (void) state;
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        assert_status(tw_tfidf_create(&t, &bad[k], one, NULL, 1, NULL, err), TW_EINVAL);
    assert_null(t);
    memset(longest, 'x', sizeof longest - 1); /* one word far longer than a word may be */
    assert_ok(tw_tfidf_create(&t, &(tw_tfidf_config){true, 1, 8}, one, NULL, 1, NULL, err));
    assert_near(tw_tfidf_cosine(t, 0, 0), 1, 1e-6);
    tw_tfidf_destroy(t);
    assert_ok(tw_tfidf_create(&t, &(tw_tfidf_config){.words = true}, one, lens, 1, NULL, err));
    assert_int_equal(tw_tfidf_terms(t), 1);
    tw_tfidf_destroy(t);
    assert_ok(tw_tfidf_create(&t, &(tw_tfidf_config){.words = true}, one, NULL, 0, NULL, err));
    assert_int_equal(tw_tfidf_terms(t), 0);
    tw_tfidf_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_by_hand),
        cmocka_unit_test(ngrams_of_a_word),
        cmocka_unit_test(scores_are_the_cosines),
        cmocka_unit_test(twins_find_each_other),
        cmocka_unit_test(odd_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
