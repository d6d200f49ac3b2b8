/* towers/text/text_transformer.h — a transformer encoder over word pieces, pooled to a vector a
 * text.
 *
 * Internal to towers/. BERT's encoder: the sum of a piece's and a position's
 * vector, layer norm; then in each layer
 *
 *     x = norm(x + attention(x))        every piece sees every piece of its text
 *     x = norm(x + w2 gelu(w1 x))
 *
 * and the mean over all pieces of a text, [CLS] and [SEP] included, as
 * sentence-transformers takes it, or another way of text_pooling.h. BERT's vector of token type 0
 * is a constant on top of every position: an import adds it to the positions. Texts are packed, so
 * padding costs nothing.
 *
 * The object holds no state of a batch: threads may run it at once, each on a
 * tape of its own. Sources: Devlin et al. 2019; Reimers and Gurevych 2019 (mean pooling).
 */
#ifndef TW_TOWERS_TEXT_TEXT_TRANSFORMER_H
#define TW_TOWERS_TEXT_TEXT_TRANSFORMER_H

#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"
#include "nn/params.h"
#include "nn/tape/tape.h"

#define TWI_TRANSFORMER_LAYERS_MAX    24
#define TWI_TRANSFORMER_WIDTH_MAX     1024
#define TWI_TRANSFORMER_HIDDEN_MAX    4096
#define TWI_TRANSFORMER_POSITIONS_MAX 4096

typedef struct twi_transformer_config {
    int vocab;      /* pieces: TWI_PIECES_MIN..TWI_PIECES_MAX */
    int positions;  /* the most pieces of a text: 2..TWI_TRANSFORMER_POSITIONS_MAX */
    int width;      /* 1..TWI_TRANSFORMER_WIDTH_MAX, divisible by heads */
    int heads;      /* >= 1 */
    int layers;     /* 1..TWI_TRANSFORMER_LAYERS_MAX */
    int hidden;     /* inner width of the feed-forward part: 1..TWI_TRANSFORMER_HIDDEN_MAX */
    double eps;     /* of the layer norms, > 0 and < 1: BERT has 1e-12 */
    double dropout; /* in [0, 1), on attention weights and on what joins the sum; training only */
    int pooling;    /* a set of TWI_POOL bits; 0: the mean */
    int skip;       /* first pieces of every text that are not pooled, >= 0 */
} twi_transformer_config;

typedef struct twi_transformer twi_transformer;

/* Adds the tensors to ps, names beginning with `prefix` ("text."): words, positions, norm.gain ...,
 * layer0.qkv.w (3 * width, width) and so on; all zero. ps is kept and must outlive it.
 *
 * TW_EINVAL: cfg out of range, a name taken or too long. TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status twi_transformer_create(twi_transformer **out,
                                              const twi_transformer_config *cfg, tw_params *ps,
                                              const char *prefix, tw_error *err);
void twi_transformer_destroy(twi_transformer *m); /* accepts NULL; the tensors stay in ps */

/* BERT's start: weights and tables normal with deviation 0.02, biases 0, gains 1. */
void twi_transformer_init(twi_transformer *m, tw_rng *rng);

/* The columns of its output: width, once for each way of pooling. */
int twi_transformer_columns(const twi_transformer *m);

/* y (n, columns) <- n texts: text k is ids[offsets[k] .. offsets[k+1]), at most `positions` of
 * them, each in [0, vocab). ids and offsets (n+1) are borrowed until the tape's reset. An empty
 * text gives zeros. Unnormalised. */
tw_tensor *twi_transformer_forward(const twi_transformer *m, tw_tape *t, const int32_t *ids,
                                   const int32_t *offsets, int n);

#endif
