/* Do towers learn? A planted catalogue: items of a cluster name one of its six
 * words each, and one word of their own. Nothing but training can tell that the
 * six belong together, so items that were never in a pair are told apart by
 * what was learnt, and shuffled pairs teach nothing. */
#include "tests/support/rank.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "towers/towers.h"

enum { CLUSTERS = 6, EACH = 24, COLD = 6, N = CLUSTERS * EACH, PAIRS = 600, D = 24 };

typedef struct world {
    char text[N][64];
    const char *texts[N];
    tw_item_pair pairs[2 * PAIRS]; /* warm: similar ones first, then not similar */
    tw_item_triplet triplets[PAIRS];
    tw_item_pair held[CLUSTERS * COLD * COLD]; /* cold ones of a cluster, numbered as in `cold` */
    const char *cold[CLUSTERS * COLD];
    int n_held;
} world;

static void random_word(tw_rng *rng, char *out)
{
    for (int i = 0; i < 7; i++)
        out[i] = (char) ('a' + (int) tw_rng_below(rng, 26));
    out[7] = '\0';
}

static int32_t warm_item(tw_rng *rng, int cluster)
{
    return (int32_t) (cluster * EACH + COLD + (int) tw_rng_below(rng, EACH - COLD));
}

static void plant(world *w, tw_rng *rng, bool shuffled)
{
    char lexicon[CLUSTERS][6][8];
    memset(w, 0, sizeof *w);
    for (int c = 0; c < CLUSTERS; c++)
        for (int k = 0; k < 6; k++)
            random_word(rng, lexicon[c][k]);
    for (int i = 0; i < N; i++) {
        char own[8];
        random_word(rng, own);
        (void) snprintf(w->text[i], sizeof w->text[i], "%s %s", lexicon[i / EACH][i % 6], own);
        w->texts[i] = w->text[i];
    }
    for (int k = 0; k < PAIRS; k++) {
        const int c = (int) tw_rng_below(rng, CLUSTERS);
        const int other = (c + 1 + (int) tw_rng_below(rng, CLUSTERS - 1)) % CLUSTERS;
        const int said = shuffled ? (int) tw_rng_below(rng, CLUSTERS) : c;
        const int denied = shuffled ? (int) tw_rng_below(rng, CLUSTERS) : other;
        const int32_t a = warm_item(rng, c), b = warm_item(rng, said), x = warm_item(rng, denied);
        w->pairs[k] = (tw_item_pair){a, b, 1, 1};
        w->pairs[PAIRS + k] = (tw_item_pair){a, x, 0, 1};
        w->triplets[k] = (tw_item_triplet){a, b, x};
    }
    for (int c = 0; c < CLUSTERS; c++)
        for (int k = 0; k < COLD; k++) {
            w->cold[c * COLD + k] = w->text[c * EACH + k];
            for (int m = 0; m < k; m++)
                w->held[w->n_held++] = (tw_item_pair){c * COLD + k, c * COLD + m, 1, 1};
        }
}

typedef struct lesson {
    tw_tower_loss loss;
    bool triplets, labels, logq;
} lesson;

static tw_tower *train(const world *w, const lesson *l, int threads, tw_tower_report *rep)
{
    const tw_tower_config shape = {.bits = 13,
                                   .embed_dim = D,
                                   .dim = D,
                                   .ngram_min = 3,
                                   .ngram_max = 4,
                                   .max_features = 200,
                                   .seed = 5};
    tw_tower_train_config cfg = TW_TOWER_TRAIN_DEFAULT;
    tw_tower_data data = {.texts = w->texts, .n_items = N};
    tw_item_pair scores[2 * PAIRS];
    tw_tower *t = NULL;

    cfg.loss = l->loss;
    cfg.logq = l->logq;
    cfg.epochs = 12;
    cfg.batch = 64;
    cfg.lr = 0.01;
    cfg.temperature = 0.1;
    cfg.threads = threads;
    memcpy(scores, w->pairs, sizeof scores);
    for (int k = 0; k < 2 * PAIRS && l->loss == TW_LOSS_COSINE; k++)
        scores[k].label = scores[k].label > 0.5F ? 0.9F : 0.1F;
    data.pairs = l->triplets ? NULL : scores;
    data.n_pairs = l->triplets ? 0 : l->labels ? 2 * PAIRS : PAIRS;
    data.triplets = l->triplets ? w->triplets : NULL;
    data.n_triplets = l->triplets ? PAIRS : 0;
    assert_ok(tw_tower_create(&t, &shape, NULL, err));
    assert_ok(tw_tower_fit_texts(t, w->texts, NULL, N, err));
    assert_ok(tw_tower_train(t, &data, &cfg, NULL, rep, err));
    return t;
}

