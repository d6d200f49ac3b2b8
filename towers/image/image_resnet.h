/* towers/image/image_resnet.h — a small residual net for images; internal to towers/.
 *
 * A 3x3 convolution, then stages of residual blocks of two 3x3 convolutions each; every stage after
 * the first halves the sides (stride 2) and doubles the channels: 16-32-64(-128) times `widen`. The
 * last maps are averaged. With 3 stages, blocks 1, 2, 3 make ResNet-8, -14, -20. Where a block
 * changes the size, the way around it is a 1x1 convolution with norm (He's option B).
 * Pixels come in as bytes and are taken as (byte/255 - 1/2) * 2.
 *
 * Sources: He et al. 2016, section 4.2; Zagoruyko and Komodakis 2016 (widening). Group norm for
 * batch norm: see nn/kernels/groupnorm.h.
 */
#ifndef TW_TOWERS_IMAGE_IMAGE_RESNET_H
#define TW_TOWERS_IMAGE_IMAGE_RESNET_H

#include <stdint.h>

#include "base/error.h"
#include "nn/tape/maps.h"
#include "towers/conv_layer.h"

enum { TWI_RESNET_STAGES_MAX = 4, TWI_RESNET_BLOCKS_MAX = 6 };

typedef struct twi_resnet_config {
    int side;     /* pixels, 8..512; images are square */
    int channels; /* 1 or 3 */
    int stages;   /* 2..TWI_RESNET_STAGES_MAX */
    int blocks;   /* in a stage, 1..TWI_RESNET_BLOCKS_MAX */
    int widen;    /* 1..8: the first stage has 16 * widen channels */
    int stride;   /* 1 or 2, of the first convolution: 2 for images of 64 pixels and more */
} twi_resnet_config;

#define TWI_RESNET_DEFAULT                                                                         \
    ((twi_resnet_config){                                                                          \
        .side = 32, .channels = 3, .stages = 3, .blocks = 3, .widen = 1, .stride = 1})

typedef struct twi_resnet_block {
    twi_conv_layer a, b, around; /* around.w NULL: the block's input itself */
} twi_resnet_block;

typedef struct twi_resnet {
    twi_resnet_config cfg;
    twi_conv_layer stem;
    twi_resnet_block block[TWI_RESNET_STAGES_MAX * TWI_RESNET_BLOCKS_MAX]; /* stages * blocks */
} twi_resnet;

/* Adds the net's tensors to ps as "<prefix>stem.w", "<prefix>s0b0.a.w", "<prefix>s1b0.around.w",
 * ... ps must outlive it, there is nothing to release. TW_EINVAL: a figure of cfg outside its
 * range, or a name is taken. TW_ENOMEM. */
TW_NODISCARD tw_status twi_resnet_create(twi_resnet *r, const twi_resnet_config *cfg, tw_params *ps,
                                         const char *prefix, tw_error *err);

/* As twi_conv_layer_init, but the gain of each block's second norm is 0, so that a block begins
 * as the identity (Goyal et al. 2017, section 5.1). */
void twi_resnet_init(const twi_resnet *r, tw_rng *rng);

int twi_resnet_width(const twi_resnet *r); /* 16 * widen * 2^(stages-1) */

/* px (n): images (side, side, channels), borrowed for the call -> (n, width). NULL when out of
 * memory, as every op. Any number of threads at once, a tape each. */
tw_tensor *twi_resnet_forward(const twi_resnet *r, tw_tape *t, const uint8_t *const *px, int n);

#endif
