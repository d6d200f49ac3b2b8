/* The bytes of a file, one row at a time, through a window that never holds more than one row of
 * the greatest length and one read. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "ingest/internal.h"

#define READ_BYTES (128u << 10)

tw_status twi_source_open(twi_source *s, const char *path, const char *encoding, tw_error *err)
{
    struct stat sb;
    int fd = -1;

    *s = (twi_source){.path = path, .line_end = '\n'};
    tw_status st = twi_encoding_init(&s->encoding, encoding, err);
    if (st == TW_OK && strcmp(path, "-") == 0) {
        s->path = "standard input";
        fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
        st = fd >= 0 ? TW_OK : tw_fail_errno(err, "cannot read standard input");
    } else if (st == TW_OK) {
        st = tw_file_open_table(&fd, path, err);
    }
    if (st == TW_OK && fstat(fd, &sb) != 0)
        st = tw_fail_errno(err, "cannot stat '%.300s'", path);
    if (st == TW_OK) {
        s->size = S_ISREG(sb.st_mode) ? (int64_t) sb.st_size : 0;
        s->once = !S_ISREG(sb.st_mode);
        s->changed_ns = (int64_t) sb.st_mtim.tv_sec * 1000000000 + (int64_t) sb.st_mtim.tv_nsec;
        st = twi_unpacker_open(&s->file, fd, s->path, err);
        fd = -1; /* the unpacker has it */
    }
    if (fd >= 0)
        (void) close(fd);
    if (st != TW_OK)
        twi_source_fini(s);
    return st;
}

void twi_source_fini(twi_source *s)
{
    twi_unpacker_close(s->file);
    twi_encoding_fini(&s->encoding);
    tw_free(s->packed);
    tw_free(s->buf);
    *s = (twi_source){.path = NULL};
}

/* Makes room for `bytes` behind buf[end): first by moving what is unread to the front. */
static tw_status make_room(twi_source *s, size_t bytes, tw_error *err)
{
    if (s->room - s->end >= bytes)
        return TW_OK;
    s->pinned = s->pinned && s->end - s->pin <= TWI_PIN_MAX;
    const size_t keep = s->pinned ? s->pin : s->start;
    if (keep > 0) {
        memmove(s->buf, s->buf + keep, s->end - keep);
        s->end -= keep;
        s->start -= keep;
        s->pin = 0;
    }
    if (s->room - s->end >= bytes)
        return TW_OK;
    return tw_grow(&s->buf, &s->room, s->end + bytes, "bytes of a file", err);
}

/* Puts n bytes of the file, which stand at `from` outside the window, into it. */
static tw_status convert(twi_source *s, const char *from, size_t n, tw_error *err)
{
    size_t got;
    tw_status st = make_room(s, twi_encoding_room(n), err);
    if (st != TW_OK)
        return st;
    twi_encoding_convert(&s->encoding, from, n, s->ended, s->buf + s->end, &got);
    s->end += got;
    return TW_OK;
}

/* The window's bytes behind buf[from) turned out to be of an encoding to convert from. */
static tw_status convert_again(twi_source *s, size_t from, tw_error *err)
{
    const size_t n = s->end - from;
    char *copy = tw_alloc(n + 1, 1);
    if (copy == NULL)
        return tw_fail(err, TW_ENOMEM, "no memory to convert '%.300s'", s->path);
    memcpy(copy, s->buf + from, n);
    s->end = from;
    tw_status st = convert(s, copy, n, err);
    tw_free(copy);
    return st;
}

static tw_status fill_converted(twi_source *s, tw_error *err)
{
    size_t n;
    if (s->packed == NULL)
        s->packed = tw_alloc(READ_BYTES, 1);
    if (s->packed == NULL)
        return tw_fail(err, TW_ENOMEM, "no memory to read '%.300s'", s->path);
    tw_status st = twi_unpacker_read(s->file, s->packed, READ_BYTES, &n, err);
    s->ended = n == 0;
    return st == TW_OK ? convert(s, s->packed, n, err) : st;
}

