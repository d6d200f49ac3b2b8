/* ingest and events: files into the store. */
#include <limits.h>
#include <stdlib.h>

#include "cli/cli.h"

typedef tw_status (*load_fn)(tw_engine *e, const char *path, const tw_ingest_options *opt,
                             tw_ingest_report *report, tw_error *err);

typedef struct load_flags {
    const char *format, *title, *text, *columns, *header;
    bool strict, known, quiet, json;
} load_flags;

#define COLUMN_FLAGS(f)                                                                            \
    {"columns", 0,                                                                                 \
     FLAG_TEXT, &(f).columns,                                                                      \
     "F=C,...", "which column is which field: 'id=sku,title=name'",                                \
     0,         0},                                                                                \
    {                                                                                              \
        "header", 0, FLAG_TEXT, &(f).header, "A,B,...",                                            \
            "column names of a file without header line", 0, 0                                     \
    }

#define LOAD_FLAGS(f)                                                                              \
    {"strict", 0, FLAG_BOOL, &(f).strict, NULL, "stop at the first bad row", 0, 0},                \
        {"json", 0, FLAG_BOOL, &(f).json, NULL, "report as JSON", 0, 0},                           \
    {                                                                                              \
        "quiet", 'q', FLAG_BOOL, &(f).quiet, NULL, "no progress", 0, 0                             \
    }

static void report_json(const char *path, const tw_ingest_report *r)
{
    (void) printf("{\"file\": ");
    print_json_string(stdout, path);
    (void) printf(
        ", \"rows\": %lld, \"created\": %lld, \"replaced\": %lld, \"unchanged\": %lld, "
        "\"new_items\": %lld, \"of_deleted\": %lld, \"deleted_items\": %lld, "
        "\"rejected\": %lld, \"left_out\": %lld, \"resumed_at\": %lld, \"seconds\": %.3f}\n",
        (long long) r->rows, (long long) r->created, (long long) r->replaced,
        (long long) r->unchanged, (long long) r->new_items, (long long) r->of_deleted,
        (long long) r->deleted_items, (long long) r->rejected, (long long) r->left_out,
        (long long) r->resumed_at, r->seconds);
}

static void report_text(const char *path, const tw_ingest_report *r)
{
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
    if (r->left_out > 0)
        (void) fprintf(stderr, "twindex: %lld values were left out; the first: %s\n",
                       (long long) r->left_out, r->first_left_out);
    if (r->rejected > 0)
        (void) fprintf(stderr, "twindex: %lld rows were rejected, see %s; the first: %s\n",
                       (long long) r->rejected, r->rejects_path, r->first_reject);
}

static int load_files(load_fn load, const char *label, int argc, char **argv, const load_flags *f)
{
    tw_error err = {0};
    tw_engine *e = NULL;
    int rc = EXIT_SUCCESS;
    const tw_engine_options opt = {.mode = TW_ENGINE_WRITE};

    if (tw_engine_open(&e, argv[0], &opt, &err) != TW_OK)
        return failed(&err);
    catch_interrupts(STOP_WORK);
    for (int i = 1; i < argc; i++) {
        meter m;
        tw_ingest_report r;
        meter_start(&m, label, f->quiet);
        const tw_ingest_options in = {.format = f->format,
                                      .title_template = f->title,
                                      .text_template = f->text,
                                      .columns = f->columns,
                                      .header = f->header,
                                      .strict = f->strict,
                                      .known_only = f->known,
                                      .progress = meter_show,
                                      .progress_ctx = &m};
        tw_status st = load(e, argv[i], &in, &r, &err);
        meter_end(&m, st == TW_OK);
        if (st != TW_OK) {
            rc = failed(&err);
            break;
        }
        if (f->json)
            report_json(argv[i], &r);
        else
            report_text(argv[i], &r);
        if (r.rejected > 0)
            rc = EXIT_FAILURE;
    }
    tw_engine_close(e);
    return rc;
}

int cmd_ingest(int argc, char **argv)
{
    load_flags f = {0};
    const flag flags[] = {{"format", 'f', FLAG_TEXT, &f.format, "NAME",
                           "csv tsv jsonl json u.item movielens recbole (detected)", 0, 0},
                          COLUMN_FLAGS(f),
                          {"title", 0, FLAG_TEXT, &f.title, "TEMPLATE",
                           "title from columns: '{name} ({year})'", 0, 0},
                          {"text", 0, FLAG_TEXT, &f.text, "TEMPLATE", "text from columns", 0, 0},
                          LOAD_FLAGS(f),
                          {0}};
    const usage u = {
        .synopsis = "ingest DIR FILE...",
        .about =
            "Loads catalogue rows: stores, embeds (once towers are trained) and indexes them. A "
            "row\n"
            "whose id is there replaces it. Bad rows go to FILE.rejected and the exit code is 1.\n"
            "After a kill the same command goes on where the last commit was.",
        .example = "  twindex ingest shop products.csv\n"
                   "  twindex ingest films ml-100k.item --title '{movie_title} ({release_year})'",
        .flags = flags,
    };
    int rc = parse_args(&u, &argc, argv, 2, INT_MAX);
    return rc >= 0 ? rc : load_files(tw_engine_ingest, "ingest", argc, argv, &f);
}

int cmd_events(int argc, char **argv)
{
    load_flags f = {0};
    const flag flags[] = {{"format", 'f', FLAG_TEXT, &f.format, "NAME",
                           "csv tsv jsonl u.data movielens recbole sasrec (detected)", 0, 0},
                          COLUMN_FLAGS(f),
                          {"known-only", 0, FLAG_BOOL, &f.known, NULL,
                           "reject items that are not in the catalogue, rather than add them", 0,
                           0},
                          LOAD_FLAGS(f),
                          {0}};
    const usage u = {
        .synopsis = "events DIR FILE...",
        .about =
            "Loads interaction logs: who consumed what, and when. An event that is there already\n"
            "(same user, item and time) is not added again. An item that was deleted stays so: "
            "its\n"
            "events are kept, and count when put or ingest brings it back.",
        .example = "  twindex events films ratings.csv",
        .flags = flags,
    };
    int rc = parse_args(&u, &argc, argv, 2, INT_MAX);
    return rc >= 0 ? rc : load_files(tw_engine_events, "events", argc, argv, &f);
}
