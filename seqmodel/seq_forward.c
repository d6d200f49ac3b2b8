/* seqmodel/seq_forward.c — SSE-PT's forward pass, which is all there is to write: the tape knows
 * the rest.
 *
 *   x_t  = [ sqrt(d_i) V[item_t] ; sqrt(d_u) U[user] ] + P[position_t]      inputs, N rows of D
 *          where with features V[item] + W features[item] stands for V[item], here and below
 *   B times: causal attention, then a feed-forward layer, each with its norm and residual
 *   F    = LN(x)
 *   score(l) = <F_item, V[l]> + <F_user, sqrt(d_u) U[user]>
 *
 * The published layout (TW_SEQ_AUTHORS) is neither pre-norm nor post-norm: Q comes from LN(x), K
 * and V from x as it is, and the residual carries the normalised rows. There is no output
 * projection after the heads. Sources: Wu et al. 2020 and the authors' code; Kang and McAuley 2018.
 *
 * Only inputs are scaled by sqrt(d); the output item vectors are not, and the output user vector
 * is.
 */
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_forward.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_negatives.h"

#define NORM_EPS 1e-8 /* the authors' */

static tw_tensor *drop(const tw_seq_model *m, tw_tape *t, tw_tensor *x)
{
    return m->cfg.dropout > 0 ? tw_op_dropout(t, x, m->cfg.dropout) : x;
}

/* y: what attention adds; Q from q_rows, K and V from rows. `last`: q_rows are the last rows of the
 * sequences alone. */
static tw_tensor *attend(const tw_seq_model *m, const twi_block *b, tw_tape *t, const twi_batch *in,
                         tw_tensor *q_rows, tw_tensor *rows, bool last)
{
    int D = m->cfg.user_dim + m->cfg.item_dim;
    double scale = 1 / sqrt((double) D / m->cfg.heads);
    tw_tensor *q = tw_op_linear(t, q_rows, b->wq, b->bq);
    tw_tensor *k = tw_op_linear(t, rows, b->wk, b->bk);
    tw_tensor *v = tw_op_linear(t, rows, b->wv, b->bv);
    if (last)
        return tw_op_attention_last(t, q, k, v, in->offsets, in->sequences, m->cfg.heads, scale);
    if (in->probe != NULL && in->probe->block == b - m->block)
        *in->probe = (twi_probe){in->probe->block, q, k, v, scale};
    return tw_op_attention(t, q, k, v, in->offsets, in->sequences, m->cfg.heads, scale,
                           m->cfg.dropout);
}

static tw_tensor *feed(const tw_seq_model *m, const twi_block *b, tw_tape *t, tw_tensor *x)
{
    tw_tensor *h = drop(m, t, tw_op_relu(t, tw_op_linear(t, x, b->w1, b->b1)));
    return drop(m, t, tw_op_linear(t, h, b->w2, b->b2));
}

/* x + more, or where the model is gated x + more * sigmoid(x w' + b) (Borisyuk et al. 2024, LiGR).
 */
static tw_tensor *add_gated(const tw_seq_model *m, tw_tape *t, tw_tensor *x, tw_tensor *more,
                            const tw_param *w, const tw_param *b)
{
    if (m->cfg.gated != 0)
        more = tw_op_gate(t, more, tw_op_linear(t, x, w, b));
    return tw_op_add_to(t, more, x);
}

static tw_tensor *last_rows(tw_tape *t, const twi_batch *in, tw_tensor *x)
{
    return tw_op_rows(t, x, in->last, in->sequences);
}

/* `last`: only the last row of each sequence goes on, (S,D); what the others would become is never
 * asks. */
static tw_tensor *block(const tw_seq_model *m, const twi_block *b, tw_tape *t, const twi_batch *in,
                        tw_tensor *x, bool last)
{
    tw_tensor *own = last ? last_rows(t, in, x) : x, *h;

    switch (m->cfg.norm) {
    case TW_SEQ_PRE:
        h = tw_op_layernorm(t, x, b->gain1, b->bias1, NORM_EPS);
        h = attend(m, b, t, in, last ? last_rows(t, in, h) : h, h, last);
        x = add_gated(m, t, own, h, b->wg1, b->bg1);
        h = tw_op_layernorm(t, x, b->gain2, b->bias2, NORM_EPS);
        return add_gated(m, t, x, feed(m, b, t, h), b->wg2, b->bg2);
    case TW_SEQ_POST:
        x = tw_op_add_to(t, attend(m, b, t, in, own, x, last), own);
        x = tw_op_layernorm(t, x, b->gain1, b->bias1, NORM_EPS);
        x = tw_op_add_to(t, feed(m, b, t, x), x);
        return tw_op_layernorm(t, x, b->gain2, b->bias2, NORM_EPS);
    default: /* TW_SEQ_AUTHORS */
        h = tw_op_layernorm(t, own, b->gain1, b->bias1, NORM_EPS);
        x = tw_op_add_to(t, attend(m, b, t, in, h, x, last), h);
        h = tw_op_layernorm(t, x, b->gain2, b->bias2, NORM_EPS);
        return tw_op_add_to(t, feed(m, b, t, h), h);
    }
}

/* Rows of items: their ids' vectors plus their projected features, which is rows[i], or where rows
 * is NULL the model's for items[i]. */
static tw_tensor *with_features(const tw_seq_model *m, tw_tape *t, const int32_t *ids,
                                const tw_real *const *rows, const int32_t *items, int n)
{
    const size_t C = (size_t) m->features->cols;
    tw_tensor *c = tw_tape_tensor(t, n, m->features->cols);

    assert(rows != NULL || items != NULL);
    for (int i = 0; c != NULL && i < n; i++) {
        const tw_real *row = items == NULL ? rows[i] : m->features->value + (size_t) items[i] * C;
        memcpy(c->v + (size_t) i * C, row, C * sizeof *row);
    }
    return tw_op_add(t, tw_op_gather(t, m->items, ids, n, 1), tw_op_linear(t, c, m->project, NULL));
}

