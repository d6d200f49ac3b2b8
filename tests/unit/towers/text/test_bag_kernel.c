/* The bag of an untrained tower beside exact tf-idf: the same kernel. */
#include "tests/support/test.h"

#include <string.h>

#include "base/rng.h"
#include "metrics/tfidf.h"
#include "tests/unit/towers/tower_toy.h"
#include "towers/text/text_features.h"

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

/* With 2^22 buckets and few features the tower's hashing has next to no collisions, so its weighted
 * bags have the same cosines. */
static void the_bag_is_the_kernel_of_tfidf(void **state)
{
    const tw_tower_config cfg = {.bits = 22,
                                 .idf_power = 1,
                                 .embed_dim = 1,
                                 .dim = 1,
                                 .ngram_min = 3,
                                 .ngram_max = 5,
                                 .max_features = 2000,
                                 .seed = 1};
    tw_tower *tower;
    tw_tfidf *t;
    twi_features f, g;
    int shared = 0;
    (void) state;
    fill();
    assert_ok(tw_tower_create(&tower, &cfg, NULL, err));
    assert_ok(tw_tower_fit_texts(tower, texts, NULL, N, err));
    assert_ok(twi_features_init(&f, &cfg, err));
    assert_ok(twi_features_init(&g, &cfg, err));
    assert_ok(tw_tfidf_create(&t, &(tw_tfidf_config){true, 3, 5}, texts, NULL, N, NULL, err));
    for (int i = 0; i + 1 < N; i++) {
        double want = 0;
        assert_ok(twi_features_count(&f, texts[i], strlen(texts[i]), err));
        twi_weigh(f.weights, f.ids, f.counts, f.n, bag_of(tower)->idf);
        assert_ok(twi_features_count(&g, texts[i + 1], strlen(texts[i + 1]), err));
        twi_weigh(g.weights, g.ids, g.counts, g.n, bag_of(tower)->idf);
        for (int a = 0; a < f.n; a++)
            for (int b = 0; b < g.n; b++)
                want += f.ids[a] == g.ids[b] ? (double) f.weights[a] * (double) g.weights[b] : 0;
        assert_near(tw_tfidf_cosine(t, i, i + 1), want, 2e-3); /* a rare shared bucket */
        shared += want > 0.01;
    }
    assert_true(shared > N / 4);
    tw_tfidf_destroy(t);
    twi_features_fini(&f);
    twi_features_fini(&g);
    tw_tower_destroy(tower);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bag_is_the_kernel_of_tfidf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
