/* seqmodel/seq_model.c — the tensors of SSE-PT: which there are, how they start, their ownership.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/blas.h"
#include "nn/kernels/l2norm.h"
#include "seqmodel/seq_ids.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_stream.h"

/* The one list of a block's tensors: X(field, name, rows, kind of start). Creation, size and
 * initial values expand it, so a new tensor is one new line. D is the model's width. */
#define BLOCK_TENSORS(X)                                                                           \
    X(gain1, "norm1.gain", 1, ONES)                                                                \
    X(bias1, "norm1.bias", 1, ZEROS)                                                               \
    X(wq, "query.weight", D, GLOROT)                                                               \
    X(bq, "query.bias", 1, ZEROS)                                                                  \
    X(wk, "key.weight", D, GLOROT)                                                                 \
    X(bk, "key.bias", 1, ZEROS)                                                                    \
    X(wv, "value.weight", D, GLOROT)                                                               \
    X(bv, "value.bias", 1, ZEROS)                                                                  \
    X(gain2, "norm2.gain", 1, ONES)                                                                \
    X(bias2, "norm2.bias", 1, ZEROS)                                                               \
    X(w1, "ffn1.weight", D, GLOROT)                                                                \
    X(b1, "ffn1.bias", 1, ZEROS)                                                                   \
    X(w2, "ffn2.weight", D, GLOROT)                                                                \
    X(b2, "ffn2.bias", 1, ZEROS)

/* The same for the gates of a gated block. */
#define GATE_TENSORS(X)                                                                            \
    X(wg1, "gate1.weight", D, GLOROT)                                                              \
    X(bg1, "gate1.bias", 1, ZEROS)                                                                 \
    X(wg2, "gate2.weight", D, GLOROT)                                                              \
    X(bg2, "gate2.bias", 1, ZEROS)

typedef enum start { ZEROS, ONES, GLOROT } start;

/* Gains and biases are left out of weight decay. */
static tw_status add(tw_seq_model *m, tw_param **out, const char *name, int64_t rows, int cols,
                     tw_param_kind kind, tw_error *err)
{
    tw_status st = tw_params_add(m->params, out, name, rows, cols, kind, err);
    if (st == TW_OK)
        (*out)->no_decay = kind == TW_DENSE && rows == 1;
    return st;
}

static tw_status add_block(tw_seq_model *m, int number, tw_error *err)
{
    tw_status st = TW_OK;
    twi_block *b = &m->block[number];
    int D = m->cfg.user_dim + m->cfg.item_dim;
    char full[TW_PARAM_NAME_MAX];

#define X(field, name, rows, start)                                                                \
    (void) snprintf(full, sizeof full, "block%d." name, number);                                   \
    TW_TRY(add(m, &b->field, full, rows, D, TW_DENSE, err));
    BLOCK_TENSORS(X)
    if (m->cfg.gated != 0) {
        GATE_TENSORS(X)
    }
#undef X
done:
    return st;
}

/* The position table is dense: nearly every step touches every row of it. */
static tw_status add_tensors(tw_seq_model *m, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_config *c = &m->cfg;
    int D = c->user_dim + c->item_dim;

    TW_TRY(add(m, &m->items, "items", (int64_t) m->n_items + 1, c->item_dim, TW_TABLE, err));
    if (c->item_features_dim > 0) {
        TW_TRY(add(m, &m->features, "content", (int64_t) m->n_items + 1, c->item_features_dim,
                   TW_TABLE, err));
        TW_TRY(add(m, &m->project, "project.weight", c->item_dim, c->item_features_dim, TW_DENSE,
                   err));
        m->features->frozen = true;
    }
    if (c->popularity > 0) {
        TW_TRY(add(m, &m->counts, "counts", (int64_t) m->n_items + 1, 1, TW_TABLE, err));
        m->counts->frozen = true;
    }
    if (c->user_dim > 0)
        TW_TRY(add(m, &m->users, "users", (int64_t) m->n_users + 1, c->user_dim, TW_TABLE, err));
    TW_TRY(add(m, &m->positions, "positions", c->max_len, D, TW_DENSE, err));
    m->positions->no_decay = true;
    for (int i = 0; i < c->blocks; i++)
        TW_TRY(add_block(m, i, err));
    if (c->norm != TW_SEQ_POST) {
        TW_TRY(add(m, &m->gain, "norm.gain", 1, D, TW_DENSE, err));
        TW_TRY(add(m, &m->bias, "norm.bias", 1, D, TW_DENSE, err));
    }
done:
    return st;
}

