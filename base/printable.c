#include "base/printable.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

/* ---- characters ------------------------------------------------------------------------------ */

bool tw_printable_hides(uint32_t cp)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},   {0x180e, 0x180e},
        {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (cp >= hidden[i].first && cp <= hidden[i].last)
            return true;
    return false;
}

/* "\x1b" of two digits, "\u202e" of four, "\U000e0041" of eight. */
static size_t escape(char out[TW_PRINTABLE_MAX], char kind, uint32_t value, int digits)
{
    out[0] = '\\';
    out[1] = kind;
    for (int i = 0; i < digits; i++)
        out[2 + i] = "0123456789abcdef"[value >> (4 * (digits - 1 - i)) & 15];
    return (size_t) digits + 2;
}

static size_t escape_ascii(char out[TW_PRINTABLE_MAX], unsigned char c)
{
    static const char short_ones[] = "\tt\nn\rr";
    for (size_t i = 0; i + 1 < sizeof short_ones; i += 2) {
        if ((unsigned char) short_ones[i] == c) {
            out[0] = '\\';
            out[1] = short_ones[i + 1];
            return 2;
        }
    }
    return escape(out, 'x', c, 2);
}

size_t tw_printable_next(const char *s, size_t len, bool quoted, size_t *used,
                         char out[TW_PRINTABLE_MAX])
{
    const unsigned char c = (unsigned char) *s;
    const uint32_t cp = tw_utf8_next(s, len, used);
    if (c < 0x80 && tw_printable_hides(c))
        return escape_ascii(out, c);
    if (quoted && (c == '"' || c == '\\')) {
        out[0] = '\\';
        out[1] = (char) c;
        return 2;
    }
    if (c >= 0x80 && *used == 1)
        return escape(out, 'x', c, 2);
    if (tw_printable_hides(cp))
        return cp <= 0xffff ? escape(out, 'u', cp, 4) : escape(out, 'U', cp, 8);
    memcpy(out, s, *used);
    return *used;
}

int64_t tw_printable_columns(const char *s, size_t len)
{
    int64_t n = 0;
    for (size_t i = 0, used; i < len; i += used) {
        char out[TW_PRINTABLE_MAX];
        const size_t bytes = tw_printable_next(s + i, len - i, false, &used, out);
        const uint32_t cp = tw_utf8_next(s + i, len - i, &used);
        if (out[0] == '\\' && s[i] != '\\')
            n += (int64_t) bytes;
        else
            n += !(cp >= 0x300 && cp <= 0x36f);
    }
    return n;
}

/* ---- formats --------------------------------------------------------------------------------- */

typedef struct writer {
    tw_put_fn put;
    void *ctx;
    bool quoted;
} writer;

/* One "%-*.60lld": what stands between the percent sign and the letter. */
typedef struct spec {
    char flags[8];
    int width, precision; /* -1: none */
    char size[3];         /* "", "h", "hh", "l", "ll", "z", "j", "t", "L" */
    char letter;
} spec;

static int read_number(const char **at, va_list *ap)
{
    int n = 0;
    if (**at == '*') {
        (*at)++;
        return va_arg(*ap, int);
    }
    while (**at >= '0' && **at <= '9' && n < 10000)
        n = 10 * n + (*(*at)++ - '0');
    return n;
}

/* Reads a spec behind its percent sign; returns where it ends. */
static const char *read_spec(spec *s, const char *at, va_list *ap)
{
    size_t n = 0;
    *s = (spec){.width = -1, .precision = -1};
    for (; *at != '\0' && strchr("-+ #0", *at) != NULL; at++)
        if (n + 1 < sizeof s->flags)
            s->flags[n++] = *at;
    if (*at == '*' || (*at >= '1' && *at <= '9'))
        s->width = read_number(&at, ap);
    if (s->width < -1) { /* from a star: left, as printf has it */
        s->width = -s->width;
        s->flags[n < sizeof s->flags - 1 ? n : 0] = '-';
    }
    if (*at == '.') {
        at++;
        s->precision = read_number(&at, ap);
    }
    for (n = 0; *at != '\0' && strchr("hlzjtL", *at) != NULL; at++)
        if (n + 1 < sizeof s->size)
            s->size[n++] = *at;
    s->letter = *at;
    return *at != '\0' ? at + 1 : at;
}

static void pad(const writer *w, int64_t n)
{
    for (; n > 0; n--)
        w->put(w->ctx, " ", 1);
}

/* Bytes that a UTF-8 sequence has by its first. */
static size_t sequence_length(unsigned char first)
{
    return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
}

/* Bytes of s that a precision leaves, in whole characters. s may end there without a zero. */
static size_t measure(const char *s, int precision)
{
    const size_t most = precision >= 0 ? (size_t) precision : SIZE_MAX;
    const size_t n = strnlen(s, most);
    size_t last = n;
    while (last > 0 && n - last < 3 && ((unsigned char) s[last - 1] & 0xc0u) == 0x80u)
        last--;
    const bool cut =
        n == most && last > 0 && last - 1 + sequence_length((unsigned char) s[last - 1]) > n;
    return cut ? last - 1 : n;
}

