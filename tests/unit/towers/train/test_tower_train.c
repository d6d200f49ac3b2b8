#include "tests/support/rank.h"
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "metrics/ranking.h"
#include "tests/unit/towers/tower_toy.h"
#include "towers/loss/tower_proxies.h"
#include "towers/tower.h"
#include "towers/train/tower_validate.h"

static const char *const texts[] = {"red apple", "green apple", "red pear", "blue car",
                                    "fast car",  "blue van",    "",         "slow van"};
enum { N = sizeof texts / sizeof texts[0] };

static const tw_item_pair positives[] = {{0, 1, 1, 1}, {1, 2, 1, 1}, {3, 4, 1, 1}, {4, 5, 1, 1},
                                         {6, 7, 1, 1}, {2, 2, 1, 1}, {7, 6, 1, 1}};
static const tw_item_pair labelled[] = {{0, 1, 1, 1}, {3, 4, 1, 1}, {0, 4, 0, 1}, {1, 3, 0, 1}};
static const tw_item_pair scored[] = {{0, 1, 0.9F, 1}, {3, 4, 0.8F, 1}, {0, 4, 0.1F, 1}};
static const tw_item_triplet triplets[] = {{0, 1, 4}, {3, 4, 1}};
static const tw_item_pair valid[] = {{0, 2, 1, 1}, {3, 5, 1, 1}};

static tw_tower *fitted(void)
{
    const tw_tower_config cfg = {.bits = 10,
                                 .idf_power = 1,
                                 .embed_dim = 8,
                                 .dim = 6,
                                 .ngram_min = 3,
                                 .ngram_max = 4,
                                 .max_features = 100,
                                 .seed = 1};
    tw_tower *t = NULL;
    assert_ok(tw_tower_create(&t, &cfg, NULL, err));
    assert_ok(tw_tower_fit_texts(t, texts, NULL, N, err));
    return t;
}

static tw_tower_train_config quick(void)
{
    tw_tower_train_config cfg = TW_TOWER_TRAIN_DEFAULT;
    cfg.epochs = 3;
    cfg.threads = 2;
    cfg.batch = 3;
    return cfg;
}

#define DATA(...) ((tw_tower_data){.texts = texts, .n_items = N, __VA_ARGS__})
#define PAIRS(p)  .pairs = (p), .n_pairs = sizeof(p) / sizeof(p)[0]

static void the_data_chooses_the_loss(void **state)
{
    const struct {
        tw_tower_data data;
        tw_tower_loss given, used;
        int64_t examples;
    } rows[] = {
        {DATA(PAIRS(positives)), TW_LOSS_AUTO, TW_LOSS_INFONCE,
         4}, /* less the empty and the self */
        {DATA(PAIRS(labelled)), TW_LOSS_AUTO, TW_LOSS_CONTRASTIVE, 4},
        {DATA(PAIRS(scored)), TW_LOSS_AUTO, TW_LOSS_COSINE, 3},
        {DATA(.triplets = triplets, .n_triplets = 2), TW_LOSS_AUTO, TW_LOSS_TRIPLET, 2},
        {DATA(PAIRS(labelled)), TW_LOSS_INFONCE, TW_LOSS_INFONCE, 2},
        {DATA(PAIRS(labelled)), TW_LOSS_TRIPLET, TW_LOSS_TRIPLET, 2},
        {DATA(PAIRS(positives)), TW_LOSS_CONTRASTIVE, TW_LOSS_CONTRASTIVE, 4},
        {DATA(.triplets = triplets, .n_triplets = 2), TW_LOSS_CONTRASTIVE, TW_LOSS_CONTRASTIVE, 4},
        {DATA(.triplets = triplets, .n_triplets = 2), TW_LOSS_INFONCE, TW_LOSS_INFONCE, 2},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_tower *t = fitted();
        tw_tower_train_config cfg = quick();
        tw_tower_report rep;
        cfg.loss = rows[i].given;
        assert_ok(tw_tower_train(t, &rows[i].data, &cfg, NULL, &rep, err));
        assert_int_equal(rep.loss, rows[i].used);
        assert_int_equal(rep.examples, rows[i].examples);
        assert_int_equal(rep.epochs, 3);
        assert_int_equal(rep.best_epoch, 3);
        tw_tower_destroy(t);
    }
}

