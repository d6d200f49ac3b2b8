#include "cli/print.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/printable.h"
#include "base/text.h"
#include "base/utf8.h"

static void put(void *ctx, const char *bytes, size_t n) { (void) fwrite(bytes, 1, n, ctx); }

int print_safe_va(FILE *out, const char *fmt, va_list ap)
{
    tw_printable_format(put, out, false, fmt, ap);
    return ferror(out) != 0 ? -1 : 0;
}

int print_safe(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int rc = print_safe_va(stdout, fmt, ap);
    va_end(ap);
    return rc;
}

int print_safe_to(FILE *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int rc = print_safe_va(out, fmt, ap);
    va_end(ap);
    return rc;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* \u of four digits, of a pair of surrogates beyond. */
static void put_code(FILE *out, uint32_t cp)
{
    if (cp > 0xffff) {
        cp -= 0x10000;
        (void) fprintf(out, "\\u%04x", 0xd800 + (cp >> 10));
        cp = 0xdc00 + (cp & 0x3ff);
    }
    (void) fprintf(out, "\\u%04x", cp);
}

/* The next character of s; inside a string quotes are escaped and no control stands as it is. */
static size_t put_json(FILE *out, const char *s, size_t len, bool string)
{
    size_t used;
    const uint32_t cp = tw_utf8_next(s, len, &used);
    const bool broken = (unsigned char) *s >= 0x80 && used == 1;
    const bool layout = cp == '\n' || cp == '\t' || cp == '\r'; /* between the parts of a text */
    if (string && (cp == '"' || cp == '\\'))
        (void) fputc('\\', out);
    if (broken || (tw_printable_hides(cp) && (string || !layout)))
        put_code(out, broken ? 0xfffd : cp);
    else
        (void) fwrite(s, 1, used, out);
    return used;
}

void print_json_string(FILE *out, const char *s)
{
    const size_t len = strlen(s);
    (void) fputc('"', out);
    for (size_t at = 0; at < len;)
        at += put_json(out, s + at, len - at, true);
    (void) fputc('"', out);
}

int print_json_text(FILE *out, const char *json)
{
    const size_t len = strlen(json);
    for (size_t at = 0; at < len;)
        at += put_json(out, json + at, len - at, false);
    return ferror(out) != 0 ? -1 : 0;
}
