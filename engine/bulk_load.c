/* A load's transactions, and an item in one of them. */
#include "engine/bulk_load.h"

#include <stdio.h>
#include <string.h>

#include "base/crash.h"
#include "engine/engine_state.h"
#include "engine/follow.h"

void twi_load_init(twi_load *l, tw_engine *e, const tw_ingest_options *opt,
                   tw_ingest_report *report)
{
    static const tw_ingest_options defaults = {0};
    *l = (twi_load){.e = e, .opt = opt != NULL ? opt : &defaults, .report = report};
    *report = (tw_ingest_report){0};
    twi_item_reader_init(&l->media, NULL, NULL);
    tw_text_init(&l->tidy, TW_STORE_MAX_ATTRIBUTES + 1);
}

void twi_load_fini(twi_load *l)
{
    twi_item_reader_fini(&l->media);
    twi_repeats_fini(&l->repeats);
    tw_text_fini(&l->tidy);
    tw_rejects_close(l->rejects);
}

/* ---- transactions ---------------------------------------------------------------------------- */

tw_status twi_load_begin(twi_load *l, tw_error *err)
{
    tw_status st = TW_OK;
    if (l->g != NULL)
        return TW_OK;
    (void) pthread_mutex_lock(&l->e->writer);
    l->g = twi_acquire(l->e);
    l->pending = l->decoded = 0;
    twi_item_reader_use(&l->media, l->g->tower);
    if (l->g->tower != NULL)
        TW_TRY(twi_workspace_take(l->g, &l->ws, err));
    TW_TRY(tw_store_begin(l->e->store, err));
done:
    return st;
}

void twi_load_end(twi_load *l)
{
    if (l->g == NULL)
        return;
    tw_store_rollback(l->e->store); /* nothing after a commit */
    twi_workspace_give(l->g, l->ws);
    twi_release(l->e, l->g);
    l->ws = NULL;
    l->g = NULL;
    (void) pthread_mutex_unlock(&l->e->writer);
}

/* Other writers wait for a transaction, and an image takes as long as a thousand rows
 * of text. */
bool twi_load_is_full(const twi_load *l)
{
    enum { BATCH_MEDIA = 64 };
    return l->pending >= TWI_BATCH_ROWS || l->decoded >= BATCH_MEDIA;
}

tw_status twi_load_commit(twi_load *l, tw_error *err)
{
    tw_status st = TW_OK;
    if (l->g == NULL)
        return TW_OK;
    TW_TRY(tw_rejects_flush(l->rejects, err)); /* before a mark says they were read */
    TW_TRY(tw_store_commit(l->e->store, err));
    tw_crash_point(); /* rows and marks on disk, the index not yet changed */
    TW_TRY(twi_follow(l->e, l->g, err));
done:
    twi_load_end(l);
    return st;
}

/* ---- rejects --------------------------------------------------------------------------------- */

tw_status twi_load_open_rejects(twi_load *l, const char *beside, tw_reader_place place,
                                tw_error *err)
{
    size_t len = strlen(beside);
    while (len > 1 && beside[len - 1] == '/')
        len--;
    const int n =
        snprintf(l->rejects_path, sizeof l->rejects_path, "%.*s.rejected", (int) len, beside);
    if (n < 0 || (size_t) n >= sizeof l->rejects_path)
        return tw_fail(err, TW_EINVAL, "path '%.60s...' is too long", beside);
    return tw_rejects_open(&l->rejects, l->rejects_path, place, err);
}

tw_status twi_load_reject(twi_load *l, int64_t line, const tw_error *why, const char *raw,
                          size_t len, tw_error *err)
{
    if (l->report->rejected++ == 0)
        (void) snprintf(l->report->first_reject, sizeof l->report->first_reject, "%.511s",
                        why->msg);
    return tw_rejects_add(l->rejects, line, why->msg, raw, len, err);
}

void twi_load_note_rejects(const twi_load *l)
{
    if (l->rejects != NULL && tw_rejects_count(l->rejects) > 0)
        (void) snprintf(l->report->rejects_path, sizeof l->report->rejects_path, "%s",
                        l->rejects_path);
}

/* ---- an item --------------------------------------------------------------------------------- */

