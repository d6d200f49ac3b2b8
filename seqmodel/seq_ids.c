/* seqmodel/seq_ids.c — indices 1..n and the caller's ids, both ways. */
#include <stdlib.h>

#include "base/alloc.h"
#include "seqmodel/seq_ids.h"

struct twi_id_place {
    int64_t id;
    int32_t index;
};

static int by_id(const void *a, const void *b)
{
    const struct twi_id_place *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

tw_status twi_ids_set(twi_ids *ids, const int64_t *id, const char *what, tw_error *err)
{
    tw_status st = TW_OK;
    int32_t n = ids->n;
    twi_ids next = {.n = n};

    next.id = tw_alloc((size_t) n + 1, sizeof *next.id);
    next.place = tw_alloc((size_t) n, sizeof *next.place);
    if (next.id == NULL || next.place == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%d %s ids", n, what);
        goto done;
    }
    for (int32_t i = 1; i <= n; i++) {
        next.id[i] = id[i];
        next.place[i - 1] = (struct twi_id_place){.id = id[i], .index = i};
    }
    qsort(next.place, (size_t) n, sizeof *next.place, by_id);
    for (int32_t i = 1; i < n; i++) {
        if (next.place[i - 1].id == next.place[i].id) {
            st = tw_fail(err, TW_EINVAL, "%s id %lld occurs twice", what,
                         (long long) next.place[i].id);
            goto done;
        }
    }
    twi_ids_fini(ids);
    *ids = next;
    next = (twi_ids){0};
done:
    twi_ids_fini(&next);
    return st;
}

void twi_ids_fini(twi_ids *ids)
{
    tw_free(ids->id);
    tw_free(ids->place);
    *ids = (twi_ids){0};
}

int64_t twi_ids_at(const twi_ids *ids, int32_t index)
{
    return ids->id == NULL ? index : ids->id[index];
}

int32_t twi_ids_find(const twi_ids *ids, int64_t id)
{
    if (ids->id == NULL)
        return id >= 1 && id <= ids->n ? (int32_t) id : 0;
    struct twi_id_place key = {.id = id};
    const struct twi_id_place *hit = bsearch(&key, ids->place, (size_t) ids->n, sizeof key, by_id);
    return hit == NULL ? 0 : hit->index;
}
