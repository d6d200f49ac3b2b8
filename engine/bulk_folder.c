/* Bulk loads of a folder: its image and audio files as items. A file that is stored gets a mark of
 * its own in the same transaction, of its size and time of change: a later run passes over what has
 * not changed, and a killed one goes on with what is left. What was rejected has no mark, so the
 * file of rejects always holds all there is to mend.
 */
#include "engine/bulk_folder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "engine/bulk_load.h"
#include "engine/engine_state.h"
#include "engine/maintenance.h"
#include "ingest/media/media_folder.h"

enum { BATCH_FILES = 256 }; /* files between two looks at the progress, where few are decoded */

typedef struct load {
    twi_load to;
    tw_media_folder *folder;
    tw_media_file file; /* the last one ... */
    int64_t at;         /* ... and its number, from 1 */
    char key[TW_FINGERPRINT_MAX];
    tw_store_mark mark; /* of it, as an earlier run left it */
} load;

static tw_status check_options(const char *path, const tw_ingest_options *opt, tw_error *err)
{
    if (opt->format == NULL && opt->columns == NULL && opt->header == NULL &&
        opt->encoding == NULL && opt->separator == NULL && opt->quote == NULL &&
        opt->escape == NULL && opt->title_template == NULL && opt->text_template == NULL)
        return TW_OK;
    return tw_fail(err, TW_EINVAL,
                   "'%s' is a folder of files without rows, so there is nothing to say of its "
                   "format, columns, encoding or templates",
                   path);
}

/* The name of the mark: two hashes, since one of 64 bits may meet among millions of files. */
static void name_mark(load *l)
{
    const char *root = tw_media_folder_root(l->folder), *name = l->file.name;
    const uint64_t a = tw_fnv1a(tw_fnv1a(TW_FNV_START, root, strlen(root) + 1), name, strlen(name));
    uint64_t b = tw_hash_bytes(TW_HASH_START, root, strlen(root));
    b = tw_hash_end(tw_hash_bytes(b, name, strlen(name)));
    (void) snprintf(l->key, sizeof l->key, "media-%016" PRIx64 "%016" PRIx64, a, b);
}

/* Whether the file is what it was when it was stored, and its item still there: one that was
 * deleted since comes back. */
static tw_status is_there(load *l, bool *there, tw_error *err)
{
    tw_item item;
    *there = false;
    tw_status st = tw_store_get_mark(l->to.e->store, l->key, &l->mark, err);
    if (st != TW_OK || !l->mark.done || l->mark.bytes != l->file.size ||
        l->mark.lines != l->file.changed_ns)
        return st;
    st = tw_store_item_by_id(l->to.e->store, l->file.id, &item, NULL);
    if (st == TW_OK) {
        *there = strcmp(item.image, l->file.path) == 0 || strcmp(item.audio, l->file.path) == 0;
        tw_item_fini(&item);
    }
    return st == TW_ENOTFOUND || st == TW_EINVAL
               ? TW_OK
               : (st == TW_OK ? st : tw_fail(err, st, "cannot look for '%.100s'", l->file.id));
}

static tw_status set_mark(load *l, tw_error *err)
{
    const tw_store_mark mark = {
        .bytes = l->file.size, .lines = l->file.changed_ns, .rows = 1, .done = true};
    return tw_store_set_mark(l->to.e->store, l->key, &mark, err);
}

/* Stores one file. TW_EINVAL: it is to be rejected. */
static tw_status store_file(load *l, tw_error *err)
{
    tw_status st = TW_OK;
    tw_row row;
    tw_media_kind kind;
    bool there;
    name_mark(l);
    TW_TRY(is_there(l, &there, err));
    l->to.report->unchanged += there;
    l->to.report->rows += there;
    if (there)
        goto done;
    st = tw_media_folder_row(l->folder, &row, &kind, err);
    l->to.report->others += st == TW_OK && kind == TW_MEDIA_NEITHER;
    l->to.report->rows += st != TW_OK || kind != TW_MEDIA_NEITHER;
    if (st != TW_OK || kind == TW_MEDIA_NEITHER)
        goto done;
    TW_TRY(twi_load_begin(&l->to, err));
    l->to.pending++;
    TW_TRY(twi_load_item(&l->to, &row, l->mark.done, err));
    TW_TRY(set_mark(l, err));
done:
    return st;
}

