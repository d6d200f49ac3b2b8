/* A training that was interrupted ends where it would have ended anyway. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 12, ITEMS = 30, EPOCHS = 6 };

static tw_seq_data *histories(uint64_t seed)
{
    int lengths[USERS];
    for (int i = 0; i < USERS; i++)
        lengths[i] = 1 + i;
    return toy_data(USERS, ITEMS, lengths, seed);
}

static tw_seq_config noisy(tw_seq_loss loss)
{
    tw_seq_config c = toy_config();
    c.dropout = 0.3;
    c.sse_user = 0.5;
    c.sse_item_input = c.sse_item_target = 0.1;
    c.window = 0.5;
    c.average = 0.8;
    c.lr = 0.01;
    c.batch = 5;
    c.threads = 2;
    c.loss = loss;
    c.negatives = 6;
    c.epochs = EPOCHS;
    c.eval_every = 2;
    c.patience = 0;
    return c;
}

/* When to say stop: after so many epochs, or after one step of whatever epoch it is. */
typedef struct stop {
    int after, epochs;
    bool at_once;
} stop;

static int stop_after(void *ctx, const tw_progress *p)
{
    const stop *s = ctx;
    return s->at_once || p->done * s->epochs >= s->after * p->total;
}

static int lines_told;
static void count_line(void *ctx, const char *line)
{
    (void) ctx;
    lines_told += line[0] == '{' && line[strlen(line) - 1] == '}';
}

static tw_error why; /* of the last training */

typedef struct outcome {
    tw_seq_model *m;
    tw_seq_report r;
    tw_status st;
} outcome;

static outcome train_until(tw_seq_config c, uint64_t seed, const char *checkpoint, stop s)
{
    outcome o = {.m = toy_model(&c, USERS, ITEMS)};
    tw_seq_data *d = histories(seed);
    const tw_seq_hooks hooks = {.progress = stop_after,
                                .progress_ctx = &s,
                                .metrics = count_line,
                                .checkpoint = checkpoint};
    lines_told = 0;
    o.st = tw_seq_train(o.m, d, &hooks, &o.r, &why);
    tw_seq_data_destroy(d);
    return o;
}

static outcome train(tw_seq_config c, uint64_t seed, const char *checkpoint, int after)
{
    return train_until(c, seed, checkpoint, (stop){.after = after, .epochs = c.epochs});
}

static void one_stopped_at_every_step_ends_as_if_it_had_not_been(void **state)
{
    (void) state;
    const tw_seq_loss losses[] = {TW_SEQ_BCE, TW_SEQ_CE, TW_SEQ_SAMPLED_CE, TW_SEQ_GBCE};
    for (int i = 0; i < 4; i++) {
        char name[32];
        (void) snprintf(name, sizeof name, "steps%d", i);
        outcome whole = train(noisy(losses[i]), 3, NULL, 99), part;
        int sittings = 0, in_an_epoch = 0;
        for (;; sittings++) {
            part = train_until(noisy(losses[i]), 3, tw_test_path(name), (stop){.at_once = true});
            if (part.st == TW_OK)
                break;
            assert_status(part.st, TW_ECANCELLED);
            in_an_epoch += strstr(why.msg, "stopped in epoch") != NULL;
            tw_seq_model_destroy(part.m);
            assert_true(sittings < 100);
        }
        assert_int_equal(in_an_epoch + EPOCHS, sittings); /* the rest stopped between two */
        assert_true(in_an_epoch >= EPOCHS);
        assert_int_equal(part.r.epochs, EPOCHS);
        assert_true(part.r.loss == whole.r.loss);
        assert_true(toy_same(whole.m, part.m));
        tw_seq_model_destroy(whole.m);
        tw_seq_model_destroy(part.m);
    }
}

