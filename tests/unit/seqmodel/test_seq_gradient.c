/* Built with TW_REAL_DOUBLE: is the whole model's backward pass the derivative of its forward? */
#include <math.h>
#include <string.h>

#include "nn/trainer.h"
#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_forward.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_negatives.h"
#include "seqmodel/seq_seen.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 3, ITEMS = 7 };

typedef struct fixture {
    tw_seq_model *m;
    twi_batch b;
    tw_grads *grads;
    tw_tape *tape, *infer;
} fixture;

static void set_up(fixture *f, tw_seq_config c)
{
    const int lengths[USERS] = {7, 3, 5};
    tw_seq_data *d = toy_data(USERS, ITEMS, lengths, 4);
    int32_t mark[ITEMS + 1] = {0};
    tw_rng rng;

    tw_rng_seed(&rng, 9);
    f->m = toy_model(&c, USERS, ITEMS);
    toy_scramble(f->m, 0.4);
    assert_ok(twi_seq_batch_init(&f->b, USERS, USERS * c.max_len, true,
                                 c.loss == TW_SEQ_BCE ? c.negatives : 0, err));
    if (c.exclude_seen != 0)
        assert_ok(
            twi_seen_init(&f->b.seen, USERS, USERS * c.max_len, ITEMS, 7 /* most lengths */, err));
    for (int32_t u = 1; u <= USERS; u++)
        if (tw_seq_data_train_length(d, u) >= 2)
            twi_batch_add_train(&f->b, f->m, d, u, &rng, mark, u);
    if (twi_has_candidates(&c)) {
        twi_proposal p;
        memset(mark, 0, sizeof mark);
        assert_ok(twi_seq_batch_room(&f->b, ITEMS, ITEMS, err));
        assert_ok(twi_proposal_init(&p, &c, d, err));
        if (c.item_features_dim > 0)
            assert_ok(twi_seq_batch_features(&f->b, ITEMS, err));
        twi_batch_collect(&f->b, &c, &p, &rng, mark);
        twi_batch_fill_features(&f->b, f->m, &rng);
        twi_proposal_fini(&p);
    }
    tw_seq_data_destroy(d);
    assert_ok(tw_grads_create(&f->grads, f->m->params, err));
    assert_ok(tw_tape_create(&f->tape, f->grads, err));
    assert_ok(tw_tape_create(&f->infer, NULL, err));
}

static void tear_down(fixture *f)
{
    tw_tape_destroy(f->infer);
    tw_tape_destroy(f->tape);
    tw_grads_destroy(f->grads);
    twi_seq_batch_fini(&f->b);
    tw_seq_model_destroy(f->m);
}

static double loss(fixture *f)
{
    tw_tape_reset(f->infer, 0, 0, 0);
    double l = twi_forward_loss(f->m, f->infer, &f->b, 1);
    assert_ok(tw_tape_status(f->infer, err));
    return l;
}

/* Every number of every tensor, by central difference. Returns how many tensors have a gradient. */
static int check_all(fixture *f)
{
    const double h = 1e-5, scale = 0.37;
    int alive = 0;

    tw_tape_reset(f->tape, 0, 0, 0);
    assert_near(twi_forward_loss(f->m, f->tape, &f->b, scale), loss(f), 1e-12);
    assert_ok(tw_tape_backward(f->tape, err));
    for (int i = 0; i < tw_params_count(f->m->params); i++) {
        tw_param *p = tw_params_at(f->m->params, i);
        double largest = 0;
        if (p->frozen)
            continue;
        for (int64_t at = 0; at < p->rows * p->cols; at++) {
            tw_real keep = p->value[at];
            p->value[at] = keep + h;
            double up = loss(f);
            p->value[at] = keep - h;
            double down = loss(f);
            p->value[at] = keep;
            double got = tw_grads_peek(f->grads, p, at / p->cols)[at % p->cols];
            double want = scale * (up - down) / (2 * h);
            if (fabs(got - want) > 1e-6)
                print_message("in tensor %s at %lld\n", p->name, (long long) at);
            assert_near(got, want, 1e-6);
            largest = fmax(largest, fabs(got));
        }
        alive += largest > 1e-5;
    }
    return alive;
}

