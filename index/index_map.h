/* index/index_map.h — where the row of an id is. Internal to index/.
 */
#ifndef TW_INDEX_INDEX_MAP_H
#define TW_INDEX_INDEX_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TWI_PAGE_IDS 4096

/* 0: no such id; r > 0: row r-1 of main; r < 0: row -r-1 of delta. */
typedef int32_t twi_loc;

typedef struct twi_map {
    twi_loc **pages; /* by id / TWI_PAGE_IDS; NULL where no id was ever */
    size_t used;     /* atomic: pages from here on are NULL */
} twi_map;

TW_NODISCARD tw_status twi_map_init(twi_map *m, tw_error *err);
void twi_map_fini(twi_map *m);
/* After it, setting id cannot fail. One writer. */
TW_NODISCARD tw_status twi_map_reserve(twi_map *m, int64_t id, tw_error *err);
void twi_map_set(twi_map *m, int64_t id, twi_loc loc); /* id is reserved */
twi_loc twi_map_get(const twi_map *m, int64_t id);     /* any id, any thread */
int64_t twi_map_bytes(const twi_map *m);

#endif
