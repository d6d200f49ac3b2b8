/* base/text.h — a growing string with a mandatory cap.
 *
 * The cap is given at init, so no file or peer can make a buffer grow without
 * limit. A failed append leaves the text as it was.
 */
#ifndef TW_BASE_TEXT_H
#define TW_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"

TW_BEGIN_DECLS

typedef struct tw_text {
    char *data; /* NUL-terminated once anything was appended; owned */
    size_t len;
    size_t room;
    size_t cap; /* the most bytes it may ever hold */
} tw_text;

void tw_text_init(tw_text *t, size_t cap);
void tw_text_fini(tw_text *t);
void tw_text_clear(tw_text *t); /* keeps the memory */

/* TW_EINVAL: over the cap. TW_ENOMEM. */
TW_NODISCARD tw_status tw_text_add(tw_text *t, const char *data, size_t len, tw_error *err);
TW_NODISCARD tw_status tw_text_adds(tw_text *t, const char *s, tw_error *err);
TW_NODISCARD tw_status tw_text_addf(tw_text *t, tw_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The text, never NULL. Valid until the next call on t. */
const char *tw_text_cstr(const tw_text *t);

/* Appends ISO-8859-1 bytes as UTF-8. */
TW_NODISCARD tw_status tw_text_add_latin1(tw_text *t, const char *s, size_t len, tw_error *err);

/* Strict numbers: the whole of s (no leading space, no trailing bytes) or false. Locale-free
 * for integers; doubles accept what strtod does in the C locale, finite only. */
bool tw_parse_i64(const char *s, int64_t *out);
bool tw_parse_f64(const char *s, double *out);

TW_END_DECLS

#endif
