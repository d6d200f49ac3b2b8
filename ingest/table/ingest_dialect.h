/* ingest/table/ingest_dialect.h — how a table that is text separates, quotes and ends its cells.
 * Internal to ingest/.
 *
 * RFC 4180 is one dialect of many: spreadsheets of some countries separate by ';', databases write
 * a quote inside quotes as \", some programs quote between tabs, old Macs end lines with a carriage
 * return. What the caller does not name is found out by trial: of the separators that cut the first
 * line in two or more, the one by which most of the first rows have as many cells as it.
 */
#ifndef TW_INGEST_INGEST_DIALECT_H
#define TW_INGEST_INGEST_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define TWI_HIVE_SEPARATOR '\1' /* a control character that is text */

typedef struct twi_dialect {
    char separator; /* ' ': any number of spaces or tabs; '\0': to be found out */
    char quote;     /* '\0': there are none */
    char escape;    /* '\\', where a quote inside quotes is not doubled; '\0': it is */
    char line_end;  /* '\n', or '\r' */
    bool quote_named, escape_named;
    int unnamed; /* where each row has one cell more than the header: 1 the first, -1 the last one
                    has no name; else 0 */
} twi_dialect;

/* Where a scan over a row's bytes stands: at the start of a cell, inside one, behind an escape,
 * inside quotes, behind an escape there, behind the quote that may have closed them, behind blanks
 * or a carriage return after that. */
typedef enum twi_scan {
    TWI_SCAN_CELL,
    TWI_SCAN_PLAIN,
    TWI_SCAN_ESCAPED,
    TWI_SCAN_QUOTED,
    TWI_SCAN_QUOTED_ESCAPED,
    TWI_SCAN_CLOSED,
    TWI_SCAN_PADDED,
    TWI_SCAN_RETURN,
    TWI_SCAN_BROKEN, /* text stands between a closing quote and the next separator */
    TWI_SCAN_ROW_END,
} twi_scan;

twi_scan twi_dialect_step(const twi_dialect *d, twi_scan state, char c);

/* Whether a row may be more than a line. */
static inline bool twi_reads_quotes(const twi_dialect *d)
{
    return d->quote != '\0' || d->escape != '\0';
}

/* Whether c separates cells: of ' ' a tab does, too. */
bool twi_is_separator(const twi_dialect *d, char c);
/* Whether c stands around a cell without being of it: a space or tab that separates none. */
bool twi_is_padding(const twi_dialect *d, char c);

/* Takes what the caller named; NULL is nothing. A separator is one character, "tab", "\t" or
 * "space", a quote or an escape one character or "none". TW_EINVAL: it is none of these, or two of
 * them are the same. line_end is left as it is. */
TW_NODISCARD tw_status twi_dialect_parse(twi_dialect *d, const char *separator, const char *quote,
                                         const char *escape, tw_error *err);

/* "sep=;", which some spreadsheets write above the header: its bytes, line end included, and the
 * separator; 0: there is no such line. */
size_t twi_dialect_line(const char *head, size_t len, char *separator);

/* Finds out what is not known yet, from the first bytes of a file; `whole`: they are all of it.
 * `header`: the first row names the columns, and rows may have one more than it. */
void twi_dialect_find(twi_dialect *d, const char *head, size_t len, bool whole, bool header);

#endif