static tw_status fill(twi_source *s, tw_error *err)
{
    size_t n;
    if (s->encoding.converts)
        return fill_converted(s, err);
    tw_status st = make_room(s, READ_BYTES, err);
    if (st != TW_OK)
        return st;
    st = twi_unpacker_read(s->file, s->buf + s->end, READ_BYTES, &n, err);
    const size_t from = s->end;
    s->end += n;
    s->ended = st == TW_OK && n == 0;
    if (st != TW_OK || s->encoding.name[0] != '\0' || !s->looked)
        return st;
    st = twi_encoding_look(&s->encoding, s->buf + from, n, false, false, s->path, err);
    return st == TW_OK && s->encoding.converts ? convert_again(s, from, err) : st;
}

tw_status twi_source_look(twi_source *s, size_t want, tw_error *err)
{
    tw_status st = twi_source_need(s, want, err);
    s->looked = true;
    if (st != TW_OK || s->encoding.converts)
        return st;
    st = twi_encoding_look(&s->encoding, s->buf + s->start, s->end - s->start, true, s->ended,
                           s->path, err);
    return st == TW_OK && s->encoding.converts ? convert_again(s, s->start, err) : st;
}

void twi_source_find_line_end(twi_source *s)
{
    const char *from = s->buf + s->start;
    const size_t have = s->end - s->start;
    if (have > 0 && memchr(from, '\n', have) == NULL && memchr(from, '\r', have) != NULL)
        s->line_end = '\r';
}

tw_status twi_source_need(twi_source *s, size_t want, tw_error *err)
{
    tw_status st = TW_OK;
    while (st == TW_OK && !s->ended && s->end - s->start < want)
        st = fill(s, err);
    return st;
}

void twi_source_skip(twi_source *s, size_t bytes)
{
    const char *p = s->buf + s->start, *end = p + bytes;
    while (p < end && (p = memchr(p, s->line_end, (size_t) (end - p))) != NULL) {
        s->line++;
        p++;
    }
    s->start += bytes;
    s->offset += (int64_t) bytes;
}

/* Hands out buf[start, start + len) as a row and steps behind `whole` bytes. */
static void take(twi_source *s, twi_span *out, size_t len, size_t whole)
{
    out->data = s->buf + s->start;
    out->got = true;
    out->line = s->line + 1;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): with len > 0 there is a buffer */
    if (len > 0 && out->data[len - 1] == '\r')
        len--;
    out->len = len;
    twi_source_skip(s, whole);
}

/* The row is longer than allowed: gives its start and drops bytes up to the next line. */
static tw_status drop_line(twi_source *s, twi_span *out, tw_error *err)
{
    const int64_t line = s->line + 1;
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a long row has a buffer */
    memcpy(s->head, s->buf + s->start, sizeof s->head);
    for (;;) {
        size_t have = s->end - s->start;
        const char *nl = have > 0 ? memchr(s->buf + s->start, s->line_end, have) : NULL;
        if (nl != NULL || s->ended) {
            twi_source_skip(s, nl != NULL ? (size_t) (nl - s->buf) - s->start + 1 : have);
            break;
        }
        twi_source_skip(s, have);
        tw_status st = fill(s, err);
        if (st != TW_OK)
            return st;
    }
    *out = (twi_span){
        .data = s->head, .len = sizeof s->head, .got = true, .line = line, .wrong = TWI_TOO_LONG};
    return TW_OK;
}

tw_status twi_source_line(twi_source *s, twi_span *out, tw_error *err)
{
    size_t seen = 0;

    *out = (twi_span){.data = ""};
    for (;;) {
        size_t have = s->end - s->start;
        const char *from = have > seen ? s->buf + s->start + seen : NULL;
        const char *nl = from != NULL ? memchr(from, s->line_end, have - seen) : NULL;
        size_t len = nl != NULL ? (size_t) (nl - s->buf) - s->start : have;
        if (len >= TW_INGEST_MAX_LINE)
            return drop_line(s, out, err);
        if (nl != NULL) {
            take(s, out, len, len + 1);
            return TW_OK;
        }
        if (s->ended) {
            if (have > 0)
                take(s, out, have, have);
            return TW_OK;
        }
        seen = have;
        tw_status st = fill(s, err);
        if (st != TW_OK)
            return st;
    }
}

