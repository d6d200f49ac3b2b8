/* What a load of a file or a folder did, for people and for programs. */
#include "cli/ingest_report.h"

#include <stdio.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/print.h"

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
    const struct {
        const char *name;
        int64_t n;
    } counts[] = {
        {"rows", r->rows},
        {"created", r->created},
        {"replaced", r->replaced},
        {"unchanged", r->unchanged},
        {"new_items", r->new_items},
        {"of_deleted", r->of_deleted},
        {"deleted_items", r->deleted_items},
        {"rejected", r->rejected},
        {"left_out", r->left_out},
        {"repeated", r->repeated},
        {"as_text", r->as_text},
        {"missing", r->missing},
        {"odd_ids", r->odd_ids},
        {"looked_up", r->looked},
        {"met", r->met},
        {"resumed_at", r->resumed_at},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        (void) printf(", \"%s\": %lld", counts[i].name, (long long) counts[i].n);
    (void) printf(", \"encoding\": \"%s\", \"seconds\": %.3f}\n",
                  r->encoding[0] != '\0' ? r->encoding : "utf-8", r->seconds);
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

/* What was read, but may be other than it was meant. */
static void tell_doubts(const char *path, const tw_ingest_report *r)
{
    if (r->repeated > 0) {
        (void) printf("%s: %lld rows repeat an id of the file; the last counts, and what it leaves "
                      "blank stays\n",
                      path, (long long) r->repeated);
    }
    if (r->missing > 0)
        (void) printf("%s: %lld values are missing: NULL, NaN or like these\n", path,
                      (long long) r->missing);
    if (r->as_text > 0) {
        (void) fprintf(stderr,
                       "twindex: %lld values are unlike the first ones of their column and were "
                       "kept as text; the first: %s\n",
                       (long long) r->as_text, r->first_as_text);
    }
    if (r->odd_ids > 0)
        (void) fprintf(stderr, "twindex: %lld ids look like a word for none; the first: %s\n",
                       (long long) r->odd_ids, r->first_odd_id);
    if (r->looked > 0 && r->met < r->looked - r->met) {
        (void) fprintf(stderr,
                       "twindex: of the first %lld rows only %lld name an item of the catalogue; "
                       "not in it: %s. --columns item=NAME says which column does, --known-only "
                       "leaves the others out\n",
                       (long long) r->looked, (long long) r->met, r->unmet);
    }
    if (r->left_out > 0)
        (void) fprintf(stderr, "twindex: %lld values were left out; the first: %s\n",
                       (long long) r->left_out, r->first_left_out);
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
    tell_doubts(path, r);
    if (r->rejected > 0)
        (void) fprintf(stderr, "twindex: %lld rows were rejected, see %s; the first: %s\n",
                       (long long) r->rejected, r->rejects_path, r->first_reject);
}

void print_ingest_report(const char *path, const tw_ingest_report *r, bool json)
{
    if (r->folder)
        (json ? folder_json : folder_text)(path, r);
    else
        (json ? report_json : report_text)(path, r);
}
