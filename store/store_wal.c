/* The log of writes, looked at from outside, and the number that it must reach.
 *
 * What was committed is in SQLite's write-ahead log until a checkpoint moves it
 * into the database. SQLite replays the log up to the first frame whose
 * checksum is wrong and takes that for the place where a machine stopped: one
 * flipped bit, and all commits behind it are gone without a word. So the log is
 * read here, too, and whole commits behind a wrong frame are reported. And because
 * a log that was cut off shows nothing behind the cut, the number of the last
 * acknowledged change is kept in a small file of its own, PATH-seq: not synced,
 * so it may be behind after a power failure, but it is never ahead.
 *
 * Source: "Database File Format", section 4, https://sqlite.org/fileformat2.html
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "store/store_state.h"
#include "store/store_statement.h"
#include "store/store_totals.h"
#include "store/store_wal.h"

/* ---- Frames ---------------------------------------------------------------------------------- */

enum {
    HEADER_BYTES = 32,
    FRAME_BYTES = 24, /* of a frame's header, before its page */
    LEAST_PAGE = 512,
    MOST_PAGE = 65536,
    SCANS = 3, /* that must agree, for another process may be writing */
};

#define MAGIC 0x377f0682u /* the lowest bit: checksums are of big-endian words */

typedef struct checksum {
    uint32_t a;
    uint32_t b;
} checksum;

typedef struct log_reader {
    FILE *file;
    unsigned char *frame; /* FRAME_BYTES and a page */
    uint32_t page;
    uint32_t salt[2];
    bool big;
    checksum last; /* as the frame before says, or the header */
} log_reader;

static uint32_t big_word(const unsigned char *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | (uint32_t) p[3];
}

static uint32_t word(const unsigned char *p, bool big)
{
    return big ? big_word(p)
               : (uint32_t) p[3] << 24 | (uint32_t) p[2] << 16 | (uint32_t) p[1] << 8 |
                     (uint32_t) p[0];
}

/* s0 += x[i] + s1; s1 += x[i + 1] + s0, over words. len is a multiple of 8. */
static checksum add(checksum c, const unsigned char *p, size_t len, bool big)
{
    for (size_t i = 0; i < len; i += 8) {
        c.a += word(p + i, big) + c.b;
        c.b += word(p + i + 4, big) + c.a;
    }
    return c;
}

static bool is_page_size(uint32_t n)
{
    return n >= LEAST_PAGE && n <= MOST_PAGE && (n & (n - 1)) == 0;
}

/* The page size that the database itself says; 0 when it cannot be read. */
static uint32_t page_size_of(const char *path)
{
    unsigned char head[18];
    FILE *f;
    if (tw_file_open_stream(&f, path, NULL) != TW_OK)
        return 0;
    const size_t n = fread(head, 1, sizeof head, f);
    (void) fclose(f);
    if (n != sizeof head)
        return 0;
    uint32_t size = (uint32_t) head[16] << 8 | (uint32_t) head[17];
    return size == 1 ? MOST_PAGE : size;
}

/* Takes page size, salts and byte order from the header. False: it is damaged; then they come from
 * the database and from the first frame, and the byte order is the usual one. */
static bool read_header(log_reader *r, const char *path)
{
    unsigned char head[HEADER_BYTES];
    unsigned char first[FRAME_BYTES];
    if (fread(head, 1, sizeof head, r->file) != sizeof head)
        return true; /* nothing was ever written */
    const uint32_t magic = big_word(head);
    r->big = (magic & 1) != 0;
    r->page = big_word(head + 8);
    r->salt[0] = big_word(head + 16);
    r->salt[1] = big_word(head + 20);
    r->last = (checksum){big_word(head + 24), big_word(head + 28)};
    const checksum sum = add((checksum){0, 0}, head, 24, r->big);
    if ((magic & ~1u) == MAGIC && is_page_size(r->page) && sum.a == r->last.a && sum.b == r->last.b)
        return true;
    r->big = false;
    r->page = page_size_of(path);
    if (fread(first, 1, sizeof first, r->file) != sizeof first ||
        fseek(r->file, HEADER_BYTES, SEEK_SET) != 0)
        r->page = 0;
    r->salt[0] = big_word(first + 8);
    r->salt[1] = big_word(first + 12);
    return false;
}

