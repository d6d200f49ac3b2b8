/* One splitter a format: the bytes of a row become one cell a column.
 *
 * Cells are copied into r->scratch, each closed by NUL, because r->span must stay as it is in the
 * file (a rejected row is shown so). Their addresses are set last: the scratch moves while it
 * grows. */
#include <string.h>

#include "base/grow.h"
#include "ingest/internal.h"

tw_status twi_cells_reserve(tw_reader *r, int n, tw_error *err)
{
    if (n > TW_INGEST_MAX_COLUMNS)
        return tw_fail(err, TW_EINVAL, "the row has more than %d fields", TW_INGEST_MAX_COLUMNS);
    return tw_grow(&r->cells, &r->cells_room, (size_t) n, "cells", err);
}

static void start_cells(tw_reader *r)
{
    r->n_cells = 0;
    tw_text_clear(&r->scratch);
}

/* Ends a cell whose bytes were appended since `from`. Its address is set by place_cells. */
static tw_status end_cell(tw_reader *r, size_t from, tw_error *err)
{
    tw_status st = twi_cells_reserve(r, r->n_cells + 1, err);
    if (st == TW_OK) {
        r->cells[r->n_cells++] = (twi_cell){.data = NULL, .len = r->scratch.len - from};
        st = tw_text_add(&r->scratch, "", 1, err);
    }
    return st;
}

static tw_status add_cell(tw_reader *r, const char *s, size_t len, tw_error *err)
{
    const size_t from = r->scratch.len;
    tw_status st = tw_text_add(&r->scratch, s, len, err);
    return st == TW_OK ? end_cell(r, from, err) : st;
}

/* Spreadsheets are kept from taking codes for numbers by a formula: ="0439023483". */
static void drop_formula(twi_cell *c)
{
    if (c->len < 3 || c->data[0] != '=' || c->data[1] != '"' || c->data[c->len - 1] != '"')
        return;
    c->data += 2;
    c->len -= 3;
}

static void place_cells(tw_reader *r)
{
    char *at = r->scratch.data;
    for (int i = 0; i < r->n_cells; i++) {
        r->cells[i].data = at;
        at += r->cells[i].len + 1;
    }
}

static void drop_formulas(tw_reader *r)
{
    for (int i = 0; i < r->n_cells; i++) {
        twi_cell *c = &r->cells[i];
        const char *whole = c->data;
        drop_formula(c);
        if (c->data != whole)
            r->scratch.data[c->data + c->len - r->scratch.data] = '\0';
    }
}

/* Appends [s, s + len) without the escapes in it: behind one stand a quote, a separator, a line end
 * or another escape; before anything else it is text. */
static tw_status add_unescaped(tw_reader *r, const twi_dialect *d, const char *s, size_t len,
                               tw_error *err)
{
    tw_status st = TW_OK;
    while (st == TW_OK && len > 0) {
        const char *sign = d->escape != '\0' ? memchr(s, d->escape, len - 1) : NULL;
        size_t n = sign != NULL ? (size_t) (sign - s) : len;
        st = tw_text_add(&r->scratch, s, n, err);
        if (st == TW_OK && sign != NULL) {
            const char c = sign[1];
            const bool is = c == d->quote || c == d->escape || c == '\n' || twi_is_separator(d, c);
            st = tw_text_add(&r->scratch, is ? sign + 1 : sign, is ? 1 : 2, err);
            n += 2;
        }
        s += n;
        len -= n;
    }
    return st;
}

/* The length of what stands between quotes at s, up to the one that closes them or the next that is
 * doubled. The row's scan has checked that there is one. */
static size_t quoted_len(const twi_dialect *d, const char *s, size_t len)
{
    size_t n = 0;
    while (n < len && s[n] != d->quote)
        n += d->escape != '\0' && s[n] == d->escape ? 2 : 1;
    return n < len ? n : len;
}

static tw_status quoted_cell(tw_reader *r, const twi_dialect *d, size_t *at, tw_error *err)
{
    const char *row = r->span.data;
    const size_t len = r->span.len, from = r->scratch.len;
    size_t i = *at + 1;
    for (;;) {
        const char *quote =
            i < len && d->escape == '\0' ? memchr(row + i, d->quote, len - i) : NULL;
        size_t n = d->escape != '\0' ? quoted_len(d, row + i, len - i)
                   : quote != NULL   ? (size_t) (quote - row) - i
                                     : len - i;
        if (i + n >= len)
            return tw_fail(err, TW_EINVAL, "a quote is opened and not closed in this row");
        const bool doubled = i + n + 1 < len && row[i + n + 1] == d->quote;
        tw_status st = add_unescaped(r, d, row + i, n, err);
        if (st == TW_OK && doubled)
            st = tw_text_add(&r->scratch, row + i + n, 1, err);
        if (st != TW_OK)
            return st;
        i += n + 1 + doubled;
        if (!doubled)
            break;
    }
    while (i < len && !twi_is_separator(d, row[i]))
        i++; /* nothing but blanks and a carriage return can be here */
    *at = i;
    return end_cell(r, from, err);
}

