/* Trainings that are stopped and gone on with. */
#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "tests/unit/towers/tower_toy.h"
#include "towers/towers.h"

enum { N = 48, D = 16, PAIRS = 60, EPOCHS = 6 };

static char text[N][32];
static const char *texts[N];
static tw_item_pair pairs[PAIRS], scored[PAIRS], held[10];
static int32_t classes[N];

static int set_up(void **state)
{
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, 5);
    for (int i = 0; i < N; i++) {
        (void) snprintf(text[i], sizeof text[i], "thing%d of %c%d", i, 'a' + i / 8, i % 8);
        texts[i] = text[i];
        classes[i] = i / 8;
    }
    for (int k = 0; k < PAIRS + 10; k++) {
        const int32_t a = (int32_t) tw_rng_below(&rng, N), b = (a / 8) * 8 + (a + 1 + k % 7) % 8;
        if (k >= PAIRS) {
            held[k - PAIRS] = (tw_item_pair){a, b, 1, 1};
            continue;
        }
        pairs[k] = (tw_item_pair){a, b, 1, 1};
        scored[k] = (tw_item_pair){a, (b + k) % N, (float) (k % 5) / 4, 1};
    }
    return 0;
}

static tw_tower *fitted(int64_t n_fit)
{
    const tw_tower_config cfg = small_bag(10, D, D);
    return fitted_tower(&cfg, texts, n_fit);
}

typedef struct lesson {
    tw_tower_loss loss;
    bool scores, classes, held;
    int hard, patience;
    double lr;
} lesson;

static int lines_told, lines_wrong;

static void count_line(void *ctx, const tw_tower_epoch *line)
{
    (void) ctx;
    lines_wrong += line->epoch != lines_told;
    lines_told++;
}

typedef struct outcome {
    tw_tower *t;
    tw_tower_report r;
    tw_status st;
} outcome;

static int stop_in(void *ctx, const tw_progress *p)
{
    const int *epoch = ctx; /* cancels in the middle of the epoch behind it */
    return p->done > (p->total / EPOCHS) * *epoch;
}

static tw_error why;

static outcome train_fitted(int64_t n_fit, const lesson *l, const char *checkpoint, int stop)
{
    outcome o = {.t = fitted(n_fit)};
    tw_tower_train_config cfg = TW_TOWER_TRAIN_DEFAULT;
    const tw_tower_watch watch = {
        .progress = stop_in, .progress_ctx = &stop, .epoch = count_line, .checkpoint = checkpoint};
    const tw_tower_data data = {.texts = texts,
                                .n_items = N,
                                .pairs = l->classes  ? NULL
                                         : l->scores ? scored
                                                     : pairs,
                                .n_pairs = l->classes ? 0 : PAIRS,
                                .classes = l->classes ? classes : NULL,
                                .valid = l->held ? held : NULL,
                                .n_valid = l->held ? 10 : 0};
    cfg.loss = l->loss;
    cfg.hard_negatives = l->hard;
    cfg.learn_temperature = true;
    cfg.epochs = EPOCHS;
    cfg.patience = l->patience;
    cfg.threads = 2;
    cfg.batch = 16;
    cfg.lr = l->lr > 0 ? l->lr : 0.01;
    lines_told = lines_wrong = 0;
    o.st = tw_tower_train(o.t, &data, &cfg, &watch, &o.r, &why);
    return o;
}

static outcome train(const lesson *l, const char *checkpoint, int stop)
{
    return train_fitted(N, l, checkpoint, stop);
}

static bool same(const tw_tower *a, const tw_tower *b)
{
    static float x[N * D], y[N * D];
    assert_ok(tw_tower_embed_texts(a, NULL, texts, NULL, N, x, NULL, NULL, err));
    assert_ok(tw_tower_embed_texts(b, NULL, texts, NULL, N, y, NULL, NULL, err));
    return memcmp(x, y, sizeof x) == 0;
}

static void an_interrupted_training_ends_as_if_it_had_not_been(void **state)
{
    static const lesson lessons[] = {
        {.loss = TW_LOSS_INFONCE, .held = true},   /* a learnt temperature */
        {.loss = TW_LOSS_BCE},                     /* and a bias */
        {.loss = TW_LOSS_INFONCE, .hard = 3},      /* negatives from the vectors so far */
        {.loss = TW_LOSS_COSINE, .scores = true},  /* all weights count, not the best */
        {.loss = TW_LOSS_SUPCON, .classes = true}, /* batches planned for each epoch */
        {.loss = TW_LOSS_PROXY, .classes = true},  /* vectors of the classes */
    };
    (void) state;
    for (size_t i = 0; i < sizeof lessons / sizeof lessons[0]; i++) {
        char name[32];
        (void) snprintf(name, sizeof name, "run%zu", i);
        const char *path = tw_test_path(name);
        outcome whole = train(&lessons[i], NULL, EPOCHS);
        assert_int_equal(whole.st, TW_OK);
        outcome first = train(&lessons[i], path, 3);
        assert_int_equal(first.st, TW_ECANCELLED);
        outcome rest = train(&lessons[i], path, EPOCHS);
        assert_int_equal(rest.st, TW_OK);
        assert_int_equal(whole.r.resumed, 0);
        assert_in_range(rest.r.resumed, 1, 3); /* a slow disk may leave epochs unwritten */
        assert_int_equal(rest.r.epochs, EPOCHS);
        assert_int_equal(rest.r.best_epoch, whole.r.best_epoch);
        assert_int_equal(lines_told, EPOCHS + 1); /* with the one before training */
        assert_int_equal(lines_wrong, 0);
        assert_true(same(whole.t, rest.t));
        outcome again = train(&lessons[i], path, EPOCHS); /* nothing is left to do */
        assert_in_range(again.r.resumed, 1, EPOCHS);
        assert_true(same(whole.t, again.t));
        tw_tower_destroy(whole.t);
        tw_tower_destroy(first.t);
        tw_tower_destroy(rest.t);
        tw_tower_destroy(again.t);
    }
}