static void data_that_cannot_be_learnt_from_is_refused(void **state)
{
    static const tw_item_pair outside[] = {{0, N, 1, 1}}, negative[] = {{0, 1, 0, 1}},
                              unlabelled[] = {{0, 1, NAN, 1}}, empty[] = {{6, 7, 1, 1}};
    static const tw_item_pair flat[] = {{0, 1, 0.7F, 1}, {1, 2, 0.7F, 1}};
    static const tw_item_pair apart[] = {{0, 1, 0, 1}, {1, 2, 0, 1}, {2, 3, 0.5F, 1}};
    static const tw_item_triplet bad[] = {{0, 1, -1}}, same[] = {{0, 1, 1}, {2, 2, 3}, {4, 5, 4}};
    const struct {
        tw_tower_data data;
        tw_tower_loss loss;
        const char *says;
    } rows[] = {
        {DATA(.pairs = NULL), TW_LOSS_AUTO, "no pairs"},
        {DATA(PAIRS(positives), .triplets = triplets, .n_triplets = 2), TW_LOSS_AUTO, "one kind"},
        {DATA(PAIRS(outside)), TW_LOSS_AUTO, "item 8"},
        {DATA(PAIRS(unlabelled)), TW_LOSS_AUTO, "label nan"},
        {DATA(PAIRS(negative)), TW_LOSS_INFONCE, "none of the 1 pairs"},
        {DATA(PAIRS(negative)), TW_LOSS_AUTO, "none of the 1 pairs"},
        {DATA(PAIRS(apart)), TW_LOSS_CONTRASTIVE, "none of the 3 pairs to learn from is similar"},
        {DATA(PAIRS(flat)), TW_LOSS_AUTO, "all 2 pairs to learn from have the label 0.7"},
        {DATA(PAIRS(flat)), TW_LOSS_COSENT, "the cosent loss needs labels that differ"},
        {DATA(.triplets = same, .n_triplets = 3), TW_LOSS_AUTO, "no example"},
        {DATA(PAIRS(positives)), TW_LOSS_SUPCON, "the supcon loss needs items of known classes"},
        {DATA(PAIRS(positives)), TW_LOSS_PROXY, "the proxy loss needs items of known classes"},
        {DATA(PAIRS(empty)), TW_LOSS_AUTO, "no example"},
        {DATA(.triplets = bad, .n_triplets = 1), TW_LOSS_AUTO, "item -1"},
        {DATA(.triplets = triplets, .n_triplets = 2), TW_LOSS_COSINE, "scores"},
        {DATA(PAIRS(positives), .valid = outside, .n_valid = 1), TW_LOSS_AUTO, "validation pair"},
    };
    tw_tower *t = fitted(), *u = NULL;
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_tower_train_config cfg = quick();
        tw_error err = {0};
        cfg.loss = rows[i].loss;
        assert_int_equal(tw_tower_train(t, &rows[i].data, &cfg, NULL, NULL, &err), TW_EINVAL);
        if (strstr(err.msg, rows[i].says) == NULL)
            fail_msg("row %zu: '%s' does not say '%s'", i, err.msg, rows[i].says);
    }
    assert_ok(tw_tower_untrained(&u, t, err));
    assert_memory_equal(bag_of(t)->table->value, bag_of(u)->table->value,
                        1024 * 8 * sizeof(tw_real));
    tw_tower_destroy(t);
    tw_tower_destroy(u);
}

static void classes_are_numbered_in_their_order(void **state)
{
    int32_t cls[] = {5, -1, 2, 5, 0, 6, -7, 2};
    static const int32_t want[] = {2, -1, 1, 2, 0, 3, -7, 1};
    (void) state;
    assert_int_equal(twi_number_classes(cls, 8), 4);
    assert_memory_equal(cls, want, sizeof want);
}

