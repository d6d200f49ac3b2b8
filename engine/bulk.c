/* Bulk loads of files: rows in transactions of a thousand, each with the place
 * behind its last row, so that a killed run goes on exactly there.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/event_time.h"
#include "base/grow.h"
#include "engine/bulk_folder.h"
#include "engine/bulk_load.h"
#include "engine/engine_state.h"
#include "engine/maintenance.h"
#include "engine/reader_options.h"
#include "engine/row_times.h"
#include "ingest/ingest.h"

typedef struct load {
    twi_load to;
    tw_reader *reader;
    char key[TW_FINGERPRINT_MAX];
    tw_store_mark mark;
    bool untimed;           /* the log has no times ... */
    int64_t first;          /* ... and its rows come behind so many of other such logs */
    tw_reader_place place;  /* behind the last row that was stored or rejected */
    unsigned char *deleted; /* a bit for each row of a deleted item that was met */
    size_t deleted_room;    /* bytes */
} load;

static tw_status commit(load *l, bool done, tw_error *err)
{
    tw_status st;
    tw_store *store = l->to.e->store;
    if (l->to.g == NULL)
        return TW_OK;
    l->mark.bytes = l->place.offset;
    l->mark.lines = l->place.line;
    l->mark.rows = l->place.row;
    l->mark.rejected = tw_rejects_count(l->to.rejects);
    l->mark.done = done;
    TW_TRY(tw_store_set_mark(store, l->key, &l->mark, err));
    if (l->untimed)
        TW_TRY(twi_row_times_take(store, l->key, l->first, l->place.row, err));
    return twi_load_commit(&l->to, err);
done:
    twi_load_end(&l->to);
    return st;
}

/* Counts the events of deleted items, and the items. */
static tw_status note_deleted(load *l, int64_t row, tw_error *err)
{
    const size_t at = (size_t) row / 8;
    tw_status st = tw_grow_zeroed(&l->deleted, &l->deleted_room, at + 1, "marks of items", err);
    if (st != TW_OK)
        return st;
    const unsigned bit = 1u << (row % 8);
    l->to.report->of_deleted++;
    l->to.report->deleted_items += (l->deleted[at] & bit) == 0;
    l->deleted[at] = (unsigned char) (l->deleted[at] | bit);
    return TW_OK;
}

/* An item that people consumed belongs to the catalogue, even before it is described. One
 * that was deleted stays so, whatever an old log holds: only put and ingest bring it back, and
 * then it has its history. */
static tw_status item_of_event(load *l, const tw_row *r, int64_t *row, bool *live, tw_error *err)
{
    tw_error why = {0};
    tw_status st = tw_store_row_of(l->to.e->store, r->item, row, live, &why);
    if (st == TW_OK && !*live && l->to.opt->known_only)
        return tw_fail(err, TW_EINVAL, "line %lld: item '%.60s' was deleted", (long long) r->line,
                       r->item);
    if (st != TW_ENOTFOUND)
        return st == TW_OK ? st : tw_fail(err, st, "item '%.60s': %s", r->item, why.msg);
    if (l->to.opt->known_only)
        return tw_fail(err, TW_EINVAL, "line %lld: item '%.60s' is not in the catalogue",
                       (long long) r->line, r->item);
    const tw_row item = {.id = r->item, .attributes = "{}"};
    int64_t created = l->to.report->created;
    st = twi_load_item(&l->to, &item, false, err);
    l->to.report->created = created;
    l->to.report->new_items += st == TW_OK;
    return st == TW_OK ? tw_store_row_of(l->to.e->store, r->item, row, live, err) : st;
}

static tw_status store_event(load *l, const tw_row *r, tw_error *err)
{
    tw_event ev = {.time = r->time + l->first * TW_TIME_SECOND, .rating = r->rating, .value = NAN};
    bool added, live;
    tw_status st = item_of_event(l, r, &ev.item, &live, err);
    if (st == TW_OK)
        st = tw_store_add_event(l->to.e->store, r->user, &ev, &added, err);
    if (st == TW_OK && !live)
        st = note_deleted(l, ev.item, err);
    if (st != TW_OK)
        return st;
    l->to.report->created += added;
    l->to.report->unchanged += !added;
    return TW_OK;
}

static tw_status reject(load *l, const tw_error *why, tw_error *err)
{
    size_t len;
    const char *raw = tw_reader_raw(l->reader, &len);
    return twi_load_reject(&l->to, tw_reader_line(l->reader), why, raw, len, err);
}

static tw_status report_progress(load *l, tw_error *err)
{
    tw_progress p = {.stage = "reading"};
    if (l->to.opt->progress == NULL)
        return TW_OK;
    tw_reader_progress(l->reader, &p.done, &p.total);
    return l->to.opt->progress(l->to.opt->progress_ctx, &p) == 0
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
    if (st == TW_OK && *got && l->to.opt->strict && tw_reader_doubtful(l->reader)->unreadable > 0)
        st = tw_fail(&why, TW_EINVAL, "%s", tw_reader_doubtful(l->reader)->first_unreadable);
    if (st == TW_OK && *got)
        st = kind == TW_INGEST_ITEMS ? twi_load_item(&l->to, &row, false, &why)
                                     : store_event(l, &row, &why);
    if (st != TW_OK && st != TW_EINVAL) {
        if (err != NULL)
            *err = why;
        return st;
    }
    if (!*got)
        return TW_OK;
    l->to.report->rows++;
    if (st == TW_EINVAL && l->to.opt->strict) {
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
        TW_TRY(twi_load_begin(&l->to, err));
        st = one_row(l, kind, &got, err);
        if (st == TW_EINVAL) { /* strict: what came before stays */
            tw_status kept = commit(l, false, NULL);
            if (kept != TW_OK)
                st = kept;
            goto done;
        }
        TW_TRY(st);
        l->to.pending++;
        if (twi_load_is_full(&l->to) || !got) {
            TW_TRY(commit(l, !got, err));
            TW_TRY(report_progress(l, err));
        }
    }
done:
    twi_load_end(&l->to);
    return st;
}

