/* towers/text/text_cnn.h — a convolutional text encoder: windows of pieces, their largest answers.
 *
 * Internal to towers/. Filters of several widths slide over the embedded pieces,
 * padded with zeros at both ends; relu; of each filter the largest answer over the
 * text: (n, widths * filters). Texts are packed. Holds no state of a batch: threads may
 * run it at once, each on a tape of its own. Source: Kim 2014.
 */
#ifndef TW_TOWERS_TEXT_TEXT_CNN_H
#define TW_TOWERS_TEXT_TEXT_CNN_H

#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"
#include "nn/params.h"
#include "nn/tape/tape.h"

#define TWI_TEXT_CNN_WINDOW_MAX  9
#define TWI_TEXT_CNN_WIDTHS_MAX  5
#define TWI_TEXT_CNN_EMBED_MAX   1024
#define TWI_TEXT_CNN_FILTERS_MAX 1024

typedef struct twi_text_cnn_config {
    int vocab;          /* pieces: TWI_PIECES_MIN..TWI_PIECES_MAX */
    int embed;          /* numbers of a piece: 1..TWI_TEXT_CNN_EMBED_MAX */
    int filters;        /* of each width: 1..TWI_TEXT_CNN_FILTERS_MAX */
    int narrow, widest; /* widths narrow .. widest, within 1..TWI_TEXT_CNN_WINDOW_MAX; Kim: 3..5 */
    double dropout;     /* in [0, 1), on the embedded pieces; training only */
} twi_text_cnn_config;

typedef struct twi_text_cnn twi_text_cnn;

/* Adds the tensors to ps, names beginning with `prefix`; all zero. ps is kept and must outlive it.
 * TW_EINVAL: cfg out of range, a name taken or too long. TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status twi_text_cnn_create(twi_text_cnn **out, const twi_text_cnn_config *cfg,
                                           tw_params *ps, const char *prefix, tw_error *err);
void twi_text_cnn_destroy(twi_text_cnn *m); /* accepts NULL; the tensors stay in ps */

/* Table normal with deviation 0.1, filters Glorot, biases 0. */
void twi_text_cnn_init(twi_text_cnn *m, tw_rng *rng);

/* y (n, widths * filters): text k is ids[offsets[k] .. offsets[k+1]), borrowed until the tape's
 * reset. An empty text gives zeros. Unnormalised. */
tw_tensor *twi_text_cnn_forward(const twi_text_cnn *m, tw_tape *t, const int32_t *ids,
                                const int32_t *offsets, int n);
int twi_text_cnn_width(const twi_text_cnn *m);

#endif
