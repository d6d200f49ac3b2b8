/* towers/text/encoder_tokens.h — the encoder that reads a text as tokens of a vocabulary: cnn,
 * lstm, gru, transformer.
 *
 * Internal to towers/.
 */
#ifndef TW_TOWERS_TEXT_ENCODER_TOKENS_H
#define TW_TOWERS_TEXT_ENCODER_TOKENS_H

#include "towers/encoder.h"

/* By cfg->text; texts holds its vocabulary. TW_EINVAL: the vocabulary is bad. TW_ENOMEM. */
TW_NODISCARD tw_status twi_tokens_create(twi_encoder **out, const tw_tower_config *cfg,
                                         const twi_texts *texts, tw_params *ps, tw_error *err);

#endif
