/* How a table separates, quotes and ends its cells: the scan over a row, and the trial that finds
 * it out. */
#include "ingest/table/ingest_dialect.h"

#include <string.h>
#include <strings.h>

#include "ingest/internal.h"

enum { MOST_ROWS = 200, MOST_COLUMNS = 64 };

bool twi_is_separator(const twi_dialect *d, char c)
{
    return c == d->separator || (d->separator == ' ' && c == '\t');
}

bool twi_is_padding(const twi_dialect *d, char c)
{
    return (c == ' ' || c == '\t') && !twi_is_separator(d, c);
}

/* Outside quotes: at the start of a cell, inside one, or behind quotes. */
static twi_scan step_outside(const twi_dialect *d, twi_scan state, char c)
{
    if (c == d->line_end)
        return TWI_SCAN_ROW_END;
    if (state == TWI_SCAN_RETURN)
        return TWI_SCAN_BROKEN;
    if (twi_is_separator(d, c))
        return TWI_SCAN_CELL;
    if (state == TWI_SCAN_CLOSED && c == d->quote)
        return TWI_SCAN_QUOTED;
    if (state == TWI_SCAN_CLOSED || state == TWI_SCAN_PADDED) {
        if (c == '\r')
            return TWI_SCAN_RETURN;
        return twi_is_padding(d, c) ? TWI_SCAN_PADDED : TWI_SCAN_BROKEN;
    }
    if (state == TWI_SCAN_CELL && d->quote != '\0' && c == d->quote)
        return TWI_SCAN_QUOTED;
    if (state == TWI_SCAN_CELL && twi_is_padding(d, c))
        return TWI_SCAN_CELL;
    return d->escape != '\0' && c == d->escape ? TWI_SCAN_ESCAPED : TWI_SCAN_PLAIN;
}

twi_scan twi_dialect_step(const twi_dialect *d, twi_scan state, char c)
{
    if (state == TWI_SCAN_QUOTED) {
        if (d->escape != '\0' && c == d->escape)
            return TWI_SCAN_QUOTED_ESCAPED;
        return c == d->quote ? TWI_SCAN_CLOSED : TWI_SCAN_QUOTED;
    }
    if (state == TWI_SCAN_QUOTED_ESCAPED)
        return TWI_SCAN_QUOTED;
    if (state == TWI_SCAN_ESCAPED)
        return TWI_SCAN_PLAIN;
    return step_outside(d, state, c);
}

/* ---- what the caller names ------------------------------------------------------------------- */

static tw_status parse_one(const char *what, const char *text, bool none, char *out, tw_error *err)
{
    static const struct {
        const char *name;
        char is;
    } names[] = {{"tab", '\t'}, {"\\t", '\t'}, {"space", ' '}};
    char q[TWI_QUOTE_MAX];

    *out = '\0';
    if (none && (text[0] == '\0' || strcasecmp(text, "none") == 0))
        return TW_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(text, names[i].name) == 0)
            *out = names[i].is;
    }
    const unsigned char c = (unsigned char) text[0];
    if (*out == '\0' && c != '\0' && text[1] == '\0' && c < 0x7f && c != '\n' && c != '\r')
        *out = text[0];
    if (*out != '\0')
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "the %s %s is not one character of ASCII%s", what,
                   twi_quote(q, text, strlen(text)), none ? " or none" : ", tab or space");
}

tw_status twi_dialect_parse(twi_dialect *d, const char *separator, const char *quote,
                            const char *escape, tw_error *err)
{
    tw_status st = TW_OK;
    if (separator != NULL)
        st = parse_one("separator", separator, false, &d->separator, err);
    if (st == TW_OK && quote != NULL)
        st = parse_one("quote", quote, true, &d->quote, err);
    if (st == TW_OK && escape != NULL)
        st = parse_one("escape", escape, true, &d->escape, err);
    d->quote_named = quote != NULL;
    d->escape_named = escape != NULL;
    if (st == TW_OK && d->separator != '\0' &&
        (d->separator == d->quote || d->separator == d->escape))
        return tw_fail(err, TW_EINVAL, "'%c' cannot be the separator and the %s", d->separator,
                       d->separator == d->quote ? "quote" : "escape");
    if (st == TW_OK && d->escape == d->quote)
        d->escape = '\0'; /* a doubled quote, said in other words */
    return st;
}

