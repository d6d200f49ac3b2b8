/* engine/data/make_tower.h — which tower suits a catalogue, where the recipe leaves it open.
 * Internal to engine/.
 */
#ifndef TW_ENGINE_DATA_MAKE_TOWER_H
#define TW_ENGINE_DATA_MAKE_TOWER_H

#include "base/error.h"
#include "engine/data/dataset.h"
#include "towers/towers.h"

/* Settles what the recipe leaves to the catalogue (encoders that are AUTO), finds or learns the
 * vocabulary where the text encoder needs one, and makes the tower, untrained.
 *
 *   c           loaded with TWI_READ_ALL but the attributes, which are not counted
 *   vocabulary  path of a vocab.txt; NULL: learn one
 *
 * TW_ESTATE: the items have nothing that a tower could read. */
TW_NODISCARD tw_status twi_make_tower(tw_tower_config *cfg, const twi_catalogue *c,
                                      const char *vocabulary, tw_tower **out, tw_error *err);

#endif
