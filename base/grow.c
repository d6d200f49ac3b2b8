#include "base/grow.h"

#include <string.h>

#include "base/alloc.h"
#include "base/size.h"

enum { FIRST_ROOM = 16 };

/* The array's pointer is read and written as bytes: it is a pointer to some type that is not known
 * here, and C does not allow to read that as a void pointer. */
static bool grow_column(const tw_column *c, size_t room)
{
    void *items;
    memcpy(&items, c->items, sizeof items);
    items = tw_realloc(items, room, c->size);
    if (items == NULL)
        return false;
    memcpy(c->items, &items, sizeof items);
    return true;
}

tw_status tw_grow_columns(const tw_column *columns, int n, size_t *room, size_t want,
                          const char *what, tw_error *err)
{
    size_t more = *room > 0 ? *room : FIRST_ROOM;
    if (want <= *room)
        return TW_OK;
    if (*room > 0 && !tw_size_mul(*room, 2, &more))
        more = want;
    if (more < want)
        more = want;
    for (int i = 0; i < n; i++)
        if (!grow_column(&columns[i], more))
            return tw_fail(err, TW_ENOMEM, "no memory for %zu %s", more, what);
    *room = more;
    return TW_OK;
}

tw_status tw_grow_array_zeroed(void *items, size_t size, size_t *room, size_t want,
                               const char *what, tw_error *err)
{
    const size_t had = *room;
    const tw_status st = tw_grow_array(items, size, room, want, what, err);
    if (st == TW_OK && *room > had) {
        unsigned char *bytes;
        memcpy(&bytes, items, sizeof bytes);
        memset(bytes + had * size, 0, (*room - had) * size);
    }
    return st;
}
