/* Every allocation between events and an answered query fails once: the status says so, nothing is
 * handed out, nothing leaks (ASan), and nothing else happens. */
#include "seqmodel/seqmodel.h"
#include "tests/oom/torture.h"

enum { USERS = 4, ITEMS = 8, EVENTS = 20 };

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

static tw_status life(void *ctx)
{
    const tw_seq_config *c = ctx;
    const char *path = tw_test_path("oom.safetensors");
    tw_error why = {0}, *err = &why;
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

static void softmax_training_survives_every_failed_allocation(void **state)
{
    (void) state;
    tw_seq_config c = small(TW_SEQ_CE);
    torture(life, &c, 100);
}

static void bce_training_survives_every_failed_allocation(void **state)
{
    (void) state;
    tw_seq_config c = small(TW_SEQ_BCE);
    torture(life, &c, 100);
}

static void training_on_the_unseen_survives_every_failed_allocation(void **state)
{
    (void) state;
    tw_seq_config c = small(TW_SEQ_CE);
    c.exclude_seen = 1;
    torture(life, &c, 100);
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
