/* towers/audio/audio_cnn.h — the convolutional net for audio files as log-mels; internal to
 * towers/.
 *
 * A log-mel is an image whose lines are frames of time and whose columns are bands. Blocks of 3x3
 * convolution, group norm, ReLU and 2x2 max pool, of 32-64-96(-128) channels as
 * `width` is 32; then the mean over the bands, then largest plus mean over time. Audio files of
 * different length stand side by side without padding, and each gets what it would get alone.
 *
 * Source: Kong et al. 2020 (PANNs, CNN6), made small; group norm for batch norm:
 * nn/kernels/groupnorm.h.
 */
#ifndef TW_TOWERS_AUDIO_AUDIO_CNN_H
#define TW_TOWERS_AUDIO_AUDIO_CNN_H

#include <stdint.h>

#include "base/error.h"
#include "nn/tape/maps.h"
#include "towers/conv_layer.h"

enum { TWI_AUDIO_BLOCKS_MAX = 5, TWI_AUDIO_FRAMES_MAX = 1 << 16 };

typedef struct twi_audio_config {
    int bands;  /* of the log-mel, 8..256 */
    int blocks; /* 2..TWI_AUDIO_BLOCKS_MAX */
    int width; /* channels of the first block, a multiple of 8 in 8..128; block i has (i+1) of it */
    double scale; /* the net reads scale * value + shift: the data's 1/std and -mean/std */
    double shift;
} twi_audio_config;

#define TWI_AUDIO_DEFAULT                                                                          \
    ((twi_audio_config){.bands = 64, .blocks = 3, .width = 32, .scale = 1, .shift = 0})

typedef struct twi_audio_cnn {
    twi_audio_config cfg;
    twi_conv_layer layer[TWI_AUDIO_BLOCKS_MAX];
} twi_audio_cnn;

/* Adds the net's tensors to ps as "<prefix>conv0.w", ".gain", ".bias", ...; ps must outlive it,
 * there is nothing to release. TW_EINVAL: a figure of cfg outside its range, or a name is taken.
 * TW_ENOMEM. */
TW_NODISCARD tw_status twi_audio_cnn_create(twi_audio_cnn *a, const twi_audio_config *cfg,
                                            tw_params *ps, const char *prefix, tw_error *err);

void twi_audio_init(const twi_audio_cnn *a, tw_rng *rng); /* as twi_conv_layer_init */

int twi_audio_width(const twi_audio_cnn *a);

/* frames[i] (lengths[i], bands), lengths 1..TWI_AUDIO_FRAMES_MAX, finite, borrowed for the call ->
 * (n, width). NULL when out of memory, as every op. Any number of threads at once, a tape each. */
tw_tensor *twi_audio_forward(const twi_audio_cnn *a, tw_tape *t, const float *const *frames,
                             const int32_t *lengths, int n);

#endif
