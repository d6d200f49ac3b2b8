/* Is what a row leaves out what its user had met by then, and nothing else? */
#include <string.h>

#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_negatives.h"
#include "seqmodel/seq_seen.h"
#include "seqmodel/seq_stream.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 3, ITEMS = 12, EVENTS = 36 };

/* 24, 10 and 2 events; the first two users come back to items often. */
static tw_seq_data *repeating(void)
{
    tw_seq_data *d = NULL;
    int32_t who[EVENTS], what[EVENTS];
    int64_t when[EVENTS];

    for (int i = 0; i < EVENTS; i++) {
        who[i] = i < 24 ? 1 : i < 34 ? 2 : 3;
        what[i] = 1 + (i * i + i / 3) % 7 + i % 2;
        when[i] = i / 4; /* ties */
    }
    assert_ok(tw_seq_data_create(&d, USERS, ITEMS, who, what, when, EVENTS, err));
    return d;
}

typedef struct fixture {
    tw_seq_config c;
    tw_seq_data *data;
    tw_seq_model *m;
    twi_batch b;
    twi_proposal p;
    int32_t mark[ITEMS + 1];
} fixture;

static void set_up(fixture *f)
{
    memset(f, 0, sizeof *f);
    f->c = toy_config();
    f->c.loss = TW_SEQ_SAMPLED_CE;
    f->c.negatives = 9;
    f->c.exclude_seen = 1;
    f->data = repeating();
}

static void batch(fixture *f, uint64_t step)
{
    tw_rng rng = twi_stream(1, TWI_STREAM_SEQUENCE, 1, step);
    twi_batch_clear(&f->b);
    for (int32_t u = 1; u <= 2; u++)
        twi_batch_add_train(&f->b, f->m, f->data, u, &rng, f->mark, u);
    memset(f->mark, 0, sizeof f->mark);
    twi_batch_collect(&f->b, &f->c, &f->p, &rng, f->mark);
}

static void begin(fixture *f)
{
    f->m = toy_model(&f->c, USERS, ITEMS);
    assert_ok(twi_seq_batch_init(&f->b, USERS, USERS * f->c.max_len, true, 0, err));
    assert_ok(twi_seq_batch_room(&f->b, ITEMS, ITEMS, err));
    assert_ok(twi_seen_init(&f->b.seen, USERS, USERS * f->c.max_len, ITEMS, 22, err));
    assert_ok(twi_proposal_init(&f->p, &f->c, f->data, err));
}

static void tear_down(fixture *f)
{
    twi_proposal_fini(&f->p);
    twi_seq_batch_fini(&f->b);
    tw_seq_model_destroy(f->m);
    tw_seq_data_destroy(f->data);
}

/* Row i left out each candidate among history[0 .. upto), once, and no other. */
static void check_row(const fixture *f, int i, const int32_t *history, int64_t upto)
{
    bool met[ITEMS + 1] = {false}, out[ITEMS] = {false};
    const twi_seen *seen = &f->b.seen;

    for (int64_t k = 0; k < upto; k++)
        met[history[k]] = true;
    for (int32_t k = seen->from[i]; k < seen->upto[i]; k++) {
        assert_in_range(seen->rows[k], 0, f->b.candidates - 1);
        assert_false(out[seen->rows[k]]);
        out[seen->rows[k]] = true;
    }
    for (int c = 0; c < f->b.candidates; c++)
        assert_int_equal(out[c], met[f->b.unique[c]]);
}

static void check_sequence(const fixture *f, int s, int32_t user)
{
    const int32_t *items = tw_seq_data_items(f->data, user);
    int64_t n = tw_seq_data_train_length(f->data, user), start = f->b.seen.before[s];
    int rows = f->b.offsets[s + 1] - f->b.offsets[s];

    assert_true(start >= 0 && start + rows < n);
    for (int i = 0; i < rows; i++) {
        assert_int_equal(f->b.unique[f->b.targets[f->b.offsets[s] + i]], items[start + i + 1]);
        check_row(f, f->b.offsets[s] + i, items, start + i + 1);
    }
}

static void a_row_leaves_out_all_that_was_met_by_then(void **state)
{
    (void) state;
    fixture f;
    set_up(&f);
    f.c.window = 0.5;
    f.c.sse_item_input = 0.5; /* what is shown instead was not met */
    begin(&f);
    int64_t least = 99, most = 0;
    for (uint64_t step = 0; step < 300; step++) {
        batch(&f, step);
        check_sequence(&f, 0, 1);
        check_sequence(&f, 1, 2);
        least = f.b.seen.before[0] < least ? f.b.seen.before[0] : least;
        most = f.b.seen.before[0] > most ? f.b.seen.before[0] : most;
    }
    assert_true(least == 0 && most == 22 - 1 - f.c.max_len);
    tear_down(&f);
}

/* In a shuffled tie, what comes later in the new order was not met yet. */
static void shuffled_ties_are_met_in_their_new_order(void **state)
{
    (void) state;
    fixture f;
    set_up(&f);
    f.c.shuffle_ties = 1;
    begin(&f);
    int moved = 0;
    for (uint64_t step = 0; step < 50; step++) {
        batch(&f, step);
        const int32_t *items = tw_seq_data_items(f.data, 1);
        int64_t start = f.b.seen.before[0];
        int32_t history[22];
        memcpy(history, items, (size_t) start * sizeof *history);
        memcpy(history + start, f.b.items, (size_t) f.c.max_len * sizeof *history);
        moved += memcmp(history, items, (size_t) (start + f.c.max_len) * sizeof *history) != 0;
        for (int i = 0; i < f.c.max_len; i++)
            check_row(&f, i, history, start + i + 1);
    }
    assert_true(moved > 10);
    tear_down(&f);
}

static void the_loss_is_lower_without_the_seen(void **state)
{
    (void) state;
    double loss[2];
    for (int exclude = 0; exclude < 2; exclude++) {
        tw_seq_config c = toy_config();
        tw_seq_data *d = repeating();
        tw_seq_report r;
        c.loss = TW_SEQ_CE;
        c.lr = 1e-9;
        c.epochs = 1;
        c.exclude_seen = exclude;
        c.threads = 2;
        tw_seq_model *m = toy_model(&c, USERS, ITEMS);
        assert_ok(tw_seq_train(m, d, NULL, &r, err));
        loss[exclude] = r.loss;
        tw_seq_model_destroy(m);
        tw_seq_data_destroy(d);
    }
    assert_true(loss[1] < loss[0] - 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_leaves_out_all_that_was_met_by_then),
        cmocka_unit_test(shuffled_ties_are_met_in_their_new_order),
        cmocka_unit_test(the_loss_is_lower_without_the_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
