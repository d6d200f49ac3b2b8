/* A training of towers: its epochs, its ends, what it depends on. */
#include "tests/support/rank.h"
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "metrics/ranking.h"
#include "tests/unit/towers/train/train_toy.h"

static const tw_item_pair valid[] = {{0, 2, 1, 1}, {3, 5, 1, 1}};

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

typedef struct record {
    tw_tower_epoch lines[100];
    int n;
    int stop_at; /* progress calls */
    int calls;
} record;

static void keep(void *ctx, const tw_tower_epoch *line)
{
    record *d = ctx;
    assert_true(d->n < 100);
    d->lines[d->n++] = *line;
}

static int count(void *ctx, const tw_progress *p)
{
    record *d = ctx;
    assert_string_equal(p->stage, "training");
    assert_int_equal(p->done, d->calls + 1);
    return ++d->calls == d->stop_at;
}

static tw_tower_watch watching(record *d)
{
    return (tw_tower_watch){.progress = count, .progress_ctx = d, .epoch = keep, .epoch_ctx = d};
}

static void epochs_are_reported_from_the_untrained_one_on(void **state)
{
    const tw_tower_data data = DATA(PAIRS(positives), .valid = valid, .n_valid = 2);
    const tw_tower_train_config cfg = quick();
    record d = {0};
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

static void patience_keeps_the_best_weights(void **state)
{
    const tw_tower_data data = DATA(PAIRS(positives), .valid = valid, .n_valid = 2);
    tw_tower_train_config cfg = quick();
    record d = {0};
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
    record d = {.stop_at = 1};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_projection_stays_as_it_began),
        cmocka_unit_test(a_config_out_of_range_is_refused),
        cmocka_unit_test(epochs_are_reported_from_the_untrained_one_on),
        cmocka_unit_test(patience_keeps_the_best_weights),
        cmocka_unit_test(a_watch_can_stop_it),
        cmocka_unit_test(collapse_is_noticed_and_undone),
        cmocka_unit_test(workers_share_one_gradient),
        cmocka_unit_test(dropout_changes_what_is_learnt),
        cmocka_unit_test(the_log_line_is_json),
#ifdef TW_TORTURE
        cmocka_unit_test(a_warm_step_allocates_nothing),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