/* Items of classes 5 and 2 alone, so the vectors' numbers are not the classes'. */
static void proxies_draw_their_classes_together(void **state)
{
    static const int32_t classes[N] = {5, 5, 5, 2, 2, 2, -1, -1};
    const tw_tower_data data = DATA(.classes = classes);
    tw_tower *t = fitted();
    tw_tower_train_config cfg = quick();
    tw_tower_report rep;
    float v[N * 6];
    (void) state;
    cfg.loss = TW_LOSS_PROXY;
    cfg.batch = 4;
    cfg.epochs = 60;
    cfg.dropout = 0;
    cfg.lr = 0.05;
    assert_ok(tw_tower_train(t, &data, &cfg, NULL, &rep, err));
    assert_int_equal(rep.loss, TW_LOSS_PROXY);
    assert_ok(tw_tower_embed_texts(t, NULL, texts, NULL, N, v, NULL, NULL, err));
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 6; j++) {
            double s = 0;
            for (int k = 0; k < 6; k++)
                s += (double) v[6 * i + k] * (double) v[6 * j + k];
            if (classes[i] == classes[j])
                assert_true(s > 0.8);
            else
                assert_true(s < 0.2);
        }
    }
    tw_tower_destroy(t);
}

static void more_classes_than_a_batch_can_meet_are_refused(void **state)
{
    enum { MANY = (1 << 14) + 1 };
    const char **names = tw_alloc(MANY, sizeof *names);
    int32_t *classes = tw_alloc(MANY, sizeof *classes);
    const tw_tower_data data = {.texts = names, .n_items = MANY, .classes = classes};
    tw_tower *t = fitted();
    tw_tower_train_config cfg = quick();
    tw_error why = {0};
    (void) state;
    for (int i = 0; i < MANY; i++) {
        names[i] = "same";
        classes[i] = i;
    }
    cfg.loss = TW_LOSS_PROXY;
    cfg.batch = TW_TOWER_MAX_BATCH;
    assert_int_equal(tw_tower_train(t, &data, &cfg, NULL, NULL, &why), TW_EINVAL);
    assert_non_null(strstr(why.msg, "16385 classes in batches of 8192"));
    tw_tower_destroy(t);
    tw_free(classes);
    tw_free(names);
}

static void a_config_out_of_range_is_refused(void **state)
{
    const tw_tower_data data = DATA(PAIRS(positives));
    tw_tower *t = fitted();
    tw_tower_train_config cfg = quick();
    (void) state;
    cfg.lr = 0;
    assert_status(tw_tower_train(t, &data, &cfg, NULL, NULL, err), TW_EINVAL);
    cfg = quick();
    cfg.temperature = 0;
    assert_status(tw_tower_train(t, &data, &cfg, NULL, NULL, err), TW_EINVAL);
    cfg = quick();
    cfg.batch = 1;
    assert_status(tw_tower_train(t, &data, &cfg, NULL, NULL, err), TW_EINVAL);
    tw_tower_destroy(t);
}

typedef struct diary {
    tw_tower_epoch lines[100];
    int n;
    int stop_at; /* progress calls */
    int calls;
} diary;

static void keep(void *ctx, const tw_tower_epoch *line)
{
    diary *d = ctx;
    assert_true(d->n < 100);
    d->lines[d->n++] = *line;
}

static int count(void *ctx, const tw_progress *p)
{
    diary *d = ctx;
    assert_string_equal(p->stage, "training");
    assert_int_equal(p->done, d->calls + 1);
    return ++d->calls == d->stop_at;
}

static tw_tower_watch watching(diary *d)
{
    return (tw_tower_watch){.progress = count, .progress_ctx = d, .epoch = keep, .epoch_ctx = d};
}

static void epochs_are_told_from_the_untrained_one_on(void **state)
{
    const tw_tower_data data = DATA(PAIRS(positives), .valid = valid, .n_valid = 2);
    const tw_tower_train_config cfg = quick();
    diary d = {0};
    const tw_tower_watch watch = watching(&d);
    tw_tower *t = fitted();
    tw_tower_report rep;
    (void) state;
    assert_ok(tw_tower_train(t, &data, &cfg, &watch, &rep, err));
    assert_int_equal(d.n, 4);
    assert_int_equal(d.calls, 3 * 2); /* 4 pairs in batches of at most 3: 2 + 2 */
    for (int i = 0; i < d.n; i++) {
        assert_int_equal(d.lines[i].epoch, i);
        assert_true(d.lines[i].valid > 0 && d.lines[i].valid <= 1);
        assert_true(i == 0 || d.lines[i].loss > 0);
        assert_true(d.lines[i].spread > 0.2 && d.lines[i].spread <= 1);
    }
    assert_near(rep.best_valid, d.lines[rep.best_epoch].valid, 0);
    tw_tower_destroy(t);
}