static size_t bare_len(const twi_dialect *d, const char *s, size_t len)
{
    if (d->escape == '\0' && d->separator != ' ') {
        const char *end = len > 0 ? memchr(s, d->separator, len) : NULL;
        return end != NULL ? (size_t) (end - s) : len;
    }
    size_t n = 0;
    while (n < len && !twi_is_separator(d, s[n]))
        n += d->escape != '\0' && s[n] == d->escape ? 2 : 1;
    return n < len ? n : len;
}

/* The cell at row[*at], without the blanks around it; steps to the separator behind it. */
static tw_status next_cell(tw_reader *r, const twi_dialect *d, size_t *at, tw_error *err)
{
    const char *row = r->span.data;
    const size_t len = r->span.len, from = r->scratch.len;
    size_t i = *at;
    while (i < len && twi_is_padding(d, row[i]))
        i++;
    *at = i;
    if (i < len && d->quote != '\0' && row[i] == d->quote)
        return quoted_cell(r, d, at, err);
    size_t n = bare_len(d, row + i, len - i);
    *at = i + n;
    while (n > 0 && twi_is_padding(d, row[i + n - 1]) &&
           (n < 2 || d->escape == '\0' || row[i + n - 2] != d->escape))
        n--;
    if (d->escape == '\0')
        return add_cell(r, row + i, n, err);
    tw_status st = add_unescaped(r, d, row + i, n, err);
    return st == TW_OK ? end_cell(r, from, err) : st;
}

static void skip_separators(const tw_reader *r, const twi_dialect *d, size_t *at)
{
    while (*at < r->span.len && twi_is_separator(d, r->span.data[*at]))
        (*at)++;
}

tw_status twi_cells_delimited(tw_reader *r, const twi_dialect *d, tw_error *err)
{
    const bool many = d->separator == ' ';
    size_t at = 0;
    start_cells(r);
    if (many)
        skip_separators(r, d, &at);
    for (;;) {
        tw_status st = next_cell(r, d, &at, err);
        if (st != TW_OK)
            return st;
        if (many)
            skip_separators(r, d, &at);
        if (at >= r->span.len)
            break;
        at += !many;
    }
    place_cells(r);
    drop_formulas(r);
    return TW_OK;
}

static tw_status plain_field(tw_reader *r, const char *separator, size_t *at, tw_error *err)
{
    const size_t n = strlen(separator);
    const char *from = r->span.data + *at;
    const size_t left = r->span.len - *at;
    const char *end = left > 0 ? memmem(from, left, separator, n) : NULL;
    size_t len = end != NULL ? (size_t) (end - from) : left;
    *at += len;
    return add_cell(r, from, len, err);
}

static tw_status split(tw_reader *r, const char *separator, tw_error *err)
{
    size_t at = 0;
    start_cells(r);
    for (;;) {
        tw_status st = plain_field(r, separator, &at, err);
        if (st != TW_OK)
            return st;
        if (at >= r->span.len)
            break;
        at += strlen(separator);
    }
    place_cells(r);
    return TW_OK;
}

static tw_status expect_cells(const tw_reader *r, int n, const char *what, tw_error *err)
{
    if (r->n_cells == n)
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "the row has %d fields where %s has %d", r->n_cells, what, n);
}

static bool is_year(const char *s) { return strspn(s, "0123456789") == 4 && s[4] == '\0'; }

/* The year of "01-Jan-1995", else that of "Toy Story (1995)", else "". */
static void year_of(const char *title, const char *date, char out[5])
{
    const char *at = NULL;
    out[0] = '\0';
    const size_t len = strlen(date);
    if (len >= 4 && is_year(date + (len - 4)))
        at = date + (len - 4);
    for (size_t i = strlen(title); at == NULL && i >= 6; i--) {
        const char *open = title + i - 6;
        if (open[0] == '(' && open[5] == ')' && strspn(open + 1, "0123456789") == 4)
            at = open + 1;
    }
    if (at != NULL) {
        memcpy(out, at, 4);
        out[4] = '\0';
    }
}