static void put_text(const writer *w, const spec *s, const char *text, size_t len)
{
    const int64_t room = s->width > 0 ? s->width - tw_printable_columns(text, len) : 0;
    const bool left = strchr(s->flags, '-') != NULL;
    if (!left)
        pad(w, room);
    for (size_t i = 0, used; i < len; i += used) {
        char out[TW_PRINTABLE_MAX];
        const size_t n = tw_printable_next(text + i, len - i, w->quoted, &used, out);
        w->put(w->ctx, out, n);
    }
    if (left)
        pad(w, room);
}

/* The formats below are put together from parts of a literal one, which the compiler has checked
 * at the call. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

enum { NUMBER_MAX = 512 };

static int put_signed(char out[NUMBER_MAX], const char *fmt, const char *size, va_list *ap)
{
    if (strcmp(size, "l") == 0)
        return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, long));
    if (strcmp(size, "ll") == 0)
        return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, long long));
    if (size[0] == 'z' || size[0] == 't')
        return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, ptrdiff_t));
    if (size[0] == 'j')
        return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, intmax_t));
    return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, int));
}

static int put_unsigned(char out[NUMBER_MAX], const char *fmt, const char *size, va_list *ap)
{
    if (strcmp(size, "l") == 0)
        return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, unsigned long));
    if (strcmp(size, "ll") == 0)
        return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, unsigned long long));
    if (size[0] == 'z' || size[0] == 't')
        return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, size_t));
    if (size[0] == 'j')
        return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, uintmax_t));
    return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, unsigned));
}

static int put_other(char out[NUMBER_MAX], const char *fmt, const spec *s, va_list *ap)
{
    if (s->letter == 'p')
        return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, void *));
    if (s->size[0] == 'L')
        return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, long double));
    return snprintf(out, NUMBER_MAX, fmt, va_arg(*ap, double));
}

static void put_number(const writer *w, const spec *s, va_list *ap)
{
    char fmt[64], out[NUMBER_MAX];
    char width[16] = "", precision[16] = "";
    if (s->width >= 0)
        (void) snprintf(width, sizeof width, "%d", s->width < 200 ? s->width : 200);
    if (s->precision >= 0)
        (void) snprintf(precision, sizeof precision, ".%d",
                        s->precision < 100 ? s->precision : 100);
    (void) snprintf(fmt, sizeof fmt, "%%%s%s%s%s%c", s->flags, width, precision, s->size,
                    s->letter);
    int n = 0;
    if (strchr("di", s->letter) != NULL)
        n = put_signed(out, fmt, s->size, ap);
    else if (strchr("ouxX", s->letter) != NULL)
        n = put_unsigned(out, fmt, s->size, ap);
    else
        n = put_other(out, fmt, s, ap);
    if (n > 0)
        w->put(w->ctx, out, (size_t) n < sizeof out ? (size_t) n : sizeof out - 1);
}

#pragma GCC diagnostic pop

static void put_spec(const writer *w, const spec *s, va_list *ap)
{
    if (s->letter == '%') {
        w->put(w->ctx, "%", 1);
    } else if (s->letter == 'c') {
        const char c = (char) va_arg(*ap, int);
        put_text(w, s, &c, 1);
    } else if (s->letter == 's') {
        const char *text = va_arg(*ap, const char *);
        text = text != NULL ? text : "(null)";
        put_text(w, s, text, measure(text, s->precision));
    } else if (s->letter != '\0') {
        put_number(w, s, ap);
    }
}

void tw_printable_format(tw_put_fn put, void *ctx, bool quoted, const char *fmt, va_list ap)
{
    const writer w = {.put = put, .ctx = ctx, .quoted = quoted};
    va_list own;
    va_copy(own, ap);
    while (*fmt != '\0') {
        const size_t plain = strcspn(fmt, "%");
        spec s;
        if (plain > 0)
            put(ctx, fmt, plain);
        fmt += plain;
        if (*fmt == '\0')
            break;
        fmt = read_spec(&s, fmt + 1, &own);
        put_spec(&w, &s, &own);
    }
    va_end(own);
}

typedef struct buffer {
    char *data;
    size_t room, len; /* len < room */
    bool full;
} buffer;

/* What does not fit whole ends the text, so that no escape and no character is cut. */
static void put_in_buffer(void *ctx, const char *bytes, size_t n)
{
    buffer *b = ctx;
    size_t fits = b->full ? 0 : b->room - 1 - b->len;
    if (n > fits) {
        b->full = true;
        while (fits > 0 && ((unsigned char) bytes[fits] & 0xc0u) == 0x80u)
            fits--;
        n = n <= TW_PRINTABLE_MAX ? 0 : fits; /* a character, or a stretch of the format */
    }
    memcpy(b->data + b->len, bytes, n);
    b->len += n;
}

size_t tw_printable_vsnprintf(char *out, size_t room, bool quoted, const char *fmt, va_list ap)
{
    buffer b = {.data = out, .room = room};
    if (room == 0)
        return 0;
    tw_printable_format(put_in_buffer, &b, quoted, fmt, ap);
    out[b.len] = '\0';
    return b.len;
}
