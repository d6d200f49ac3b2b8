/* tests/unit/ingest/ingest_rows.h — a file's rows as one text, so that a table can state them.
 *
 * An item is `id|title|text|attributes`, an event `user|item|time|rating`, a pair `a|b|label`, a
 * triplet `anchor|positive|negative`, a bad row `! reason`; one a line. A file that does not open
 * is `? reason`; what tw_reader_doubts counts comes last, behind `~`. The scratch folder's name is
 * cut from reasons.
 */
#ifndef TW_TESTS_UNIT_INGEST_ROWS_H
#define TW_TESTS_UNIT_INGEST_ROWS_H

#include <stddef.h>

#include "ingest/ingest.h"

/* Valid until the next call. */
const char *rows_of(const char *name, const void *content, size_t len, tw_ingest_kind kind,
                    const tw_reader_options *opt);

/* A table of files and their rows. Prints the rule of a case that fails. */
typedef struct rows_case {
    const char *rule; /* what the case is there for */
    const char *name, *content;
    const char *rows;
} rows_case;

void check_rows(tw_ingest_kind kind, const rows_case *cases, size_t n);
void check_rows_with(tw_ingest_kind kind, const tw_reader_options *opt, const rows_case *one);

/* One row (no line end) as above. */
void render_row(char *out, size_t room, tw_ingest_kind kind, const tw_row *row);

#endif
