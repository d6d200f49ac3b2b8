/* id -> row, as a table of pages. Read without locks while one writer writes. */
#include <string.h>

#include "base/alloc.h"
#include "index/index.h"
#include "index/index_map.h"

#define PAGES ((size_t) (TW_INDEX_MAX_ID / TWI_PAGE_IDS + 1))

tw_status twi_map_init(twi_map *m, tw_error *err)
{
    /* 4 MiB that the system gives only where it is touched. */
    m->used = 0;
    m->pages = tw_alloc(PAGES, sizeof *m->pages);
    return m->pages != NULL ? TW_OK : tw_fail(err, TW_ENOMEM, "table of %zu id pages", PAGES);
}

void twi_map_fini(twi_map *m)
{
    for (size_t p = 0; p < m->used; p++)
        tw_free(m->pages[p]);
    tw_free(m->pages);
    memset(m, 0, sizeof *m);
}

tw_status twi_map_reserve(twi_map *m, int64_t id, tw_error *err)
{
    twi_loc **page = &m->pages[id / TWI_PAGE_IDS];
    if (*page != NULL)
        return TW_OK;
    twi_loc *fresh = tw_alloc(TWI_PAGE_IDS, sizeof *fresh);
    if (fresh == NULL)
        return tw_fail(err, TW_ENOMEM, "page for id %lld", (long long) id);
    __atomic_store_n(page, fresh, __ATOMIC_RELEASE);
    const size_t used = (size_t) (id / TWI_PAGE_IDS) + 1;
    if (used > m->used)
        __atomic_store_n(&m->used, used, __ATOMIC_RELAXED);
    return TW_OK;
}

void twi_map_set(twi_map *m, int64_t id, twi_loc loc)
{
    __atomic_store_n(&m->pages[id / TWI_PAGE_IDS][id % TWI_PAGE_IDS], loc, __ATOMIC_RELEASE);
}

twi_loc twi_map_get(const twi_map *m, int64_t id)
{
    if (id < 1 || id > TW_INDEX_MAX_ID)
        return 0;
    const twi_loc *page = __atomic_load_n(&m->pages[id / TWI_PAGE_IDS], __ATOMIC_ACQUIRE);
    return page != NULL ? __atomic_load_n(&page[id % TWI_PAGE_IDS], __ATOMIC_ACQUIRE) : 0;
}

int64_t twi_map_bytes(const twi_map *m)
{
    int64_t bytes = 0;
    const size_t used = __atomic_load_n(&m->used, __ATOMIC_RELAXED);
    for (size_t p = 0; p < used; p++)
        if (__atomic_load_n(&m->pages[p], __ATOMIC_RELAXED) != NULL)
            bytes += (int64_t) (TWI_PAGE_IDS * sizeof(twi_loc));
    return bytes;
}