/* No order of such pairs is wrong; but that they are similar says something. */
static void validation_labels_that_are_all_one_ask_for_a_ranking(void **state)
{
    static const tw_item_pair flat[] = {{0, 2, 0.75F, 1}, {1, 3, 0.75F, 1}};
    static const tw_item_pair far[] = {{0, 2, 0.25F, 1}, {1, 3, 0.25F, 1}};
    tw_tower_data data = DATA(PAIRS(scored), .valid = flat, .n_valid = 2);
    const tw_tower_train_config cfg = quick();
    tw_tower_report rep;
    tw_tower *t = fitted();
    (void) state;
    assert_ok(tw_tower_train(t, &data, &cfg, NULL, &rep, err));
    assert_int_equal(rep.loss, TW_LOSS_COSINE);
    assert_true(rep.best_valid > 0 && rep.best_valid <= 1);
    data.valid = far;
    assert_ok(tw_tower_train(t, &data, &cfg, NULL, &rep, err));
    assert_true(isnan(rep.best_valid));
    tw_tower_destroy(t);
}

static void patience_keeps_the_best_weights(void **state)
{
    const tw_tower_data data = DATA(PAIRS(positives), .valid = valid, .n_valid = 2);
    tw_tower_train_config cfg = quick();
    diary d = {0};
    const tw_tower_watch watch = watching(&d);
    tw_tower *t = fitted();
    tw_tower_report rep;
    float v[N * 6];
    (void) state;
    cfg.epochs = 90;
    cfg.patience = 3;
    cfg.lr = 0.5; /* wild on purpose */
    assert_ok(tw_tower_train(t, &data, &cfg, &watch, &rep, err));
    assert_int_equal(rep.stop, TW_STOP_PATIENCE);
    assert_int_equal(rep.epochs, rep.best_epoch + 3);
    assert_ok(tw_tower_embed_texts(t, NULL, texts, NULL, N, v, NULL, NULL, err));
    const tw_retrieval_task task = {valid, 2, positives, 7, 0};
    assert_near(rank_vectors(v, N, 6, TW_TOWER_K, &task, NULL).ndcg.mean, rep.best_valid, 1e-9);
    tw_tower_destroy(t);
}

static void a_watch_can_stop_it(void **state)
{
    const tw_tower_data data = DATA(PAIRS(positives));
    const tw_tower_train_config cfg = quick();
    diary d = {.stop_at = 1};
    const tw_tower_watch watch = watching(&d);
    tw_tower *t = fitted(), *u = NULL;
    (void) state;
    assert_status(tw_tower_train(t, &data, &cfg, &watch, NULL, err), TW_ECANCELLED);
    assert_ok(tw_tower_untrained(&u, t, err)); /* no epoch ended: as before */
    assert_memory_equal(bag_of(t)->table->value, bag_of(u)->table->value,
                        1024 * 8 * sizeof(tw_real));
    tw_tower_destroy(t);
    tw_tower_destroy(u);
}

/* Only pulling: every pair of items called similar, and no negative anywhere. */
static void collapse_is_noticed_and_undone(void **state)
{
    tw_item_pair all[N * N];
    int n = 0;
    tw_tower *t = fitted();
    tw_tower_train_config cfg = quick();
    tw_tower_report rep;
    (void) state;
    for (int a = 0; a < N; a++)
        for (int b = 0; b < a; b++)
            all[n++] = (tw_item_pair){a, b, 0.999F, 1};
    const tw_tower_data data = DATA(.pairs = all, .n_pairs = n);
    cfg.loss = TW_LOSS_CONTRASTIVE;
    cfg.epochs = 300;
    cfg.lr = 0.05;
    assert_ok(tw_tower_train(t, &data, &cfg, NULL, &rep, err));
    assert_int_equal(rep.stop, TW_STOP_COLLAPSED);
    assert_string_equal(tw_tower_stop_name(rep.stop), "collapsed");
    assert_true(rep.best_epoch < rep.epochs);
    tw_tower_destroy(t);
}