/* Whether the present frame continues the one before, as far as the two can tell. */
static bool continues(log_reader *r)
{
    const checksum now = {big_word(r->frame + 16), big_word(r->frame + 20)};
    checksum sum = add(r->last, r->frame, 8, r->big);
    sum = add(sum, r->frame + FRAME_BYTES, r->page, r->big);
    r->last = now;
    return big_word(r->frame + 8) == r->salt[0] && big_word(r->frame + 12) == r->salt[1] &&
           sum.a == now.a && sum.b == now.b;
}

static tw_status read_frames(log_reader *r, bool whole, twi_wal_state *out, tw_error *err)
{
    const size_t size = FRAME_BYTES + (size_t) r->page;
    r->frame = tw_alloc(size, 1);
    if (r->frame == NULL)
        return tw_fail(err, TW_ENOMEM, "a frame of %zu bytes", size);
    out->bad = whole ? -1 : 0;
    for (int64_t at = 1; fread(r->frame, 1, size, r->file) == size; at++) {
        if (!continues(r))
            out->bad = out->bad < 0 ? at : out->bad;
        else if (out->bad >= 0 && big_word(r->frame + 4) != 0) /* ends a commit */
            out->lost++;
    }
    return TW_OK;
}

static tw_status scan_once(const char *path, const char *log, twi_wal_state *out, tw_error *err)
{
    log_reader r = {0};
    *out = (twi_wal_state){.bad = -1};
    tw_error why = {0};
    tw_status st = tw_file_open_stream(&r.file, log, &why);
    if (st == TW_ENOTFOUND) /* no log, or its last reader has just taken it away */
        return TW_OK;
    if (st != TW_OK)
        return tw_fail(err, st, "%s", why.msg);
    const bool whole = read_header(&r, path);
    if (is_page_size(r.page))
        st = read_frames(&r, whole, out, err);
    tw_free(r.frame);
    (void) fclose(r.file);
    return st;
}

static tw_status log_path(const char *path, const char *suffix, char out[TW_PATH_MAX],
                          tw_error *err)
{
    int n = snprintf(out, TW_PATH_MAX, "%s%s", path, suffix);
    return n > 0 && n < TW_PATH_MAX
               ? TW_OK
               : tw_fail(err, TW_EINVAL, "a path of %zu bytes is too long", strlen(path));
}

tw_status twi_wal_scan(const char *path, twi_wal_state *out, tw_error *err)
{
    char log[TW_PATH_MAX];
    twi_wal_state again;
    tw_status st;

    *out = (twi_wal_state){.bad = -1};
    TW_TRY(log_path(path, "-wal", log, err));
    TW_TRY(scan_once(path, log, out, err));
    for (int i = 1; i < SCANS && out->lost > 0; i++) {
        TW_TRY(scan_once(path, log, &again, err));
        if (again.bad != out->bad)
            *out = (twi_wal_state){.bad = -1}; /* it is moving: a process writes */
    }
done:
    return st;
}

static tw_status copy_file(const char *from, const char *to, tw_error *err)
{
    char block[8192];
    size_t n;
    FILE *in = NULL;
    FILE *out = NULL;
    tw_status st = tw_file_open_stream(&in, from, err);

    if (st != TW_OK)
        return st;
    TW_TRY(tw_file_begin(&out, to, err));
    while ((n = fread(block, 1, sizeof block, in)) > 0) {
        if (fwrite(block, 1, n, out) != n) {
            st = tw_fail_errno(err, "cannot write '%s'", to);
            goto done;
        }
    }
    st = tw_file_commit(out, to, err);
    out = NULL;
done:
    tw_file_abort(out, to);
    (void) fclose(in);
    return st;
}

tw_status twi_wal_keep_damaged(const char *path, bool *damaged, tw_error *err)
{
    char log[TW_PATH_MAX], copy[TW_PATH_MAX];
    twi_wal_state state;
    tw_status st;

    *damaged = false;
    TW_TRY(twi_wal_scan(path, &state, err));
    if (state.lost == 0)
        goto done;
    TW_TRY(log_path(path, "-wal", log, err));
    TW_TRY(log_path(path, "-wal.damaged", copy, err));
    TW_TRY(copy_file(log, copy, err));
    *damaged = true;
    tw_log(TW_LOG_ERROR, "STORE-LOG-DAMAGED", "path=\"%s\" frame=%lld lost=%lld copy=\"%s\"", log,
           (long long) state.bad, (long long) state.lost, copy);
done:
    return st;
}

