#include "ingest/ingest_encoding.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "ingest/internal.h"

#define GROWTH  4   /* bytes of UTF-8 that one byte of any encoding becomes at most */
#define WESTERN 0.5 /* more of the letters above 0x7f in lines that have some: another alphabet */

static const char bom16le[] = "\xff\xfe", bom16be[] = "\xfe\xff";

static tw_status begin(twi_encoding *e, const char *name, bool guessed, tw_error *err)
{
    (void) snprintf(e->name, sizeof e->name, "%s", name);
    e->guessed = guessed;
    if (strcasecmp(name, "utf-8") == 0 || strcasecmp(name, "utf8") == 0 ||
        strcasecmp(name, "us-ascii") == 0 || strcasecmp(name, "ascii") == 0)
        return TW_OK;
    e->to_utf8 = iconv_open("UTF-8", name);
    if (e->to_utf8 == (iconv_t) -1) { /* NOLINT(performance-no-int-to-ptr): POSIX has it so */
        char q[TWI_QUOTE_MAX];
        return errno == ENOMEM ? tw_fail(err, TW_ENOMEM, "no memory to convert from %s", name)
                               : tw_fail(err, TW_EINVAL,
                                         "there is no encoding %s; give utf-8, windows-1252, "
                                         "utf-16le or another that `iconv -l` lists",
                                         twi_quote(q, name, strlen(name)));
    }
    e->converts = true;
    return TW_OK;
}

tw_status twi_encoding_init(twi_encoding *e, const char *name, tw_error *err)
{
    *e = (twi_encoding){.name = ""};
    return name != NULL ? begin(e, name, false, err) : TW_OK;
}

void twi_encoding_fini(twi_encoding *e)
{
    if (e->converts)
        (void) iconv_close(e->to_utf8);
    *e = (twi_encoding){.name = ""};
}

void twi_encoding_restart(twi_encoding *e)
{
    if (e->converts)
        (void) iconv(e->to_utf8, NULL, NULL, NULL, NULL);
    e->n_rest = 0;
}

/* ---- which? ---------------------------------------------------------------------------------- */

/* UTF-16 of text has zeros in one half of its bytes: most letters are below 256. NULL: it is not.
 */
static const char *utf16(const unsigned char *s, size_t len)
{
    size_t zeros[2] = {0, 0};
    if (len >= 2 && memcmp(s, bom16le, 2) == 0)
        return "utf-16le";
    if (len >= 2 && memcmp(s, bom16be, 2) == 0)
        return "utf-16be";
    for (size_t i = 0; i < len; i++)
        zeros[i % 2] += s[i] == 0;
    const size_t half = len / 2;
    if (half >= 8 && zeros[1] * 3 > half && zeros[0] * 20 < half)
        return "utf-16le";
    if (half >= 8 && zeros[0] * 3 > half && zeros[1] * 20 < half)
        return "utf-16be";
    return NULL;
}

/* What lines that are not ASCII hold. */
typedef struct census {
    int64_t utf8, other; /* lines */
    int64_t ascii, high; /* letters, and bytes above 0x7f, of the other lines */
    int64_t controls;    /* bytes 0x80 to 0x9f that Windows-1252 has no character for */
} census;