/* id | title | release date | video release date | URL | 19 flags, the first one "unknown". */
static tw_status u_item_cells(tw_reader *r, tw_error *err)
{
    static const char *const genres[18] = {
        "Action",      "Adventure", "Animation", "Children's", "Comedy", "Crime",
        "Documentary", "Drama",     "Fantasy",   "Film-Noir",  "Horror", "Musical",
        "Mystery",     "Romance",   "Sci-Fi",    "Thriller",   "War",    "Western",
    };
    enum { BEFORE = 5, FLAGS = 19 };
    char year[5];

    tw_status st = split(r, "|", err);
    if (st == TW_OK)
        st = expect_cells(r, BEFORE + FLAGS, "u.item", err);
    if (st != TW_OK)
        return st;
    year_of(r->cells[1].data, r->cells[2].data, year);
    bool set[FLAGS];
    for (int i = 0; i < FLAGS; i++) {
        const char *flag = r->cells[BEFORE + i].data;
        set[i] = strcmp(flag, "1") == 0;
        if (!set[i] && strcmp(flag, "0") != 0) {
            char q[TWI_QUOTE_MAX];
            return tw_fail(err, TW_EINVAL, "genre flag %d is %s, neither 0 nor 1", i,
                           twi_quote(q, flag, strlen(flag)));
        }
    }
    r->n_cells = BEFORE;
    r->scratch.len = (size_t) (r->cells[BEFORE].data - r->scratch.data);
    const size_t from = r->scratch.len;
    for (int i = 1; i < FLAGS && st == TW_OK; i++) {
        if (set[i] && r->scratch.len > from)
            st = tw_text_add(&r->scratch, "|", 1, err);
        if (set[i] && st == TW_OK)
            st = tw_text_adds(&r->scratch, genres[i - 1], err);
    }
    if (st == TW_OK)
        st = end_cell(r, from, err);
    if (st == TW_OK)
        st = add_cell(r, year, strlen(year), err);
    place_cells(r);
    return st;
}

/* id :: title :: genres; the year is the title's. A title may hold "::" itself. */
static tw_status movies_cells(tw_reader *r, tw_error *err)
{
    const char *row = r->span.data, *last = NULL;
    const size_t len = r->span.len;
    char year[5];
    const char *first = memmem(row, len, "::", 2);
    for (size_t i = 0; first != NULL && i + 1 < len; i++) {
        if (row[i] == ':' && row[i + 1] == ':')
            last = row + i;
    }
    if (first == NULL || last < first + 2)
        return tw_fail(err, TW_EINVAL, "the row is not 'id::title::genres'");
    start_cells(r);
    tw_status st = add_cell(r, row, (size_t) (first - row), err);
    if (st == TW_OK)
        st = add_cell(r, first + 2, (size_t) (last - first) - 2, err);
    if (st == TW_OK)
        st = add_cell(r, last + 2, len - (size_t) (last - row) - 2, err);
    if (st != TW_OK)
        return st;
    place_cells(r);
    year_of(r->cells[1].data, "", year);
    st = add_cell(r, year, strlen(year), err);
    place_cells(r);
    return st;
}

/* "user item", perhaps with a rating and a time, between spaces or tabs. */
static tw_status sasrec_cells(tw_reader *r, tw_error *err)
{
    const char *p = r->span.data, *end = p + r->span.len;
    tw_status st = TW_OK;
    start_cells(r);
    while (st == TW_OK && p < end) {
        const char *from = p;
        while (p < end && *p != ' ' && *p != '\t')
            p++;
        if (p > from)
            st = add_cell(r, from, (size_t) (p - from), err);
        p += p < end;
    }
    place_cells(r);
    return st == TW_OK
               ? expect_cells(r, r->plan.n, r->plan.n == 2 ? "'user item'" : "the first", err)
               : st;
}

tw_status twi_cells_split(tw_reader *r, tw_error *err)
{
    tw_status st = TW_OK;
    switch (r->format) {
    case TW_FORMAT_U_ITEM: return u_item_cells(r, err);
    case TW_FORMAT_MOVIELENS:
        if (r->plan.kind == TW_INGEST_ITEMS)
            return movies_cells(r, err);
        st = split(r, "::", err);
        return st == TW_OK ? expect_cells(r, 4, "ratings.dat", err) : st;
    case TW_FORMAT_U_DATA:
        st = split(r, "\t", err);
        return st == TW_OK ? expect_cells(r, 4, "u.data", err) : st;
    case TW_FORMAT_SASREC: return sasrec_cells(r, err);
    case TW_FORMAT_CSV:
    case TW_FORMAT_TSV:
    case TW_FORMAT_RECBOLE:
        st = twi_cells_delimited(r, &r->dialect, err);
        return st == TW_OK ? expect_cells(r, r->plan.n, "the header", err) : st;
    case TW_FORMAT_JSONL:
    case TW_FORMAT_JSON:
    case TW_FORMAT_AUTO: break;
    }
    return twi_cells_json(r, err);
}
