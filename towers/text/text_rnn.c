#include "towers/text/text_rnn.h"

#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "towers/text/text_wordpiece.h"

typedef struct direction {
    tw_param *wx, *bx, *wh, *bh; /* bh: GRU only, else NULL */
} direction;

struct twi_rnn {
    twi_rnn_config cfg;
    tw_param *words; /* here and in directions: borrowed from the set */
    direction ways[TWI_RNN_LAYERS_MAX][2];
};

static tw_status check_config(const twi_rnn_config *c, tw_error *err)
{
    if (c->vocab < TWI_PIECES_MIN || c->vocab > TWI_PIECES_MAX || c->embed < 1 ||
        c->embed > TWI_RNN_WIDTH_MAX || c->hidden < 1 || c->hidden > TWI_RNN_WIDTH_MAX) {
        return tw_fail(err, TW_EINVAL,
                       "recurrent encoder: %d pieces, width %d or state %d is out of "
                       "range",
                       c->vocab, c->embed, c->hidden);
    }
    if (c->layers < 1 || c->layers > TWI_RNN_LAYERS_MAX || !(c->dropout >= 0 && c->dropout < 1)) {
        return tw_fail(
            err, TW_EINVAL,
            "recurrent encoder: %d layers are outside 1..%d, or dropout %g outside [0, 1)",
            c->layers, TWI_RNN_LAYERS_MAX, c->dropout);
    }
    return TW_OK;
}

static tw_status add(twi_rnn *m, tw_params *ps, const char *prefix, int layer, int way,
                     tw_error *err)
{
    tw_status st = TW_OK;
    const int H = m->cfg.hidden, gates = (m->cfg.gru ? 3 : 4) * H;
    direction *d = &m->ways[layer][way];
    const struct {
        tw_param **out;
        const char *name;
        int rows, cols;
    } tensors[] = {
        {&d->wx, "wx", gates, layer == 0 ? m->cfg.embed : 2 * H},
        {&d->bx, "bx", 1, gates},
        {&d->wh, "wh", gates, H},
        {&d->bh, "bh", 1, gates},
    };
    for (size_t i = 0; i < (m->cfg.gru ? 4 : 3); i++) {
        char name[2 * TW_PARAM_NAME_MAX]; /* the set refuses what is too long */
        (void) snprintf(name, sizeof name, "%srnn%d.%s.%s", prefix, layer, way == 0 ? "fw" : "bw",
                        tensors[i].name);
        TW_TRY(tw_params_add(ps, tensors[i].out, name, tensors[i].rows, tensors[i].cols, TW_DENSE,
                             err));
        (*tensors[i].out)->no_decay = tensors[i].rows == 1;
    }
done:
    return st;
}

tw_status twi_rnn_create(twi_rnn **out, const twi_rnn_config *cfg, tw_params *ps,
                         const char *prefix, tw_error *err)
{
    tw_status st = TW_OK;
    char name[2 * TW_PARAM_NAME_MAX];

    *out = NULL;
    twi_rnn *m = tw_alloc(1, sizeof *m);
    if (m == NULL)
        return tw_fail(err, TW_ENOMEM, "recurrent encoder");
    m->cfg = *cfg;
    TW_TRY(check_config(cfg, err));
    (void) snprintf(name, sizeof name, "%swords", prefix);
    TW_TRY(tw_params_add(ps, &m->words, name, cfg->vocab, cfg->embed, TW_TABLE, err));
    for (int l = 0; l < cfg->layers; l++) {
        TW_TRY(add(m, ps, prefix, l, 0, err));
        TW_TRY(add(m, ps, prefix, l, 1, err));
    }
    *out = m;
    m = NULL;
done:
    twi_rnn_destroy(m);
    return st;
}

void twi_rnn_destroy(twi_rnn *m) { tw_free(m); }

int twi_rnn_width(const twi_rnn *m) { return 4 * m->cfg.hidden; }

void twi_rnn_init(twi_rnn *m, tw_rng *rng)
{
    const int H = m->cfg.hidden;
    tw_param_init_normal(m->words, 0.1, rng);
    for (int l = 0; l < m->cfg.layers; l++) {
        for (int w = 0; w < 2; w++) {
            direction *d = &m->ways[l][w];
            tw_param_init_glorot(d->wx, rng);
            tw_param_init_uniform(d->wh, 1 / sqrt(H), rng);
            tw_param_fill(d->bx, 0);
            if (d->bh != NULL)
                tw_param_fill(d->bh, 0);
            for (int j = H; !m->cfg.gru && j < 2 * H; j++)
                d->bx->value[j] = 1;
        }
    }
}

tw_tensor *twi_rnn_forward(const twi_rnn *m, tw_tape *t, const int32_t *ids, const int32_t *offsets,
                           int n)
{
    tw_tensor *x = tw_op_gather(t, m->words, ids, offsets[n], 1);
    for (int l = 0; l < m->cfg.layers; l++) {
        tw_tensor *way[2];
        x = tw_op_dropout(t, x, m->cfg.dropout);
        for (int w = 0; w < 2; w++) {
            const direction *d = &m->ways[l][w];
            way[w] = tw_op_recurrent(t, tw_op_linear(t, x, d->wx, d->bx), d->wh, d->bh, offsets, n,
                                     w == 1);
        }
        x = tw_op_concat(t, way[0], way[1]);
    }
    return tw_op_concat(t, tw_op_pool_mean(t, x, offsets, n), tw_op_pool_max(t, x, offsets, n));
}
