/* The reader: opens a file, then passes rows through source, cells, plan and row. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "ingest/internal.h"

#define FIELD_MAX      ((size_t) 2 * TW_INGEST_MAX_LINE)
#define ATTRIBUTES_MAX ((size_t) 8 * TW_INGEST_MAX_LINE) /* a control character is six as JSON */

static bool is_json(const tw_reader *r)
{
    return r->format == TW_FORMAT_JSONL || r->format == TW_FORMAT_JSON;
}

/* ---- opening --------------------------------------------------------------------------------- */

static tw_status find_folder(tw_reader *r, tw_error *err)
{
    char dir[TW_PATH_MAX], full[PATH_MAX];
    const char *slash = strrchr(r->path, '/');
    const size_t len = slash == NULL ? 1 : slash == r->path ? 1 : (size_t) (slash - r->path);
    memcpy(dir, slash == NULL ? "." : r->path, len);
    dir[len] = '\0';
    if (realpath(dir, full) == NULL)
        return tw_fail_errno(err, "cannot find the folder of '%.300s'", r->path);
    (void) snprintf(r->folder, sizeof r->folder, "%s", strcmp(full, "/") == 0 ? "" : full);
    return TW_OK;
}

static uint64_t hash_text(uint64_t h, const char *s)
{
    return s == NULL ? tw_fnv1a(h, "\1", 1) : tw_fnv1a(h, s, strlen(s) + 1);
}

static uint64_t hash_options(const tw_reader_options *opt)
{
    uint64_t h = hash_text(TW_FNV_START, opt->title_template);
    h = hash_text(h, opt->text_template);
    h = hash_text(h, opt->header);
    h = opt->encoding != NULL ? hash_text(h, opt->encoding) : h;
    h = opt->separator != NULL ? hash_text(h, opt->separator) : h;
    h = opt->quote != NULL ? hash_text(h, opt->quote) : h;
    h = opt->escape != NULL ? hash_text(h, opt->escape) : h;
    h = hash_text(h, opt->time_format);
    h = hash_text(h, opt->allow_future ? "any" : NULL);
    for (int i = 0; i < opt->n_columns; i++)
        h = hash_text(hash_text(h, opt->columns[i].field), opt->columns[i].column);
    return h;
}

