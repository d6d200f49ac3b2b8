/* engine/data/dataset.h — the store's items and events as plain arrays, for training and
 * evaluation. Internal to engine/.
 */
#ifndef TW_ENGINE_DATA_DATASET_H
#define TW_ENGINE_DATA_DATASET_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "engine/engine.h"
#include "towers/towers.h"

/* ---- items ----------------------------------------------------------------------------------- */

/* What towers may read of one item; a string that is not there, or was not asked for, is NULL. */
typedef struct twi_described {
    char *text, *attributes, *image, *audio; /* owned */
} twi_described;

/* The catalogue as arrays: position i is item `rows[i]`. */
typedef struct twi_catalogue {
    int64_t n;
    int64_t *rows;        /* (n) ascending */
    twi_described *items; /* (n) owned; empty when nothing was asked for */
    int32_t *position;    /* (max_row+1) of each row, -1: none */
    int64_t max_row;
} twi_catalogue;

#define TWI_READ_ALL ((1U << TW_MODALITIES) - 1)
/*   modalities  bits 1 << tw_modality: what of the items is kept; 0: rows alone */
TW_NODISCARD tw_status twi_catalogue_load(tw_engine *e, unsigned modalities, twi_catalogue *out,
                                          tw_error *err);
void twi_catalogue_fini(twi_catalogue *c);
/* One item's description; release with twi_described_fini. On failure *out is empty. */
TW_NODISCARD tw_status twi_describe(const tw_item *item, unsigned modalities, tw_text *scratch,
                                    twi_described *out, tw_error *err);
void twi_described_fini(twi_described *d);

/* ---- events ---------------------------------------------------------------------------------- */

/* All events in order (user, time, insertion). */
typedef struct twi_events {
    int64_t n;
    size_t room;
    int64_t *users, *items, *times; /* (n) rows */
    int64_t *seqs;                  /* (n) sequence numbers, which name events for ever */
    double *ratings;                /* (n) NaN: none */
    double most;                    /* the highest rating; 0 when there is none */
} twi_events;
TW_NODISCARD tw_status twi_events_load(tw_engine *e, twi_events *out, tw_error *err);
void twi_events_fini(twi_events *log);

#endif
