/* Bulk loads: a file's rows in transactions of a thousand, each with the place
 * behind its last row, so that a killed run goes on exactly there.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/event_time.h"
#include "base/grow.h"
#include "engine/engine_state.h"
#include "engine/follow.h"
#include "engine/generation.h"
#include "engine/item_reader.h"
#include "engine/reader_options.h"
#include "engine/row_times.h"
#include "ingest/ingest.h"

typedef struct load {
    tw_engine *e;
    const tw_ingest_options *opt;
    tw_ingest_report *report;
    tw_reader *reader;
    tw_rejects *rejects;
    twi_generation *g; /* NULL while no transaction is open */
    twi_workspace *ws;
    twi_item_reader media; /* decodes the images and audio of rows */
    char key[TW_FINGERPRINT_MAX];
    tw_store_mark mark;
    bool untimed;  /* the log has no times ... */
    int64_t first; /* ... and its rows come behind so many of other such logs */
    char rejects_path[TW_PATH_MAX];
    tw_reader_place place;  /* behind the last row that was stored or rejected */
    unsigned char *deleted; /* a bit for each row of a deleted item that was met */
    size_t deleted_room;    /* bytes */
    tw_text tidy;           /* a row's attributes without those that may be none */
    int pending;            /* rows in the open transaction ... */
    int decoded;            /* ... and files that were decoded for them */
} load;

/* Other writers wait for a transaction, and an image takes as long as a thousand rows
 * of text. */
#define BATCH_MEDIA 64

/* The writer lock is held from here to the commit, so that puts from elsewhere and the swap of a
 * generation fall between two transactions. */
