#include <math.h>
#include <stdio.h>
#include <string.h>

#include "seqmodel/seq_model.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 12, ITEMS = 30 };

static tw_seq_data *histories(void)
{
    int lengths[USERS];
    for (int i = 0; i < USERS; i++)
        lengths[i] = 1 + i; /* one user too short to train, two without a target */
    return toy_data(USERS, ITEMS, lengths, 3);
}

static tw_seq_config noisy(void)
{
    tw_seq_config c = toy_config();
    c.dropout = 0.3;
    c.sse_user = 0.5;
    c.sse_item_input = c.sse_item_target = 0.1;
    c.unknown_user = 0.1;
    c.window = 0.5;
    c.average = 0.8;
    c.lr = 0.01;
    c.batch = 5;
    c.threads = 2;
    return c;
}

static tw_seq_model *trained(const tw_seq_config *c, tw_seq_report *r)
{
    tw_seq_data *d = histories();
    tw_seq_model *m = toy_model(c, USERS, ITEMS);
    assert_ok(tw_seq_train(m, d, NULL, r, err));
    tw_seq_data_destroy(d);
    return m;
}

static void a_seed_and_a_thread_count_give_the_same_bits(void **state)
{
    (void) state;
    for (int loss = 0; loss < 2; loss++) {
        tw_seq_config c = noisy();
        c.loss = (tw_seq_loss) loss;
        tw_seq_model *a = trained(&c, NULL), *b = trained(&c, NULL);
        c.seed++;
        tw_seq_model *other = trained(&c, NULL);
        assert_true(toy_same(a, b));
        assert_false(toy_same(a, other));
        tw_seq_model_destroy(a);
        tw_seq_model_destroy(b);
        tw_seq_model_destroy(other);
    }
}

/* Without dropout only the order of sums differs. */
static void slicing_over_threads_does_not_change_the_loss(void **state)
{
    (void) state;
    tw_seq_config c = noisy();
    tw_seq_report one, three;
    c.dropout = 0;
    c.threads = 1;
    tw_seq_model_destroy(trained(&c, &one));
    c.threads = 3;
    tw_seq_model_destroy(trained(&c, &three));
    assert_near(one.loss, three.loss, 1e-4);
    assert_int_equal(one.epochs, 3);
}

/* The share of moved parameters that one step moves differently: its size is lr whatever the
 * gradient's, so only the sign counts, and rounding turns no more than the tiniest ones. */
static double disagreement(const tw_seq_model *a, const tw_seq_model *b, double lr)
{
    double apart = 0, all = 0;
    for (int i = 0; i < tw_params_count(a->params); i++) {
        const tw_param *p = tw_params_at(a->params, i), *q = tw_params_at(b->params, i);
        for (int64_t j = 0; j < p->rows * p->cols; j++, all++)
            apart += fabs((double) p->value[j] - (double) q->value[j]) > lr;
    }
    return apart / all;
}

/* 8 users of 60 rows are many pieces for one worker, and one for each of eight. */
static void a_slice_in_pieces_gives_the_gradient_of_the_whole(void **state)
{
    (void) state;
    enum { MANY = 8, LONG = 64, CATALOGUE = 200 };
    int lengths[MANY];
    tw_seq_config c = toy_config();
    tw_seq_report one, eight;

    for (int i = 0; i < MANY; i++)
        lengths[i] = LONG;
    tw_seq_data *d = toy_data(MANY, CATALOGUE, lengths, 3);
    c.max_len = 60;
    c.batch = MANY;
    c.epochs = 1;
    c.lr = 1e-3;
    tw_seq_model *a = toy_model(&c, MANY, CATALOGUE);
    c.threads = MANY;
    tw_seq_model *b = toy_model(&c, MANY, CATALOGUE);
    assert_ok(tw_seq_train(a, d, NULL, &one, err));
    assert_ok(tw_seq_train(b, d, NULL, &eight, err));
    assert_near(one.loss, eight.loss, 1e-4);
    assert_true(disagreement(a, b, c.lr) < 0.01);
    tw_seq_model_destroy(a);
    tw_seq_model_destroy(b);
    tw_seq_data_destroy(d);
}

