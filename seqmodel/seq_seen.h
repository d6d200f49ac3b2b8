/* seqmodel/seq_seen.h — what a training sequence's user met already, which the loss leaves out of
 * each row's candidates.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_SEEN_H
#define TW_SEQMODEL_SEQ_SEEN_H

#include <stdint.h>

#include "base/error.h"

/* What the loss leaves out of each row's candidates: items that the user met by then. */
typedef struct twi_seen {
    const int32_t **history; /* (S) borrowed: all that the sequence's user met, oldest first */
    int64_t *before;         /* (S) how much of that is before the sequence's first row */
    int32_t *items;          /* (N) each row's item, as the user met it */
    int32_t *rows;           /* a list for each sequence, one behind the other: candidates' rows */
    int32_t *from, *upto;    /* (N) row i leaves out rows[from[i]] .. rows[upto[i]-1] */
    int32_t *listed;         /* (candidates) 1 + the latest sequence that has the row listed */
} twi_seen;

typedef struct twi_batch twi_batch; /* seq_batch.h */

/* Room in a batch for what its rows leave out. `longest`: items in the longest train part.
 * TW_ENOMEM. */
TW_NODISCARD tw_status twi_seen_init(twi_seen *seen, int sequences, int tokens, int64_t candidates,
                                     int64_t longest, tw_error *err);
void twi_seen_fini(twi_seen *seen);

/* Notes the batch's newest sequence: `before` items of history, and then items (one a row). */
void twi_seen_add(twi_batch *b, const int32_t *history, int64_t before, const int32_t *items);

/* Fills rows, from and upto. place (n_items+1): 1 + a candidate's row, 0 for other items. */
void twi_seen_collect(twi_batch *b, const int32_t *place);

#endif
