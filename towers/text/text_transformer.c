#include "towers/text/text_transformer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "towers/text/text_pooling.h"
#include "towers/text/text_wordpiece.h"

typedef struct layer {
    tw_param *qkv_w, *qkv_b, *out_w, *out_b, *gain1, *bias1; /* attention */
    tw_param *w1, *b1, *w2, *b2, *gain2, *bias2;             /* feed-forward */
} layer;

struct twi_transformer {
    twi_transformer_config cfg;
    tw_param *words, *positions, *gain, *bias; /* here and in layers: borrowed from the set */
    layer layers[TWI_TRANSFORMER_LAYERS_MAX];
};

static tw_status check_config(const twi_transformer_config *c, tw_error *err)
{
    const struct {
        const char *name;
        int value, min, max;
    } limits[] = {
        {"vocab", c->vocab, TWI_PIECES_MIN, TWI_PIECES_MAX},
        {"positions", c->positions, 2, TWI_TRANSFORMER_POSITIONS_MAX},
        {"width", c->width, 1, TWI_TRANSFORMER_WIDTH_MAX},
        {"heads", c->heads, 1, c->width},
        {"layers", c->layers, 1, TWI_TRANSFORMER_LAYERS_MAX},
        {"hidden", c->hidden, 1, TWI_TRANSFORMER_HIDDEN_MAX},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (limits[i].value < limits[i].min || limits[i].value > limits[i].max)
            return tw_fail(err, TW_EINVAL, "transformer: %s %d is outside %d..%d", limits[i].name,
                           limits[i].value, limits[i].min, limits[i].max);
    }
    if (c->width % c->heads != 0)
        return tw_fail(err, TW_EINVAL, "transformer: width %d is not divisible by %d heads",
                       c->width, c->heads);
    if (!(c->eps > 0 && c->eps < 1) || !(c->dropout >= 0 && c->dropout < 1))
        return tw_fail(err, TW_EINVAL, "transformer: eps %g or dropout %g is outside (0, 1)",
                       c->eps, c->dropout);
    if (c->pooling < 0 || c->pooling > TWI_POOL_ALL || c->skip < 0)
        return tw_fail(err, TW_EINVAL, "transformer: pooling %d or skip %d is out of range",
                       c->pooling, c->skip);
    return TW_OK;
}

/* A tensor named PREFIX + part + name. */
typedef struct maker {
    tw_params *ps;
    const char *prefix;
    char part[24]; /* "layer0." or "" */
} maker;

static tw_status add(const maker *k, tw_param **out, const char *name, int64_t rows, int cols,
                     tw_error *err)
{
    char full[2 * TW_PARAM_NAME_MAX]; /* the set refuses what is too long */
    (void) snprintf(full, sizeof full, "%s%s%s", k->prefix, k->part, name);
    return tw_params_add(k->ps, out, full, rows, cols, TW_DENSE, err);
}

static tw_status add_norm(const maker *k, tw_param **gain, tw_param **bias, const char *name, int D,
                          tw_error *err)
{
    char full[TW_PARAM_NAME_MAX];
    (void) snprintf(full, sizeof full, "%s.gain", name);
    tw_status st = add(k, gain, full, 1, D, err);
    if (st != TW_OK)
        return st;
    (void) snprintf(full, sizeof full, "%s.bias", name);
    st = add(k, bias, full, 1, D, err);
    if (st == TW_OK)
        (*gain)->no_decay = (*bias)->no_decay = true;
    return st;
}

static tw_status add_linear(const maker *k, tw_param **w, tw_param **b, const char *name, int out,
                            int in, tw_error *err)
{
    char full[TW_PARAM_NAME_MAX];
    (void) snprintf(full, sizeof full, "%s.w", name);
    tw_status st = add(k, w, full, out, in, err);
    if (st != TW_OK)
        return st;
    (void) snprintf(full, sizeof full, "%s.b", name);
    st = add(k, b, full, 1, out, err);
    if (st == TW_OK)
        (*b)->no_decay = true;
    return st;
}

static tw_status add_layer(const maker *k, layer *l, const twi_transformer_config *c, tw_error *err)
{
    tw_status st = TW_OK;
    const int D = c->width;
    TW_TRY(add_linear(k, &l->qkv_w, &l->qkv_b, "qkv", 3 * D, D, err));
    TW_TRY(add_linear(k, &l->out_w, &l->out_b, "out", D, D, err));
    TW_TRY(add_norm(k, &l->gain1, &l->bias1, "norm1", D, err));
    TW_TRY(add_linear(k, &l->w1, &l->b1, "ffn1", c->hidden, D, err));
    TW_TRY(add_linear(k, &l->w2, &l->b2, "ffn2", D, c->hidden, err));
    TW_TRY(add_norm(k, &l->gain2, &l->bias2, "norm2", D, err));
done:
    return st;
}