static void count_line(census *c, const unsigned char *s, size_t len)
{
    int64_t ascii = 0, high = 0, controls = 0;
    for (size_t i = 0; i < len; i++) {
        ascii += (s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z';
        high += s[i] >= 0x80;
        controls += s[i] == 0x81 || s[i] == 0x8d || s[i] == 0x8f || s[i] == 0x90 || s[i] == 0x9d;
    }
    if (high == 0)
        return;
    if (tw_utf8_valid((const char *) s, len)) {
        c->utf8++;
        return;
    }
    c->other++;
    c->ascii += ascii;
    c->high += high;
    c->controls += controls;
}

/* Without the start of a character whose end is not there yet. */
static size_t whole_characters(const unsigned char *s, size_t len)
{
    size_t n = len;
    while (n > 0 && len - n < 3 && (s[n - 1] & 0xc0) == 0x80)
        n--;
    if (n == 0 || s[n - 1] < 0xc0)
        return len;
    const size_t whole = s[n - 1] >= 0xf0 ? 4 : s[n - 1] >= 0xe0 ? 3 : 2;
    return len - n + 1 < whole ? n - 1 : len;
}

static census count_lines(const unsigned char *s, size_t len)
{
    census c = {0};
    for (size_t at = 0; at < len;) {
        const unsigned char *nl = memchr(s + at, '\n', len - at);
        const size_t end = nl != NULL ? (size_t) (nl - s) : len;
        count_line(&c, s + at, end - at);
        at = end + 1;
    }
    return c;
}

static bool is_ascii(const char *s, size_t len)
{
    size_t i = 0;
    uint64_t all = 0, word;
    for (; i + sizeof word <= len; i += sizeof word) {
        memcpy(&word, s + i, sizeof word);
        all |= word;
    }
    for (; i < len; i++)
        all |= (unsigned char) s[i];
    return (all & 0x8080808080808080U) == 0;
}

tw_status twi_encoding_look(twi_encoding *e, const char *data, size_t len, bool start, bool end,
                            const char *path, tw_error *err)
{
    const unsigned char *s = (const unsigned char *) data;
    if (e->name[0] != '\0' || len == 0)
        return TW_OK;
    if (start && utf16(s, len) != NULL)
        return begin(e, utf16(s, len), true, err);
    if (is_ascii(data, len))
        return TW_OK;
    const census c = count_lines(s, end ? len : whole_characters(s, len));
    if (c.other == 0 || c.utf8 >= c.other)
        return begin(e, "utf-8", true, err);
    if (c.controls == 0 && (double) c.high <= WESTERN * (double) (c.ascii + c.high))
        return begin(e, "windows-1252", true, err);
    if (!start) /* some rows were read: those that are no UTF-8 will be bad ones */
        return begin(e, "utf-8", true, err);
    return tw_fail(err, TW_EINVAL,
                   "'%.200s' is no UTF-8, nor does it look like Windows-1252: name its encoding, "
                   "such as --encoding windows-1251, gb18030, big5, shift_jis or euc-kr",
                   path);
}

/* ---- converting ------------------------------------------------------------------------------ */

size_t twi_encoding_room(size_t n) { return GROWTH * (n + TWI_UNCONVERTED); }

/* What is being written. */
typedef struct output {
    char *at;
    size_t room;
} output;

/* Converts what it can of in[0, *left); false: what is left is the start of a character, or there
 * is no room. A byte that begins none is passed over as 0xff. */
static bool convert_some(twi_encoding *e, const char **in, size_t *left, output *out)
{
    char *from; /* iconv does not write there */
    memcpy(&from, in, sizeof from);
    const size_t rc = iconv(e->to_utf8, &from, left, &out->at, &out->room);
    const bool invalid = rc == (size_t) -1 && errno == EILSEQ && *left > 0 && out->room > 0;
    *in = from;
    if (invalid) {
        *out->at++ = '\xff';
        out->room--;
        (*in)++;
        (*left)--;
    }
    return rc != (size_t) -1 || invalid;
}

/* Completes the character that was left over, byte by byte. */
static void finish_rest(twi_encoding *e, const char **data, size_t *len, output *out)
{
    while (e->n_rest > 0 && *len > 0 && e->n_rest < sizeof e->rest) {
        const char *in = e->rest;
        e->rest[e->n_rest++] = *(*data)++;
        (*len)--;
        while (e->n_rest > 0 && convert_some(e, &in, &e->n_rest, out))
            ;
        memmove(e->rest, in, e->n_rest);
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written through `out` */
void twi_encoding_convert(twi_encoding *e, const char *data, size_t len, bool last, char *to,
                          size_t *got)
{
    output out = {to, twi_encoding_room(len)};
    finish_rest(e, &data, &len, &out);
    while (len > 0 && convert_some(e, &data, &len, &out))
        ;
    if (len > 0 && len <= sizeof e->rest) {
        memcpy(e->rest, data, len);
        e->n_rest = len;
    }
    if (last && e->n_rest > 0) {
        *out.at++ = '\xff';
        e->n_rest = 0;
    }
    *got = (size_t) (out.at - to);
}
