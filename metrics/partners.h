/* metrics/partners.h — from pairs of items to the partners of each. */
#ifndef TW_METRICS_PARTNERS_H
#define TW_METRICS_PARTNERS_H

#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"
#include "base/types.h"

TW_BEGIN_DECLS

/* Partners of every item, both directions, sorted, each once. */
typedef struct tw_partners {
    int64_t *offsets; /* (n + 1) */
    int32_t *items;   /* (offsets[n]) */
} tw_partners;

/* From pairs of two items whose label is at least 0.5. TW_EINVAL: an item outside 0..n-1.
 * TW_ENOMEM. */
TW_NODISCARD tw_status tw_partners_build(tw_partners *p, int64_t n, const tw_item_pair *pairs,
                                         int64_t n_pairs, tw_error *err);
void tw_partners_fini(tw_partners *p); /* accepts a zeroed one */

TW_END_DECLS

#endif