size_t twi_dialect_line(const char *head, size_t len, char *separator)
{
    enum { NAME = 4 };
    size_t n = NAME + 1;
    if (len < n || strncasecmp(head, "sep=", NAME) != 0 || head[NAME] == '\r' || head[NAME] == '\n')
        return 0;
    const char sep = head[NAME];
    n += n < len && head[n] == '\r';
    n += n < len && head[n] == '\n';
    if (n == NAME + 1)
        return 0;
    *separator = sep;
    return n;
}

/* ---- the trial ------------------------------------------------------------------------------- */

/* What the first rows look like in one dialect. */
typedef struct trial {
    int header;     /* cells of the first row */
    int rows;       /* behind it */
    int good;       /* of them, those with as many cells */
    int more;       /* with one more ... */
    int more_empty; /* ... and nothing in the last one */
    int broken;     /* whose quotes are wrong, the first row included */
    bool marked;    /* a cell in quotes holds one, doubled or escaped */
    int filled[MOST_COLUMNS], quoted[MOST_COLUMNS]; /* cells of a column that hold something */
} trial;

/* One row as it is looked through. */
typedef struct walk {
    const twi_dialect *d;
    trial *t;
    twi_scan state;
    int cells;
    bool quoted, filled; /* the cell */
} walk;

static void end_cell(walk *w)
{
    trial *t = w->t;
    if (w->cells < MOST_COLUMNS) {
        t->filled[w->cells] += w->filled;
        t->quoted[w->cells] += w->filled && w->quoted;
    }
    w->cells++;
}

static void walk_byte(walk *w, char c)
{
    const twi_scan before = w->state;
    w->state = twi_dialect_step(w->d, before, c);
    const bool inside = w->state == TWI_SCAN_QUOTED;
    if (before == TWI_SCAN_QUOTED_ESCAPED || (before == TWI_SCAN_CLOSED && inside))
        w->t->marked = true;
    if (before == TWI_SCAN_CELL && w->state != TWI_SCAN_CELL && w->state != TWI_SCAN_ROW_END) {
        w->quoted = w->state == TWI_SCAN_QUOTED;
        w->filled = c != '\r';
    }
    const bool many = w->d->separator == ' ' && before == TWI_SCAN_CELL;
    if (w->state == TWI_SCAN_CELL && twi_is_separator(w->d, c) && !many) {
        end_cell(w);
        w->filled = w->quoted = false;
    }
}

static void end_row(walk *w, bool first)
{
    trial *t = w->t;
    const bool last_empty = !w->filled;
    if (w->d->separator != ' ' || w->filled)
        end_cell(w); /* blanks behind the last cell are none */
    if (w->state == TWI_SCAN_BROKEN || w->state == TWI_SCAN_QUOTED ||
        w->state == TWI_SCAN_QUOTED_ESCAPED)
        t->broken++;
    else if (!first) {
        t->good += w->cells == t->header;
        t->more += w->cells == t->header + 1;
        t->more_empty += w->cells == t->header + 1 && last_empty;
    }
    if (first)
        t->header = w->cells;
    else
        t->rows++;
}

/* Goes through one row; returns its bytes. *complete: it does not reach beyond what is there. */
static size_t try_row(walk *w, const char *s, size_t len, bool *complete)
{
    size_t i = 0;
    *complete = false;
    while (i < len && !*complete && w->state != TWI_SCAN_BROKEN) {
        walk_byte(w, s[i++]);
        *complete = w->state == TWI_SCAN_ROW_END;
    }
    if (w->state == TWI_SCAN_BROKEN) { /* only its first line is lost */
        const char *nl = memchr(s, w->d->line_end, len);
        i = nl != NULL ? (size_t) (nl - s) + 1 : len;
        *complete = true;
    }
    return i;
}

