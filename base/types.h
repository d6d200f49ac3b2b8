/* base/types.h — the few plain types that several folders exchange. */
#ifndef TW_BASE_TYPES_H
#define TW_BASE_TYPES_H

#include <stdint.h>

#include "base/decls.h"

TW_BEGIN_DECLS

/* One search result. `item` is the store's row number (>= 1), never the user's string id. */
typedef struct tw_hit {
    int64_t item;
    float score; /* inner product; higher is nearer */
} tw_hit;

/* Two items and what is known of them: label 1 = similar, 0 = not; or a score in [-1, 1]. Mined
 * pairs carry label 1. */
typedef struct tw_item_pair {
    int32_t a, b;
    float label;
    float weight; /* strength of a mined pair, > 0; 1 when nothing is known */
} tw_item_pair;

/* Progress of a long call, reported by the library to what shows it. */
typedef struct tw_progress {
    const char *stage; /* static string: "reading", "training", "embedding" ... */
    int64_t done;
    int64_t total;    /* 0: not known */
    const char *unit; /* what is counted ("users"), where its rate is worth showing; NULL: it is not
                       */
    const char *note; /* NULL, or one line worth showing ("loss 5.12 ndcg@10 0.071"); borrowed */
} tw_progress;

/* Returns 0 to go on, anything else to stop soon (the call then ends with TW_ECANCELLED, with
 * everything done so far kept where its docstring says so). Called from the calling thread. */
typedef int (*tw_progress_fn)(void *ctx, const tw_progress *p);

TW_END_DECLS

#endif