static tw_status begin(load *l, tw_error *err)
{
    tw_status st = TW_OK;
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

static void end(load *l)
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

static tw_status commit(load *l, bool done, tw_error *err)
{
    tw_status st = TW_OK;
    if (l->g == NULL)
        return TW_OK;
    l->mark.bytes = l->place.offset;
    l->mark.lines = l->place.line;
    l->mark.rows = l->place.row;
    l->mark.rejected = tw_rejects_count(l->rejects);
    l->mark.done = done;
    TW_TRY(tw_rejects_flush(l->rejects, err)); /* before the mark says they were read */
    TW_TRY(tw_store_set_mark(l->e->store, l->key, &l->mark, err));
    if (l->untimed)
        TW_TRY(twi_row_times_take(l->e->store, l->key, l->first, l->place.row, err));
    TW_TRY(tw_store_commit(l->e->store, err));
    tw_crash_point(); /* rows and mark on disk, the index not yet changed */
    TW_TRY(twi_follow(l->e, l->g, err));
done:
    end(l);
    return st;
}

static bool same_path(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

/* Whether the store holds this item with these files: then they were found readable, and a file
 * that has gone since is no reason to refuse the row. */
static tw_status is_known(load *l, const tw_item *item, bool *known, tw_error *err)
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

/* Leaves what the files of a row hold in l->media, decoded once for checking and embedding.
 * TW_EINVAL: one cannot be read. */
static tw_status check_media(load *l, const tw_row *r, const tw_item *item, bool *checked,
                             tw_error *err)
{
    tw_error why = {0};
    bool known;
    const int files = (item->image != NULL && item->image[0] != '\0') +
                      (item->audio != NULL && item->audio[0] != '\0');
    tw_status st = TW_OK;

    *checked = false;
    if (files == 0)
        return TW_OK;
    st = is_known(l, item, &known, err);
    if (st != TW_OK || known)
        return st;
    l->decoded += files;
    *checked = true;
    st = twi_item_check(&l->media, item, &why);
    return st == TW_OK ? st : tw_fail(err, st, "line %lld: %s", (long long) r->line, why.msg);
}

static tw_status embed_row(load *l, const tw_item *item, bool checked, int64_t row, tw_error *err)
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
static tw_status put_row(load *l, tw_item *item, tw_put_result *put, tw_error *err)
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
    return st == TW_OK ? st : tw_fail(err, st, "%s", why.msg);
}

static tw_status store_item(load *l, const tw_row *r, tw_error *err)
{
    tw_item item = {.id = r->id,
                    .title = r->title,
                    .text = r->text,
                    .attributes = r->attributes,
                    .image = r->image,
                    .audio = r->audio};
    tw_put_result put;
    bool checked;
    tw_status st = check_media(l, r, &item, &checked, err);
    if (st == TW_OK)
        st = put_row(l, &item, &put, err);
    if (st != TW_OK)
        return st;
    if (put.kind != TW_PUT_UNCHANGED && l->g->tower != NULL)
        st = embed_row(l, &item, checked, put.row, err);
    if (st != TW_OK)
        return st == TW_EINVAL ? TW_ECORRUPT : st; /* the item is in: not a row to reject */
    l->report->created += put.kind == TW_PUT_CREATED;
    l->report->replaced += put.kind == TW_PUT_REPLACED;
    l->report->unchanged += put.kind == TW_PUT_UNCHANGED;
    return TW_OK;
}

/* Counts the events of deleted items, and the items. */
static tw_status note_deleted(load *l, int64_t row, tw_error *err)
{
    const size_t at = (size_t) row / 8;
    tw_status st = tw_grow_zeroed(&l->deleted, &l->deleted_room, at + 1, "marks of items", err);
    if (st != TW_OK)
        return st;
    const unsigned bit = 1u << (row % 8);
    l->report->of_deleted++;
    l->report->deleted_items += (l->deleted[at] & bit) == 0;
    l->deleted[at] = (unsigned char) (l->deleted[at] | bit);
    return TW_OK;
}

/* An item that people consumed belongs to the catalogue, even before it is described. One
 * that was deleted stays so, whatever an old log holds: only put and ingest bring it back, and
 * then it has its history. */
static tw_status item_of_event(load *l, const tw_row *r, int64_t *row, bool *live, tw_error *err)
{
    tw_error why = {0};
    tw_status st = tw_store_row_of(l->e->store, r->item, row, live, &why);
    if (st == TW_OK && !*live && l->opt->known_only)
        return tw_fail(err, TW_EINVAL, "line %lld: item '%.60s' was deleted", (long long) r->line,
                       r->item);
    if (st != TW_ENOTFOUND)
        return st == TW_OK ? st : tw_fail(err, st, "item '%.60s': %s", r->item, why.msg);
    if (l->opt->known_only)
        return tw_fail(err, TW_EINVAL, "line %lld: item '%.60s' is not in the catalogue",
                       (long long) r->line, r->item);
    const tw_row item = {.id = r->item, .attributes = "{}"};
    int64_t created = l->report->created;
    st = store_item(l, &item, err);
    l->report->created = created;
    l->report->new_items += st == TW_OK;
    return st == TW_OK ? tw_store_row_of(l->e->store, r->item, row, live, err) : st;
}

static tw_status store_event(load *l, const tw_row *r, tw_error *err)
{
    tw_event ev = {.time = r->time + l->first * TW_TIME_SECOND, .rating = r->rating, .value = NAN};
    bool added, live;
    tw_status st = item_of_event(l, r, &ev.item, &live, err);
    if (st == TW_OK)
        st = tw_store_add_event(l->e->store, r->user, &ev, &added, err);
    if (st == TW_OK && !live)
        st = note_deleted(l, ev.item, err);
    if (st != TW_OK)
        return st;
    l->report->created += added;
    l->report->unchanged += !added;
    return TW_OK;
}

static tw_status reject(load *l, const tw_error *why, tw_error *err)
{
    size_t len;
    const char *raw = tw_reader_raw(l->reader, &len);
    if (l->report->rejected++ == 0)
        (void) snprintf(l->report->first_reject, sizeof l->report->first_reject, "%.511s",
                        why->msg);
    return tw_rejects_add(l->rejects, tw_reader_line(l->reader), why->msg, raw, len, err);
}

static tw_status report_progress(load *l, tw_error *err)
{
    tw_progress p = {.stage = "reading"};
    if (l->opt->progress == NULL)
        return TW_OK;
    tw_reader_progress(l->reader, &p.done, &p.total);
    return l->opt->progress(l->opt->progress_ctx, &p) == 0
               ? TW_OK
               : tw_fail(err, TW_ECANCELLED, "stopped at line %lld; the same command goes on there",
                         (long long) tw_reader_line(l->reader));
}

/* A row that broke a rule is a row to reject; anything else is trouble of ours. */
static tw_status one_row(load *l, tw_ingest_kind kind, bool *got, tw_error *err)
{
    tw_row row;
    tw_error why = {0};
    tw_status st = tw_reader_next(l->reader, &row, got, &why);
    if (st == TW_OK && *got)
        st = kind == TW_INGEST_ITEMS ? store_item(l, &row, &why) : store_event(l, &row, &why);
    if (st != TW_OK && st != TW_EINVAL) {
        if (err != NULL)
            *err = why;
        return st;
    }
    if (!*got)
        return TW_OK;
    l->report->rows++;
    if (st == TW_EINVAL && l->opt->strict) {
        if (err != NULL)
            *err = why;
        return st;
    }
    if (st == TW_EINVAL)
        st = reject(l, &why, err);
    l->place = tw_reader_tell(l->reader);
    return st;
}

static tw_status read_rows(load *l, tw_ingest_kind kind, tw_error *err)
{
    tw_status st = TW_OK;
    bool got = true;

    while (got) {
        if (l->g == NULL)
            TW_TRY(begin(l, err));
        st = one_row(l, kind, &got, err);
        if (st == TW_EINVAL) { /* strict: what came before stays */
            tw_status kept = commit(l, false, NULL);
            if (kept != TW_OK)
                st = kept;
            goto done;
        }
        TW_TRY(st);
        if (++l->pending == TWI_BATCH_ROWS || l->decoded >= BATCH_MEDIA || !got) {
            TW_TRY(commit(l, !got, err));
            TW_TRY(report_progress(l, err));
        }
    }
done:
    end(l);
    return st;
}

static void note_fields(load *l)
{
    const tw_field_source *fields = tw_reader_fields(l->reader, &l->report->n_fields);
    memcpy(l->report->fields, fields, (size_t) l->report->n_fields * sizeof *fields);
}

/* FILE.rejected; what a pipe gave has no file, and its bad rows go beside the directory. */
static tw_status name_rejects(load *l, const char *path, tw_error *err)
{
    const char *beside = tw_reader_is_pipe(l->reader) ? l->e->dir : path;
    size_t len = strlen(beside);
    while (len > 1 && beside[len - 1] == '/')
        len--;
    const int n =
        snprintf(l->rejects_path, sizeof l->rejects_path, "%.*s.rejected", (int) len, beside);
    return n >= 0 && (size_t) n < sizeof l->rejects_path
               ? TW_OK
               : tw_fail(err, TW_EINVAL, "path '%.60s...' is too long", path);
}

/* Opens the file where an earlier run of it stopped. A file that was read to its end is read again
 * from the start: rows that did not change cost little, and one that was deleted since comes back.
 */
static tw_status open_file(load *l, const char *path, tw_ingest_kind kind, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(twi_open_reader(&l->reader, path, kind, l->opt, err));
    note_fields(l);
    tw_reader_fingerprint(l->reader, l->key);
    TW_TRY(tw_store_get_mark(l->e->store, l->key, &l->mark, err));
    l->untimed = kind == TW_INGEST_EVENTS && !tw_reader_has_times(l->reader);
    l->report->untimed = l->untimed;
    if (l->untimed)
        TW_TRY(twi_row_times_begin(l->e->store, l->key, l->mark.rows > 0, &l->first, err));
    if (!l->mark.done && l->mark.rows > 0) {
        l->place = (tw_reader_place){l->mark.bytes, l->mark.lines, l->mark.rows};
        TW_TRY(tw_reader_seek(l->reader, l->place, err));
        l->report->resumed_at = l->mark.rows;
    }
    TW_TRY(name_rejects(l, path, err));
    TW_TRY(tw_rejects_open(&l->rejects, l->rejects_path, l->place, err));
done:
    return st;
}

static tw_status run(tw_engine *e, const char *path, tw_ingest_kind kind,
                     const tw_ingest_options *opt, tw_ingest_report *report, tw_error *err)
{
    static const tw_ingest_options defaults = {0};
    tw_status st = TW_OK;
    double start = tw_clock_monotonic();
    load l = {.e = e, .opt = opt != NULL ? opt : &defaults, .report = report};

    *report = (tw_ingest_report){0};
    twi_item_reader_init(&l.media, NULL, NULL);
    tw_text_init(&l.tidy, TW_STORE_MAX_ATTRIBUTES + 1);
    TW_TRY(twi_need_write(e, err));
    TW_TRY(twi_bulk_begin(e, err));
    st = open_file(&l, path, kind, err);
    if (st == TW_OK)
        st = read_rows(&l, kind, err);
    if (l.rejects != NULL && tw_rejects_count(l.rejects) > 0)
        (void) snprintf(report->rejects_path, sizeof report->rejects_path, "%s", l.rejects_path);
    if (l.reader != NULL) {
        const char *encoding = tw_reader_encoding(l.reader, &report->encoding_guessed);
        if (strcmp(encoding, "utf-8") != 0 && strcmp(encoding, "ascii") != 0)
            (void) snprintf(report->encoding, sizeof report->encoding, "%s", encoding);
    }
    if (st == TW_OK)
        st = tw_rejects_finish(l.rejects, err);
    twi_bulk_end(e);
    twi_maintenance_wake(e);
done:
    report->seconds = tw_clock_monotonic() - start;
    twi_item_reader_fini(&l.media);
    tw_text_fini(&l.tidy);
    tw_free(l.deleted);
    tw_rejects_close(l.rejects);
    tw_reader_close(l.reader);
    return st;
}

tw_status tw_engine_ingest(tw_engine *e, const char *path, const tw_ingest_options *opt,
                           tw_ingest_report *report, tw_error *err)
{
    return run(e, path, TW_INGEST_ITEMS, opt, report, err);
}

tw_status tw_engine_events(tw_engine *e, const char *path, const tw_ingest_options *opt,
                           tw_ingest_report *report, tw_error *err)
{
    return run(e, path, TW_INGEST_EVENTS, opt, report, err);
}