static void note_fields(load *l)
{
    const tw_field_source *fields = tw_reader_fields(l->reader, &l->to.report->n_fields);
    memcpy(l->to.report->fields, fields, (size_t) l->to.report->n_fields * sizeof *fields);
}

/* What the rows that were read leave to say, at the end. */
static void note_reader(load *l)
{
    tw_ingest_report *report = l->to.report;
    const tw_reader_doubts *d = tw_reader_doubtful(l->reader);
    const char *encoding = tw_reader_encoding(l->reader, &report->encoding_guessed);
    if (strcmp(encoding, "utf-8") != 0 && strcmp(encoding, "ascii") != 0)
        (void) snprintf(report->encoding, sizeof report->encoding, "%s", encoding);
    if (report->left_out == 0)
        (void) snprintf(report->first_left_out, sizeof report->first_left_out, "%s",
                        d->first_unreadable);
    report->left_out += d->unreadable;
    report->missing = d->missing;
    report->as_text = d->as_text;
    report->odd_ids = d->odd_ids;
    (void) snprintf(report->first_as_text, sizeof report->first_as_text, "%s", d->first_as_text);
    report->looked = d->looked;
    report->met = d->met;
    (void) snprintf(report->unmet, sizeof report->unmet, "%s", d->unmet);
    (void) snprintf(report->first_odd_id, sizeof report->first_odd_id, "%s", d->first_odd_id);
}

/* Opens the file where an earlier run of it stopped. A file that was read to its end is read again
 * from the start: rows that did not change cost little, and one that was deleted since comes back.
 */
static tw_status open_file(load *l, const char *path, tw_ingest_kind kind, tw_error *err)
{
    tw_status st = TW_OK;
    tw_store_stats stats;

    TW_TRY(tw_store_get_stats(l->to.e->store, &stats, err));
    TW_TRY(twi_open_reader(&l->reader, path, kind, l->to.opt,
                           stats.items > 0 ? l->to.e->store : NULL, err));
    note_fields(l);
    tw_reader_fingerprint(l->reader, l->key);
    TW_TRY(tw_store_get_mark(l->to.e->store, l->key, &l->mark, err));
    l->untimed = kind == TW_INGEST_EVENTS && !tw_reader_has_times(l->reader);
    l->to.report->untimed = l->untimed;
    if (l->untimed)
        TW_TRY(twi_row_times_begin(l->to.e->store, l->key, l->mark.rows > 0, &l->first, err));
    if (!l->mark.done && l->mark.rows > 0) {
        l->place = (tw_reader_place){l->mark.bytes, l->mark.lines, l->mark.rows};
        TW_TRY(tw_reader_seek(l->reader, l->place, err));
        l->to.report->resumed_at = l->mark.rows;
    }
    /* What a pipe gave has no file, and its bad rows go beside the directory. */
    TW_TRY(twi_load_open_rejects(&l->to, tw_reader_is_pipe(l->reader) ? l->to.e->dir : path,
                                 l->place, err));
done:
    return st;
}

static tw_status run(tw_engine *e, const char *path, tw_ingest_kind kind,
                     const tw_ingest_options *opt, tw_ingest_report *report, tw_error *err)
{
    tw_status st = TW_OK;
    double start = tw_clock_monotonic();
    load l = {.reader = NULL};

    twi_load_init(&l.to, e, opt, report);
    TW_TRY(twi_need_write(e, err));
    TW_TRY(twi_bulk_begin(e, err));
    st = open_file(&l, path, kind, err);
    if (st == TW_OK)
        st = read_rows(&l, kind, err);
    twi_load_note_rejects(&l.to);
    if (l.reader != NULL)
        note_reader(&l);
    if (st == TW_OK)
        st = tw_rejects_finish(l.to.rejects, err);
    twi_bulk_end(e);
    twi_maintenance_wake(e);
done:
    report->seconds = tw_clock_monotonic() - start;
    twi_load_fini(&l.to);
    tw_free(l.deleted);
    tw_reader_close(l.reader);
    return st;
}

static bool is_folder(const char *path)
{
    struct stat sb;
    return strcmp(path, "-") != 0 && stat(path, &sb) == 0 && S_ISDIR(sb.st_mode);
}

tw_status tw_engine_ingest(tw_engine *e, const char *path, const tw_ingest_options *opt,
                           tw_ingest_report *report, tw_error *err)
{
    return is_folder(path) ? twi_ingest_folder(e, path, opt, report, err)
                           : run(e, path, TW_INGEST_ITEMS, opt, report, err);
}

tw_status tw_engine_events(tw_engine *e, const char *path, const tw_ingest_options *opt,
                           tw_ingest_report *report, tw_error *err)
{
    return run(e, path, TW_INGEST_EVENTS, opt, report, err);
}