/* A learning rate that ruins the tower: the best epoch is an early one, and patience ends it. */
static void the_best_weights_and_patience_are_kept(void **state)
{
    const lesson l = {.loss = TW_LOSS_INFONCE, .held = true, .patience = 2, .lr = 1};
    (void) state;
    const char *path = tw_test_path("patience");
    outcome whole = train(&l, NULL, EPOCHS);
    assert_int_equal(whole.r.stop, TW_STOP_PATIENCE);
    outcome first = train(&l, path, whole.r.epochs - 1);
    assert_int_equal(first.st, TW_ECANCELLED);
    outcome rest = train(&l, path, EPOCHS);
    assert_in_range(rest.r.resumed, 1, whole.r.epochs - 1);
    assert_int_equal(rest.r.stop, TW_STOP_PATIENCE);
    assert_int_equal(rest.r.best_epoch, whole.r.best_epoch);
    assert_near(rest.r.best_valid, whole.r.best_valid, 0);
    assert_true(same(whole.t, rest.t));
    outcome again = train(&l, path, EPOCHS);
    assert_int_equal(again.r.epochs, whole.r.epochs);
    assert_int_equal(again.r.stop, TW_STOP_PATIENCE);
    assert_true(same(whole.t, again.t));
    tw_tower_destroy(whole.t);
    tw_tower_destroy(first.t);
    tw_tower_destroy(rest.t);
    tw_tower_destroy(again.t);
}

static void a_file_of_another_training_is_left_alone(void **state)
{
    const lesson l = {.loss = TW_LOSS_INFONCE}, other_lr = {.loss = TW_LOSS_INFONCE, .lr = 0.02},
                 other_loss = {.loss = TW_LOSS_TRIPLET};
    (void) state;
    const char *path = tw_test_path("other");
    tw_log_set_level(TW_LOG_ERROR);
    for (int change = 0; change < 4; change++) {
        tw_tower_destroy(train(&l, path, 3).t);
        if (change == 3)
            pairs[0].b = (pairs[0].b + 1) % N;
        outcome o = train_fitted(change == 0 ? N / 2 : N,
                                 change == 1   ? &other_lr
                                 : change == 2 ? &other_loss
                                               : &l,
                                 path, EPOCHS);
        assert_int_equal(o.st, TW_OK);
        assert_int_equal(o.r.resumed, 0);
        tw_tower_destroy(o.t);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(set_up(NULL), 0);
    tw_log_set_level(TW_LOG_WARN);
}

static void a_torn_file_costs_the_time_and_not_the_training(void **state)
{
    const lesson l = {.loss = TW_LOSS_INFONCE, .held = true};
    (void) state;
    const char *path = tw_test_path("torn");
    char *bytes = NULL;
    size_t len = 0;
    tw_log_set_level(TW_LOG_ERROR);
    outcome whole = train(&l, NULL, EPOCHS);
    for (size_t cut = 0; cut < 5; cut++) {
        tw_tower_destroy(train(&l, path, 3).t);
        assert_ok(tw_file_read(path, 1 << 24, &bytes, &len, err));
        if (cut == 4)
            bytes[len / 2] ^= 1;
        assert_ok(tw_file_replace(path, bytes, cut == 4 ? len : len * cut / 4, err));
        outcome o = train(&l, path, EPOCHS);
        assert_int_equal(o.st, TW_OK);
        assert_int_equal(o.r.resumed, 0);
        assert_true(same(whole.t, o.t));
        tw_tower_destroy(o.t);
        tw_free(bytes);
    }
    tw_tower_destroy(whole.t);
    tw_log_set_level(TW_LOG_WARN);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    const lesson l = {.loss = TW_LOSS_INFONCE};
    (void) state;
    outcome o = train(&l, "/nowhere/at/all/towers.checkpoint", EPOCHS);
    assert_int_not_equal(o.st, TW_OK);
    assert_non_null(strstr(why.msg, "/nowhere"));
    tw_tower_destroy(o.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interrupted_training_ends_as_if_it_had_not_been),
        cmocka_unit_test(the_best_weights_and_patience_are_kept),
        cmocka_unit_test(a_file_of_another_training_is_left_alone),
        cmocka_unit_test(a_torn_file_costs_the_time_and_not_the_training),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
