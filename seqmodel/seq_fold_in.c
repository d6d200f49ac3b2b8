/* seqmodel/seq_fold_in.c — a user vector for a user who came after the training.
 *
 * The network is frozen and the user's own history is the training sequence: each of its items is
 * to be expected after those before it. Only the user_dim numbers of one vector move, from where
 * the trained unknown user stands. The copy of the model keeps that vector in its row 0.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/kernels/adam.h"
#include "nn/trainer.h"
#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_forward.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_negatives.h"
#include "seqmodel/seq_seen.h"
#include "seqmodel/seq_stream.h"

struct tw_seq_folder {
    tw_seq_fold_config cfg;
    tw_seq_model *m; /* the copy; its dropout is off */
    tw_grads *grads;
    tw_tape *tape;
    tw_seq_session *session; /* on the copy */
    twi_batch batch;         /* one training sequence */
    twi_proposal uniform;
    int32_t *place;             /* (n_items+1) scratch of the candidates */
    int32_t *known;             /* (max_len + 1) the end of the history */
    tw_real *start, *mean, *sq; /* (user_dim) the unknown user; Adam's moments */
};

static tw_status create_batch(tw_seq_folder *f, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_config *c = &f->m->cfg;
    int k = c->loss == TW_SEQ_BCE ? c->negatives : 0;
    int64_t n_items = f->m->n_items;

    TW_TRY(twi_seq_batch_init(&f->batch, 1, c->max_len, true, k, err));
    if (twi_has_candidates(c)) {
        TW_TRY(twi_seq_batch_room(&f->batch, n_items, n_items, err));
        if (c->item_features_dim > 0)
            TW_TRY(twi_seq_batch_features(&f->batch, n_items, err));
        if (c->exclude_seen != 0)
            TW_TRY(twi_seen_init(&f->batch.seen, 1, c->max_len, n_items, c->max_len, err));
    }
done:
    return st;
}

static tw_status create(tw_seq_folder *f, const tw_seq_model *m, tw_error *err)
{
    tw_status st = TW_OK;
    size_t d = (size_t) m->cfg.user_dim;

    f->place = tw_alloc((size_t) m->n_items + 1, sizeof *f->place);
    f->known = tw_alloc((size_t) m->cfg.max_len + 1, sizeof *f->known);
    f->start = tw_alloc(d, sizeof *f->start);
    f->mean = tw_alloc(d, sizeof *f->mean);
    f->sq = tw_alloc(d, sizeof *f->sq);
    if (f->place == NULL || f->known == NULL || f->start == NULL || f->mean == NULL ||
        f->sq == NULL) {
        st = tw_fail(err, TW_ENOMEM, "fold-in");
        goto done;
    }
    f->uniform = (twi_proposal){.n_items = m->n_items};
    memcpy(f->start, m->users->value, d * sizeof *f->start);
    TW_TRY(twi_model_copy(&f->m, m, err));
    f->m->cfg.dropout = 0;
    TW_TRY(create_batch(f, err));
    TW_TRY(tw_grads_create(&f->grads, f->m->params, err));
    TW_TRY(tw_tape_create(&f->tape, f->grads, err));
    TW_TRY(tw_seq_session_create(&f->session, f->m, err));
done:
    return st;
}

tw_status tw_seq_folder_create(tw_seq_folder **out, const tw_seq_model *m,
                               const tw_seq_fold_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_folder *f = NULL;

    *out = NULL;
    if (m->users == NULL) {
        st = tw_fail(err, TW_EINVAL, "the model has no user vectors (user_dim 0)");
        goto done;
    }
    if (cfg->steps < 0 || cfg->steps > 10000 || !(cfg->lr > 0)) {
        st = tw_fail(err, TW_EINVAL, "fold-in of %d steps at %g: wants 0..10000 and above 0",
                     cfg->steps, cfg->lr);
        goto done;
    }
    f = tw_alloc(1, sizeof *f);
    if (f == NULL) {
        st = tw_fail(err, TW_ENOMEM, "fold-in");
        goto done;
    }
    f->cfg = *cfg;
    TW_TRY(create(f, m, err));
    *out = f;
    f = NULL;
done:
    tw_seq_folder_destroy(f);
    return st;
}

