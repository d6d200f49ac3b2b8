/* towers/text/text_rnn.h — a recurrent text encoder: embedding, LSTM or GRU both ways, pooled.
 *
 * Internal to towers/. Each layer reads its input forwards and backwards and
 * passes on both states side by side; the vector of a text is the mean over its pieces
 * and their largest numbers, side by side: (n, 4 * hidden). Texts are packed.
 * Holds no state of a batch: threads may run it at once, each on a tape of its own.
 * Sources: Hochreiter and Schmidhuber 1997; Cho et al. 2014; Conneau et al. 2017 (pooling).
 */
#ifndef TW_TOWERS_TEXT_TEXT_RNN_H
#define TW_TOWERS_TEXT_TEXT_RNN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"
#include "nn/params.h"
#include "nn/tape/tape.h"

#define TWI_RNN_LAYERS_MAX 2
#define TWI_RNN_WIDTH_MAX  1024

typedef struct twi_rnn_config {
    int vocab;      /* pieces: TWI_PIECES_MIN..TWI_PIECES_MAX */
    int embed;      /* numbers of a piece: 1..TWI_RNN_WIDTH_MAX */
    int hidden;     /* state of one direction: 1..TWI_RNN_WIDTH_MAX */
    int layers;     /* 1..TWI_RNN_LAYERS_MAX */
    bool gru;       /* else LSTM */
    double dropout; /* in [0, 1), on what each layer reads; training only */
} twi_rnn_config;

typedef struct twi_rnn twi_rnn;

/* Adds the tensors to ps, names beginning with `prefix`; all zero. ps is kept and must outlive it.
 * TW_EINVAL: cfg out of range, a name taken or too long. TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status twi_rnn_create(twi_rnn **out, const twi_rnn_config *cfg, tw_params *ps,
                                      const char *prefix, tw_error *err);
void twi_rnn_destroy(twi_rnn *m); /* accepts NULL; the tensors stay in ps */

/* Table normal with deviation 0.1, input weights Glorot, state weights uniform within
 * 1/sqrt(hidden), biases 0 but an LSTM's forget gate, 1 (Jozefowicz et al. 2015). */
void twi_rnn_init(twi_rnn *m, tw_rng *rng);

/* y (n, 4 * hidden): text k is ids[offsets[k] .. offsets[k+1]), borrowed until the tape's reset. An
 * empty text gives zeros. Unnormalised. */
tw_tensor *twi_rnn_forward(const twi_rnn *m, tw_tape *t, const int32_t *ids, const int32_t *offsets,
                           int n);
int twi_rnn_width(const twi_rnn *m); /* 4 * hidden */

#endif
