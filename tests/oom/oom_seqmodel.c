/* Every allocation between events and an answered query fails once: the status says so, nothing is
 * handed out, nothing leaks (ASan), and nothing else happens. Needs TW_TORTURE. */
#include "base/alloc.h"
#include "seqmodel/seqmodel.h"
#include "tests/support/test.h"

enum { USERS = 4, ITEMS = 8, EVENTS = 20 };

#ifdef TW_TORTURE

static tw_seq_config small(tw_seq_loss loss)
{
    tw_seq_config c = tw_seq_config_default();
    c.user_dim = 2;
    c.item_dim = 4;
    c.max_len = 3;
    c.blocks = 1;
    c.heads = 1;
    c.loss = loss;
    c.batch = 3;
    c.epochs = 2;
    c.eval_every = 1;
    c.threads = 2;
    return c;
}

static int watch(void *ctx, const tw_progress *p)
{
    (void) ctx;
    (void) p;
    return 0;
}

static void swallow(void *ctx, const char *line)
{
    (void) ctx;
    (void) line;
}

static tw_status life(const tw_seq_config *c, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    int32_t users[EVENTS], items[EVENTS];
    int64_t ids[ITEMS + 1];
    tw_seq_data *d = NULL;
    tw_seq_model *m = NULL, *back = NULL;
    tw_seq_session *s = NULL;
    tw_real query[4];
    double repeats;
    tw_seq_metrics x;
    const tw_seq_hooks hooks = {.progress = watch, .metrics = swallow};
    const tw_seq_eval_config e = {.threads = 2, .lists = true, .protocol = TW_SEQ_SAMPLED100};

    for (int i = 0; i < EVENTS; i++) {
        users[i] = 1 + i % USERS;
        items[i] = 1 + (i * 3 + i / USERS) % ITEMS;
    }
    for (int i = 0; i <= ITEMS; i++)
        ids[i] = 100 - i;
    TW_TRY(tw_seq_data_create(&d, USERS, ITEMS, users, items, NULL, EVENTS, err));
    TW_TRY(tw_seq_data_repeats(d, &repeats, err));
    TW_TRY(tw_seq_model_create(&m, c, USERS, ITEMS, err));
    TW_TRY(tw_seq_train(m, d, &hooks, NULL, err));
    TW_TRY(tw_seq_eval(m, d, &e, &x, err));
    for (int kind = 0; kind < 3; kind++)
        TW_TRY(tw_seq_eval_baseline((tw_seq_baseline) kind, d, &e, &x, err));
    TW_TRY(tw_seq_model_set_ids(m, ids, ids, err));
    TW_TRY(tw_seq_model_save(m, path, err));
    TW_TRY(tw_seq_model_load(&back, path, err));
    TW_TRY(tw_seq_session_create(&s, back, err));
    TW_TRY(tw_seq_query(s, 1, items, 3, query, err));
done:
    assert_true(d != NULL || (m == NULL && back == NULL && s == NULL));
    assert_true(back != NULL || s == NULL);
    tw_seq_session_destroy(s);
    tw_seq_model_destroy(back);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
    return st;
}

static void torture(tw_seq_config c)
{
    const char *path = tw_test_path("oom.safetensors");
    long nth = 0;
    bool fired;

    do {
        tw_error err = {0};
        tw_torture_arm(++nth);
        tw_status st = life(&c, path, &err);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        if (st != (fired ? TW_ENOMEM : TW_OK))
            print_message("allocation %ld: %s (%s:%d)\n", nth, err.msg, err.file, err.line);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
    } while (fired);
    assert_true(nth > 100);
}

static void softmax_training_survives_every_failed_allocation(void **state)
{
    (void) state;
    torture(small(TW_SEQ_CE));
}

static void bce_training_survives_every_failed_allocation(void **state)
{
    (void) state;
    torture(small(TW_SEQ_BCE));
}

static void training_on_the_unseen_survives_every_failed_allocation(void **state)
{
    (void) state;
    tw_seq_config c = small(TW_SEQ_CE);
    c.exclude_seen = 1;
    torture(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_training_survives_every_failed_allocation),
        cmocka_unit_test(bce_training_survives_every_failed_allocation),
        cmocka_unit_test(training_on_the_unseen_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void torture_builds_only(void **state)
{
    (void) state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(torture_builds_only)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