static void set_start(tw_param *p, start how, tw_rng *rng)
{
    if (how == GLOROT)
        tw_param_init_glorot(p, rng);
    else
        tw_param_fill(p, how == ONES ? 1 : 0);
}

/* As the authors: Glorot for every table and weight. */
static void randomise(tw_seq_model *m)
{
    tw_rng rng = twi_stream(m->cfg.seed, TWI_STREAM_INIT, 0, 0);

    set_start(m->items, GLOROT, &rng);
    for (int j = 0; j < m->items->cols; j++)
        m->items->value[j] = 0;
    if (m->project != NULL)
        set_start(m->project, GLOROT, &rng);
    if (m->users != NULL)
        set_start(m->users, GLOROT, &rng);
    set_start(m->positions, GLOROT, &rng);
    for (int i = 0; i < m->cfg.blocks; i++) {
        twi_block *b = &m->block[i];
#define X(field, name, rows, start) set_start(b->field, start, &rng);
        BLOCK_TENSORS(X)
        if (m->cfg.gated != 0) {
            GATE_TENSORS(X)
        }
#undef X
    }
    if (m->gain != NULL)
        set_start(m->gain, ONES, &rng);
}

tw_status twi_model_shape(tw_seq_model **out, const tw_seq_config *cfg, int32_t n_users,
                          int32_t n_items, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_model *m = NULL;

    *out = NULL;
    m = tw_alloc(1, sizeof *m);
    if (m == NULL) {
        (void) tw_fail(err, TW_ENOMEM, "sequence model");
        return TW_ENOMEM; /* literally, so that the analyser knows *out was set on TW_OK */
    }
    m->cfg = *cfg;
    m->n_users = n_users;
    m->n_items = n_items;
    m->item_ids.n = n_items;
    m->user_ids.n = n_users;
    TW_TRY(tw_params_create(&m->params, err));
    tw_params_defer(m->params);
    TW_TRY(add_tensors(m, err));
    *out = m;
    m = NULL;
done:
    tw_seq_model_destroy(m);
    return st;
}

tw_status twi_model_allocate(tw_seq_model *m, tw_error *err)
{
    const tw_seq_config *cfg = &m->cfg;
    const tw_status st = tw_params_allocate(m->params, err);

    if (st != TW_OK)
        return st;
    if (cfg->item_features_dim > 0) {
        m->known = tw_alloc((size_t) m->n_items + 1, sizeof *m->known);
        if (m->known == NULL)
            return tw_fail(err, TW_ENOMEM, "marks of %d items", m->n_items);
    }
    if (cfg->normalize != 0 || cfg->item_features_dim > 0 || cfg->popularity > 0) {
        m->outputs = tw_alloc_aligned((size_t) m->items->rows * (size_t) twi_query_dim(m),
                                      sizeof *m->outputs);
        if (m->outputs == NULL)
            return tw_fail(err, TW_ENOMEM, "vectors of %d items", m->n_items);
    }
    return TW_OK;
}

/* With every tensor zero. */
static tw_status create_empty(tw_seq_model **out, const tw_seq_config *cfg, int32_t n_users,
                              int32_t n_items, tw_error *err)
{
    tw_seq_model *m = NULL;
    tw_status st = twi_model_shape(&m, cfg, n_users, n_items, err);
    if (st == TW_OK)
        st = twi_model_allocate(m, err);
    *out = st == TW_OK ? m : NULL;
    if (st != TW_OK)
        tw_seq_model_destroy(m);
    return st;
}

