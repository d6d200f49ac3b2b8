/* The rows that came since main was built: append-only chunks, shared between an old state and the
 * one a merge puts in its place. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "index/index_delta.h"

void twi_delta_init(twi_delta *d, int dim)
{
    memset(d, 0, sizeof *d);
    d->dim = dim;
}

static void chunk_drop(twi_chunk *c)
{
    if (c != NULL && __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) == 0)
        tw_free(c);
}

void twi_delta_fini(twi_delta *d)
{
    for (int p = 0; p < TWI_DELTA_PAGES && d->pages[p] != NULL; p++) {
        for (int c = 0; c < TWI_PAGE_CHUNKS; c++)
            chunk_drop(d->pages[p][c]);
        tw_free(d->pages[p]);
        d->pages[p] = NULL;
    }
}

/* The place of chunk number c. Its page is made when it is missing; NULL: out of memory. */
static twi_chunk **slot(twi_delta *d, int64_t c)
{
    twi_chunk ***page = &d->pages[c / TWI_PAGE_CHUNKS];
    if (*page == NULL) {
        twi_chunk **fresh = tw_alloc(TWI_PAGE_CHUNKS, sizeof(twi_chunk *));
        if (fresh == NULL)
            return NULL;
        __atomic_store_n(page, fresh, __ATOMIC_RELEASE);
    }
    return &(*page)[c % TWI_PAGE_CHUNKS];
}

tw_status twi_delta_share(twi_delta *to, const twi_delta *from, int64_t row, int64_t *shift,
                          tw_error *err)
{
    const int64_t count = twi_delta_count(from);
    const int64_t skip =
        row == count ? (count + TWI_CHUNK_ROWS - 1) >> TWI_CHUNK_BITS : row >> TWI_CHUNK_BITS;

    twi_delta_init(to, from->dim);
    *shift = skip << TWI_CHUNK_BITS;
    for (int64_t c = skip; (c << TWI_CHUNK_BITS) < count; c++) {
        twi_chunk **place = slot(to, c - skip);
        if (place == NULL) {
            twi_delta_fini(to);
            return tw_fail(err, TW_ENOMEM, "page of chunks");
        }
        *place = twi_delta_chunk(from, c << TWI_CHUNK_BITS);
        (void) __atomic_add_fetch(&(*place)->refs, 1, __ATOMIC_RELAXED);
    }
    if (row < count) {
        to->first = row - *shift;
        to->count = count - *shift;
    }
    return TW_OK;
}

tw_status twi_delta_reserve(twi_delta *d, tw_error *err)
{
    if (d->count >= TWI_DELTA_MAX)
        return tw_fail(err, TW_EBUSY, "delta is full at %lld rows: merge first",
                       (long long) d->count);
    twi_chunk **place = slot(d, d->count >> TWI_CHUNK_BITS);
    if (place != NULL && *place != NULL)
        return TW_OK;

    const size_t bytes =
        sizeof(twi_chunk) + (size_t) TWI_CHUNK_ROWS * (size_t) d->dim * sizeof(float);
    twi_chunk *fresh = place != NULL ? tw_alloc(1, bytes) : NULL;
    if (fresh == NULL)
        return tw_fail(err, TW_ENOMEM, "chunk of %d rows", TWI_CHUNK_ROWS);
    fresh->refs = 1;
    *place = fresh; /* seen by readers only once count says so */
    return TW_OK;
}

int64_t twi_delta_append(twi_delta *d, int64_t id, const float *vec, uint64_t created)
{
    const int64_t row = d->count;
    twi_chunk *c = twi_delta_chunk(d, row);
    const int at = (int) (row & (TWI_CHUNK_ROWS - 1));

    c->ids[at] = (int32_t) id;
    c->created[at] = created;
    memcpy(c->vecs + (size_t) at * (size_t) d->dim, vec, (size_t) d->dim * sizeof *vec);
    __atomic_store_n(&d->count, row + 1, __ATOMIC_RELEASE);
    return row;
}

int64_t twi_delta_count(const twi_delta *d) { return __atomic_load_n(&d->count, __ATOMIC_ACQUIRE); }

twi_chunk *twi_delta_chunk(const twi_delta *d, int64_t row)
{
    const int64_t c = row >> TWI_CHUNK_BITS;
    twi_chunk **page = __atomic_load_n(&d->pages[c / TWI_PAGE_CHUNKS], __ATOMIC_ACQUIRE);
    assert(page != NULL);
    return page[c % TWI_PAGE_CHUNKS];
}

const float *twi_delta_vec(const twi_delta *d, int64_t row)
{
    const size_t at = (size_t) (row & (TWI_CHUNK_ROWS - 1));
    return twi_delta_chunk(d, row)->vecs + at * (size_t) d->dim;
}

bool twi_delta_sees(const twi_delta *d, int64_t row, uint64_t version)
{
    const twi_chunk *c = twi_delta_chunk(d, row);
    const int64_t at = row & (TWI_CHUNK_ROWS - 1);
    const uint64_t deleted = __atomic_load_n(&c->deleted[at], __ATOMIC_RELAXED);
    return c->created[at] <= version && (deleted == 0 || deleted > version);
}
