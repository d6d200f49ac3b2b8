/* engine/bulk_repeats.h — rows of one file that have the id of an earlier one. Internal to engine/.
 *
 * Exports hold an item once a variant, a language or a shop, and the later rows often leave title
 * and text blank. A later row counts, but what it leaves blank stays as the earlier one said.
 */
#ifndef TW_ENGINE_BULK_REPEATS_H
#define TW_ENGINE_BULK_REPEATS_H

#include "base/text.h"
#include "store/store.h"

/* Zeroed: nothing was stored. Rows that an interrupted run had stored are not known. */
typedef struct twi_repeats {
    unsigned char *maybe;  /* bits by the hash of an id: a clear one was not stored by this load */
    unsigned char *stored; /* bits by row */
    size_t stored_room;    /* bytes */
    tw_item before;        /* what the store has of the last row that repeats */
    tw_text attributes;
} twi_repeats;

void twi_repeats_fini(twi_repeats *r);

/* Fills what item leaves blank where this load stored its id before, which *repeated tells. What is
 * filled in belongs to r, until the next call. TW_ENOMEM and what the store says. */
TW_NODISCARD tw_status twi_repeats_fill(twi_repeats *r, tw_store *store, tw_item *item,
                                        bool *repeated, tw_error *err);
/* The id was stored in that row. */
TW_NODISCARD tw_status twi_repeats_note(twi_repeats *r, const char *id, int64_t row, tw_error *err);

#endif
