/* towers/image/image_conv4.h — the four-block convolutional net for small images; internal to
 * towers/.
 *
 * Four times: 3x3 convolution to `width` channels, group norm, ReLU, 2x2 max pool. An image of
 * 28x28 ends as one pixel; what is left of a larger one is averaged, or laid out flat where the
 * place in the image matters. Pixels come in as bytes and are taken as (byte/255 - 1/2) * 2.
 *
 * Source: Vinyals et al. 2016 (Matching Networks), section 4.1, with group norm for batch norm:
 * see nn/kernels/groupnorm.h.
 */
#ifndef TW_TOWERS_IMAGE_IMAGE_CONV4_H
#define TW_TOWERS_IMAGE_IMAGE_CONV4_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "nn/tape/maps.h"
#include "towers/conv_layer.h"

#define TWI_IMAGE_SIDE_MIN 16
#define TWI_IMAGE_SIDE_MAX 512

typedef struct twi_conv4_config {
    int side;     /* pixels, TWI_IMAGE_SIDE_MIN..MAX; images are square */
    int channels; /* 1 or 3 */
    int width;    /* channels of every layer, a multiple of 8 in 8..512 */
    bool flat;    /* lay the last maps out; false: average them */
} twi_conv4_config;

#define TWI_CONV4_DEFAULT ((twi_conv4_config){.side = 28, .channels = 1, .width = 64})

enum { TWI_CONV4_BLOCKS = 4 };

typedef struct twi_conv4 {
    twi_conv4_config cfg;
    twi_conv_layer layer[TWI_CONV4_BLOCKS];
} twi_conv4;

/* Adds the net's tensors to ps as "<prefix>conv0.w", ".gain", ".bias", ...; ps must outlive it,
 * there is nothing to release. TW_EINVAL: a figure of cfg outside its range, or a name is taken.
 * TW_ENOMEM. */
TW_NODISCARD tw_status twi_conv4_create(twi_conv4 *c, const twi_conv4_config *cfg, tw_params *ps,
                                        const char *prefix, tw_error *err);

void twi_conv4_init(const twi_conv4 *c, tw_rng *rng); /* as twi_conv_layer_init */

int twi_conv4_width(const twi_conv4 *c); /* numbers that come out for an image */

/* px (n): images (side, side, channels), borrowed for the call -> (n, width). NULL when out of
 * memory, as every op. Any number of threads at once, a tape each. */
tw_tensor *twi_conv4_forward(const twi_conv4 *c, tw_tape *t, const uint8_t *const *px, int n);

#endif
