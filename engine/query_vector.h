/* engine/query_vector.h — from what a query holds to a vector to search with. Internal to engine/.
 */
#ifndef TW_ENGINE_QUERY_VECTOR_H
#define TW_ENGINE_QUERY_VECTOR_H

#include <stdint.h>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/generation.h"

/* Either an item, or something else. */
TW_NODISCARD tw_status twi_query_check(const tw_embed_query *q, tw_error *err);
/* ws->vec <- the stored vector of item `row` when q names one, else the towers' of what q holds.
 * TW_EINVAL: the towers do not read it, or it cannot be decoded. TW_ETIMEOUT. */
TW_NODISCARD tw_status twi_query_vector(tw_engine *e, const twi_generation *g, twi_workspace *ws,
                                        const tw_embed_query *q, int64_t row, tw_error *err);
/* "item", "text", "picture", "sound", or "mixed". Static. */
const char *twi_query_basis(const tw_embed_query *q);

#endif