tw_status tw_seq_model_create(tw_seq_model **out, const tw_seq_config *cfg, int32_t n_users,
                              int32_t n_items, tw_error *err)
{
    *out = NULL;
    tw_status st = tw_seq_config_check(cfg, err);
    if (st != TW_OK)
        return st;
    if (n_users < 1 || n_items < 1 || n_users == INT32_MAX || n_items == INT32_MAX)
        return tw_fail(err, TW_EINVAL, "%d users and %d items: both must be in 1..%d", n_users,
                       n_items, INT32_MAX - 1);
    st = create_empty(out, cfg, n_users, n_items, err);
    if (*out != NULL) {
        randomise(*out);
        twi_refresh_known(*out);
        twi_refresh_outputs(*out);
    }
    return st;
}

void twi_refresh_known(tw_seq_model *m)
{
    const int64_t D = m->cfg.item_dim;
    bool *known = m->known;

    if (known == NULL)
        return;
    assert(m->items != NULL);
    for (int32_t i = 1; i <= m->n_items; i++) {
        known[i] = false;
        for (int64_t j = 0; j < D; j++)
            known[i] = known[i] || m->items->value[i * D + j] != 0;
    }
}

/* out (rows, twi_query_dim) = ids' vectors (rows, item_dim; NULL: none) + features (rows, C)
 * project', then what popularity adds, of items first, first + 1 .. (0 has no events). */
static void output_rows(const tw_seq_model *m, int64_t first, const tw_real *ids,
                        const tw_real *features, tw_real *out, int rows)
{
    const int D = m->cfg.item_dim, C = m->cfg.item_features_dim, Q = twi_query_dim(m);
    tw_real rnorm;

    for (int i = 0; i < rows; i++) {
        tw_real *row = out + (size_t) i * (size_t) Q;
        memset(row, 0, (size_t) Q * sizeof *row);
        if (ids != NULL)
            memcpy(row, ids + (size_t) i * (size_t) D, (size_t) D * sizeof *row);
        if (Q > D)
            row[D] = (tw_real) m->cfg.popularity * m->counts->value[first + i];
    }
    if (C > 0)
        tw_gemm(0, 1, rows, D, C, 1, features, C, m->project->value, C, 1, out, Q);
    for (int i = 0; m->cfg.normalize != 0 && i < rows; i++) {
        tw_real *row = out + (size_t) i * (size_t) Q;
        tw_l2norm_forward(row, &rnorm, row, 1, D);
    }
}

/* In blocks, as one matrix product counts in ints. Ids of items never met are zero rows. */
void twi_refresh_outputs(tw_seq_model *m)
{
    const size_t D = (size_t) m->cfg.item_dim, C = (size_t) m->cfg.item_features_dim,
                 Q = (size_t) twi_query_dim(m);

    if (m->outputs == NULL)
        return;
    assert(m->items != NULL);
    for (int64_t at = 0; at < m->items->rows; at += 1024) {
        int rows = (int) (m->items->rows - at < 1024 ? m->items->rows - at : 1024);
        output_rows(m, at, m->items->value + (size_t) at * D,
                    m->features == NULL ? NULL : m->features->value + (size_t) at * C,
                    m->outputs + (size_t) at * Q, rows);
    }
    memset(m->outputs, 0, Q * sizeof *m->outputs); /* row 0 belongs to no item */
}

void tw_seq_item_vector(const tw_seq_model *m, int32_t item, const tw_real *features, tw_real *out)
{
    const size_t D = (size_t) m->cfg.item_dim, C = (size_t) m->cfg.item_features_dim,
                 i = (size_t) item, Q = (size_t) twi_query_dim(m);

    /* A product of one row may round otherwise than one of a thousand. */
    if (item > 0 && memcmp(features, m->features->value + i * C, C * sizeof *features) == 0)
        memcpy(out, m->outputs + i * Q, Q * sizeof *out);
    else
        output_rows(m, item, item > 0 ? m->items->value + i * D : NULL, features, out, 1);
}

