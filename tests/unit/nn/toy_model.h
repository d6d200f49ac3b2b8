/* tests/unit/nn/toy_model.h — a small SSE-PT-like model and one training step of it, for the
 * tests of the trainer: all its layers, both kinds of tensor. */
#ifndef TW_TESTS_UNIT_NN_TOY_MODEL_H
#define TW_TESTS_UNIT_NN_TOY_MODEL_H

#include "nn/trainer.h"

enum { TOY_ITEMS = 40, TOY_D = 16, TOY_ROWS = 12, TOY_WORKERS = 4 };

typedef struct toy {
    tw_params *ps;
    tw_param *items, *gain, *bias, *w, *b;
    bool sampled;             /* BCE on few rows of the table, else the full softmax */
    bool random;              /* the next item is drawn: there is nothing to learn */
    double loss[TOY_WORKERS]; /* mean over rows of each worker's last step */
} toy;

TW_NODISCARD static inline tw_status toy_create(toy *m, uint64_t seed, tw_error *err)
{
    tw_status st = TW_OK;
    tw_rng rng;
    *m = (toy){0};
    tw_rng_seed(&rng, seed);
    TW_TRY(tw_params_create(&m->ps, err));
    TW_TRY(tw_params_add(m->ps, &m->items, "items", TOY_ITEMS, TOY_D, TW_TABLE, err));
    TW_TRY(tw_params_add(m->ps, &m->gain, "gain", 1, TOY_D, TW_DENSE, err));
    TW_TRY(tw_params_add(m->ps, &m->bias, "bias", 1, TOY_D, TW_DENSE, err));
    TW_TRY(tw_params_add(m->ps, &m->w, "w", TOY_D, TOY_D, TW_DENSE, err));
    TW_TRY(tw_params_add(m->ps, &m->b, "b", 1, TOY_D, TW_DENSE, err));
    tw_param_init_normal(m->items, 0.3, &rng);
    tw_param_init_glorot(m->w, &rng);
    tw_param_fill(m->gain, 1);
done:
    if (st != TW_OK) {
        tw_params_destroy(m->ps);
        m->ps = NULL;
    }
    return st;
}

/* Two sequences a worker; the next item is the one after, round the catalogue. */
static inline tw_status toy_step(void *ctx, int worker, int workers, tw_tape *t, tw_error *err)
{
    static const int32_t offsets[3] = {0, 5, TOY_ROWS};
    toy *m = ctx;
    int32_t *ids = tw_tape_take(t, TOY_ROWS, sizeof *ids);
    int32_t *next = tw_tape_take(t, TOY_ROWS, sizeof *next);
    int32_t *neg = tw_tape_take(t, TOY_ROWS, sizeof *neg);
    if (ids == NULL || next == NULL || neg == NULL)
        return tw_tape_status(t, err);
    (void) workers;
    for (int i = 0; i < TOY_ROWS; i++) {
        ids[i] = (3 * i + 5 * worker) % (TOY_ITEMS / 2);
        next[i] = (ids[i] + 1) % (TOY_ITEMS / 2);
        if (m->random)
            next[i] = (int32_t) tw_rng_below(tw_tape_rng(t), TOY_ITEMS / 2);
        neg[i] = (int32_t) tw_rng_below(tw_tape_rng(t), TOY_ITEMS / 2);
    }
    tw_tensor *x = tw_op_dropout(t, tw_op_gather(t, m->items, ids, TOY_ROWS, 2), 0.1);
    tw_tensor *q = tw_op_layernorm(t, x, m->gain, m->bias, 1e-8);
    x = tw_op_add(t, q, tw_op_attention(t, q, x, x, offsets, 2, 2, 0.5, 0.1));
    x = tw_op_add(t, x, tw_op_relu(t, tw_op_linear(t, x, m->w, m->b)));
    if (m->sampled)
        m->loss[worker] = tw_op_bce(t, x, m->items, next, neg, 1, NULL, 1.0 / TOY_ROWS);
    else
        m->loss[worker] = tw_op_softmax_ce(t, x, m->items, 0, TOY_ITEMS, next, 1, 1.0 / TOY_ROWS);
    m->loss[worker] /= TOY_ROWS;
    return tw_tape_backward(t, err);
}

#endif
