/* seqmodel/seq_model.h — the tensors of a model, and what is made of them once they changed.
 *
 * D = user_dim + item_dim is its width. Call twi_refresh_outputs after changing parameters and
 * before the next query.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_MODEL_H
#define TW_SEQMODEL_SEQ_MODEL_H

#include "nn/params.h"
#include "seqmodel/seq_ids.h"
#include "seqmodel/seqmodel.h"

typedef struct twi_block {
    tw_param *gain1, *bias1;               /* (1,D) layer norm of the attention half */
    tw_param *wq, *bq, *wk, *bk, *wv, *bv; /* (D,D), (1,D) */
    tw_param *gain2, *bias2;               /* (1,D) layer norm of the feed-forward half */
    tw_param *w1, *b1, *w2, *b2;           /* (D,D), (1,D) */
    tw_param *wg1, *bg1, *wg2, *bg2;       /* (D,D), (1,D) gates; NULL unless gated */
} twi_block;

struct tw_seq_model {
    tw_seq_config cfg;
    int32_t n_users, n_items;
    tw_params *params;   /* owns all below */
    tw_param *items;     /* (n_items+1, item_dim): inputs and outputs; row 0 stays zero */
    tw_param *features;  /* (n_items+1, item_features_dim) frozen; NULL without features */
    tw_param *project;   /* (item_dim, item_features_dim); NULL without features */
    tw_param *counts;    /* (n_items+1, 1) frozen: log(1 + events); NULL: popularity is 0 */
    bool *known;         /* (n_items+1) has an id's vector, too; NULL without features: all have */
    tw_param *users;     /* (n_users+1, user_dim): row 0 is the unknown user; NULL without users */
    tw_param *positions; /* (max_len, D): row max_len-1 belongs to the latest item */
    tw_param *gain, *bias; /* (1,D) the norm at the end; NULL where norm is TW_SEQ_POST */
    tw_real *outputs;      /* (n_items+1, twi_query_dim) what queries meet; NULL: items->value */
    twi_block block[TW_SEQ_MAX_BLOCKS];
    twi_ids item_ids, user_ids;
};

/* All tensors of a model, without memory (tw_params_defer). cfg is checked already. */
TW_NODISCARD tw_status twi_model_shape(tw_seq_model **out, const tw_seq_config *cfg,
                                       int32_t n_users, int32_t n_items, tw_error *err);
/* Gives what has none yet zeroed memory. TW_ENOMEM. */
TW_NODISCARD tw_status twi_model_allocate(tw_seq_model *m, tw_error *err);

/* The same weights in tensors of its own; without ids. TW_ENOMEM. */
TW_NODISCARD tw_status twi_model_copy(tw_seq_model **out, const tw_seq_model *m, tw_error *err);

/* known as the id table has it: a row of zeros is of an item never met. */
void twi_refresh_known(tw_seq_model *m);

/* Recomputes what queries meet after the parameters changed; costs nothing where the table is it.
 */
void twi_refresh_outputs(tw_seq_model *m);
const tw_real *twi_outputs(const tw_seq_model *m);
/* The width of outputs and queries: item_dim, and one more where popularity is part of the score.
 */
int twi_query_dim(const tw_seq_model *m);

#endif
