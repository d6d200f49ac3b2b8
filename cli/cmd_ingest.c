/* ingest and events: files into the store. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/ingest_report.h"

typedef struct values {
    basics b;
    const char *format, *title, *text, *columns, *header, *encoding, *time_format;
    const char *separator, *quote, *escape;
    bool strict, known, allow_future;
} values;

typedef tw_status (*load_fn)(tw_engine *e, const char *path, const tw_ingest_options *opt,
                             tw_ingest_report *report, tw_error *err);

/* One file, with a line of progress of its own. */
static tw_status load_file(call *c, load_fn load, const char *label, const char *path,
                           tw_error *err)
{
    const values *v = c->values;
    tw_ingest_report r;
    const tw_ingest_options opt = {.format = v->format,
                                   .title_template = v->title,
                                   .text_template = v->text,
                                   .columns = v->columns,
                                   .header = v->header,
                                   .encoding = v->encoding,
                                   .separator = v->separator,
                                   .quote = v->quote,
                                   .escape = v->escape,
                                   .time_format = v->time_format,
                                   .allow_future = v->allow_future,
                                   .strict = v->strict,
                                   .known_only = v->known,
                                   .progress = meter_show,
                                   .progress_ctx = &c->meter};
    meter_start(&c->meter, label, v->b.quiet);
    const tw_status st = load(c->engine, path, &opt, &r, err);
    meter_end(&c->meter, st == TW_OK);
    if (st != TW_OK)
        return st;
    print_ingest_report(path, &r, v->b.json);
    if (r.rejected > 0)
        c->exit_code = EXIT_FAILURE;
    return TW_OK;
}

static tw_status load_files(call *c, load_fn load, const char *label, tw_error *err)
{
    tw_status st = TW_OK;
    catch_interrupts(STOP_WORK);
    for (int i = 0; i < c->n && st == TW_OK; i++)
        st = load_file(c, load, label, c->words[i], err);
    return st;
}

#define TEXT(name, field, argument, help)                                                          \
    {                                                                                              \
        name, 0, FLAG_TEXT, offsetof(values, field), argument, help, 0, 0                          \
    }
#define SWITCH(name, field, help)                                                                  \
    {                                                                                              \
        name, 0, FLAG_BOOL, offsetof(values, field), NULL, help, 0, 0                              \
    }
#define FORMAT(names)                                                                              \
    {                                                                                              \
        "format", 'f', FLAG_TEXT, offsetof(values, format), "NAME", names, 0, 0                    \
    }
#define COLUMNS                                                                                    \
    TEXT("columns", columns, "F=C,...", "which column is which field: 'id=sku,title=name'")
#define HEADER TEXT("header", header, "A,B,...", "column names of a file without header line")
#define ENCODING                                                                                   \
    TEXT("encoding", encoding, "NAME", "of the text, where it is not recognised: windows-1251 ...")
/* What is not named is found out from the first rows. */
#define DIALECT                                                                                    \
    TEXT("separator", separator, "C", "between cells: , ; | tab space ... (detected)"),            \
        TEXT("quote", quote, "C", "around cells, or none (detected)"),                             \
        TEXT("escape", escape, "C", "before a quote that does not close, or none (detected)")
#define STRICT SWITCH("strict", strict, "stop at the first bad row")

/* ---- ingest ---------------------------------------------------------------------------------- */

static tw_status ingest(call *c, tw_error *err)
{
    return load_files(c, tw_engine_ingest, "ingest", err);
}

static const flag ingest_flags[] = {
    FORMAT("csv tsv jsonl json u.item movielens recbole (detected)"),
    COLUMNS,
    HEADER,
    ENCODING,
    DIALECT,
    TEXT("title", title, "TEMPLATE", "title from columns: '{name} ({year})'"),
    TEXT("text", text, "TEMPLATE", "text from columns"),
    STRICT,
    JSON_FLAG,
    QUIET_FLAG,
    END_OF_FLAGS};

const command ingest_command = {
    .name = "ingest",
    .summary = "load catalogue files, or a folder of images and audio files",
    .synopsis = "ingest DIR FILE|FOLDER...",
    .about = "Loads catalogue rows: stores, embeds (once towers are trained) and indexes them.\n"
             "A row whose id is there replaces it. FILE may be - for standard input. Bad rows\n"
             "go to FILE.rejected and the exit code is 1. After a kill the same command goes\n"
             "on where the last commit was.\n"
             "Of a FOLDER the image and audio files below it become items: the path from there\n"
             "is the id, the name the title, the folder an attribute. Files that have not\n"
             "changed since are not decoded again.",
    .example = "  twindex ingest shop products.csv\n"
               "  twindex ingest album pics/\n"
               "  twindex ingest films ml-100k.item --title '{movie_title} ({release_year})'",
    .flags = ingest_flags,
    .size = sizeof(values),
    .least = 1,
    .most = INT_MAX - 1,
    .opens = OPENS_TO_WRITE,
    .run = ingest,
};

/* ---- events ---------------------------------------------------------------------------------- */

static tw_status events(call *c, tw_error *err)
{
    return load_files(c, tw_engine_events, "events", err);
}

static const flag events_flags[] = {
    FORMAT("csv tsv jsonl u.data movielens recbole sasrec (detected)"),
    COLUMNS,
    HEADER,
    ENCODING,
    DIALECT,
    TEXT("time-format", time_format, "NAME", "how times are written, see above"),
    SWITCH("allow-future", allow_future, "take times before 1970 and beyond 2200"),
    SWITCH("known-only", known, "reject items that are not in the catalogue; else they are added"),
    STRICT,
    JSON_FLAG,
    QUIET_FLAG,
    END_OF_FLAGS};

const command events_command = {
    .name = "events",
    .summary = "load interaction logs",
    .synopsis = "events DIR FILE...",
    .about = "Loads interaction logs: who consumed what, and when. An event that is there\n"
             "already (same user, item and time) is not added again. An item that was deleted\n"
             "stays so: its events are kept, and count when put or ingest brings it back.\n"
             "How a log writes its times is found out from its first rows; --time-format says\n"
             "it where they leave it open: seconds, milliseconds, microseconds, nanoseconds,\n"
             "digits (20240501), dates, day-first (31.10.2024), month-first, numbers. The rows\n"
             "of a log without times are in order, and come behind those of the one before it.",
    .example = "  twindex events films ratings.csv",
    .flags = events_flags,
    .size = sizeof(values),
    .least = 1,
    .most = INT_MAX - 1,
    .opens = OPENS_TO_WRITE,
    .run = events,
};
