/* cli/columns.h — what each column of a file was taken for, as a line for the user. */
#ifndef TW_CLI_COLUMNS_H
#define TW_CLI_COLUMNS_H

#include <jansson.h>
#include <stdbool.h>

#include "ingest/ingest.h"

/* "columns: user=visitorid ..."; untimed: and a line that no column holds times. */
void print_fields(const tw_field_source *fields, int n, bool untimed);

/* The same from "columns", "time_format" and "guessed" of a report. */
void print_columns(const json_t *report);

#endif
