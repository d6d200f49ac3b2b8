/* seqmodel/seq_ids.h — the caller's names of indices 1..n.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_IDS_H
#define TW_SEQMODEL_SEQ_IDS_H

#include <stdint.h>

#include "base/error.h"

typedef struct twi_ids {
    int32_t n;
    int64_t *id;                /* (n+1); NULL: id == index */
    struct twi_id_place *place; /* (n) sorted by id, for look-up; NULL with id */
} twi_ids;

/* Takes a copy of id (n+1), element 0 ignored. TW_EINVAL: an id twice; `what` ("item") is named. */
TW_NODISCARD tw_status twi_ids_set(twi_ids *ids, const int64_t *id, const char *what,
                                   tw_error *err);
void twi_ids_fini(twi_ids *ids);
int64_t twi_ids_at(const twi_ids *ids, int32_t index);
int32_t twi_ids_find(const twi_ids *ids, int64_t id); /* 0: none */

#endif
