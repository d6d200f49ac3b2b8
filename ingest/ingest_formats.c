/* The names of formats and kinds. */
#include <string.h>

#include "ingest/internal.h"

static const char *const format_names[] = {
    [TW_FORMAT_AUTO] = "auto",       [TW_FORMAT_CSV] = "csv",
    [TW_FORMAT_TSV] = "tsv",         [TW_FORMAT_JSONL] = "jsonl",
    [TW_FORMAT_JSON] = "json",       [TW_FORMAT_U_ITEM] = "u.item",
    [TW_FORMAT_U_DATA] = "u.data",   [TW_FORMAT_MOVIELENS] = "movielens",
    [TW_FORMAT_RECBOLE] = "recbole", [TW_FORMAT_SASREC] = "sasrec",
};
#define FORMATS (sizeof format_names / sizeof format_names[0])

const char *tw_ingest_format_name(tw_ingest_format format)
{
    return (size_t) format < FORMATS ? format_names[format] : "?";
}

const char *tw_ingest_kind_name(tw_ingest_kind kind)
{
    static const char *const names[] = {"items", "events", "pairs", "triplets"};
    return (size_t) kind < 4 ? names[kind] : "?";
}

tw_status tw_ingest_format_parse(const char *name, tw_ingest_format *out, tw_error *err)
{
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(name, format_names[i]) == 0) {
            *out = (tw_ingest_format) i;
            return TW_OK;
        }
    }
    char q[TWI_QUOTE_MAX];
    return tw_fail(err, TW_EINVAL, "there is no format %s; there are auto, " TWI_ALL_FORMATS,
                   twi_quote(q, name, strlen(name)));
}
