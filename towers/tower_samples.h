/* towers/tower_samples.h — items as they were prepared: for each modality one run of bytes, and
 * where each item's lie.
 *
 * Internal to towers/.
 */
#ifndef TW_TOWERS_TOWER_SAMPLES_H
#define TW_TOWERS_TOWER_SAMPLES_H

#include "towers/encoder.h"
#include "towers/towers.h"

typedef struct twi_lane {
    int64_t *offsets; /* (n) into bytes; NULL: the tower does not read this modality */
    int32_t *lengths; /* (n) 0: the item lacks it */
    twi_bytes bytes;
    int64_t with; /* items that have it */
} twi_lane;

struct tw_tower_samples {
    int64_t n;
    twi_lane lanes[TW_MODALITIES];
};

twi_sample twi_sample_of(const tw_tower_samples *s, int m, int64_t i);

/* What each encoder needs to prepare on one thread. close accepts a partly filled array. */
TW_NODISCARD tw_status twi_readers_open(void *reader[TW_MODALITIES], const tw_tower *t,
                                        tw_error *err);
void twi_readers_close(void *reader[TW_MODALITIES], const tw_tower *t);

/* Bytes of texts[i]; lens NULL: it ends with a zero byte. */
size_t twi_text_len(const char *const *texts, const size_t *lens, int64_t i);

#endif
