/* seqmodel/seq_attention.c — which earlier items a position looks at, for people to see.
 *
 * The forward pass keeps only what it needs, so the weights are computed again here, from the Q and
 * K that it used, in plain loops: P[i,:] = softmax over j <= i of scale * <q[i], k[j]>.
 */
#include <math.h>
#include <string.h>

#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_forward.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_session.h"

/* weights (n,n) += share * the softmax weights of the columns first .. first+width-1. */
static void add_head(tw_real *weights, const twi_probe *p, int n, int first, int width,
                     double share)
{
    const int D = p->q->cols;
    for (int i = 0; i < n; i++) {
        const tw_real *q = p->q->v + (size_t) i * (size_t) D + first;
        tw_real *row = weights + (size_t) i * (size_t) n;
        double most = -INFINITY, sum = 0;
        for (int pass = 0; pass < 3; pass++) { /* the largest, the sum, the weights */
            for (int j = 0; j <= i; j++) {
                const tw_real *k = p->k->v + (size_t) j * (size_t) D + first;
                double s = 0;
                for (int c = 0; c < width; c++)
                    s += (double) q[c] * (double) k[c];
                s *= p->scale;
                if (pass == 0)
                    most = s > most ? s : most;
                else if (pass == 1)
                    sum += exp(s - most);
                else
                    row[j] += (tw_real) (share * exp(s - most) / sum);
            }
        }
    }
}

static tw_status check(const tw_seq_model *m, int32_t user, const int32_t *items, int n, int block,
                       int head, tw_error *err)
{
    const tw_seq_config *c = &m->cfg;
    if (user < 0 || user > m->n_users)
        return tw_fail(err, TW_EINVAL, "user %d is outside 0..%d", user, m->n_users);
    if (n < 1 || n > c->max_len)
        return tw_fail(err, TW_EINVAL, "%d items are outside 1..%d", n, c->max_len);
    if (block < 0 || block >= c->blocks)
        return tw_fail(err, TW_EINVAL, "block %d is outside 0..%d", block, c->blocks - 1);
    if (head != TW_SEQ_ALL_HEADS && (head < 0 || head >= c->heads))
        return tw_fail(err, TW_EINVAL, "head %d is outside 0..%d", head, c->heads - 1);
    for (int i = 0; i < n; i++)
        if (items[i] < 1 || items[i] > m->n_items)
            return tw_fail(err, TW_EINVAL, "item %d is outside 1..%d", items[i], m->n_items);
    return TW_OK;
}

tw_status tw_seq_attention(tw_seq_session *s, int32_t user, const int32_t *items, int n, int block,
                           int head, tw_real *weights, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_model *m = s->m;
    twi_probe probe = {.block = block};
    const int heads = m->cfg.heads, width = (m->cfg.user_dim + m->cfg.item_dim) / heads;

    TW_TRY(check(m, user, items, n, block, head, err));
    tw_tape_reset(s->tape, 0, 0, 0);
    twi_batch_clear(&s->batch);
    (void) twi_batch_add(&s->batch, m->cfg.max_len, user, items, n);
    twi_batch_fill_features(&s->batch, m, NULL);
    twi_batch_fill_features(&s->batch, m, NULL);
    s->batch.probe = &probe;
    (void) twi_forward(m, s->tape, &s->batch);
    s->batch.probe = NULL;
    TW_TRY(tw_tape_status(s->tape, err));

    memset(weights, 0, (size_t) n * (size_t) n * sizeof *weights);
    const bool all = head == TW_SEQ_ALL_HEADS;
    for (int h = all ? 0 : head; h < (all ? heads : head + 1); h++)
        add_head(weights, &probe, n, h * width, width, all ? 1.0 / heads : 1);
done:
    return st;
}
