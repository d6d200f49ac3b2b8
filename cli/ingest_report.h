/* cli/ingest_report.h — what a load of a file or a folder did. */
#ifndef TW_CLI_INGEST_REPORT_H
#define TW_CLI_INGEST_REPORT_H

#include <stdbool.h>

#include "engine/engine.h"

/* As one JSON object a line, or as sentences; what may be wrong goes to standard error. */
void print_ingest_report(const char *path, const tw_ingest_report *r, bool json);

#endif
