/* seqmodel/seq_candidates.h — the items that a target is ranked against where they are not the
 * whole catalogue.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_CANDIDATES_H
#define TW_SEQMODEL_SEQ_CANDIDATES_H

#include "seqmodel/seqmodel.h"

/* Sets of items are marks: entries equal to `stamp` are members, so that a new stamp empties the
 * set. Adds n items and returns how many were not there before. */
int64_t twi_mark_all(int32_t *mark, int32_t stamp, const int32_t *items, int64_t n);

enum { TWI_NEGATIVES = 100 };

/* The target and its competitors, by the protocol (not TW_SEQ_FULL); returns how many ids. What is
 * drawn depends on (data, seed, split, user) alone.
 *
 *   list (1 + TWI_NEGATIVES)   the target first
 *   mark (n_items+1)           scratch, stamp was not used before with it */
int twi_candidates(int32_t *list, const tw_seq_data *data, const tw_seq_eval_config *cfg,
                   int32_t user, int32_t *mark, int32_t stamp);

/* Continues h, which starts as TW_FNV_START, over a user and the list; the same on every machine.
 */
uint64_t twi_hash_list(uint64_t h, int32_t user, const int32_t *list, int n);
uint64_t twi_hash_hashes(const uint64_t *hashes, int64_t n);

#endif
