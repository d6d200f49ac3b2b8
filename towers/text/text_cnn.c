#include "towers/text/text_cnn.h"

#include <stdio.h>

#include "base/alloc.h"
#include "towers/text/text_wordpiece.h"

struct twi_text_cnn {
    twi_text_cnn_config cfg;
    tw_param *words, *w[TWI_TEXT_CNN_WIDTHS_MAX], *b[TWI_TEXT_CNN_WIDTHS_MAX]; /* the set's */
};

static int count(const twi_text_cnn_config *c) { return c->widest - c->narrow + 1; }

static tw_status check_config(const twi_text_cnn_config *c, tw_error *err)
{
    if (c->vocab < TWI_PIECES_MIN || c->vocab > TWI_PIECES_MAX || c->embed < 1 ||
        c->embed > TWI_TEXT_CNN_EMBED_MAX || c->filters < 1 ||
        c->filters > TWI_TEXT_CNN_FILTERS_MAX) {
        return tw_fail(err, TW_EINVAL,
                       "convolutional encoder: %d pieces, width %d or %d filters is out of range",
                       c->vocab, c->embed, c->filters);
    }
    if (c->narrow < 1 || c->widest > TWI_TEXT_CNN_WINDOW_MAX || c->narrow > c->widest ||
        count(c) > TWI_TEXT_CNN_WIDTHS_MAX || !(c->dropout >= 0 && c->dropout < 1)) {
        return tw_fail(err, TW_EINVAL,
                       "convolutional encoder: windows of %d..%d or dropout %g is out of range",
                       c->narrow, c->widest, c->dropout);
    }
    return TW_OK;
}

tw_status twi_text_cnn_create(twi_text_cnn **out, const twi_text_cnn_config *cfg, tw_params *ps,
                              const char *prefix, tw_error *err)
{
    tw_status st = TW_OK;
    char name[2 * TW_PARAM_NAME_MAX]; /* the set refuses what is too long */

    *out = NULL;
    twi_text_cnn *m = tw_alloc(1, sizeof *m);
    if (m == NULL)
        return tw_fail(err, TW_ENOMEM, "convolutional encoder");
    m->cfg = *cfg;
    TW_TRY(check_config(cfg, err));
    (void) snprintf(name, sizeof name, "%swords", prefix);
    TW_TRY(tw_params_add(ps, &m->words, name, cfg->vocab, cfg->embed, TW_TABLE, err));
    for (int k = 0; k < count(cfg); k++) {
        const int width = cfg->narrow + k;
        (void) snprintf(name, sizeof name, "%sconv%d.w", prefix, width);
        TW_TRY(tw_params_add(ps, &m->w[k], name, cfg->filters, width * cfg->embed, TW_DENSE, err));
        (void) snprintf(name, sizeof name, "%sconv%d.b", prefix, width);
        TW_TRY(tw_params_add(ps, &m->b[k], name, 1, cfg->filters, TW_DENSE, err));
        m->b[k]->no_decay = true;
    }
    *out = m;
    m = NULL;
done:
    twi_text_cnn_destroy(m);
    return st;
}

void twi_text_cnn_destroy(twi_text_cnn *m) { tw_free(m); }

int twi_text_cnn_width(const twi_text_cnn *m) { return count(&m->cfg) * m->cfg.filters; }

void twi_text_cnn_init(twi_text_cnn *m, tw_rng *rng)
{
    tw_param_init_normal(m->words, 0.1, rng);
    for (int k = 0; k < count(&m->cfg); k++) {
        tw_param_init_glorot(m->w[k], rng);
        tw_param_fill(m->b[k], 0);
    }
}

tw_tensor *twi_text_cnn_forward(const twi_text_cnn *m, tw_tape *t, const int32_t *ids,
                                const int32_t *offsets, int n)
{
    tw_tensor *x = tw_op_gather(t, m->words, ids, offsets[n], 1), *y = NULL;
    x = tw_op_dropout(t, x, m->cfg.dropout);
    for (int k = 0; k < count(&m->cfg); k++) {
        tw_tensor *c = tw_op_windows(t, x, offsets, n, m->cfg.narrow + k);
        /* relu after the maximum is the same and touches fewer numbers. */
        c = tw_op_relu(t, tw_op_pool_max(t, tw_op_linear(t, c, m->w[k], m->b[k]), offsets, n));
        y = k == 0 ? c : tw_op_concat(t, y, c);
    }
    return y;
}
