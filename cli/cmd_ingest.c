/* ingest and events: files into the store. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/commands.h"

typedef struct values {
    basics b;
    const char *format, *title, *text, *columns, *header, *encoding, *time_format;
    const char *separator, *quote, *escape;
    bool strict, known, allow_future;
} values;

static void fields_json(const tw_ingest_report *r)
{
    const char *before = "", *format = NULL;
    (void) printf(", \"columns\": {");
    for (int i = 0; i < r->n_fields; i++) {
        (void) printf("%s\"%s\": ", i > 0 ? ", " : "", r->fields[i].field);
        if (r->fields[i].column[0] != '\0')
            print_json_string(stdout, r->fields[i].column);
        else
            (void) printf("null");
        if (r->fields[i].how[0] != '\0' && strcmp(r->fields[i].field, "time") == 0)
            format = r->fields[i].how;
    }
    (void) printf(format != NULL ? "}, \"time_format\": \"%s\", \"guessed\": ["
                                 : "}, \"time_format\": null, \"guessed\": [",
                  format);
    for (int i = 0; i < r->n_fields; i++) {
        if (!r->fields[i].guessed || r->fields[i].column[0] == '\0')
            continue;
        (void) printf("%s\"%s\"", before, r->fields[i].field);
        before = ", ";
    }
    (void) printf("]");
}

static void report_json(const char *path, const tw_ingest_report *r)
{
    (void) printf("{\"file\": ");
    print_json_string(stdout, path);
    fields_json(r);
    (void) printf(", \"rows\": %lld, \"created\": %lld, \"replaced\": %lld, \"unchanged\": %lld, "
                  "\"new_items\": %lld, \"of_deleted\": %lld, \"deleted_items\": %lld, "
                  "\"rejected\": %lld, \"left_out\": %lld, \"repeated\": %lld, \"missing\": %lld, "
                  "\"odd_ids\": %lld, "
                  "\"resumed_at\": %lld, \"encoding\": \"%s\", "
                  "\"seconds\": %.3f}\n",
                  (long long) r->rows, (long long) r->created, (long long) r->replaced,
                  (long long) r->unchanged, (long long) r->new_items, (long long) r->of_deleted,
                  (long long) r->deleted_items, (long long) r->rejected, (long long) r->left_out,
                  (long long) r->repeated, (long long) r->missing, (long long) r->odd_ids,
                  (long long) r->resumed_at, r->encoding[0] != '\0' ? r->encoding : "utf-8",
                  r->seconds);
}

static void folder_json(const char *path, const tw_ingest_report *r)
{
    (void) printf("{\"folder\": ");
    print_json_string(stdout, path);
    (void) printf(", \"files\": %lld, \"created\": %lld, \"replaced\": %lld, \"unchanged\": %lld, "
                  "\"rejected\": %lld, \"others\": %lld, \"links\": %lld, \"not_read\": ",
                  (long long) r->rows, (long long) r->created, (long long) r->replaced,
                  (long long) r->unchanged, (long long) r->rejected, (long long) r->others,
                  (long long) r->links);
    if (r->catalogue[0] != '\0')
        print_json_string(stdout, r->catalogue);
    else
        (void) printf("null");
    (void) printf(", \"seconds\": %.3f}\n", r->seconds);
}

static void folder_text(const char *path, const tw_ingest_report *r)
{
    (void) printf("%s: %lld files in %.1f s: %lld new, %lld replaced, %lld there already", path,
                  (long long) r->rows, r->seconds, (long long) r->created, (long long) r->replaced,
                  (long long) r->unchanged);
    if (r->others > 0)
        (void) printf("; skipped %lld that are neither images nor audio", (long long) r->others);
    if (r->links > 0)
        (void) printf("; %lld links were not followed", (long long) r->links);
    (void) printf("\n");
    if (r->catalogue[0] != '\0')
        (void) printf("%s was not read; ingest it itself\n", r->catalogue);
    if (r->rejected > 0)
        (void) fprintf(stderr, "twindex: %lld files were rejected, see %s; the first: %s\n",
                       (long long) r->rejected, r->rejects_path, r->first_reject);
}

static void report_text(const char *path, const tw_ingest_report *r)
{
    print_fields(r->fields, r->n_fields, r->untimed);
    if (r->resumed_at > 0)
        (void) printf("%s: went on behind row %lld of an interrupted run\n", path,
                      (long long) r->resumed_at);
    (void) printf("%s: %lld rows in %.1f s: %lld new, %lld replaced, %lld there already", path,
                  (long long) r->rows, r->seconds, (long long) r->created, (long long) r->replaced,
                  (long long) r->unchanged);
    if (r->new_items > 0)
        (void) printf("; %lld items were not in the catalogue and were added by id",
                      (long long) r->new_items);
    if (r->of_deleted > 0)
        (void) printf("; %lld events of %lld deleted items were kept, and the items stay deleted",
                      (long long) r->of_deleted, (long long) r->deleted_items);
    (void) printf("\n");
    if (r->encoding[0] != '\0' && r->encoding_guessed)
        (void) printf("%s: taken for %s; --encoding names another\n", path, r->encoding);
    if (r->repeated > 0)
        (void) printf("%s: %lld rows repeat an id of the file; the last counts, and what it leaves "
                      "blank stays\n",
                      path, (long long) r->repeated);
    if (r->missing > 0)
        (void) printf("%s: %lld values are missing: NULL, NaN or like these\n", path,
                      (long long) r->missing);
    if (r->odd_ids > 0)
        (void) fprintf(stderr, "twindex: %lld ids look like a word for none; the first: %s\n",
                       (long long) r->odd_ids, r->first_odd_id);
    if (r->looked > 0 && r->met * 2 < r->looked)
        (void) fprintf(
            stderr,
            "twindex: of the first %lld rows only %lld name an item of the catalogue; not "
            "in it: %s. --columns item=NAME says which column does, --known-only leaves "
            "the others out\n",
            (long long) r->looked, (long long) r->met, r->unmet);
    if (r->left_out > 0)
        (void) fprintf(stderr, "twindex: %lld values were left out; the first: %s\n",
                       (long long) r->left_out, r->first_left_out);
    if (r->rejected > 0)
        (void) fprintf(stderr, "twindex: %lld rows were rejected, see %s; the first: %s\n",
                       (long long) r->rejected, r->rejects_path, r->first_reject);
}

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
    if (v->b.json)
        (r.folder ? folder_json : report_json)(path, &r);
    else
        (r.folder ? folder_text : report_text)(path, &r);
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
