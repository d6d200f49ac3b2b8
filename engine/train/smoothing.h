/* engine/train/smoothing.h — the catalogue's vectors smoothed over the graph of what was consumed
 * together. Internal to engine/.
 */
#ifndef TW_ENGINE_TRAIN_SMOOTHING_H
#define TW_ENGINE_TRAIN_SMOOTHING_H

#include <stdint.h>

#include "base/error.h"
#include "engine/data/dataset.h"
#include "engine/engine.h"
#include "towers/towers.h"

/* Over which pairs of the catalogue's items, how far. Borrowed. */
typedef struct twi_smoothing {
    const twi_catalogue *c;
    const tw_item_pair *pairs; /* (n_pairs) */
    int64_t n_pairs;
    int layers;
} twi_smoothing;
/* Smooths the stored vectors of a model that does not serve yet (tw_lightgcn), in one
 * transaction. TW_ENOMEM, and what the store returns. */
TW_NODISCARD tw_status twi_lightgcn_catalogue(tw_engine *e, int model, int dim,
                                              const twi_smoothing *how, tw_error *err);

#endif