static void item_row_zero_stays_zero(void **state)
{
    (void) state;
    for (int loss = 0; loss < 2; loss++) {
        tw_seq_config c = noisy();
        c.loss = (tw_seq_loss) loss;
        tw_seq_model *m = trained(&c, NULL);
        for (int j = 0; j < c.item_dim; j++)
            assert_true(m->items->value[j] == 0);
        tw_seq_model_destroy(m);
    }
}

typedef struct watch {
    int calls, lines, epochs, stop_at; /* stop_at: after so many epochs; 0: never */
    int64_t done;
    char last[4096], note[256];
} watch;

static int on_progress(void *ctx, const tw_progress *p)
{
    watch *w = ctx;
    w->calls++;
    assert_string_equal(p->stage, "training");
    assert_string_equal(p->unit, "users");
    assert_true(p->done > w->done && p->done <= p->total);
    w->done = p->done;
    (void) snprintf(w->note, sizeof w->note, "%s", p->note);
    return w->stop_at > 0 && p->done * w->epochs >= w->stop_at * p->total;
}

static void on_metrics(void *ctx, const char *line)
{
    watch *w = ctx;
    w->lines++;
    (void) snprintf(w->last, sizeof w->last, "%s", line);
}

static void hooks_hear_of_every_step_and_may_stop(void **state)
{
    (void) state;
    tw_seq_config c = noisy();
    tw_seq_data *d = histories();
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    watch w = {.stop_at = 2, .epochs = c.epochs};
    const tw_seq_hooks hooks = {
        .progress = on_progress, .progress_ctx = &w, .metrics = on_metrics, .metrics_ctx = &w};
    tw_seq_report r;

    m->cfg.eval_every = 1;
    assert_status(tw_seq_train(m, d, &hooks, &r, err), TW_ECANCELLED);
    assert_true(w.calls > 2 && w.calls % 2 == 0);
    assert_int_equal(w.lines, 2);
    assert_int_equal(r.epochs, 2);
    assert_true(r.best_epoch >= 1);
    assert_non_null(strstr(w.last, "{\"epoch\": 2, \"loss\": "));
    assert_non_null(strstr(w.last, "\"rows_per_second\": "));
    assert_non_null(strstr(w.last, "\"valid\": {\"users\": 10, "));
    assert_non_null(strstr(w.note, "validation ndcg@10"));
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

static void the_best_validation_is_what_stays(void **state)
{
    (void) state;
    tw_seq_config c = noisy();
    tw_seq_data *d = histories();
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    tw_seq_report r;
    tw_seq_metrics x;
    const tw_seq_eval_config e = {.split = TW_SEQ_VALID, .threads = 2};

    m->cfg.eval_every = 1;
    m->cfg.epochs = 60;
    m->cfg.patience = 4;
    assert_ok(tw_seq_train(m, d, NULL, &r, err));
    assert_int_equal(r.epochs, r.best_epoch + 4); /* random histories: there is nothing to learn */
    assert_ok(tw_seq_eval(m, d, &e, &x, err));
    assert_memory_equal(&x, &r.valid, sizeof x);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

static void without_targets_training_keeps_the_last_weights(void **state)
{
    (void) state;
    const int lengths[] = {2, 2};
    tw_seq_config c = noisy();
    tw_seq_data *d = toy_data(2, ITEMS, lengths, 3);
    tw_seq_model *m = toy_model(&c, 2, ITEMS), *fresh = toy_model(&c, 2, ITEMS);
    tw_seq_report r;
    assert_ok(tw_seq_train(m, d, NULL, &r, err));
    assert_int_equal(r.best_epoch, 0);
    assert_int_equal(r.epochs, 3);
    assert_false(toy_same(m, fresh));
    tw_seq_model_destroy(fresh);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

/* One step an epoch. The second step's gradient is the same whatever its rate, so the rate alone
 * decides how far it goes: half way down the cosine, with nothing left at the end, half as far. */
static void the_learning_rate_falls_by_half_a_cosine(void **state)
{
    (void) state;
    const int lengths[] = {2, 2};
    tw_seq_data *d = toy_data(2, ITEMS, lengths, 3);
    tw_seq_model *m[3];

    for (int i = 0; i < 3; i++) {
        tw_seq_config c = toy_config();
        c.epochs = i == 0 ? 1 : 2;
        c.lr = 0.1;
        c.lr_end = i == 1 ? 1 : 0;
        m[i] = toy_model(&c, 2, ITEMS);
        assert_ok(tw_seq_train(m[i], d, NULL, NULL, err));
    }
    for (int p = 0; p < tw_params_count(m[0]->params); p++) {
        const tw_param *one = tw_params_at(m[0]->params, p);
        const tw_real *whole = tw_params_at(m[1]->params, p)->value;
        const tw_real *half = tw_params_at(m[2]->params, p)->value;
        for (int64_t i = 0; i < one->rows * one->cols; i++)
            assert_near(half[i] - one->value[i], (whole[i] - one->value[i]) / 2, 1e-5);
    }
    assert_false(toy_same(m[1], m[2]));
    for (int i = 0; i < 3; i++)
        tw_seq_model_destroy(m[i]);
    tw_seq_data_destroy(d);
}

/* After one step the average has moved 1 - min(average, 2/11) of the way. */
static void the_average_is_what_stays(void **state)
{
    (void) state;
    const int lengths[] = {2, 2};
    const double averages[] = {0, 0.1, 0.9};
    const double shares[] = {1, 0.9, 9 / 11.0};
    tw_seq_data *d = toy_data(2, ITEMS, lengths, 3);
    tw_seq_config c = toy_config();
    tw_seq_model *start = toy_model(&c, 2, ITEMS), *m[3];

    c.epochs = 1;
    c.lr = 0.1;
    for (int i = 0; i < 3; i++) {
        c.average = averages[i];
        m[i] = toy_model(&c, 2, ITEMS);
        assert_ok(tw_seq_train(m[i], d, NULL, NULL, err));
        for (int p = 0; p < tw_params_count(start->params); p++) {
            const tw_param *a = tw_params_at(start->params, p);
            const tw_real *whole = tw_params_at(m[0]->params, p)->value;
            const tw_real *part = tw_params_at(m[i]->params, p)->value;
            for (int64_t j = 0; j < a->rows * a->cols; j++)
                assert_near(part[j] - a->value[j], shares[i] * (double) (whole[j] - a->value[j]),
                            1e-5);
        }
    }
    assert_false(toy_same(m[0], start));
    for (int i = 0; i < 3; i++)
        tw_seq_model_destroy(m[i]);
    tw_seq_model_destroy(start);
    tw_seq_data_destroy(d);
}

static void what_cannot_be_trained_says_why(void **state)
{
    (void) state;
    const int lengths[USERS] = {1, 1};
    tw_seq_config c = noisy();
    tw_seq_data *d = toy_data(USERS, ITEMS, lengths, 3), *good = histories();
    tw_seq_model *m = toy_model(&c, USERS, ITEMS), *other = toy_model(&c, USERS, ITEMS + 1);
    tw_error why = {0};

    assert_status(tw_seq_train(m, d, NULL, NULL, err), TW_EINVAL);
    assert_status(tw_seq_train(other, good, NULL, NULL, err), TW_EINVAL);
    tw_param_fill(m->gain, (tw_real) INFINITY);
    assert_int_equal(tw_seq_train(m, good, NULL, NULL, &why), TW_EINVAL);
    assert_string_equal(why.msg, "epoch 1: the loss is not finite; try a smaller lr than 0.01");
    tw_seq_model_destroy(m);
    tw_seq_model_destroy(other);
    tw_seq_data_destroy(good);
    tw_seq_data_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_and_a_thread_count_give_the_same_bits),
        cmocka_unit_test(slicing_over_threads_does_not_change_the_loss),
        cmocka_unit_test(a_slice_in_pieces_gives_the_gradient_of_the_whole),
        cmocka_unit_test(item_row_zero_stays_zero),
        cmocka_unit_test(hooks_hear_of_every_step_and_may_stop),
        cmocka_unit_test(the_best_validation_is_what_stays),
        cmocka_unit_test(without_targets_training_keeps_the_last_weights),
        cmocka_unit_test(the_learning_rate_falls_by_half_a_cosine),
        cmocka_unit_test(the_average_is_what_stays),
        cmocka_unit_test(what_cannot_be_trained_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