/* NDCG@10 among items that no pair held. */
static double cold_ndcg(const tw_tower *t, const world *w)
{
    float v[CLUSTERS * COLD * D];
    const tw_retrieval_task task = {w->held, w->n_held, NULL, 0, 0};
    assert_ok(tw_tower_embed_texts(t, NULL, w->cold, NULL, CLUSTERS * COLD, v, NULL, NULL, err));
    const tw_ranking r = rank_vectors(v, CLUSTERS * COLD, D, TW_TOWER_K, &task, NULL);
    assert_int_equal(r.ndcg.n, CLUSTERS * COLD);
    return r.ndcg.mean;
}

static void every_loss_learns_what_was_planted_and_nothing_from_noise(void **state)
{
    static const lesson lessons[] = {
        {TW_LOSS_INFONCE, false, false, false},     {TW_LOSS_INFONCE, false, false, true},
        {TW_LOSS_INFONCE, true, false, false},      {TW_LOSS_TRIPLET, false, false, false},
        {TW_LOSS_TRIPLET, true, false, false},      {TW_LOSS_CONTRASTIVE, false, true, false},
        {TW_LOSS_CONTRASTIVE, false, false, false}, {TW_LOSS_COSINE, false, true, false},
    };
    static world planted, noise;
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    plant(&planted, &rng, false);
    plant(&noise, &rng, true);
    for (size_t i = 0; i < sizeof lessons / sizeof lessons[0]; i++) {
        tw_tower_report rep;
        tw_tower *good = train(&planted, &lessons[i], 2, &rep),
                 *bad = train(&noise, &lessons[i], 2, &rep);
        tw_tower *none = NULL;
        assert_ok(tw_tower_untrained(&none, good, err));
        const double learnt = cold_ndcg(good, &planted), before = cold_ndcg(none, &planted);
        const double from_noise = cold_ndcg(bad, &noise);
        print_message("%s: untrained %.3f, trained %.3f, on noise %.3f\n",
                      tw_tower_loss_name(lessons[i].loss), before, learnt, from_noise);
        assert_true(learnt > 0.9);
        assert_true(before < 0.6);
        assert_true(from_noise < 0.6);
        tw_tower_destroy(good);
        tw_tower_destroy(bad);
        tw_tower_destroy(none);
    }
}

/* The file holds every bit of the weights, so two equal files are two equal towers. */
static void embed_all(const tw_tower *t, const world *w, float *v)
{
    assert_ok(tw_tower_embed_texts(t, NULL, w->texts, NULL, N, v, NULL, NULL, err));
}

static void a_seed_and_a_thread_count_repeat_bit_by_bit(void **state)
{
    static const lesson l = {TW_LOSS_INFONCE, false, false, false};
    static world w;
    static float first[N * D], again[N * D];
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    plant(&w, &rng, false);
    for (int threads = 1; threads <= 3; threads++) {
        tw_tower_report rep;
        tw_tower *t = train(&w, &l, threads, &rep);
        embed_all(t, &w, first);
        tw_tower_destroy(t);
        t = train(&w, &l, threads, &rep);
        embed_all(t, &w, again);
        tw_tower_destroy(t);
        assert_memory_equal(first, again, sizeof first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loss_learns_what_was_planted_and_nothing_from_noise),
        cmocka_unit_test(a_seed_and_a_thread_count_repeat_bit_by_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
