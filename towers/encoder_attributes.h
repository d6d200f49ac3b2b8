/* towers/encoder_attributes.h — the encoder of attributes: a hidden layer over hashed words and
 * standardised numbers.
 *
 * Internal to towers/.
 */
#ifndef TW_TOWERS_ENCODER_ATTRIBUTES_H
#define TW_TOWERS_ENCODER_ATTRIBUTES_H

#include "towers/encoder.h"

/* TW_ENOMEM. */
TW_NODISCARD tw_status twi_attributes_create(twi_encoder **out, const tw_tower_config *cfg,
                                             tw_params *ps, tw_error *err);

#endif
