/* towers/audio/encoder_audio.h — the encoder of audio: a convolutional net over log-mel
 * spectrograms.
 *
 * Internal to towers/.
 */
#ifndef TW_TOWERS_AUDIO_ENCODER_AUDIO_H
#define TW_TOWERS_AUDIO_ENCODER_AUDIO_H

#include "towers/encoder.h"

/* By cfg->audio. TW_EINVAL: no front end has such settings. TW_ENOMEM. */
TW_NODISCARD tw_status twi_audio_create(twi_encoder **out, const tw_tower_config *cfg,
                                        tw_params *ps, tw_error *err);

#endif