static bool is_blank_line(const char *s, size_t len, char line_end)
{
    size_t i = 0;
    while (i < len && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r') && s[i] != line_end)
        i++;
    return i == len || s[i] == line_end;
}

static void try_dialect(const twi_dialect *d, const char *head, size_t len, bool whole, trial *t)
{
    *t = (trial){.header = 0};
    for (size_t at = 0; at < len && t->rows < MOST_ROWS;) {
        walk w = {.d = d, .t = t, .state = TWI_SCAN_CELL};
        bool complete;
        if (is_blank_line(head + at, len - at, d->line_end)) {
            const char *nl = memchr(head + at, d->line_end, len - at);
            at = nl != NULL ? (size_t) (nl - head) + 1 : len;
            continue;
        }
        at += try_row(&w, head + at, len - at, &complete);
        if (complete || whole || t->header == 0)
            end_row(&w, t->header == 0);
    }
}

/* Whether a trial's rows look more like rows of one table than another's. */
static bool is_better(const trial *a, const trial *b)
{
    const int fit = a->good + a->more, other = b->good + b->more;
    if ((a->header > 1) != (b->header > 1))
        return a->header > 1;
    if (fit * (b->rows + 1) != other * (a->rows + 1))
        return fit * (b->rows + 1) > other * (a->rows + 1);
    return a->good > b->good || (a->good == b->good && a->broken < b->broken);
}

/* Quotes that a table of tabs or bars has for its own sake, for there they may be just text: they
 * hold quotes, or what would break a row without them, or each cell of some column is in them. */
static bool has_quotes(const twi_dialect *d, const char *head, size_t len, bool whole)
{
    twi_dialect bare = *d;
    trial with, without;
    bool column = false;
    bare.quote = bare.escape = '\0';
    try_dialect(d, head, len, whole, &with);
    try_dialect(&bare, head, len, whole, &without);
    for (int i = 0; i < MOST_COLUMNS; i++)
        column = column || (with.filled[i] > 1 && with.quoted[i] == with.filled[i]);
    return with.broken == 0 && (with.marked || column || is_better(&with, &without));
}

static void find_separator(twi_dialect *d, const char *head, size_t len, bool whole)
{
    static const char candidates[] = {',', ';', '\t', '|', TWI_HIVE_SEPARATOR};
    trial best = {.header = 0}, t;
    char found = ',';
    for (size_t i = 0; i < sizeof candidates; i++) {
        d->separator = candidates[i];
        try_dialect(d, head, len, whole, &t);
        if (i == 0 || is_better(&t, &best)) {
            best = t;
            found = candidates[i];
        }
    }
    d->separator = found;
}

static void find_escape(twi_dialect *d, const char *head, size_t len, bool whole)
{
    const char sign[2] = {'\\', d->quote};
    trial doubled, escaped;
    if (memmem(head, len, sign, 2) == NULL)
        return;
    try_dialect(d, head, len, whole, &doubled);
    d->escape = '\\';
    try_dialect(d, head, len, whole, &escaped);
    if (!is_better(&escaped, &doubled))
        d->escape = '\0';
}

static void find_quotes(twi_dialect *d, const char *head, size_t len, bool whole)
{
    const bool usual = d->separator == ',' || d->separator == ';';
    if (!d->quote_named)
        d->quote = '"';
    if (d->quote != '\0' && !d->escape_named)
        find_escape(d, head, len, whole);
    if (d->quote_named || usual)
        return;
    if (!has_quotes(d, head, len, whole)) {
        d->quote = '\0';
        d->escape = d->escape_named ? d->escape : '\0';
    }
}

/* A separator behind the last cell of every row, or R's names of rows, which have no column name;
 * those only where a comma in a text would not look the same. */
static void find_unnamed(twi_dialect *d, const char *head, size_t len, bool whole)
{
    trial t;
    const bool names = d->separator == '\t' || d->separator == ' ';
    try_dialect(d, head, len, whole, &t);
    if (t.rows == 0 || t.more < t.rows)
        return;
    if (t.more_empty == t.rows)
        d->unnamed = -1;
    else if (names && t.rows > 1)
        d->unnamed = 1;
}

void twi_dialect_find(twi_dialect *d, const char *head, size_t len, bool whole, bool header)
{
    if (d->separator == '\0') {
        const char quote = d->quote;
        d->quote = d->quote_named ? quote : '"';
        find_separator(d, head, len, whole);
    }
    find_quotes(d, head, len, whole);
    if (header)
        find_unnamed(d, head, len, whole);
}
