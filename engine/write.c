/* put, delete, record: one change each, on disk and in the index when they return. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "engine/internal.h"

/* The tower's vector of an item whose media r holds, into seat->vec. The reader is told late what
 * the tower reads, for decoding waits for nobody. */
static tw_status embed_item(twi_seat *seat, twi_item_reader *r, const tw_item *item,
                            const tw_tower *tower, tw_error *err)
{
    tw_tower_item read;
    twi_item_reader_serve(r, tower);
    tw_status st = twi_item_compose(r, item, &read, err);
    return st == TW_OK ? tw_tower_embed(seat->tower, &read, seat->vec, NULL, err) : st;
}

/* The writer lock is held, so that the generation cannot change under us. */
static tw_status put_item(tw_engine *e, twi_item_reader *r, const tw_item *item, tw_put_kind *kind,
                          tw_error *err)
{
    tw_status st = TW_OK;
    twi_seat *seat = NULL;
    tw_put_result put = {0};
    twi_generation *g = twi_acquire(e);

    if (g->tower != NULL) {
        TW_TRY(twi_seat_take(g, &seat, err));
        TW_TRY(embed_item(seat, r, item, g->tower, err));
    }
    TW_TRY(tw_store_begin(e->store, err));
    TW_TRY(tw_store_put_item(e->store, item, &put, err));
    if (g->tower != NULL && put.kind != TW_PUT_UNCHANGED)
        TW_TRY(tw_store_put_vector(e->store, put.row, g->towers_version, seat->vec,
                                   tw_tower_dim(g->tower), NULL, err));
    TW_TRY(tw_store_commit(e->store, err));
    TW_TRY(twi_follow(e, g, err));
    *kind = put.kind;
done:
    tw_store_rollback(e->store);
    twi_seat_give(g, seat);
    twi_release(e, g);
    return st;
}

tw_status tw_engine_put(tw_engine *e, const tw_item *item, tw_put_kind *kind, tw_error *err)
{
    tw_status st = TW_OK;
    twi_item_reader reader;

    twi_item_reader_init(&reader, NULL, NULL);
    TW_TRY(twi_need_write(e, err));
    TW_TRY(twi_item_check(&reader, item, err));
    (void) pthread_mutex_lock(&e->writer);
    st = put_item(e, &reader, item, kind, err);
    (void) pthread_mutex_unlock(&e->writer);
    if (st == TW_OK)
        twi_keeper_poke(e);
done:
    twi_item_reader_fini(&reader);
    return st;
}

tw_status tw_engine_delete(tw_engine *e, const char *id, tw_error *err)
{
    tw_status st = twi_need_write(e, err);
    if (st != TW_OK)
        return st;
    (void) pthread_mutex_lock(&e->writer);
    twi_generation *g = twi_acquire(e);
    TW_TRY(tw_store_delete_item(e->store, id, NULL, err));
    TW_TRY(twi_follow(e, g, err));
done:
    twi_release(e, g);
    (void) pthread_mutex_unlock(&e->writer);
    if (st == TW_OK)
        twi_keeper_poke(e);
    return st;
}

tw_status tw_engine_record(tw_engine *e, const char *user, const char *item, int64_t time,
                           bool *added, tw_error *err)
{
    tw_event ev = {.time = time != 0 ? time : tw_clock_unix(), .rating = NAN, .value = NAN};
    *added = false;
    tw_status st = twi_need_write(e, err);
    if (st == TW_OK)
        st = twi_resolve(e, item, &ev.item, err);
    return st == TW_OK ? tw_store_add_event(e->store, user, &ev, added, err) : st;
}