tw_status tw_seq_model_set_item_features(tw_seq_model *m, const tw_real *features, tw_error *err)
{
    if (m->features == NULL)
        return tw_fail(err, TW_ESTATE,
                       "the model was made without item features (item_features_dim 0)");
    const size_t C = (size_t) m->features->cols, n = (size_t) m->features->rows * C;
    for (size_t i = C; i < n; i++)
        if (!isfinite(features[i]))
            return tw_fail(err, TW_EINVAL, "the item features of item %zu is not finite", i / C);
    memcpy(m->features->value + C, features + C, (n - C) * sizeof *features);
    twi_refresh_outputs(m);
    return TW_OK;
}

int twi_query_dim(const tw_seq_model *m) { return m->cfg.item_dim + (m->cfg.popularity > 0); }

const tw_real *twi_outputs(const tw_seq_model *m)
{
    return m->outputs != NULL ? m->outputs : m->items->value;
}

void tw_seq_model_destroy(tw_seq_model *m)
{
    if (m == NULL)
        return;
    twi_ids_fini(&m->item_ids);
    twi_ids_fini(&m->user_ids);
    tw_free(m->outputs);
    tw_free(m->known);
    tw_params_destroy(m->params);
    tw_free(m);
}

tw_status twi_model_copy(tw_seq_model **out, const tw_seq_model *m, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_model *copy = NULL;

    TW_TRY(create_empty(&copy, &m->cfg, m->n_users, m->n_items, err));
    assert(copy != NULL);
    for (int i = 0; i < tw_params_count(m->params); i++) {
        const tw_param *from = tw_params_at(m->params, i);
        tw_param *to = tw_params_at(copy->params, i);
        memcpy(to->value, from->value,
               (size_t) from->rows * (size_t) from->cols * sizeof *to->value);
    }
    twi_refresh_known(copy);
    twi_refresh_outputs(copy);
    *out = copy;
    copy = NULL;
done:
    tw_seq_model_destroy(copy);
    return st;
}

const tw_seq_config *tw_seq_model_config(const tw_seq_model *m) { return &m->cfg; }
int32_t tw_seq_model_users(const tw_seq_model *m) { return m->n_users; }
int32_t tw_seq_model_items(const tw_seq_model *m) { return m->n_items; }
int64_t tw_seq_model_size(const tw_seq_model *m)
{
    return tw_params_size(m->params) -
           (m->features == NULL ? 0 : m->features->rows * m->features->cols) -
           (m->counts == NULL ? 0 : m->counts->rows);
}

const tw_real *tw_seq_item_vectors(const tw_seq_model *m, int64_t *rows, int *dim)
{
    *rows = m->items->rows;
    *dim = twi_query_dim(m);
    return twi_outputs(m);
}

tw_status tw_seq_model_set_ids(tw_seq_model *m, const int64_t *item_ids, const int64_t *user_ids,
                               tw_error *err)
{
    tw_status st;
    twi_ids items = {.n = m->n_items}, users = {.n = m->n_users};

    TW_TRY(twi_ids_set(&items, item_ids, "item", err));
    TW_TRY(twi_ids_set(&users, user_ids, "user", err));
    twi_ids_fini(&m->item_ids);
    twi_ids_fini(&m->user_ids);
    m->item_ids = items;
    m->user_ids = users;
    return TW_OK;
done:
    twi_ids_fini(&items);
    twi_ids_fini(&users);
    return st;
}

int64_t tw_seq_item_id(const tw_seq_model *m, int32_t item)
{
    return twi_ids_at(&m->item_ids, item);
}

int32_t tw_seq_item_index(const tw_seq_model *m, int64_t id)
{
    return twi_ids_find(&m->item_ids, id);
}

int32_t tw_seq_user_index(const tw_seq_model *m, int64_t id)
{
    return twi_ids_find(&m->user_ids, id);
}
