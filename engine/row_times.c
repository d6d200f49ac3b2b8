#include "engine/row_times.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "ingest/ingest.h"

#define TAKEN_KEY "row_times" /* also in store_migrate.c */

typedef char file_key[TW_FINGERPRINT_MAX + sizeof TAKEN_KEY + 1];

static void name_file(file_key out, const char *key)
{
    (void) snprintf(out, sizeof(file_key), TAKEN_KEY " %.63s", key);
}

/* *found is false where the store has no such setting. */
static tw_status get(tw_store *s, const char *key, int64_t *value, bool *found, tw_error *err)
{
    tw_text text;
    *value = 0;
    tw_text_init(&text, TW_STORE_MAX_META);
    tw_status st = tw_store_meta(s, key, &text, err);
    *found = st == TW_OK;
    if (st == TW_OK && (!tw_parse_i64(tw_text_cstr(&text), value) || *value < 0))
        st = tw_fail(err, TW_ECORRUPT, "the setting '%s' is no number of rows", key);
    tw_text_fini(&text);
    return st == TW_ENOTFOUND ? TW_OK : st;
}

static tw_status set(tw_store *s, const char *key, int64_t value, tw_error *err)
{
    char text[24];
    (void) snprintf(text, sizeof text, "%" PRId64, value);
    return tw_store_set_meta(s, key, text, err);
}

tw_status twi_row_times_begin(tw_store *s, const char *key, bool known, int64_t *first,
                              tw_error *err)
{
    file_key name;
    bool found;
    name_file(name, key);
    tw_status st = get(s, name, first, &found, err);
    if (st != TW_OK || found || known)
        return st;
    return get(s, TAKEN_KEY, first, &found, err);
}

tw_status twi_row_times_take(tw_store *s, const char *key, int64_t first, int64_t rows,
                             tw_error *err)
{
    file_key name;
    int64_t taken;
    bool found;
    tw_status st = get(s, TAKEN_KEY, &taken, &found, err);
    name_file(name, key);
    if (st == TW_OK && (!found || first + rows > taken))
        st = set(s, TAKEN_KEY, first + rows, err);
    return st == TW_OK ? set(s, name, first, err) : st;
}
