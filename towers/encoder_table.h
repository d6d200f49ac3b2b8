/* towers/encoder_table.h — which encoders there are, and which of them a tower's settings name.
 *
 * It stands above the modalities: encoder.h says what an encoder is, each encoder's file fills one,
 * and this file alone knows them all. A new encoder is a line here. Internal to towers/.
 */
#ifndef TW_TOWERS_ENCODER_TABLE_H
#define TW_TOWERS_ENCODER_TABLE_H

#include "towers/encoder.h"

/* The encoder that cfg names for a modality, its parameters added to ps; *out stays NULL where the
 * modality is "none".
 *
 * TW_EINVAL: a vocabulary is needed and missing or bad. TW_ENOMEM. */
TW_NODISCARD tw_status twi_encoder_create(twi_encoder **out, tw_modality modality,
                                          const tw_tower_config *cfg, const twi_texts *texts,
                                          tw_params *ps, tw_error *err);
void twi_encoder_destroy(twi_encoder *e); /* accepts NULL */

#endif
