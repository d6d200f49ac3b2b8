/* seqmodel/seq_forward.h — the forward pass on a tape: hidden rows, queries, the loss.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_FORWARD_H
#define TW_SEQMODEL_SEQ_FORWARD_H

#include "nn/tape/tape.h"
#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_model.h"

/* What one block's attention worked on. */
struct twi_probe {
    int block;            /* asked for, from 0 */
    tw_tensor *q, *k, *v; /* (N,D) on the tape until its reset */
    double scale;
};

/* F (N,D): the last layer's rows. Dropout when the tape records. b is borrowed by the tape. */
tw_tensor *twi_forward(const tw_seq_model *m, tw_tape *t, const twi_batch *b);

/* Query vectors (S, item_dim): the item half of each sequence's last row. */
tw_tensor *twi_forward_queries(const tw_seq_model *m, tw_tape *t, const twi_batch *b);

/* The training loss summed over the batch's rows; records scale * loss. */
double twi_forward_loss(const tw_seq_model *m, tw_tape *t, const twi_batch *b, double scale);

#endif
