/* One row's bytes into cells: what every look at a file does before it knows what the cells mean.
 */
#include <string.h>

#include "base/utf8.h"
#include "ingest/internal.h"

static bool is_blank(const twi_span *s)
{
    for (size_t i = 0; i < s->len; i++) {
        if (s->data[i] != ' ' && s->data[i] != '\r')
            return false;
    }
    return s->wrong == NULL;
}

/* The bytes of the next row; blank lines are none. */
static tw_status read_bytes(tw_reader *r, tw_error *err)
{
    const bool quoted = r->is_table && twi_reads_quotes(&r->dialect);
    tw_status st;
    if (r->json.table != NULL)
        return twi_json_table_next(r, err);
    do {
        st = r->format == TW_FORMAT_JSON ? twi_source_element(&r->src, r->json.shape, &r->raw, err)
             : quoted                    ? twi_source_record(&r->src, &r->dialect, &r->raw, err)
                                         : twi_source_line(&r->src, &r->raw, err);
    } while (st == TW_OK && r->raw.got && is_blank(&r->raw) && r->format != TW_FORMAT_JSON);
    r->place.offset = r->src.offset;
    r->place.line = r->src.line;
    r->place.row += st == TW_OK && r->raw.got;
    return st;
}

static size_t first_bad_byte(const char *s, size_t len)
{
    size_t i = 0, used;
    while (i < len) {
        uint32_t cp = tw_utf8_next(s + i, len - i, &used);
        if (cp == 0 || (cp == 0xfffd && used == 1))
            break;
        i += used;
    }
    return i;
}

/* r->raw as UTF-8 into r->span. MovieLens' own files are ISO-8859-1, but there are converted ones.
 */
static tw_status decode(tw_reader *r, tw_error *err)
{
    const char *s = r->raw.data;
    const size_t len = r->raw.len;

    r->span = r->raw;
    if (r->raw.wrong != NULL)
        return tw_fail(err, TW_EINVAL, "%s", r->raw.wrong);
    if (tw_utf8_valid(s, len))
        return TW_OK;
    const bool latin1 = r->format == TW_FORMAT_U_ITEM || r->format == TW_FORMAT_MOVIELENS;
    if (!latin1 || memchr(s, '\0', len) != NULL) {
        size_t at =
            latin1 ? (size_t) ((const char *) memchr(s, '\0', len) - s) : first_bad_byte(s, len);
        return tw_fail(err, TW_EINVAL, "byte %zu of the row is 0x%02x, which is no UTF-8 text",
                       at + 1, (unsigned) (unsigned char) s[at]);
    }
    tw_text_clear(&r->converted);
    tw_status st = tw_text_add_latin1(&r->converted, s, len, err);
    r->span.data = tw_text_cstr(&r->converted);
    r->span.len = r->converted.len;
    return st;
}

tw_status twi_reader_step(tw_reader *r, bool *got, tw_error *err)
{
    *got = false;
    tw_status st = read_bytes(r, err);
    if (st == TW_OK && !r->raw.got)
        return TW_OK;
    if (st == TW_OK)
        st = decode(r, err);
    if (st == TW_OK)
        st = twi_cells_split(r, err);
    *got = st == TW_OK || st == TW_EINVAL;
    return st;
}
