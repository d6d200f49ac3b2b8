/* nn/params.h — the named tensors of a model, and their gradients.
 *
 * Two kinds of tensor: *dense* ones (weights of layers), whose gradient is
 * always complete, and *tables* (embeddings), of which a step touches few rows.
 * A gradient store remembers which rows were touched, so a step's cost does not
 * grow with the table.
 *
 *     tw_params *ps = NULL;
 *     tw_params_create(&ps, &err);
 *     tw_param *w, *items;
 *     tw_params_add(ps, &w, "block0.ffn1.w", 64, 64, TW_DENSE, &err);
 *     tw_params_add(ps, &items, "items", 1683, 64, TW_TABLE, &err);
 *     tw_param_init_normal(items, 0.02, &rng);
 */
#ifndef TW_NN_PARAMS_H
#define TW_NN_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/real.h"
#include "base/rng.h"

#define TW_PARAM_NAME_MAX 64
#define TW_PARAMS_MAX     512

typedef enum tw_param_kind { TW_DENSE = 0, TW_TABLE = 1 } tw_param_kind;

typedef struct tw_param {
    char name[TW_PARAM_NAME_MAX]; /* unique in its set; the name in the checkpoint */
    tw_param_kind kind;
    int64_t rows;
    int cols;
    tw_real *value; /* (rows, cols), aligned to 64 bytes */
    tw_real *m, *v; /* (rows, cols) Adam moments; NULL until a trainer wants them */
    bool frozen;    /* the optimiser leaves it alone */
    bool no_decay;  /* weight decay leaves it alone (gains, biases, temperatures) */
    int index;      /* place in its set */
} tw_param;

typedef struct tw_params tw_params;

TW_NODISCARD tw_status tw_params_create(tw_params **out, tw_error *err);
void tw_params_destroy(tw_params *ps); /* accepts NULL */

/* A new zeroed tensor; *out stays valid until the set is destroyed. TW_EINVAL: name taken or too
 * long, a size outside 1..2^31 - 2. TW_ENOMEM. */
TW_NODISCARD tw_status tw_params_add(tw_params *ps, tw_param **out, const char *name, int64_t rows,
                                     int cols, tw_param_kind kind, tw_error *err);

/* Tensors added from now on have no memory (value NULL) until tw_params_allocate: so a model's
 * shapes can be held against a file before anything is allocated by them. */
void tw_params_defer(tw_params *ps);
/* Gives every tensor that has none its zeroed memory. TW_ENOMEM. */
TW_NODISCARD tw_status tw_params_allocate(tw_params *ps, tw_error *err);

int tw_params_count(const tw_params *ps);
tw_param *tw_params_at(const tw_params *ps, int index);
tw_param *tw_params_find(const tw_params *ps, const char *name); /* NULL: none */
int64_t tw_params_size(const tw_params *ps);                     /* numbers in all tensors */

void tw_param_init_normal(tw_param *p, double std, tw_rng *rng);
void tw_param_init_uniform(tw_param *p, double bound, tw_rng *rng); /* [-bound, bound) */
/* Glorot and Bengio 2010: uniform with bound sqrt(6 / (rows + cols)). */
void tw_param_init_glorot(tw_param *p, tw_rng *rng);
void tw_param_fill(tw_param *p, tw_real value);

/* ---- gradients: one store per worker --------------------------------------------------------- */

typedef struct tw_grads tw_grads;

TW_NODISCARD tw_status tw_grads_create(tw_grads **out, const tw_params *ps, tw_error *err);
void tw_grads_destroy(tw_grads *g); /* accepts NULL */

/* The whole (rows, cols) gradient of a tensor, every row counted as touched. Accumulate into it. */
tw_real *tw_grads_all(tw_grads *g, const tw_param *p);

/* One row of a table's gradient (cols), counted as touched. Accumulate into it. */
tw_real *tw_grads_row(tw_grads *g, const tw_param *p, int64_t row);

/* The gradient as it stands, for reading: row `row` may be zero. Does not touch. */
const tw_real *tw_grads_peek(const tw_grads *g, const tw_param *p, int64_t row);

/* Rows touched since the last zeroing, in order of first touch: *n == p->rows with *rows == NULL
 * means all. */
void tw_grads_touched(const tw_grads *g, const tw_param *p, const int64_t **rows, int64_t *n);

void tw_grads_zero(tw_grads *g); /* costs what was touched */

#endif