/* How a batch is cut among workers changes rounding, nothing else. */
static void workers_share_one_gradient(void **state)
{
    static const tw_item_pair rows[] = {{0, 1, 1, 1}, {1, 2, 1, 1}, {3, 4, 1, 1}, {4, 5, 1, 1}};
    const tw_tower_data data = DATA(PAIRS(rows));
    float v[3][N * 6];
    (void) state;
    for (int k = 0; k < 3; k++) {
        tw_tower *t = fitted();
        tw_tower_train_config cfg = quick();
        cfg.threads = k + 1;
        cfg.dropout = 0;
        cfg.batch = 4;
        cfg.epochs = 5;
        assert_ok(tw_tower_train(t, &data, &cfg, NULL, NULL, err));
        assert_ok(tw_tower_embed_texts(t, NULL, texts, NULL, N, v[k], NULL, NULL, err));
        tw_tower_destroy(t);
    }
    for (int i = 0; i < N * 6; i++) {
        assert_near(v[0][i], v[1][i], 1e-4);
        assert_near(v[0][i], v[2][i], 1e-4);
    }
}

/* Hidden features are drawn anew in every step, from the seed. */
static void dropout_changes_what_is_learnt(void **state)
{
    const tw_tower_data data = DATA(PAIRS(positives));
    float v[3][N * 6];
    (void) state;
    for (int k = 0; k < 3; k++) {
        tw_tower *t = fitted();
        tw_tower_train_config cfg = quick();
        cfg.dropout = k == 0 ? 0 : 0.5;
        assert_ok(tw_tower_train(t, &data, &cfg, NULL, NULL, err));
        assert_ok(tw_tower_embed_texts(t, NULL, texts, NULL, N, v[k], NULL, NULL, err));
        tw_tower_destroy(t);
    }
    assert_memory_not_equal(v[0], v[1], sizeof v[0]);
    assert_memory_equal(v[1], v[2], sizeof v[0]);
}

/* Cosines to item 0: 1, 0.8, 0.6, -1. Scores 0.9 0.2 0.2 0: ranks 4 3 2 1 and 4 2.5 2.5 1, that is
 * 4.5 / sqrt(5 * 4.5). Labels 1 0 1 of the last three: calling all of them similar finds two with
 * three calls, F1 4/5; the first alone 2/3. */
static void pairs_validate_by_what_their_labels_say(void **state)
{
    static const float v[] = {1, 0, 0.8F, 0.6F, 0.6F, 0.8F, -1, 0};
    static const tw_item_pair scores[] = {
        {0, 0, 0.9F, 1}, {0, 1, 0.2F, 1}, {0, 2, 0.2F, 1}, {0, 3, 0, 1}};
    static const tw_item_pair labels[] = {{0, 1, 1, 1}, {0, 2, 0, 1}, {0, 3, 1, 1}};
    const tw_tower_data by_score = {.n_items = 4, .valid = scores, .n_valid = 4},
                        by_label = {.n_items = 4, .valid = labels, .n_valid = 3};
    double out;
    (void) state;
    assert_ok(twi_validate(&out, TWI_VALID_SPEARMAN, &by_score, NULL, v, 2, NULL, err));
    assert_near(out, 4.5 / sqrt(5 * 4.5), 1e-12);
    assert_ok(twi_validate(&out, TWI_VALID_F1, &by_label, NULL, v, 2, NULL, err));
    assert_near(out, 0.8, 1e-12);
}

static void the_log_line_is_json(void **state)
{
    const tw_tower_epoch line = {
        .epoch = 2, .loss = 0.5, .valid = NAN, .seconds = 1.25, .best = true};
    tw_text text;
    (void) state;
    tw_text_init(&text, 4096);
    assert_ok(tw_tower_epoch_format(&line, &text, err));
    assert_string_equal(text.data,
                        "{\"epoch\": 2, \"loss\": 0.5, \"active\": 0, \"pos_cosine\": 0, "
                        "\"neg_cosine\": 0, \"spread\": 0, \"uniformity\": 0, \"directions\": 0, "
                        "\"valid\": null, \"seconds\": 1.25, "
                        "\"best\": true}");
    tw_text_fini(&text);
}

#ifdef TW_TORTURE
typedef struct counter {
    long at[64];
    int n;
} counter;

static int note_allocations(void *ctx, const tw_progress *p)
{
    counter *c = ctx;
    (void) p;
    if (c->n < 64)
        c->at[c->n++] = tw_alloc_count();
    return 0;
}