/* The next line, where it is a row for certain: nothing in it is quoted or escaped. */
static bool take_simple(twi_source *s, const twi_dialect *d, twi_span *out)
{
    const char *from = s->buf + s->start;
    const size_t have = s->end - s->start;
    const char *nl = have > 0 ? memchr(from, s->line_end, have) : NULL;
    const size_t len = nl != NULL ? (size_t) (nl - from) : 0;
    if (nl == NULL || len >= TW_INGEST_MAX_LINE ||
        (d->quote != '\0' && memchr(from, d->quote, len) != NULL) ||
        (d->escape != '\0' && memchr(from, d->escape, len) != NULL))
        return false;
    take(s, out, len, len + 1);
    return true;
}

/* Scans the row at the window's start. *len: its bytes up to and with its end, or up to where the
 * scan stopped. */
static tw_status scan_row(twi_source *s, const twi_dialect *d, size_t *len, twi_scan *state,
                          tw_error *err)
{
    size_t i = 0;
    *state = TWI_SCAN_CELL;
    while (*state != TWI_SCAN_ROW_END && *state != TWI_SCAN_BROKEN && i < TW_INGEST_MAX_LINE) {
        if (i == s->end - s->start) {
            if (s->ended)
                break;
            tw_status st = fill(s, err);
            if (st != TW_OK)
                return st;
            continue;
        }
        *state = twi_dialect_step(d, *state, s->buf[s->start + i++]);
    }
    *len = i;
    return TW_OK;
}

tw_status twi_source_record(twi_source *s, const twi_dialect *d, twi_span *out, tw_error *err)
{
    twi_scan state;
    size_t i;
    const char *wrong = NULL;

    *out = (twi_span){.data = ""};
    if (take_simple(s, d, out))
        return TW_OK;
    tw_status st = scan_row(s, d, &i, &state, err);
    if (st != TW_OK)
        return st;
    if (state == TWI_SCAN_BROKEN)
        wrong = "text stands between a closing quote and the next separator";
    else if (state == TWI_SCAN_QUOTED || state == TWI_SCAN_QUOTED_ESCAPED)
        wrong = "a quote is opened and not closed in this row";
    else if (state != TWI_SCAN_ROW_END && i >= TW_INGEST_MAX_LINE)
        return drop_line(s, out, err);
    if (wrong != NULL) {
        st = twi_source_line(s, out, err);
        out->wrong = out->wrong != NULL ? out->wrong : wrong;
        return st;
    }
    if (i > 0)
        take(s, out, state == TWI_SCAN_ROW_END ? i - 1 : i, i);
    return TW_OK;
}

tw_status twi_source_forward(twi_source *s, int64_t offset, int64_t line, tw_error *err)
{
    while (s->offset < offset) {
        const int64_t far = offset - s->offset;
        tw_status st = twi_source_need(s, 1, err);
        if (st != TW_OK)
            return st;
        const size_t have = s->end - s->start;
        if (have == 0)
            break; /* the file is shorter now, which the caller sees */
        const size_t n = (int64_t) have < far ? have : (size_t) far;
        s->start += n;
        s->offset += (int64_t) n;
    }
    s->line = line;
    return TW_OK;
}

tw_status twi_source_seek(twi_source *s, int64_t offset, int64_t line, tw_error *err)
{
    tw_status st = TW_OK;
    s->start = s->end = 0;
    s->ended = false;
    s->line = line;
    s->offset = offset;
    /* A byte of the text is one of the file where nothing is packed and nothing will be converted.
     */
    if (s->encoding.name[0] != '\0' && !s->encoding.converts && twi_unpacker_jump(s->file, offset))
        return TW_OK;
    TW_TRY(twi_unpacker_rewind(s->file, err));
    twi_encoding_restart(&s->encoding);
    s->offset = 0;
    TW_TRY(twi_source_forward(s, offset, line, err));
done:
    return st;
}

void twi_source_pin(twi_source *s)
{
    s->pinned = true;
    s->pin = s->start;
    s->pin_offset = s->offset;
    s->pin_line = s->line;
}

size_t twi_source_pinned(const twi_source *s) { return s->pinned ? s->start - s->pin : SIZE_MAX; }

tw_status twi_source_unpin(twi_source *s, tw_error *err)
{
    if (!s->pinned)
        return twi_source_seek(s, s->pin_offset, s->pin_line, err);
    s->pinned = false;
    s->start = s->pin;
    s->offset = s->pin_offset;
    s->line = s->pin_line;
    return TW_OK;
}
