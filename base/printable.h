/* base/printable.h — values from outside, made fit for a terminal, a log and an error.
 *
 * An id, a title, a path or a message of a peer may hold bytes that steer a terminal, turn the
 * direction of a line, or begin a line of their own. Here they become visible escapes:
 *
 *     tab, line ends       \t \n \r
 *     other control        \x1b
 *     C1, bidirectional controls, separators, what is not seen at all   \u202e, \U000e0041
 *     what is no UTF-8     \xff
 *
 * Everything else stays as it is, backslashes too: a text that was made so once does not change
 * again. Joiners (U+200C, U+200D) stay: scripts and emoji need them.
 */
#ifndef TW_BASE_PRINTABLE_H
#define TW_BASE_PRINTABLE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TW_PRINTABLE_MAX 10 /* bytes that one character becomes */

/* The first character of s (len >= 1) into out, which is not terminated; returns its length there,
 * *used its length in s. `quoted`: a quote and a backslash are escaped, too. */
size_t tw_printable_next(const char *s, size_t len, bool quoted, size_t *used,
                         char out[TW_PRINTABLE_MAX]);

/* Whether a code point is one that is escaped. */
bool tw_printable_hides(uint32_t cp);

/* Columns of s on a terminal once it is printable, near enough: one for each character, none for a
 * combining mark. */
int64_t tw_printable_columns(const char *s, size_t len);

/* Takes n bytes. */
typedef void (*tw_put_fn)(void *ctx, const char *bytes, size_t n);

/* printf's format, handed to `put` bit by bit: what %s and %c bring is made printable, widths count
 * columns, and %.60s cuts between characters. The format itself is ours and stays. All of printf
 * but %n, %ls and %lc. */
void tw_printable_format(tw_put_fn put, void *ctx, bool quoted, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

/* The same into a buffer, cut between characters and terminated; returns the bytes written. */
size_t tw_printable_vsnprintf(char *out, size_t room, bool quoted, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

#endif
