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
 * model that is counted so is the same everywhere. Keys are 64 bits: numbers, packed pairs, or
 * hashes of texts where two texts of one hash may count as one. Where they may not, texts have a
 * tw_string_numbering, and other things are compared by their owner (tw_numbering_put_by). Finding
 * is thread-safe while no thread puts.
 *
 * What has a table of its own, and why: the bag's features of one text
 * (towers/text/text_features.c) are a fixed number and are dropped after each text without being
 * cleared; the readers of the index's map of ids take no lock (index/index_map.c); the ids of a
 * sequential model are sorted (seqmodel/seq_ids.c).
 */
#ifndef TW_BASE_NUMBERING_H
#define TW_BASE_NUMBERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define TW_NUMBERING_MAX (1 << 30) /* keys */

/* Begins zeroed. */
typedef struct tw_numbering {
    int32_t n;      /* keys so far */
    uint64_t *keys; /* (room) by number; owned */
    int32_t *slots; /* (1 << bits) number + 1, 0: free; at most half are taken; owned */
    int bits;       /* 0: no slots yet */
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

/* Whether what has a number is what is looked for; asked only where the hashes are equal. */
typedef bool (*tw_numbering_same_fn)(const void *ctx, int32_t number);

/* The same for things that are no 64 bits; `hash` is theirs, and keys holds the hashes. */
TW_NODISCARD tw_status tw_numbering_put_by(tw_numbering *t, uint64_t hash,
                                           tw_numbering_same_fn same, const void *ctx,
                                           int32_t *number, tw_error *err);

/* Texts of any bytes, copied. Begins with tw_string_numbering_init. */
typedef struct tw_string_numbering {
    tw_numbering hashes; /* hashes.n texts */
    size_t *begins;      /* (room) in bytes; the one behind the last is the end; owned */
    size_t room;
    tw_text bytes; /* a NUL after each text */
} tw_string_numbering;

/* cap: the most bytes of all texts together, a NUL after each included. */
void tw_string_numbering_init(tw_string_numbering *t, size_t cap);
void tw_string_numbering_fini(tw_string_numbering *t); /* accepts a zeroed one */

/* As tw_numbering_put; TW_EINVAL also over the cap. */
TW_NODISCARD tw_status tw_string_numbering_put(tw_string_numbering *t, const char *s, size_t len,
                                               int32_t *number, tw_error *err);

/* -1: it was not met. hash: tw_fnv1a of the bytes from TW_FNV_START, which a caller that looks for
 * every beginning of a word has byte by byte. */
int32_t tw_string_numbering_find(const tw_string_numbering *t, uint64_t hash, const char *s,
                                 size_t len);

#endif
