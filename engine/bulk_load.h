/* engine/bulk_load.h — what a bulk load of a file and one of a folder share: transactions of a
 * thousand rows, each with what tells a later run where to go on, an item in one of them, and
 * what was rejected. Internal to engine/.
 *
 *     twi_load_init(&l, e, opt, report);
 *     TW_TRY(twi_load_open_rejects(&l, path, place, err));
 *     for each row:
 *         TW_TRY(twi_load_begin(&l, err));
 *         st = twi_load_item(&l, &row, false, &why);        TW_EINVAL: twi_load_reject
 *         l.pending++;
 *         if (twi_load_is_full(&l)) { set a mark; TW_TRY(twi_load_commit(&l, err)); }
 *     twi_load_end(&l), twi_load_fini(&l)
 */
#ifndef TW_ENGINE_BULK_LOAD_H
#define TW_ENGINE_BULK_LOAD_H

#include "base/file.h"
#include "base/text.h"
#include "engine/bulk_repeats.h"
#include "engine/engine.h"
#include "engine/generation.h"
#include "engine/item_reader.h"
#include "ingest/ingest.h"

typedef struct twi_load {
    tw_engine *e;
    const tw_ingest_options *opt;
    tw_ingest_report *report;
    tw_rejects *rejects;
    twi_generation *g; /* NULL while no transaction is open */
    twi_workspace *ws;
    twi_item_reader media; /* decodes the images and audio of rows */
    twi_repeats repeats;
    tw_text tidy; /* a row's attributes without those that may be none */
    int pending;  /* rows in the open transaction ... */
    int decoded;  /* ... and files that were decoded for them */
    char rejects_path[TW_PATH_MAX];
} twi_load;

/*   opt     NULL: all defaults; borrowed, as is the report, which is zeroed */
void twi_load_init(twi_load *l, tw_engine *e, const tw_ingest_options *opt,
                   tw_ingest_report *report);
void twi_load_fini(twi_load *l);

/* Begins a transaction unless one is open. The writer lock is held from here to the commit, so that
 * puts from elsewhere and the swap of a generation fall between two transactions. */
TW_NODISCARD tw_status twi_load_begin(twi_load *l, tw_error *err);
bool twi_load_is_full(const twi_load *l); /* it is time to commit */
/* Makes durable what was stored and rejected, and has the index follow. */
TW_NODISCARD tw_status twi_load_commit(twi_load *l, tw_error *err);
void twi_load_end(twi_load *l); /* rolls back what is not committed */

/* Opens what takes rejected rows: `beside` with ".rejected" behind it. */
TW_NODISCARD tw_status twi_load_open_rejects(twi_load *l, const char *beside, tw_reader_place place,
                                             tw_error *err);
TW_NODISCARD tw_status twi_load_reject(twi_load *l, int64_t line, const tw_error *why,
                                       const char *raw, size_t len, tw_error *err);
void twi_load_note_rejects(const twi_load *l); /* where they are, into the report */

/* Stores, embeds and counts an item.
 *
 *   again  its files have changed: they are decoded and embedded even where the item is as it was,
 *          which then counts as replaced
 *
 * TW_EINVAL: a row to reject. */
TW_NODISCARD tw_status twi_load_item(twi_load *l, const tw_row *r, bool again, tw_error *err);

#endif