static tw_tensor *inputs(const tw_seq_model *m, tw_tape *t, const twi_batch *b)
{
    const double scale = sqrt(m->cfg.item_dim);
    if (m->features == NULL)
        return tw_op_gather(t, m->items, b->items, b->tokens, scale);
    return tw_op_scale(t, with_features(m, t, b->ids, b->features, NULL, b->tokens), scale);
}

static tw_tensor *forward(const tw_seq_model *m, tw_tape *t, const twi_batch *b, bool last)
{
    tw_tensor *x = inputs(m, t, b);

    if (m->users != NULL)
        x = tw_op_concat(t, x,
                         tw_op_gather(t, m->users, b->users, b->tokens, sqrt(m->cfg.user_dim)));
    x = tw_op_add_to(t, x, tw_op_gather(t, m->positions, b->positions, b->tokens, 1));
    x = drop(m, t, x);
    for (int i = 0; i < m->cfg.blocks; i++)
        x = block(m, &m->block[i], t, b, x, last && i == m->cfg.blocks - 1);
    return m->gain == NULL ? x : tw_op_layernorm(t, x, m->gain, m->bias, NORM_EPS);
}

tw_tensor *twi_forward(const tw_seq_model *m, tw_tape *t, const twi_batch *b)
{
    return forward(m, t, b, false);
}

/* The last layer's item half; all of it where there is no user half. */
static tw_tensor *item_half(const tw_seq_model *m, tw_tape *t, tw_tensor *F)
{
    return m->users == NULL ? F : tw_op_columns(t, F, 0, m->cfg.item_dim);
}

/* (n,1): what a query's popularity column meets. */
static tw_tensor *ones(tw_tape *t, int n)
{
    tw_tensor *c = tw_tape_tensor(t, n, 1);

    for (int i = 0; c != NULL && i < n; i++)
        c->v[i] = 1;
    return c;
}

tw_tensor *twi_forward_queries(const tw_seq_model *m, tw_tape *t, const twi_batch *b)
{
    tw_tensor *F =
        tw_tape_records(t) ? last_rows(t, b, twi_forward(m, t, b)) : forward(m, t, b, true);
    tw_tensor *q = item_half(m, t, F);
    if (m->cfg.normalize != 0)
        q = tw_op_l2norm(t, q);
    return m->counts == NULL ? q : tw_op_concat(t, q, ones(t, b->sequences));
}

/* <F_user, sqrt(d_u) U[user]> (N,1). */
static tw_tensor *user_term(const tw_seq_model *m, tw_tape *t, const twi_batch *b, tw_tensor *F)
{
    int D = m->cfg.user_dim + m->cfg.item_dim;
    tw_tensor *half = tw_op_columns(t, F, m->cfg.item_dim, D);
    tw_tensor *user = tw_op_gather(t, m->users, b->users, b->tokens, sqrt(m->cfg.user_dim));
    return tw_op_rowdot(t, half, user);
}

/* gBCE's exponent on the positive: with alpha the share of the items that is met and t the wanted
 * calibration, alpha (t (1 - 1/alpha) + 1/alpha). Source: Petrov and Macdonald 2023, eq. 14. */
static double positive_power(const tw_seq_model *m, const twi_batch *b)
{
    double alpha = m->n_items > 1 ? fmin(1, (double) b->candidates / (m->n_items - 1)) : 1;
    double t = m->cfg.calibration;
    return alpha * (t * (1 - 1 / alpha) + 1 / alpha);
}

static double candidates_loss(const tw_seq_model *m, tw_tape *t, const twi_batch *b, tw_tensor *F,
                              double scale)
{
    tw_tensor *query = item_half(m, t, F), *user = NULL;
    tw_tensor *items = m->features == NULL
                           ? tw_op_gather(t, m->items, b->unique, b->n_unique, 1)
                           : with_features(m, t, b->unique_ids, NULL, b->unique, b->n_unique);
    tw_candidates how = {.count = b->candidates,
                         .log_weight = b->log_weight,
                         .excluded = b->seen.rows,
                         .from = b->seen.from,
                         .upto = b->seen.upto,
                         .temperature = m->cfg.temperature,
                         .sigmoid = m->cfg.loss == TW_SEQ_GBCE};

    if (m->cfg.normalize != 0) {
        query = tw_op_l2norm(t, query);
        items = tw_op_l2norm(t, items);
    }
    if (how.sigmoid) {
        how.positive_power = positive_power(m, b);
        user = m->users == NULL ? NULL : user_term(m, t, b, F);
    }
    return tw_op_candidates(t, query, items, b->targets, &how, user, scale);
}

double twi_forward_loss(const tw_seq_model *m, tw_tape *t, const twi_batch *b, double scale)
{
    tw_tensor *F = twi_forward(m, t, b);

    if (twi_has_candidates(&m->cfg))
        return candidates_loss(m, t, b, F, scale);
    tw_tensor *item = item_half(m, t, F);
    if (m->cfg.loss == TW_SEQ_CE) /* under a softmax the user's term cancels exactly */
        return tw_op_softmax_ce(t, item, m->items, 1, m->n_items, b->targets, m->cfg.temperature,
                                scale);
    return tw_op_bce(t, item, m->items, b->targets, b->negatives, m->cfg.negatives,
                     m->users == NULL ? NULL : user_term(m, t, b, F), scale);
}
