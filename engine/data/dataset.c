/* The store's content as plain arrays, for training and evaluation. */
#include "engine/data/dataset.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "engine/engine_state.h"
#include "engine/item_reader.h"

/* ---- what towers may read of an item --------------------------------------------------------- */

void twi_described_fini(twi_described *d)
{
    tw_free(d->text);
    tw_free(d->attributes);
    tw_free(d->image);
    tw_free(d->audio);
    *d = (twi_described){0};
}

static tw_status keep(char **out, const char *s, size_t len, const char *id, tw_error *err)
{
    *out = len > 0 ? tw_strndup(s, len) : NULL;
    return *out != NULL || len == 0 ? TW_OK
                                    : tw_fail(err, TW_ENOMEM, "description of item '%.60s'", id);
}

tw_status twi_describe(const tw_item *item, unsigned modalities, tw_text *scratch,
                       twi_described *out, tw_error *err)
{
    tw_status st = TW_OK;
    const char *id = item->id;

    *out = (twi_described){0};
    if ((modalities >> TW_MODALITY_TEXT & 1) != 0) {
        tw_text_clear(scratch);
        TW_TRY(twi_item_text(item, scratch, err));
        TW_TRY(keep(&out->text, tw_text_cstr(scratch), scratch->len, id, err));
    }
    if ((modalities >> TW_MODALITY_ATTRIBUTES & 1) != 0)
        TW_TRY(keep(&out->attributes, item->attributes, strlen(item->attributes), id, err));
    if ((modalities >> TW_MODALITY_IMAGE & 1) != 0)
        TW_TRY(keep(&out->image, item->image, strlen(item->image), id, err));
    if ((modalities >> TW_MODALITY_AUDIO & 1) != 0)
        TW_TRY(keep(&out->audio, item->audio, strlen(item->audio), id, err));
done:
    if (st != TW_OK)
        twi_described_fini(out);
    return st;
}

/* ---- the catalogue --------------------------------------------------------------------------- */

typedef struct loader {
    twi_catalogue *c;
    size_t room;
    unsigned modalities;
    tw_text text;
} loader;

static tw_status load_item(void *ctx, const tw_item *item, tw_error *err)
{
    loader *l = ctx;
    twi_catalogue *c = l->c;
    const tw_column columns[] = {TW_COLUMN(&c->rows), TW_COLUMN(&c->items)};
    tw_status st = tw_grow_columns(columns, 2, &l->room, (size_t) c->n + 1, "items", err);
    if (st == TW_OK)
        st = twi_describe(item, l->modalities, &l->text, &c->items[c->n], err);
    if (st == TW_OK)
        c->rows[c->n++] = item->row;
    return st;
}

tw_status twi_catalogue_load(tw_engine *e, unsigned modalities, twi_catalogue *out, tw_error *err)
{
    tw_status st = TW_OK;
    loader l = {.c = out, .modalities = modalities};

    *out = (twi_catalogue){0};
    tw_text_init(&l.text, TW_STORE_MAX_TITLE + TW_STORE_MAX_TEXT + TW_STORE_MAX_ATTRIBUTES);
    TW_TRY(tw_store_each_item(e->store, 0, load_item, &l, err));
    out->max_row = out->n > 0 ? out->rows[out->n - 1] : 0;
    out->position = tw_alloc((size_t) out->max_row + 1, sizeof *out->position);
    if (out->position == NULL) {
        st = tw_fail(err, TW_ENOMEM, "catalogue of %lld items", (long long) out->n);
        goto done;
    }
    for (int64_t row = 0; row <= out->max_row; row++)
        out->position[row] = -1;
    for (int64_t i = 0; i < out->n; i++)
        out->position[out->rows[i]] = (int32_t) i;
done:
    tw_text_fini(&l.text);
    if (st != TW_OK)
        twi_catalogue_fini(out);
    return st;
}

void twi_catalogue_fini(twi_catalogue *c)
{
    for (int64_t i = 0; c->items != NULL && i < c->n; i++)
        twi_described_fini(&c->items[i]);
    tw_free(c->items);
    tw_free(c->rows);
    tw_free(c->position);
    *c = (twi_catalogue){0};
}

static tw_status load_event(void *ctx, const tw_event *ev, tw_error *err)
{
    twi_events *log = ctx;
    const tw_column columns[] = {TW_COLUMN(&log->users), TW_COLUMN(&log->items),
                                 TW_COLUMN(&log->times), TW_COLUMN(&log->seqs),
                                 TW_COLUMN(&log->ratings)};
    tw_status st = tw_grow_columns(columns, 5, &log->room, (size_t) log->n + 1, "events", err);
    if (st != TW_OK)
        return st;
    log->users[log->n] = ev->user;
    log->items[log->n] = ev->item;
    log->times[log->n] = ev->time;
    log->seqs[log->n] = ev->seq;
    log->ratings[log->n] = ev->rating;
    if (ev->rating > log->most)
        log->most = ev->rating;
    log->n++;
    return TW_OK;
}

tw_status twi_events_load(tw_engine *e, twi_events *out, tw_error *err)
{
    *out = (twi_events){0};
    tw_status st = tw_store_each_event(e->store, load_event, out, err);
    if (st != TW_OK)
        twi_events_fini(out);
    return st;
}

void twi_events_fini(twi_events *log)
{
    tw_free(log->users);
    tw_free(log->items);
    tw_free(log->times);
    tw_free(log->seqs);
    tw_free(log->ratings);
    *log = (twi_events){0};
}