/* ---- The last acknowledged number ------------------------------------------------------------ */

/* Three numbers and a hash of them, in hexadecimal, each followed by a space, the last by the end
 * of the line: the store, its last change, its last commit. */
enum { NUMBERS = 3, SEQ_BYTES = 17 * (NUMBERS + 1) };

typedef struct last_numbers {
    uint64_t store;
    uint64_t seq;
    uint64_t commits;
} last_numbers;

static void print_numbers(char out[SEQ_BYTES + 1], const last_numbers *n)
{
    uint64_t h = tw_hash_word(tw_hash_word(TW_HASH_START, n->store), n->seq);
    h = tw_hash_end(tw_hash_word(h, n->commits));
    (void) snprintf(out, SEQ_BYTES + 1, "%016llx %016llx %016llx %016llx\n",
                    (unsigned long long) n->store, (unsigned long long) n->seq,
                    (unsigned long long) n->commits, (unsigned long long) h);
}

/* Sixteen hexadecimal digits; anything else gives a number that does not print as it was. */
static uint64_t hex(const char *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 16; i++)
        v = v << 4 | (uint64_t) (p[i] <= '9' ? (p[i] - '0') & 0xf : (p[i] - 'a' + 10) & 0xf);
    return v;
}

/* All zero when there is no such file, or it is damaged. */
static last_numbers read_numbers(const char *path)
{
    char name[TW_PATH_MAX], text[SEQ_BYTES + 1] = "", same[SEQ_BYTES + 1];
    const last_numbers none = {0};
    if (log_path(path, "-seq", name, NULL) != TW_OK)
        return none;
    int fd;
    if (tw_file_open(&fd, name, NULL) != TW_OK)
        return none;
    ssize_t got = pread(fd, text, SEQ_BYTES, 0);
    (void) close(fd);
    if (got != SEQ_BYTES)
        return none;
    const last_numbers n = {hex(text), hex(text + 17), hex(text + 34)};
    print_numbers(same, &n);
    return memcmp(same, text, SEQ_BYTES) == 0 ? n : none;
}

void twi_seq_note(tw_store *s)
{
    char name[TW_PATH_MAX], where[TW_PATH_MAX], text[SEQ_BYTES + 1];
    const last_numbers n = {s->sums.store, (uint64_t) s->counts.seq, s->sums.commits};
    if (s->seq_fd < 0 && log_path(twi_place_path(s, where), "-seq", name, NULL) == TW_OK) {
        const int how = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        s->seq_fd = open(name, how, 0644); // banned-ok: to write; store.c looked what it is
    }
    if (s->seq_fd < 0)
        return; /* it is a second pair of eyes, and no condition of a write */
    print_numbers(text, &n);
    if (pwrite(s->seq_fd, text, SEQ_BYTES, 0) != SEQ_BYTES)
        (void) !ftruncate(s->seq_fd, 0); /* better none than half of one */
}

tw_status twi_seq_missing(tw_store *s, twi_conn *c, twi_gap *gap, tw_error *err)
{
    twi_counts n;
    twi_sums sums;
    tw_status st;

    *gap = (twi_gap){0};
    if (!c->summed)
        return TW_OK;
    const last_numbers known =
        read_numbers(s->path); /* first, for another process may be writing */
    TW_TRY(twi_read_counts(c, &n, &sums, err));
    if (known.store == sums.store && known.commits > sums.commits) {
        *gap = (twi_gap){.commits = (int64_t) (known.commits - sums.commits),
                         .first = n.seq + 1,
                         .last = (int64_t) known.seq};
    }
done:
    return st;
}

tw_status twi_seq_verify(tw_store *s, twi_conn *c, tw_error *err)
{
    twi_gap gap;
    tw_status st = twi_seq_missing(s, c, &gap, err);
    if (st == TW_ECORRUPT) /* check reports it, and so does each write */
        return TW_OK;
    if (st != TW_OK)
        return st;
    if (gap.commits == 0)
        return TW_OK;
    tw_log(TW_LOG_ERROR, "STORE-LOST", "path=\"%s\" commits=%lld first=%lld last=%lld", s->path,
           (long long) gap.commits, (long long) gap.first, (long long) gap.last);
    if (s->mode != TW_STORE_READ) { /* reported once: from now on these numbers are others' */
        TW_TRY(twi_read_counts(c, &s->counts, &s->sums, err));
        twi_seq_note(s);
    }
done:
    return st;
}
