#include "engine/reader_options.h"

#include <string.h>

enum { MAX_COLUMNS = 16 };

/* Cuts "id=sku,title=name" in place into a map. */
static tw_status parse_columns(char *text, tw_column_map map[MAX_COLUMNS], int *n, tw_error *err)
{
    *n = 0;
    for (char *rest = NULL, *one = strtok_r(text, ",", &rest); one != NULL;
         one = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(one, '=');
        if (equals == NULL || equals == one)
            return tw_fail(err, TW_EINVAL, "'%.60s' in the columns is not FIELD=COLUMN", one);
        if (*n == MAX_COLUMNS)
            return tw_fail(err, TW_EINVAL, "more than %d columns are named", MAX_COLUMNS);
        *equals = '\0';
        map[(*n)++] = (tw_column_map){.field = one, .column = equals + 1};
    }
    return TW_OK;
}

static bool is_item(void *ctx, const char *id)
{
    int64_t row;
    bool live;
    return tw_store_row_of(ctx, id, &row, &live, NULL) == TW_OK;
}

tw_status twi_open_reader(tw_reader **out, const char *path, tw_ingest_kind kind,
                          const tw_ingest_options *opt, tw_store *catalogue, tw_error *err)
{
    tw_status st = TW_OK;
    char columns[1024];
    tw_column_map map[MAX_COLUMNS];
    tw_reader_options reader = {.title_template = opt->title_template,
                                .text_template = opt->text_template,
                                .header = opt->header,
                                .encoding = opt->encoding,
                                .separator = opt->separator,
                                .quote = opt->quote,
                                .escape = opt->escape,
                                .time_format = opt->time_format,
                                .allow_future = opt->allow_future,
                                .is_item = catalogue != NULL ? is_item : NULL,
                                .is_item_ctx = catalogue,
                                .columns = map};

    *out = NULL;
    if (opt->format != NULL)
        TW_TRY(tw_ingest_format_parse(opt->format, &reader.format, err));
    if (opt->columns != NULL) {
        if (strlen(opt->columns) >= sizeof columns) {
            st = tw_fail(err, TW_EINVAL, "the columns are longer than %zu bytes", sizeof columns);
            goto done;
        }
        memcpy(columns, opt->columns, strlen(opt->columns) + 1);
        TW_TRY(parse_columns(columns, map, &reader.n_columns, err));
    }
    TW_TRY(tw_reader_open(out, path, kind, &reader, err));
done:
    return st;
}