void tw_seq_folder_destroy(tw_seq_folder *f)
{
    if (f == NULL)
        return;
    tw_seq_session_destroy(f->session);
    tw_tape_destroy(f->tape);
    tw_grads_destroy(f->grads);
    twi_seq_batch_fini(&f->batch);
    tw_seq_model_destroy(f->m);
    tw_free(f->place);
    tw_free(f->known);
    tw_free(f->start);
    tw_free(f->mean);
    tw_free(f->sq);
    tw_free(f);
}

/* The last max_len + 1 known items, at the end of f->known; returns where they begin. */
static int keep(tw_seq_folder *f, const int32_t *items, int64_t n)
{
    int at = f->m->cfg.max_len + 1;
    for (int64_t i = n; i-- > 0 && at > 0;)
        if (items[i] > 0 && items[i] <= f->m->n_items)
            f->known[--at] = items[i];
    return at;
}

static void draw_negatives(tw_seq_folder *f, tw_rng *rng)
{
    for (int64_t i = 0; i < (int64_t) f->batch.tokens * f->m->cfg.negatives; i++)
        f->batch.negatives[i] = 1 + (int32_t) tw_rng_below(rng, (uint64_t) f->m->n_items);
}

/* One forward and backward pass over the history; the gradient is left in f->grads. */
static tw_status descend(tw_seq_folder *f, int begin, int step, tw_error *err)
{
    const tw_seq_config *c = &f->m->cfg;
    int rows = c->max_len - begin;
    bool from_one = c->loss == TW_SEQ_CE && !twi_has_candidates(c);
    tw_rng rng = twi_stream(c->seed, TWI_STREAM_FOLD, (uint64_t) step, 0);

    twi_batch_clear(&f->batch);
    (void) twi_batch_add(&f->batch, c->max_len, 0, f->known + begin, rows);
    if (f->batch.seen.from != NULL)
        twi_seen_add(&f->batch, NULL, 0, f->known + begin);
    for (int i = 0; i < rows; i++)
        f->batch.targets[i] = f->known[begin + i + 1] - from_one;
    if (c->loss == TW_SEQ_BCE)
        draw_negatives(f, &rng);
    if (twi_has_candidates(c)) {
        twi_batch_collect(&f->batch, c, &f->uniform, &rng, f->place);
        twi_batch_fill_features(&f->batch, f->m, NULL);
    }
    tw_tape_reset(f->tape, 0, 0, 0);
    (void) twi_forward_loss(f->m, f->tape, &f->batch, 1.0 / rows);
    return tw_tape_backward(f->tape, err);
}

static tw_status fit(tw_seq_folder *f, int begin, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t d = (size_t) f->m->cfg.user_dim;
    const tw_adam adam = TW_ADAM_DEFAULT;

    memset(f->mean, 0, d * sizeof *f->mean);
    memset(f->sq, 0, d * sizeof *f->sq);
    for (int step = 1; step <= f->cfg.steps; step++) {
        TW_TRY(descend(f, begin, step, err));
        tw_adam_step how = tw_adam_step_of(&adam, f->cfg.lr, step, 1);
        tw_adam_apply(f->m->users->value, f->mean, f->sq, tw_grads_row(f->grads, f->m->users, 0),
                      &how, false, d);
        tw_grads_zero(f->grads);
    }
done:
    if (st != TW_OK)
        tw_grads_zero(f->grads);
    return st;
}

tw_status tw_seq_fold_in(tw_seq_folder *f, const int32_t *items, int64_t n, tw_real *query,
                         tw_real *user, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t d = (size_t) f->m->cfg.user_dim;
    int begin = keep(f, items, n);

    memcpy(f->m->users->value, f->start, d * sizeof *f->start);
    if (begin < f->m->cfg.max_len) /* two items: one to come after the other */
        TW_TRY(fit(f, begin, err));
    TW_TRY(tw_seq_query(f->session, 0, items, n, query, err));
    if (user != NULL)
        memcpy(user, f->m->users->value, d * sizeof *user);
done:
    return st;
}
