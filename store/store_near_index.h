/* store/store_near_index.h — candidates for "did you mean". Internal to store/.
 */
#ifndef TW_STORE_STORE_NEAR_INDEX_H
#define TW_STORE_STORE_NEAR_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "store/store_statement.h"

typedef struct twi_names_index twi_names_index;
TW_NODISCARD tw_status twi_names_index_create(twi_names_index **out, tw_error *err);
void twi_names_index_destroy(twi_names_index *ix); /* accepts NULL */
/* The rows (room) whose ids or titles share most letters with `folded`, ascending. Follows the
 * store first, if `committed` (c sees no open transaction's rows), for a bounded time; *n is 0 when
 * others keep it busy. Thread-safe. TW_ENOMEM and what reading gives. */
TW_NODISCARD tw_status twi_names_index_candidates(twi_names_index *ix, twi_conn *c, bool committed,
                                                  const tw_text *folded, int64_t *rows, int room,
                                                  int *n, tw_error *err);

#endif