static void an_interrupted_training_ends_as_if_it_had_not_been(void **state)
{
    (void) state;
    const tw_seq_loss losses[] = {TW_SEQ_BCE, TW_SEQ_CE, TW_SEQ_SAMPLED_CE, TW_SEQ_GBCE};
    for (int i = 0; i < 4; i++) {
        char name[32];
        (void) snprintf(name, sizeof name, "run%d", i);
        const char *path = tw_test_path(name);
        outcome whole = train(noisy(losses[i]), 3, NULL, 99);
        outcome first = train(noisy(losses[i]), 3, path, 3);
        assert_int_equal(first.st, TW_ECANCELLED);
        outcome rest = train(noisy(losses[i]), 3, path, 99);
        assert_int_equal(rest.st, TW_OK);
        assert_int_equal(rest.r.resumed, 3);
        assert_int_equal(rest.r.epochs, EPOCHS);
        assert_int_equal(lines_told, EPOCHS); /* those of the first sitting, too */
        assert_int_equal(rest.r.best_epoch, whole.r.best_epoch);
        assert_true(toy_same(whole.m, rest.m));
        outcome again = train(noisy(losses[i]), 3, path, 99); /* from wherever it last wrote */
        assert_in_range(again.r.resumed, 3, EPOCHS);
        assert_true(toy_same(whole.m, again.m));
        tw_seq_model_destroy(whole.m);
        tw_seq_model_destroy(first.m);
        tw_seq_model_destroy(rest.m);
        tw_seq_model_destroy(again.m);
    }
}

static void a_file_of_another_run_is_left_alone(void **state)
{
    (void) state;
    const char *path = tw_test_path("other");
    tw_seq_config c = noisy(TW_SEQ_CE);
    tw_log_set_level(TW_LOG_ERROR);
    tw_seq_model_destroy(train(c, 3, path, 3).m);

    outcome other_data = train(c, 4, path, 1);
    assert_int_equal(other_data.r.resumed, 0);
    tw_seq_model_destroy(other_data.m);

    tw_seq_model_destroy(train(c, 3, path, 3).m);
    c.lr = 0.02;
    outcome other_settings = train(c, 3, path, 1);
    assert_int_equal(other_settings.r.resumed, 0);
    tw_seq_model_destroy(other_settings.m);

    c = noisy(TW_SEQ_CE);
    tw_seq_model_destroy(train(c, 3, path, 3).m);
    c.epochs = EPOCHS + 2; /* with a constant lr, longer is the same run */
    outcome longer = train(c, 3, path, 99);
    assert_int_equal(longer.r.resumed, 3);
    assert_int_equal(longer.r.epochs, EPOCHS + 2);
    tw_seq_model_destroy(longer.m);
    tw_log_set_level(TW_LOG_WARN);
}

static void a_torn_file_costs_the_time_and_not_the_training(void **state)
{
    (void) state;
    const char *path = tw_test_path("torn");
    const tw_seq_config c = noisy(TW_SEQ_CE);
    char *bytes = NULL;
    size_t len = 0;
    tw_log_set_level(TW_LOG_ERROR);
    outcome whole = train(c, 3, NULL, 99);
    for (int cut = 0; cut < 4; cut++) {
        tw_seq_model_destroy(train(c, 3, path, 3).m);
        assert_ok(tw_file_read(path, 1 << 24, &bytes, &len, err));
        assert_ok(tw_file_replace(path, bytes, len * (size_t) cut / 4, err));
        outcome o = train(c, 3, path, 99);
        assert_int_equal(o.st, TW_OK);
        assert_int_equal(o.r.resumed, 0);
        assert_true(toy_same(whole.m, o.m));
        tw_seq_model_destroy(o.m);
        tw_free(bytes);
        assert_ok(tw_file_replace(path, "", 0, err));
    }
    tw_seq_model_destroy(whole.m);
    tw_log_set_level(TW_LOG_WARN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interrupted_training_ends_as_if_it_had_not_been),
        cmocka_unit_test(one_stopped_at_every_step_ends_as_if_it_had_not_been),
        cmocka_unit_test(a_file_of_another_run_is_left_alone),
        cmocka_unit_test(a_torn_file_costs_the_time_and_not_the_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
