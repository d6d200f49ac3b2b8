/* cli/print.h — the only way to a terminal: printf whose %s and %c are made printable.
 *
 * Ids, titles, names, errors and what a server answers come from outside. So that no call can
 * forget it, printf, fprintf and vfprintf are these in every file that includes this header (cli.h
 * does); base/printable.h says what becomes of a control character. JSON has functions of its own:
 * there the same characters become \u escapes, which every reader of JSON turns back.
 */
#ifndef TW_CLI_PRINT_H
#define TW_CLI_PRINT_H

#include <stdarg.h>
#include <stdio.h>

/* As printf, fprintf and vfprintf; below 0 when the stream failed. */
int print_safe(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int print_safe_to(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int print_safe_va(FILE *out, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

#define printf(...)   print_safe(__VA_ARGS__)
#define fprintf(...)  print_safe_to(__VA_ARGS__)
#define vfprintf(...) print_safe_va(__VA_ARGS__)

/* A string as JSON, with its quotes; what is no UTF-8 becomes U+FFFD. */
void print_json_string(FILE *out, const char *s);
/* A whole JSON text that another part made. Below 0 when the stream failed. */
int print_json_text(FILE *out, const char *json);

#endif