static bool same_path(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

/* Whether the store holds this item with these files: then they were found readable, and a file
 * that has gone since is no reason to refuse the row. */
static tw_status is_known(twi_load *l, const tw_item *item, bool *known, tw_error *err)
{
    tw_item old;
    *known = false;
    tw_status st = tw_store_item_by_id(l->e->store, item->id, &old, err);
    if (st == TW_OK) {
        *known = same_path(old.image, item->image) && same_path(old.audio, item->audio);
        tw_item_fini(&old);
    }
    return st == TW_ENOTFOUND || st == TW_EINVAL ? TW_OK : st; /* put has the sentence */
}

/* Puts the line before a sentence; 0: there is none. */
static tw_status at_line(int64_t line, tw_status st, const tw_error *why, tw_error *err)
{
    if (st == TW_OK)
        return st;
    return line > 0 ? tw_fail(err, st, "line %lld: %s", (long long) line, why->msg)
                    : tw_fail(err, st, "%s", why->msg);
}

/* Leaves what the files of a row hold in l->media, decoded once for checking and embedding; `again`
 * where they are known, too. TW_EINVAL: one cannot be read. */
static tw_status check_media(twi_load *l, const tw_row *r, const tw_item *item, bool again,
                             bool *checked, tw_error *err)
{
    tw_error why = {0};
    bool known = false;
    const int files = (item->image != NULL && item->image[0] != '\0') +
                      (item->audio != NULL && item->audio[0] != '\0');
    tw_status st = TW_OK;

    *checked = false;
    if (files == 0)
        return TW_OK;
    if (!again)
        st = is_known(l, item, &known, err);
    if (st != TW_OK || known)
        return st;
    l->decoded += files;
    *checked = true;
    st = twi_item_check(&l->media, item, &why);
    return at_line(r->line, st, &why, err);
}

static tw_status embed_row(twi_load *l, const tw_item *item, bool checked, int64_t row,
                           tw_error *err)
{
    tw_tower_item read;
    tw_status st = checked ? twi_item_compose(&l->media, item, &read, err)
                           : twi_item_read(&l->media, item, &read, err);
    if (st == TW_OK)
        st = tw_tower_embed(l->ws->tower, &read, l->ws->vec, NULL, err);
    if (st != TW_OK)
        return st;
    return tw_store_put_vector(l->e->store, row, l->g->towers_version, l->ws->vec,
                               tw_tower_dim(l->g->tower), NULL, err);
}

/* A value that may be no attribute is left out and reported: it is no reason to lose the item. */
static tw_status put_row(twi_load *l, tw_item *item, int64_t line, tw_put_result *put,
                         tw_error *err)
{
    tw_error why = {0}, first = {0};
    int refused = 0;
    tw_status st = tw_store_put_item(l->e->store, item, put, &why);
    if (st == TW_EINVAL && !l->opt->strict &&
        tw_attributes_tidy(&l->tidy, item->id, item->attributes, &refused, &first, NULL) == TW_OK &&
        refused > 0) {
        item->attributes = tw_text_cstr(&l->tidy);
        st = tw_store_put_item(l->e->store, item, put, &why);
        if (st == TW_OK && l->report->left_out == 0)
            (void) snprintf(l->report->first_left_out, sizeof l->report->first_left_out, "%.511s",
                            first.msg);
        l->report->left_out += st == TW_OK ? refused : 0;
    }
    return at_line(line, st, &why, err);
}

tw_status twi_load_item(twi_load *l, const tw_row *r, bool again, tw_error *err)
{
    tw_item item = {.id = r->id,
                    .title = r->title,
                    .text = r->text,
                    .attributes = r->attributes,
                    .image = r->image,
                    .audio = r->audio};
    tw_put_result put = {.row = 0};
    bool checked = false, repeated = false;
    tw_status st = twi_repeats_fill(&l->repeats, l->e->store, &item, &repeated, err);
    if (st == TW_OK)
        st = check_media(l, r, &item, again, &checked, err);
    if (st == TW_OK)
        st = put_row(l, &item, r->line, &put, err);
    if (st == TW_OK && r->line > 0)
        st = twi_repeats_note(&l->repeats, item.id, put.row, err);
    if (st != TW_OK)
        return st;
    if ((put.kind != TW_PUT_UNCHANGED || again) && l->g->tower != NULL)
        st = embed_row(l, &item, checked, put.row, err);
    if (st != TW_OK)
        return st == TW_EINVAL ? TW_ECORRUPT : st; /* the item is in: not a row to reject */
    l->report->repeated += repeated;
    l->report->created += put.kind == TW_PUT_CREATED;
    l->report->replaced += put.kind == TW_PUT_REPLACED || (put.kind == TW_PUT_UNCHANGED && again);
    l->report->unchanged += put.kind == TW_PUT_UNCHANGED && !again;
    return TW_OK;
}
