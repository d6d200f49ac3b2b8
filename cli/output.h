/* cli/output.h — errors and answers on the terminal. */
#ifndef TW_CLI_OUTPUT_H
#define TW_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/engine.h"

enum { EXIT_USAGE = 2, EXIT_CORRUPT = 3 };

/* Prints the error as one line on stderr; returns the exit code that belongs to it. */
int failed(const tw_error *err);

void print_answer(const tw_answer *a, const char *what, bool json);
int64_t display_width(const char *utf8);

#endif