static tw_status add_columns(twi_plan *p, const char *const *names, const twi_type *types, int n,
                             tw_error *err)
{
    for (int i = 0; i < n; i++) {
        tw_status st = twi_plan_add(p, names[i], strlen(names[i]), types[i], err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

static tw_status log_columns(tw_reader *r, tw_error *err)
{
    static const char *const names[] = {"user", "item", "rating", "timestamp"};
    static const char *const timed[] = {"user", "item", "timestamp"};
    static const twi_type types[] = {TWI_STRING, TWI_STRING, TWI_STRING, TWI_STRING};
    bool third_is_time = false;
    const int n = r->format == TW_FORMAT_SASREC ? twi_log_columns(&r->src, &third_is_time) : 4;
    return add_columns(&r->plan, n == 3 && third_is_time ? timed : names, types, n, err);
}

/* The columns of the formats that have no header. */
static tw_status fixed_columns(tw_reader *r, tw_error *err)
{
    static const char *const u_item[] = {"id",  "title",  "release_date", "video_release_date",
                                         "url", "genres", "year"};
    static const twi_type u_item_types[] = {TWI_STRING, TWI_STRING,   TWI_STRING, TWI_STRING,
                                            TWI_STRING, TWI_LIST_BAR, TWI_NUMBER};
    static const char *const movies[] = {"id", "title", "genres", "year"};
    static const twi_type movies_types[] = {TWI_STRING, TWI_STRING, TWI_LIST_BAR, TWI_NUMBER};

    if (r->format == TW_FORMAT_U_ITEM)
        return add_columns(&r->plan, u_item, u_item_types, 7, err);
    if (r->format == TW_FORMAT_MOVIELENS && r->plan.kind == TW_INGEST_ITEMS)
        return add_columns(&r->plan, movies, movies_types, 4, err);
    return log_columns(r, err);
}

/* Splits r->span into column names. */
static tw_status take_header(tw_reader *r, const twi_dialect *d, tw_error *err)
{
    char q[TWI_QUOTE_MAX];
    if (r->span.wrong != NULL || !tw_utf8_valid(r->span.data, r->span.len))
        return tw_fail(err, TW_EINVAL, "the header of '%.200s' is not usable: %s", r->path,
                       r->span.wrong != NULL ? r->span.wrong : "it is no UTF-8");
    tw_error why = {0};
    tw_status st = twi_cells_delimited(r, d, &why);
    if (st != TW_OK)
        return tw_fail(err, st, "the header of '%.200s' is not usable: %s", r->path, why.msg);
    if (d->unnamed > 0)
        st = twi_plan_add(&r->plan, "", 0, TWI_GUESS, err);
    for (int i = 0; st == TW_OK && i < r->n_cells; i++) {
        const char *name = r->cells[i].data;
        size_t len = r->cells[i].len;
        bool typed = false;
        for (; len > 0 && *name == ' '; len--)
            name++;
        while (len > 0 && name[len - 1] == ' ')
            len--;
        st = twi_plan_add_typed(&r->plan, name, len, &typed, err);
        if (st == TW_OK && r->format == TW_FORMAT_RECBOLE && !typed)
            return tw_fail(err, TW_EINVAL, "the column %s of '%.200s' has no type behind a colon",
                           twi_quote(q, name, len), r->path);
    }
    if (st == TW_OK && d->unnamed < 0)
        st = twi_plan_add(&r->plan, "", 0, TWI_GUESS, err);
    return st;
}

/* The names that the caller gives, between commas whatever the file has. */
static tw_status take_given(tw_reader *r, const char *names, tw_error *err)
{
    static const twi_dialect commas = {.separator = ',', .quote = '"', .line_end = '\n'};
    r->span = (twi_span){.data = names, .len = strlen(names), .got = true};
    return take_header(r, &commas, err);
}

static tw_status read_header(tw_reader *r, const char *given, tw_error *err)
{
    const twi_dialect *d = &r->dialect;
    if (given != NULL && r->format == TW_FORMAT_RECBOLE)
        return tw_fail(err, TW_EINVAL, "a header can be given for csv, tsv and logs, not for %s",
                       tw_ingest_format_name(r->format));
    if (given != NULL)
        return take_given(r, given, err);
    do {
        tw_status st = twi_reads_quotes(d) ? twi_source_record(&r->src, d, &r->span, err)
                                           : twi_source_line(&r->src, &r->span, err);
        if (st != TW_OK)
            return st;
    } while (r->span.got && r->span.len == 0);
    return take_header(r, d, err);
}

/* The columns of a log that never has a header, where they come in another order. */
static tw_status name_columns(tw_reader *r, const char *header, tw_error *err)
{
    bool third_is_time;
    const int columns =
        r->format == TW_FORMAT_SASREC ? twi_log_columns(&r->src, &third_is_time) : 4;
    if (r->plan.kind != TW_INGEST_EVENTS)
        return tw_fail(err, TW_EINVAL, "a header can be given for csv, tsv and logs, not for %s",
                       tw_ingest_format_name(r->format));
    tw_status st = take_given(r, header, err);
    if (st == TW_OK && r->plan.n != columns)
        return tw_fail(err, TW_EINVAL, "the header names %d columns, and %s has %d", r->plan.n,
                       tw_ingest_format_name(r->format), columns);
    return st;
}

static tw_status make_plan(tw_reader *r, const tw_reader_options *opt, tw_error *err)
{
    char whose[TW_PATH_MAX + 32];
    tw_status st = TW_OK;

    if (is_json(r)) {
        if (opt->header != NULL && r->format == TW_FORMAT_JSONL) {
            return tw_fail(err, TW_EINVAL,
                           "a header can be given for csv, tsv and logs, not for %s",
                           tw_ingest_format_name(r->format));
        }
        if (opt->header != NULL)
            st = take_given(r, opt->header, err);
        return st == TW_OK ? twi_json_enter(r, err) : st;
    }
    r->numbered = !r->is_table && opt->header == NULL;
    if (r->is_table)
        st = read_header(r, opt->header, err);
    else
        st = opt->header != NULL ? name_columns(r, opt->header, err) : fixed_columns(r, err);
    if (st != TW_OK)
        return st;
    (void) snprintf(whose, sizeof whose, "%s'%s'",
                    r->is_table && opt->header == NULL ? "the header of " : "", r->path);
    return twi_plan_resolve(&r->plan, true, whose, err);
}

static tw_status look_ahead(tw_reader *r, const tw_reader_options *opt, tw_error *err)
{
    r->any_time = opt->allow_future;
    r->is_item = opt->is_item;
    r->is_item_ctx = opt->is_item_ctx;
    r->clock = -1;
    r->time = (twi_time_rule){TWI_TIME_UNITS, TWI_DAY_OPEN};
    if (opt->time_format != NULL && r->plan.kind != TW_INGEST_EVENTS)
        return tw_fail(err, TW_EINVAL, "%s have no time that a time format could be for",
                       tw_ingest_kind_name(r->plan.kind));
    if (opt->time_format != NULL) {
        tw_status st = twi_time_rule_parse(opt->time_format, &r->time, err);
        if (st != TW_OK)
            return st;
    }
    r->has_times = r->plan.at[TWI_TIME] >= 0 && !is_json(r);
    const bool tells = is_json(r) || r->plan.kind == TW_INGEST_EVENTS ||
                       (r->is_table && r->plan.kind == TW_INGEST_ITEMS);
    return tells ? twi_sample(r, err) : TW_OK;
}

/* How the file's cells are separated and quoted, where it is a table. */
static tw_status find_dialect(tw_reader *r, const tw_reader_options *opt, tw_error *err)
{
    const char *head = r->src.buf + r->src.start;
    const size_t len = r->src.end - r->src.start;
    r->is_table =
        r->format == TW_FORMAT_CSV || r->format == TW_FORMAT_TSV || r->format == TW_FORMAT_RECBOLE;
    if (!r->is_table && (opt->separator != NULL || opt->quote != NULL || opt->escape != NULL)) {
        return tw_fail(err, TW_EINVAL,
                       "a separator, quote or escape can be given for csv, tsv and recbole, not "
                       "for %s",
                       tw_ingest_format_name(r->format));
    }
    if (!r->is_table)
        return TW_OK;
    if (r->dialect.separator == '\0' && r->format != TW_FORMAT_CSV)
        r->dialect.separator = '\t';
    twi_dialect_find(&r->dialect, head, len, r->src.ended,
                     opt->header == NULL && r->format != TW_FORMAT_RECBOLE);
    if (r->format == TW_FORMAT_CSV && r->dialect.separator == '\t')
        r->format = TW_FORMAT_TSV;
    return TW_OK;
}

/* Reads the head and finds the format. */
static tw_status look(tw_reader *r, const tw_reader_options *opt, tw_error *err)
{
    tw_status st = twi_source_look(&r->src, TWI_HEAD, err);
    if (st != TW_OK)
        return st;
    const size_t have = r->src.end - r->src.start;
    r->head_hash = tw_fnv1a(TW_FNV_START, r->src.buf, have < TWI_HEAD ? have : TWI_HEAD);
    if (have >= 3 && memcmp(r->src.buf, "\xef\xbb\xbf", 3) == 0)
        twi_source_skip(&r->src, 3);
    TW_TRY(twi_check_is_text(&r->src, err));
    TW_TRY(twi_dialect_parse(&r->dialect, opt->separator, opt->quote, opt->escape, err));
    twi_source_find_line_end(&r->src);
    r->dialect.line_end = r->src.line_end;
    twi_source_skip(&r->src, twi_dialect_line(r->src.buf + r->src.start, r->src.end - r->src.start,
                                              &r->dialect.separator));
    r->format = opt->format;
    if (r->format == TW_FORMAT_AUTO)
        TW_TRY(twi_detect(&r->src, r->plan.kind, &r->dialect, &r->format, err));
    TW_TRY(twi_check_format(&r->src, r->plan.kind, r->format, err));
    st = find_dialect(r, opt, err);
done:
    return st;
}

tw_status tw_reader_open(tw_reader **out, const char *path, tw_ingest_kind kind,
                         const tw_reader_options *opt, tw_error *err)
{
    static const tw_reader_options plain = {.format = TW_FORMAT_AUTO};
    tw_status st = TW_OK;

    *out = NULL;
    opt = opt != NULL ? opt : &plain;
    if (strlen(path) >= TW_PATH_MAX)
        return tw_fail(err, TW_EINVAL, "the path of %zu bytes is longer than %d", strlen(path),
                       TW_PATH_MAX - 1);
    tw_reader *r = tw_alloc(1, sizeof *r);
    if (r == NULL)
        return tw_fail(err, TW_ENOMEM, "no memory for a reader");
    const bool from_pipe = strcmp(path, "-") == 0;
    (void) snprintf(r->path, sizeof r->path, "%s", from_pipe ? "standard input" : path);
    for (int i = 0; i < TWI_ROLES; i++)
        tw_text_init(&r->fields[i], FIELD_MAX);
    tw_text_init(&r->scratch, FIELD_MAX);
    tw_text_init(&r->converted, FIELD_MAX);
    tw_text_init(&r->attributes, ATTRIBUTES_MAX);
    r->options_hash = hash_options(opt);

    TW_TRY(twi_source_open(&r->src, from_pipe ? path : r->path, opt->encoding, err));
    TW_TRY(twi_plan_init(&r->plan, kind, opt, err));
    TW_TRY(find_folder(r, err));
    TW_TRY(look(r, opt, err));
    TW_TRY(make_plan(r, opt, err));
    r->first = (tw_reader_place){r->src.offset, r->src.line, 0};
    r->place = r->first;
    r->raw = (twi_span){.data = ""};
    TW_TRY(look_ahead(r, opt, err));
    twi_note_all(r);
    *out = r;
    r = NULL;
done:
    tw_reader_close(r);
    return st;
}

void tw_reader_close(tw_reader *r)
{
    if (r == NULL)
        return;
    twi_source_fini(&r->src);
    twi_plan_fini(&r->plan);
    for (int i = 0; i < TWI_ROLES; i++)
        tw_text_fini(&r->fields[i]);
    tw_text_fini(&r->scratch);
    tw_text_fini(&r->converted);
    tw_text_fini(&r->attributes);
    tw_free(r->cells);
    json_decref(r->doc);
    json_decref(r->json.names);
    twi_json_table_close(r->json.table);
    tw_free(r);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Puts the line number before the reason and makes it printable. */
static tw_status bad_row(const tw_reader *r, tw_error *why, tw_error *err)
{
    for (char *p = why->msg; *p != '\0'; p++) {
        if ((unsigned char) *p < ' ' || *p == 0x7f)
            *p = '?';
    }
    return tw_fail_at(err, TW_EINVAL, why->file, why->line, "%s %" PRId64 ": %.480s",
                      r->json.table != NULL ? "row" : "line", r->raw.line, why->msg);
}

tw_status tw_reader_next(tw_reader *r, tw_row *row, bool *got, tw_error *err)
{
    tw_error why = {0};

    *got = false;
    *row = (tw_row){.id = "",
                    .title = "",
                    .text = "",
                    .image = "",
                    .audio = "",
                    .attributes = "{}",
                    .user = "",
                    .item = "",
                    .rating = NAN,
                    .a = "",
                    .b = "",
                    .anchor = "",
                    .positive = "",
                    .negative = ""};
    tw_status st = twi_reader_step(r, got, &why);
    row->line = r->raw.line;
    if (st == TW_OK && *got)
        st = twi_row_build(r, row, &why);
    if (st == TW_OK)
        return TW_OK;
    *got = st == TW_EINVAL;
    if (st == TW_EINVAL)
        return bad_row(r, &why, err);
    return tw_fail_at(err, st, why.file, why.line, "%s", why.msg);
}

const char *tw_reader_raw(const tw_reader *r, size_t *len)
{
    *len = r->raw.len;
    return r->raw.data;
}

int64_t tw_reader_line(const tw_reader *r) { return r->raw.line; }

/* ---- places ---------------------------------------------------------------------------------- */

tw_reader_place tw_reader_tell(const tw_reader *r) { return r->place; }

tw_status tw_reader_seek(tw_reader *r, tw_reader_place place, tw_error *err)
{
    if (place.offset == 0)
        place = r->first;
    if (place.offset < r->first.offset || place.line < r->first.line || place.row < 0)
        return tw_fail(err, TW_EINVAL, "byte %" PRId64 " of '%.200s' lies before its first row",
                       place.offset, r->path);
    r->raw = (twi_span){.data = ""};
    if (r->json.table != NULL && place.row > twi_json_table_rows(r->json.table))
        return tw_fail(err, TW_EINVAL, "'%.200s' has no row %" PRId64, r->path, place.row);
    if (r->json.table != NULL) { /* nothing is read from the file any more */
        r->place = place;
        return TW_OK;
    }
    if (place.offset == 0) { /* no header, and nothing read yet */
        r->place = place;
        return twi_source_seek(&r->src, 0, 0, err);
    }
    tw_status st = twi_source_seek(&r->src, place.offset - 1, place.line, err);
    if (st == TW_OK)
        st = twi_source_need(&r->src, 2, err);
    if (st != TW_OK)
        return st;
    const size_t have = r->src.end - r->src.start;
    if (have == 0)
        return tw_fail(err, TW_EINVAL, "'%.200s' ends before byte %" PRId64, r->path, place.offset);
    const bool at_end = have == 1; /* the last line may lack its end */
    if (!at_end && r->format != TW_FORMAT_JSON && place.offset != r->first.offset &&
        r->src.buf[r->src.start] != r->src.line_end)
        return tw_fail(err, TW_EINVAL, "no line of '%.200s' ends at byte %" PRId64, r->path,
                       place.offset);
    r->src.start++;
    r->src.offset++;
    r->place = place;
    return TW_OK;
}

bool tw_reader_has_times(const tw_reader *r) { return r->has_times; }

const tw_reader_doubts *tw_reader_doubtful(const tw_reader *r) { return &r->doubts; }

bool tw_reader_is_pipe(const tw_reader *r) { return r->src.once; }

const char *tw_reader_encoding(const tw_reader *r, bool *guessed)
{
    *guessed = r->src.encoding.guessed;
    return r->src.encoding.name[0] != '\0' ? r->src.encoding.name : "ascii";
}

tw_ingest_format tw_reader_format(const tw_reader *r) { return r->format; }

void tw_reader_progress(const tw_reader *r, int64_t *done, int64_t *total)
{
    *total = r->src.size;
    *done = r->src.once ? 0 : twi_unpacker_taken(r->src.file);
    *done = *done < 0 ? 0 : *done > *total ? *total : *done;
}

void tw_reader_fingerprint(const tw_reader *r, char out[TW_FINGERPRINT_MAX])
{
    uint64_t h = tw_fnv1a(r->head_hash, &r->src.changed_ns, sizeof r->src.changed_ns);
    h = tw_fnv1a(h, &r->plan.kind, sizeof r->plan.kind);
    h = tw_fnv1a(h, &r->format, sizeof r->format);
    h = tw_fnv1a(h, &r->options_hash, sizeof r->options_hash);
    if (r->src.once) { /* what a pipe gives never comes again */
        const int64_t now = tw_clock_micros();
        h = tw_fnv1a(h, &now, sizeof now);
    }
    (void) snprintf(out, TW_FINGERPRINT_MAX, "%" PRId64 "-%016" PRIx64, r->src.size, h);
}