static void check_config(const tw_seq_config *c)
{
    fixture f;
    set_up(&f, *c);
    int tensors = tw_params_count(f.m->params) - (c->item_features_dim > 0);
    /* A key's bias adds the same to all of a row's attention logits: no gradient, in every block.
     * All others must have one, or the check above compares zeros. */
    assert_int_equal(check_all(&f), tensors - c->blocks);
    tear_down(&f);
}

static tw_seq_config config_of(tw_seq_norm norm, tw_seq_loss kind, int user_dim)
{
    tw_seq_config c = toy_config();

    c.user_dim = user_dim;
    c.heads = 2;
    c.blocks = 2;
    c.norm = norm;
    c.loss = kind;
    c.negatives = 2;
    c.temperature = 0.8;
    c.sse_item_input = 0.3;
    return c;
}

static void check_model(tw_seq_norm norm, tw_seq_loss kind, int user_dim)
{
    const tw_seq_config c = config_of(norm, kind, user_dim);
    check_config(&c);
}

static void authors_norm_with_softmax(void **state)
{
    (void) state;
    check_model(TW_SEQ_AUTHORS, TW_SEQ_CE, 2);
}

static void authors_norm_with_bce_and_user_term(void **state)
{
    (void) state;
    check_model(TW_SEQ_AUTHORS, TW_SEQ_BCE, 2);
}

static void pre_norm_with_softmax(void **state)
{
    (void) state;
    check_model(TW_SEQ_PRE, TW_SEQ_CE, 2);
}

static void post_norm_with_bce(void **state)
{
    (void) state;
    check_model(TW_SEQ_POST, TW_SEQ_BCE, 2);
}

static void sasrec_with_bce(void **state)
{
    (void) state;
    check_model(TW_SEQ_AUTHORS, TW_SEQ_BCE, 0);
}

static void sampled_softmax_by_popularity(void **state)
{
    (void) state;
    tw_seq_config c = config_of(TW_SEQ_PRE, TW_SEQ_SAMPLED_CE, 2);
    c.negatives = 4;
    c.negative_power = 0.5;
    check_config(&c);
}

static void softmax_of_the_unseen_with_a_weight(void **state)
{
    (void) state;
    tw_seq_config c = config_of(TW_SEQ_AUTHORS, TW_SEQ_CE, 2);
    c.exclude_seen = 1;
    c.negative_weight = 0.1;
    check_config(&c);
    c = config_of(TW_SEQ_PRE, TW_SEQ_SAMPLED_CE, 2);
    c.negatives = 6;
    c.exclude_seen = 1;
    check_config(&c);
}

static void gbce_with_user_term(void **state)
{
    (void) state;
    tw_seq_config c = config_of(TW_SEQ_PRE, TW_SEQ_GBCE, 2);
    c.negatives = 4;
    check_config(&c);
}

static void cosines_with_full_softmax(void **state)
{
    (void) state;
    tw_seq_config c = config_of(TW_SEQ_PRE, TW_SEQ_CE, 2);
    c.normalize = 1;
    check_config(&c);
}

static void ids_and_features_with_cosines(void **state)
{
    (void) state;
    tw_seq_config c = config_of(TW_SEQ_PRE, TW_SEQ_SAMPLED_CE, 2);
    c.negatives = 4;
    c.normalize = 1;
    c.item_features_dim = 3;
    c.id_dropout = 0.3;
    check_config(&c);
}

static void gated_blocks(void **state)
{
    (void) state;
    tw_seq_config c = config_of(TW_SEQ_PRE, TW_SEQ_CE, 2);
    c.gated = 1;
    check_config(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authors_norm_with_softmax),
        cmocka_unit_test(authors_norm_with_bce_and_user_term),
        cmocka_unit_test(pre_norm_with_softmax),
        cmocka_unit_test(post_norm_with_bce),
        cmocka_unit_test(sasrec_with_bce),
        cmocka_unit_test(sampled_softmax_by_popularity),
        cmocka_unit_test(softmax_of_the_unseen_with_a_weight),
        cmocka_unit_test(gbce_with_user_term),
        cmocka_unit_test(cosines_with_full_softmax),
        cmocka_unit_test(ids_and_features_with_cosines),
        cmocka_unit_test(gated_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
