/* base/numbering.h — keys numbered 0, 1, 2, ... in the order in which they are first met.
 *
 * What is known of a key lies in arrays beside, by its number: counts of words, ids of items.
 *
 *     tw_numbering seen = {0};
 *     int32_t number;
 *     TW_TRY(tw_numbering_put(&seen, key, &number, err));
 *     counts[number]++;
 *     ...
 *     for (int32_t i = 0; i < seen.n; i++)
 *         report(seen.keys[i], counts[i]);
 *     tw_numbering_fini(&seen);
 *
 * The numbers depend on the order of the keys alone, neither on the hash nor on the memory, so a
 * model that is counted so is the same everywhere. Keys are 64 bits: numbers,
 * packed pairs, or hashes of texts, where two texts of one hash count as one. Finding is
 * thread-safe while no thread puts.
 *
 * What has a table of its own, and why: the bag's features of one text
 * (towers/text/text_features.c) are a fixed number and are dropped after each text without being
 * cleared; of equal pieces in a vocabulary the last counts (towers/text/text_wordpiece.c); the
 * readers of the index's map of ids take no lock (index/index_map.c); the ids of a sequential model
 * are sorted (seqmodel/seq_ids.c).
 */
#ifndef TW_BASE_NUMBERING_H
#define TW_BASE_NUMBERING_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TW_NUMBERING_MAX (1 << 30) /* keys */

/* Begins zeroed. */
typedef struct tw_numbering {
    int32_t n;      /* keys so far */
    uint64_t *keys; /* (room) by number; owned */
    int32_t
        *slots; /* (1 << bits) number + 1; 0: free; open addressing, at most half taken; owned */
    int bits;   /* 0: no slots yet */
    size_t room;
} tw_numbering;

void tw_numbering_fini(tw_numbering *t);

/* *number <- the key's, which is new if it equals the n of before.
 *
 * TW_EINVAL: more than TW_NUMBERING_MAX keys. TW_ENOMEM. On failure nothing has changed. */
TW_NODISCARD tw_status tw_numbering_put(tw_numbering *t, uint64_t key, int32_t *number,
                                        tw_error *err);

/* -1: it was not met. */
int32_t tw_numbering_find(const tw_numbering *t, uint64_t key);

#endif
