/* towers/image/encoder_image.h — the encoder of images: conv4 and the residual net.
 *
 * Internal to towers/.
 */
#ifndef TW_TOWERS_IMAGE_ENCODER_IMAGE_H
#define TW_TOWERS_IMAGE_ENCODER_IMAGE_H

#include "towers/encoder.h"

/* By cfg->image. TW_ENOMEM. */
TW_NODISCARD tw_status twi_image_create(twi_encoder **out, const tw_tower_config *cfg,
                                        tw_params *ps, tw_error *err);

#endif
