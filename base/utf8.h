/* base/utf8.h — UTF-8 taken apart and put together, one code point at a time (RFC 3629). */
#ifndef TW_BASE_UTF8_H
#define TW_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True for well-formed UTF-8 without NUL bytes (RFC 3629: no surrogates, no overlong forms). */
bool tw_utf8_valid(const char *s, size_t len);

/* The first control character (C0 but for NUL, DEL, C1) in UTF-8 text; 0: there is none. */
uint32_t tw_utf8_control(const char *s, size_t len);

/* Decodes one code point at s (len >= 1) and stores its length in *used; a malformed byte gives
 * U+FFFD and *used = 1. */
uint32_t tw_utf8_next(const char *s, size_t len, size_t *used);

/* Encodes cp into out (4 bytes); returns the length. cp must be a valid code point. */
size_t tw_utf8_put(char out[4], uint32_t cp);

#endif
