/* towers/conv_layer.h — the layer that all our convolutional nets are made of: convolution, group
 * norm, and what may follow; internal to towers/. */
#ifndef TW_TOWERS_CONV_LAYER_H
#define TW_TOWERS_CONV_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "nn/tape/maps.h"

/* Channels that a group norm takes together. */
#define TWI_GROUP_CHANNELS 8

typedef struct twi_conv_layer {
    tw_param *w, *gain, *bias; /* of a set of parameters */
    int kernel, stride;
} twi_conv_layer;

/* Adds "<prefix><name>.w" (out, kernel^2 * in), ".gain" and ".bias" to ps; out is a multiple of
 * TWI_GROUP_CHANNELS. Padding is kernel / 2. TW_EINVAL: name taken or too long. TW_ENOMEM. */
TW_NODISCARD tw_status twi_conv_layer_create(twi_conv_layer *l, tw_params *ps, const char *prefix,
                                             const char *name, int in, int out, int kernel,
                                             int stride, tw_error *err);

/* He et al. 2015: normal of variance 2 / inputs; gains 1, biases 0. */
void twi_conv_layer_init(const twi_conv_layer *l, tw_rng *rng);

/* skip may be NULL; see tw_op_conv_norm. */
tw_maps twi_conv_layer_forward(const twi_conv_layer *l, tw_tape *t, tw_maps x, const tw_maps *skip,
                               bool relu, bool pool);

/* Pixels as the nets read them: (byte / 255 - 1/2) * 2. px[i] (side, side, channels). */
tw_maps twi_conv_pixels(tw_tape *t, const uint8_t *const *px, int n, int side, int channels);

#endif