/* Steps of one epoch, the first ones warming up. */
static void a_warm_step_allocates_nothing(void **state)
{
    static tw_item_pair many[400];
    tw_tower_train_config cfg = quick();
    tw_tower *t = fitted();
    counter c = {0};
    const tw_tower_watch watch = {.progress = note_allocations, .progress_ctx = &c};
    (void) state;
    for (int k = 0; k < 400; k++)
        many[k] = positives[k % 4];
    const tw_tower_data data = DATA(.pairs = many, .n_pairs = 400);
    cfg.epochs = 1;
    cfg.batch = 10;
    assert_ok(tw_tower_train(t, &data, &cfg, &watch, NULL, err));
    assert_int_equal(c.n, 40);
    assert_int_equal(c.at[39], c.at[19]);
    tw_tower_destroy(t);
}
#endif

static void a_fixed_projection_stays_as_it_began(void **state)
{
    const tw_tower_data data = DATA(PAIRS(positives));
    (void) state;
    for (int fixed = 0; fixed < 2; fixed++) {
        tw_tower *t = fitted(), *u = NULL;
        tw_tower_train_config cfg = quick();
        cfg.fixed_projection = fixed == 1;
        assert_ok(tw_tower_train(t, &data, &cfg, NULL, NULL, err));
        assert_ok(tw_tower_untrained(&u, t, err));
        const twi_projection *p = &t->proj[TW_MODALITY_TEXT], *q = &u->proj[TW_MODALITY_TEXT];
        const size_t bytes = (size_t) p->w->rows * (size_t) p->w->cols * sizeof(tw_real);
        assert_int_equal(memcmp(p->w->value, q->w->value, bytes) == 0, fixed);
        assert_memory_not_equal(bag_of(t)->table->value, bag_of(u)->table->value,
                                1024 * 8 * sizeof(tw_real));
        tw_tower_destroy(t);
        tw_tower_destroy(u);
    }
}

/* Text 6 is empty: a validation pair, or a held item, of its says nothing of a tower. */
static void items_without_anything_do_not_validate(void **state)
{
    static const tw_item_pair some[] = {{0, 1, 1, 1}, {2, 3, 1, 1}, {6, 0, 1, 1}, {3, 6, 1, 1}};
    static const int32_t classes[N] = {5, 5, 5, 2, 2, 2, 5, 2};
    static const unsigned char held[N] = {1, 0, 0, 1, 0, 0, 1, 0},
                               read[N] = {1, 0, 0, 1, 0, 0, 0, 0};
    const struct {
        tw_tower_data all, readable;
    } rows[] = {
        {DATA(PAIRS(positives), .valid = some, .n_valid = 4),
         DATA(PAIRS(positives), .valid = some, .n_valid = 2)},
        {DATA(.classes = classes, .held = held), DATA(.classes = classes, .held = read)},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_tower_report rep[2];
        for (int k = 0; k < 2; k++) {
            tw_tower *t = fitted();
            tw_tower_train_config cfg = quick();
            cfg.batch = 4;
            assert_ok(tw_tower_train(t, k == 0 ? &rows[i].all : &rows[i].readable, &cfg, NULL,
                                     &rep[k], err));
            tw_tower_destroy(t);
        }
        assert_true(isfinite(rep[0].best_valid));
        assert_near(rep[0].best_valid, rep[1].best_valid, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_projection_stays_as_it_began),
        cmocka_unit_test(the_data_chooses_the_loss),
        cmocka_unit_test(data_that_cannot_be_learnt_from_is_refused),
        cmocka_unit_test(classes_are_numbered_in_their_order),
        cmocka_unit_test(proxies_draw_their_classes_together),
        cmocka_unit_test(more_classes_than_a_batch_can_meet_are_refused),
        cmocka_unit_test(a_config_out_of_range_is_refused),
        cmocka_unit_test(epochs_are_told_from_the_untrained_one_on),
        cmocka_unit_test(validation_labels_that_are_all_one_ask_for_a_ranking),
        cmocka_unit_test(patience_keeps_the_best_weights),
        cmocka_unit_test(a_watch_can_stop_it),
        cmocka_unit_test(collapse_is_noticed_and_undone),
        cmocka_unit_test(workers_share_one_gradient),
        cmocka_unit_test(dropout_changes_what_is_learnt),
        cmocka_unit_test(pairs_validate_by_what_their_labels_say),
        cmocka_unit_test(the_log_line_is_json),
#ifdef TW_TORTURE
        cmocka_unit_test(a_warm_step_allocates_nothing),
#endif
        cmocka_unit_test(items_without_anything_do_not_validate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
