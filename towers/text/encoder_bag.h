/* towers/text/encoder_bag.h — the encoder that reads a text as a bag of hashed features: the
 * idf-weighted sum of a table's rows.
 *
 * V = 2^bits buckets, E = embed_dim. Internal to towers/.
 */
#ifndef TW_TOWERS_TEXT_ENCODER_BAG_H
#define TW_TOWERS_TEXT_ENCODER_BAG_H

#include "towers/encoder.h"

typedef struct twi_bag {
    twi_encoder base; /* first: a twi_encoder * of the bag's class is a twi_bag * */
    tw_tower_config cfg;
    tw_param *table; /* (V, E) "text.table" */
    float *idf;      /* (V) */
} twi_bag;

/* TW_ENOMEM. */
TW_NODISCARD tw_status twi_bag_create(twi_encoder **out, const tw_tower_config *cfg, tw_params *ps,
                                      tw_error *err);

#endif