static tw_status add_table(const maker *k, tw_param **out, const char *name, int rows, int D,
                           tw_error *err)
{
    char full[2 * TW_PARAM_NAME_MAX];
    (void) snprintf(full, sizeof full, "%s%s", k->prefix, name);
    return tw_params_add(k->ps, out, full, rows, D, TW_TABLE, err);
}

tw_status twi_transformer_create(twi_transformer **out, const twi_transformer_config *cfg,
                                 tw_params *ps, const char *prefix, tw_error *err)
{
    tw_status st = TW_OK;
    maker k = {.ps = ps, .prefix = prefix};

    *out = NULL;
    twi_transformer *m = tw_alloc(1, sizeof *m);
    if (m == NULL)
        return tw_fail(err, TW_ENOMEM, "transformer");
    TW_TRY(check_config(cfg, err));
    m->cfg = *cfg;
    m->cfg.pooling = cfg->pooling != 0 ? cfg->pooling : TWI_POOL_MEAN;
    TW_TRY(add_table(&k, &m->words, "words", cfg->vocab, cfg->width, err));
    TW_TRY(add_table(&k, &m->positions, "positions", cfg->positions, cfg->width, err));
    TW_TRY(add_norm(&k, &m->gain, &m->bias, "norm", cfg->width, err));
    for (int i = 0; i < cfg->layers; i++) {
        (void) snprintf(k.part, sizeof k.part, "layer%d.", i);
        TW_TRY(add_layer(&k, &m->layers[i], cfg, err));
    }
    *out = m;
    m = NULL;
done:
    twi_transformer_destroy(m);
    return st;
}

void twi_transformer_destroy(twi_transformer *m) { tw_free(m); }

int twi_transformer_columns(const twi_transformer *m)
{
    return m->cfg.width * twi_pool_parts(m->cfg.pooling);
}

void twi_transformer_init(twi_transformer *m, tw_rng *rng)
{
    const double std = 0.02;
    tw_param_init_normal(m->words, std, rng);
    tw_param_init_normal(m->positions, std, rng);
    tw_param_fill(m->gain, 1);
    tw_param_fill(m->bias, 0);
    for (int i = 0; i < m->cfg.layers; i++) {
        layer *l = &m->layers[i];
        tw_param *const weights[] = {l->qkv_w, l->out_w, l->w1, l->w2};
        tw_param *const zeros[] = {l->qkv_b, l->out_b, l->bias1, l->b1, l->b2, l->bias2};
        for (size_t k = 0; k < sizeof weights / sizeof weights[0]; k++)
            tw_param_init_normal(weights[k], std, rng);
        for (size_t k = 0; k < sizeof zeros / sizeof zeros[0]; k++)
            tw_param_fill(zeros[k], 0);
        tw_param_fill(l->gain1, 1);
        tw_param_fill(l->gain2, 1);
    }
}

/* The sum of word and position, normed. */
static tw_tensor *embed(const twi_transformer *m, tw_tape *t, const int32_t *ids,
                        const int32_t *offsets, int n)
{
    const int N = offsets[n];
    int32_t *positions = tw_tape_take(t, (size_t) N, sizeof *positions);
    if (positions == NULL)
        return NULL;
    for (int k = 0; k < n; k++) {
        assert(offsets[k + 1] - offsets[k] <= m->cfg.positions);
        for (int32_t i = offsets[k]; i < offsets[k + 1]; i++)
            positions[i] = i - offsets[k];
    }
    tw_tensor *x = tw_op_gather(t, m->words, ids, N, 1);
    x = tw_op_add_to(t, x, tw_op_gather(t, m->positions, positions, N, 1));
    return tw_op_dropout(t, tw_op_layernorm(t, x, m->gain, m->bias, m->cfg.eps), m->cfg.dropout);
}

tw_tensor *twi_transformer_forward(const twi_transformer *m, tw_tape *t, const int32_t *ids,
                                   const int32_t *offsets, int n)
{
    const twi_transformer_config *c = &m->cfg;
    const double scale = 1 / sqrt((double) c->width / c->heads);

    tw_tensor *x = embed(m, t, ids, offsets, n);
    for (int i = 0; i < c->layers; i++) {
        const layer *l = &m->layers[i];
        tw_tensor *a = tw_op_linear(t, x, l->qkv_w, l->qkv_b);
        a = tw_op_self_attention(t, a, offsets, n, c->heads, scale, c->dropout);
        a = tw_op_dropout(t, tw_op_linear(t, a, l->out_w, l->out_b), c->dropout);
        x = tw_op_layernorm(t, tw_op_add_to(t, a, x), l->gain1, l->bias1, c->eps);

        tw_tensor *h = tw_op_gelu(t, tw_op_linear(t, x, l->w1, l->b1));
        h = tw_op_dropout(t, tw_op_linear(t, h, l->w2, l->b2), c->dropout);
        x = tw_op_layernorm(t, tw_op_add_to(t, h, x), l->gain2, l->bias2, c->eps);
    }
    return twi_pool(t, x, offsets, n, c->pooling, c->skip);
}
