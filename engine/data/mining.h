/* engine/data/mining.h — pairs of items that the same users liked, split by users. Internal to
 * engine/.
 */
#ifndef TW_ENGINE_DATA_MINING_H
#define TW_ENGINE_DATA_MINING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/data/dataset.h"
#include "towers/towers.h"

typedef struct twi_tower_split {
    tw_item_pair *pairs; /* owned: those of train, valid, test one after the other */
    int64_t n;
    tw_split parts;
    bool apart; /* valid and test come from users that train has not seen, not from other pairs */
} twi_tower_split;

/* Positives from what users liked (a rating of at least 0.8 of the highest, or any event where
 * there are no ratings). A fifth of the users each are kept for validation and test. The caller
 * frees out->pairs, on failure too. TW_ENOMEM, TW_EINVAL (cfg). */
TW_NODISCARD tw_status twi_mine(const twi_catalogue *c, const twi_events *log,
                                const tw_mine_config *cfg, int64_t seed, twi_tower_split *out,
                                tw_error *err);

#endif
