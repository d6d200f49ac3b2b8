/* put, delete, record: one change each, on disk and in the index when they return. */
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/event_time.h"
#include "engine/engine_state.h"
#include "engine/follow.h"
#include "engine/generation.h"
#include "engine/item_reader.h"
#include "engine/resolve.h"

/* The tower's vector of an item whose media r holds, into ws->vec. The reader learns late what
 * the tower reads, because decoding does not wait for the writer lock. */
static tw_status embed_item(twi_workspace *ws, twi_item_reader *r, const tw_item *item,
                            const tw_tower *tower, tw_error *err)
{
    tw_tower_item read;
    twi_item_reader_use(r, tower);
    tw_status st = twi_item_compose(r, item, &read, err);
    return st == TW_OK ? tw_tower_embed(ws->tower, &read, ws->vec, NULL, err) : st;
}

/* Waits for those who write, for as long as there is time. Queries never wait for it. */
static tw_status take_writer(tw_engine *e, tw_deadline until, tw_error *err)
{
    return tw_deadline_lock(until, &e->writer, "the writes before this one were done", err);
}

/* The writer lock is held, so that the generation cannot change under us. The deadline counts until
 * the commit: what is on disk is done, however late. */
static tw_status put_item(tw_engine *e, twi_item_reader *r, const tw_item *item, tw_deadline until,
                          tw_put_kind *kind, tw_error *err)
{
    tw_status st = TW_OK;
    twi_workspace *ws = NULL;
    tw_put_result put = {0};
    twi_generation *g = twi_acquire(e);

    if (g->tower != NULL) {
        TW_TRY(twi_workspace_take(g, &ws, err));
        TW_TRY(embed_item(ws, r, item, g->tower, err));
    }
    TW_TRY(tw_store_begin_by(e->store, until, err));
    TW_TRY(tw_store_put_item(e->store, item, &put, err));
    if (g->tower != NULL && put.kind != TW_PUT_UNCHANGED)
        TW_TRY(tw_store_put_vector(e->store, put.row, g->towers_version, ws->vec,
                                   tw_tower_dim(g->tower), NULL, err));
    TW_TRY(tw_deadline_check(until, "the item was stored", err));
    TW_TRY(tw_store_commit(e->store, err));
    TW_TRY(twi_follow(e, g, err));
    *kind = put.kind;
done:
    tw_store_rollback(e->store);
    twi_workspace_give(g, ws);
    twi_release(e, g);
    return st;
}

static const tw_write_options no_options = {0};

tw_status tw_engine_put_with(tw_engine *e, const tw_item *item, const tw_write_options *opt,
                             tw_put_kind *kind, tw_error *err)
{
    tw_status st = TW_OK;
    twi_item_reader reader;
    twi_client_item *client = NULL;

    if (opt == NULL)
        opt = &no_options;
    twi_item_reader_init(&reader, NULL, NULL);
    reader.deadline = opt->deadline;
    TW_TRY(twi_need_write(e, err));
    if (opt->from_client) {
        client = tw_alloc(1, sizeof *client);
        if (client == NULL)
            TW_TRY(tw_fail(err, TW_ENOMEM, "an item"));
        TW_TRY(twi_item_check_client(e, &reader, item, opt->media_root, client, err));
        item = &client->item;
    } else {
        TW_TRY(twi_item_check(&reader, item, err));
    }
    TW_TRY(take_writer(e, opt->deadline, err));
    st = put_item(e, &reader, item, opt->deadline, kind, err);
    (void) pthread_mutex_unlock(&e->writer);
    if (st == TW_OK)
        twi_maintenance_wake(e);
done:
    twi_item_reader_fini(&reader);
    tw_free(client);
    return st;
}

tw_status tw_engine_put(tw_engine *e, const tw_item *item, tw_put_kind *kind, tw_error *err)
{
    return tw_engine_put_with(e, item, NULL, kind, err);
}

/* The writer lock is held. */
static tw_status delete_item(tw_engine *e, const char *id, tw_deadline until, tw_error *err)
{
    tw_status st = TW_OK;
    twi_generation *g = twi_acquire(e);

    TW_TRY(tw_store_begin_by(e->store, until, err));
    TW_TRY(tw_store_delete_item(e->store, id, NULL, err));
    TW_TRY(tw_deadline_check(until, "the item was deleted", err));
    TW_TRY(tw_store_commit(e->store, err));
    TW_TRY(twi_follow(e, g, err));
done:
    tw_store_rollback(e->store);
    twi_release(e, g);
    return st;
}

tw_status tw_engine_delete_with(tw_engine *e, const char *id, const tw_write_options *opt,
                                tw_error *err)
{
    const tw_deadline until = opt != NULL ? opt->deadline : 0;
    tw_status st = twi_need_write(e, err);
    if (st == TW_OK)
        st = take_writer(e, until, err);
    if (st != TW_OK)
        return st;
    st = delete_item(e, id, until, err);
    (void) pthread_mutex_unlock(&e->writer);
    if (st == TW_OK)
        twi_maintenance_wake(e);
    return st;
}

tw_status tw_engine_delete(tw_engine *e, const char *id, tw_error *err)
{
    return tw_engine_delete_with(e, id, NULL, err);
}

static tw_status add_event(tw_engine *e, const char *user, tw_event *ev, tw_deadline until,
                           bool *added, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(tw_store_begin_by(e->store, until, err));
    TW_TRY(tw_store_add_event(e->store, user, ev, added, err));
    TW_TRY(tw_deadline_check(until, "the event was stored", err));
    TW_TRY(tw_store_commit(e->store, err));
done:
    tw_store_rollback(e->store);
    return st;
}

static tw_status event_time(double time, bool any, int64_t *us, tw_error *err)
{
    *us = tw_clock_micros();
    return time == 0 ? TW_OK : tw_time_of_seconds(time, any, us, err);
}

tw_status tw_engine_record_with(tw_engine *e, const char *user, const char *item, double time,
                                const tw_write_options *opt, bool *added, tw_error *err)
{
    const tw_deadline until = opt != NULL ? opt->deadline : 0;
    tw_event ev = {.rating = NAN, .value = NAN};
    *added = false;
    tw_status st = twi_need_write(e, err);
    if (st == TW_OK)
        st = event_time(time, opt != NULL && opt->allow_future, &ev.time, err);
    if (st == TW_OK)
        st = twi_resolve(e, item, &ev.item, NULL, err);
    if (st == TW_OK)
        st = add_event(e, user, &ev, until, added, err);
    *added = *added && st == TW_OK;
    return st;
}

tw_status tw_engine_record(tw_engine *e, const char *user, const char *item, double time,
                           bool *added, tw_error *err)
{
    return tw_engine_record_with(e, user, item, time, NULL, added, err);
}
