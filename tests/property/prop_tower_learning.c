/* Do towers learn? A planted catalogue: items of a cluster name one of its six
 * words each, and one word of their own. Nothing but training can tell that the
 * six belong together, so items that were never in a pair are told apart by
 * what was learnt, and shuffled pairs teach nothing. */
#include "tests/support/rank.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "metrics/ranking.h"
#include "towers/towers.h"

enum {
    CLUSTERS = 6,
    EACH = 24,
    COLD = 6,
    WARM = EACH - COLD,
    N = CLUSTERS * EACH,
    PAIRS = 600,
    D = 24
};

typedef struct world {
    char text[N][64];
    const char *texts[N];
    tw_item_pair pairs[2 * PAIRS]; /* warm: similar ones first, then not similar */
    tw_item_triplet triplets[PAIRS];
    tw_item_pair
        all[CLUSTERS * WARM * (WARM - 1) / 2]; /* every pair of a cluster, numbered as in `warm` */
    const char *warm[CLUSTERS * WARM];
    int32_t classes[N];                        /* clusters of warm items, -1: cold */
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
        w->classes[i] = i % EACH < COLD ? -1
                        : shuffled      ? (int32_t) tw_rng_below(rng, CLUSTERS)
                                        : i / EACH;
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
    int n = 0;
    for (int c = 0; c < CLUSTERS; c++)
        for (int k = 0; k < WARM; k++) {
            w->warm[c * WARM + k] = w->text[c * EACH + COLD + k];
            for (int m = 0; m < k; m++) {
                const int other = shuffled ? (int) tw_rng_below(rng, CLUSTERS) : c;
                w->all[n++] = (tw_item_pair){c * WARM + k, other * WARM + m, 1, 1};
            }
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
    bool classes;
    int chunk, hard, matryoshka;
} lesson;

/* What the loss is given: one kind of example. Scores are what cosine and CoSENT learn from. */
static tw_tower_data give(const world *w, const lesson *l, tw_item_pair *scores)
{
    const bool scored = l->loss == TW_LOSS_COSINE || l->loss == TW_LOSS_COSENT;
    tw_tower_data data = {.texts = w->texts, .n_items = N};

    memcpy(scores, w->pairs, sizeof w->pairs);
    for (int k = 0; k < 2 * PAIRS && scored; k++)
        scores[k].label = scores[k].label > 0.5F ? 0.9F : 0.1F;
    if (l->hard >
        0) { /* a near item of no pair must be one: all who are in the catalogue are in pairs */
        data.texts = w->warm;
        data.n_items = CLUSTERS * WARM;
        data.pairs = w->all;
        data.n_pairs = sizeof w->all / sizeof w->all[0];
    } else if (l->classes) {
        data.classes = w->classes;
    } else if (l->triplets) {
        data.triplets = w->triplets;
        data.n_triplets = PAIRS;
    } else {
        data.pairs = scores;
        data.n_pairs = l->labels ? 2 * PAIRS : PAIRS;
    }
    return data;
}

static tw_tower *train(const world *w, const lesson *l, int threads, tw_tower_report *rep)
{
    const tw_tower_config shape = {.bits = 13,
                                   .idf_power = 1,
                                   .embed_dim = D,
                                   .dim = D,
                                   .ngram_min = 3,
                                   .ngram_max = 4,
                                   .max_features = 200,
                                   .seed = 5};
    tw_tower_train_config cfg = TW_TOWER_TRAIN_DEFAULT;
    static tw_item_pair scores[2 * PAIRS];
    const tw_tower_data data = give(w, l, scores);
    tw_tower *t = NULL;

    cfg.loss = l->loss;
    cfg.logq = l->logq;
    cfg.epochs = l->classes ? 40 : 12; /* a batch is most of them: few steps an epoch */
    cfg.batch = 64;
    cfg.lr = 0.01;
    cfg.temperature = 0.1;
    cfg.threads = threads;
    cfg.chunk = l->chunk;
    cfg.hard_negatives = l->hard;
    cfg.matryoshka = l->matryoshka;
    cfg.per_class = 8;
    assert_ok(tw_tower_create(&t, &shape, NULL, err));
    assert_ok(tw_tower_fit_texts(t, w->texts, NULL, N, err));
    assert_ok(tw_tower_train(t, &data, &cfg, NULL, rep, err));
    return t;
}

/* NDCG@10 among items that no example held, by the first `width` columns of their vectors. */
static double cold_ndcg_at(const tw_tower *t, const world *w, int width)
{
    float v[CLUSTERS * COLD * D], cut[CLUSTERS * COLD * D];
    const tw_retrieval_task task = {w->held, w->n_held, NULL, 0, 0};
    assert_ok(tw_tower_embed_texts(t, NULL, w->cold, NULL, CLUSTERS * COLD, v, NULL, NULL, err));
    for (int i = 0; i < CLUSTERS * COLD; i++) {
        double sum = 0;
        for (int k = 0; k < width; k++)
            sum += (double) v[i * D + k] * (double) v[i * D + k];
        for (int k = 0; k < width; k++)
            cut[i * width + k] = (float) ((double) v[i * D + k] / sqrt(sum));
    }
    const tw_ranking r = rank_vectors(cut, CLUSTERS * COLD, width, TW_TOWER_K, &task, NULL);
    assert_int_equal(r.ndcg.n, CLUSTERS * COLD);
    return r.ndcg.mean;
}

static double cold_ndcg(const tw_tower *t, const world *w) { return cold_ndcg_at(t, w, D); }

static void every_loss_learns_what_was_planted_and_nothing_from_noise(void **state)
{
    static const lesson lessons[] = {
        {.loss = TW_LOSS_INFONCE},
        {.loss = TW_LOSS_INFONCE, .logq = true},
        {.loss = TW_LOSS_INFONCE, .triplets = true},
        {.loss = TW_LOSS_INFONCE, .chunk = 10},
        {.loss = TW_LOSS_INFONCE, .hard = 5},
        {.loss = TW_LOSS_TRIPLET},
        {.loss = TW_LOSS_TRIPLET, .triplets = true},
        {.loss = TW_LOSS_TRIPLET, .classes = true},
        {.loss = TW_LOSS_TRIPLET, .hard = 5},
        {.loss = TW_LOSS_CONTRASTIVE},
        {.loss = TW_LOSS_CONTRASTIVE, .labels = true},
        {.loss = TW_LOSS_CONTRASTIVE, .classes = true},
        {.loss = TW_LOSS_ONLINE},
        {.loss = TW_LOSS_ONLINE, .labels = true},
        {.loss = TW_LOSS_BCE},
        {.loss = TW_LOSS_BCE, .labels = true},
        {.loss = TW_LOSS_BCE, .classes = true},
        {.loss = TW_LOSS_BATCH_ALL},
        {.loss = TW_LOSS_BATCH_ALL, .classes = true},
        {.loss = TW_LOSS_BATCH_HARD},
        {.loss = TW_LOSS_BATCH_HARD, .classes = true},
        {.loss = TW_LOSS_SUPCON, .classes = true},
        {.loss = TW_LOSS_SUPCON, .classes = true, .chunk = 10},
        {.loss = TW_LOSS_PROXY, .classes = true},
        {.loss = TW_LOSS_COSINE, .labels = true},
        {.loss = TW_LOSS_COSENT, .labels = true},
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
        print_message("%s%s%s%s%s: untrained %.3f, trained %.3f, on noise %.3f\n",
                      tw_tower_loss_name(lessons[i].loss), lessons[i].labels ? ", labels" : "",
                      lessons[i].classes ? ", classes" : "", lessons[i].chunk > 0 ? ", chunks" : "",
                      lessons[i].hard > 0 ? ", mined" : "", before, learnt, from_noise);
        assert_true(learnt > 0.9);
        assert_true(before < 0.6);
        assert_true(from_noise < 0.6);
        tw_tower_destroy(good);
        tw_tower_destroy(bad);
        tw_tower_destroy(none);
    }
}

/* Vectors cut to a quarter, trained for that, do better than the same cut of a tower that was not
 * (and the whole is as good): the clusters fill fewer directions. */
static void prefixes_work_alone_where_they_were_trained_to(void **state)
{
    static const lesson nested = {.loss = TW_LOSS_INFONCE, .matryoshka = D / 4},
                        plain = {.loss = TW_LOSS_INFONCE};
    static world w;
    tw_tower_report rep;
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    plant(&w, &rng, false);
    tw_tower *t = train(&w, &nested, 2, &rep), *other = train(&w, &plain, 2, &rep);
    const double cut = cold_ndcg_at(t, &w, D / 4), whole = cold_ndcg(t, &w);
    const double other_cut = cold_ndcg_at(other, &w, D / 4);
    print_message("first %d of %d: %.3f, whole %.3f; not trained for it %.3f\n", D / 4, D, cut,
                  whole, other_cut);
    assert_true(whole > 0.9);
    assert_true(cut > 0.9);
    assert_true(cut > other_cut);
    tw_tower_destroy(t);
    tw_tower_destroy(other);
}

/* The file holds every bit of the weights, so two equal files are two equal towers. */
static void embed_all(const tw_tower *t, const world *w, float *v)
{
    assert_ok(tw_tower_embed_texts(t, NULL, w->texts, NULL, N, v, NULL, NULL, err));
}

static void a_seed_and_a_thread_count_repeat_bit_by_bit(void **state)
{
    static const lesson l = {.loss = TW_LOSS_INFONCE};
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
        cmocka_unit_test(prefixes_work_alone_where_they_were_trained_to),
        cmocka_unit_test(a_seed_and_a_thread_count_repeat_bit_by_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