/* The reject's line is UTF-8, whatever the name is. */
static tw_status reject(load *l, const tw_error *why, tw_error *err)
{
    tw_error shown = {0};
    const char *name = l->file.name;
    if (!tw_utf8_valid(name, strlen(name)) && tw_fail(&shown, TW_EINVAL, "%s", name) != TW_OK)
        name = shown.msg;
    return twi_load_reject(&l->to, l->at, why, name, strlen(name), err);
}

static tw_status report_progress(load *l, tw_error *err)
{
    const tw_ingest_options *opt = l->to.opt;
    const tw_progress p = {.stage = "reading",
                           .done = l->at,
                           .total = tw_media_folder_count(l->folder),
                           .unit = "files"};
    if (opt->progress == NULL || opt->progress(opt->progress_ctx, &p) == 0)
        return TW_OK;
    return tw_fail(err, TW_ECANCELLED, "stopped behind '%.300s'; the same command goes on there",
                   l->file.name);
}

/* A bad file is rejected, or with strict the end: what came before it stays. */
static tw_status one_file(load *l, tw_error *err)
{
    tw_error why = {0};
    tw_status st = store_file(l, &why);
    if (st == TW_EINVAL && !l->to.opt->strict)
        return reject(l, &why, err);
    if (st == TW_EINVAL) {
        const tw_status kept = twi_load_commit(&l->to, err);
        if (kept != TW_OK)
            return kept;
    }
    return st == TW_OK ? st : tw_fail(err, st, "%s", why.msg);
}

static tw_status read_files(load *l, tw_error *err)
{
    tw_status st = TW_OK;
    while (tw_media_folder_next(l->folder, &l->file)) {
        l->at++;
        TW_TRY(one_file(l, err));
        if (!twi_load_is_full(&l->to) && l->at % BATCH_FILES != 0)
            continue;
        TW_TRY(twi_load_commit(&l->to, err));
        l->to.pending = l->to.decoded = 0;
        TW_TRY(report_progress(l, err));
    }
    TW_TRY(twi_load_commit(&l->to, err));
    if (l->at > 0)
        TW_TRY(report_progress(l, err));
done:
    twi_load_end(&l->to);
    return st;
}

/* PATH.rejected, and of ".", "..", "/" that of the folder's own name. */
static tw_status open_rejects(load *l, const char *path, tw_error *err)
{
    const size_t len = strlen(path), names = strspn(path, "./");
    const char *beside = names == len ? tw_media_folder_root(l->folder) : path;
    return twi_load_open_rejects(&l->to, beside, (tw_reader_place){0}, err);
}

static void note(load *l, const char *path)
{
    tw_ingest_report *r = l->to.report;
    const char *catalogue = tw_media_folder_catalogue(l->folder);
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    r->links = tw_media_folder_links(l->folder);
    if (catalogue != NULL)
        (void) snprintf(r->catalogue, sizeof r->catalogue, "%.*s/%s", (int) len, path, catalogue);
    twi_load_note_rejects(&l->to);
}

static tw_status check_found(const tw_ingest_report *r, const char *path, tw_error *err)
{
    if (r->rows > 0)
        return TW_OK;
    if (r->catalogue[0] != '\0') {
        return tw_fail(err, TW_EINVAL,
                       "'%s' holds no image or audio file; '%s' is a catalogue: ingest it itself",
                       path, r->catalogue);
    }
    return tw_fail(err, TW_EINVAL, "'%s' holds no image or audio file among its %lld files", path,
                   (long long) r->others);
}

static tw_status load_folder(load *l, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(tw_media_folder_open(&l->folder, path, err));
    TW_TRY(open_rejects(l, path, err));
    st = read_files(l, err);
    note(l, path);
    TW_TRY(st);
    TW_TRY(check_found(l->to.report, path, err));
    st = tw_rejects_finish(l->to.rejects, err);
done:
    return st;
}

tw_status twi_ingest_folder(tw_engine *e, const char *path, const tw_ingest_options *opt,
                            tw_ingest_report *report, tw_error *err)
{
    tw_status st = TW_OK;
    const double start = tw_clock_monotonic();
    load l = {.folder = NULL};
    twi_load_init(&l.to, e, opt, report);
    report->folder = true;
    TW_TRY(check_options(path, l.to.opt, err));
    TW_TRY(twi_need_write(e, err));
    TW_TRY(twi_bulk_begin(e, err));
    st = load_folder(&l, path, err);
    twi_bulk_end(e);
    twi_maintenance_wake(e);
done:
    report->seconds = tw_clock_monotonic() - start;
    twi_load_fini(&l.to);
    tw_media_folder_close(l.folder);
    return st;
}
