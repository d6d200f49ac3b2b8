/* base/grow.h — arrays that grow: the one way to append to an array whose end is not known.
 *
 *     row *rows = NULL;        // owned; end with tw_free
 *     size_t n = 0, room = 0;  // room: elements that there is memory for
 *
 *     TW_TRY(tw_grow(&rows, &room, n + 1, "rows", err));
 *     rows[n++] = row;
 *
 * Memory doubles, so n appended elements cost n moves at most. Where it fails, the array and its
 * room are as they were. Several arrays may share one room:
 *
 *     const tw_column columns[] = {TW_COLUMN(&users), TW_COLUMN(&items)};
 *     TW_TRY(tw_grow_columns(columns, 2, &room, n + 1, "events", err));
 *
 * Bytes with a cap are a tw_text (base/text.h). Each array is its caller's: no locks.
 */
#ifndef TW_BASE_GROW_H
#define TW_BASE_GROW_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* One of several arrays of one length. */
typedef struct tw_column {
    void *items; /* the address of the pointer to the first element */
    size_t size; /* bytes of an element */
} tw_column;

/* items: the address of a pointer. */
#define TW_COLUMN(items)                                                                           \
    {                                                                                              \
        (items), sizeof **(items)                                                                  \
    }

/* Makes room for `want` elements at least in each of n arrays; new elements are unspecified. `what`
 * names them in the message, in the plural.
 *
 * TW_ENOMEM: out of memory, or more bytes than a size can count; *room is as it was. */
TW_NODISCARD tw_status tw_grow_columns(const tw_column *columns, int n, size_t *room, size_t want,
                                       const char *what, tw_error *err);

/* The same of one array of elements of `size` bytes. Inline, because most calls find room. */
TW_NODISCARD static inline tw_status tw_grow_array(void *items, size_t size, size_t *room,
                                                   size_t want, const char *what, tw_error *err)
{
    const tw_column column = {items, size};
    return want <= *room ? TW_OK : tw_grow_columns(&column, 1, room, want, what, err);
}

/* tw_grow(&items, &room, want, what, err): the usual call; the element's size is that of *items. */
#define tw_grow(items, room, want, what, err)                                                      \
    tw_grow_array((items), sizeof **(items), (room), (want), (what), (err))

/* As tw_grow; new elements are zeroed bytes. */
#define tw_grow_zeroed(items, room, want, what, err)                                               \
    tw_grow_array_zeroed((items), sizeof **(items), (room), (want), (what), (err))

TW_NODISCARD tw_status tw_grow_array_zeroed(void *items, size_t size, size_t *room, size_t want,
                                            const char *what, tw_error *err);

#endif
