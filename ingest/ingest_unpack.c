/* Plain bytes, gzip, zstd or xz: one loop that takes a piece of the file and unpacks it. */
#include "ingest/ingest_unpack.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#ifdef TW_HAVE_ZSTD
#include <zstd.h>
#endif
#ifdef TW_HAVE_XZ
#include <lzma.h>
#endif

#include "base/alloc.h"

#define PIECE     (128u << 10)           /* bytes of the file that are read at once */
#define HEAD      512                    /* of the first piece at least, where the file has them */
#define XZ_MEMORY ((uint64_t) 512 << 20) /* `xz -9` wants 65 MiB */

typedef enum packing { PLAIN, GZIP, ZSTD, XZ } packing;

struct twi_unpacker {
    int fd;
    const char *path;
    packing packing;
    unsigned char *piece; /* (PIECE); piece[at, end) is not unpacked yet */
    size_t at, end;
    bool drained; /* the file has no byte behind piece[end) */
    bool inside;  /* a packed stream has begun and not ended */
    int64_t taken;
    z_stream gzip;
#ifdef TW_HAVE_ZSTD
    ZSTD_DStream *zstd;
#endif
#ifdef TW_HAVE_XZ
    lzma_stream xz;
#endif
};

/* ---- the file -------------------------------------------------------------------------------- */

/* One read into the piece, behind what it holds. */
static tw_status take_piece(twi_unpacker *u, tw_error *err)
{
    memmove(u->piece, u->piece + u->at, u->end - u->at); /* a byte or none, but at the start */
    u->end -= u->at;
    u->at = 0;
    ssize_t n;
    do {
        n = read(u->fd, u->piece + u->end, PIECE - u->end);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return tw_fail_errno(err, "cannot read '%.300s'", u->path);
    u->end += (size_t) n;
    u->taken += n;
    u->drained = n == 0;
    return TW_OK;
}

/* A pipe gives its bytes by and by. */
static tw_status take_head(twi_unpacker *u, tw_error *err)
{
    tw_status st = TW_OK;
    while (st == TW_OK && !u->drained && u->end - u->at < HEAD)
        st = take_piece(u, err);
    return st;
}

/* ---- each packing: piece[at, end) into to[0, room) ------------------------------------------- */

static tw_status damaged(const twi_unpacker *u, const char *name, const char *why, tw_error *err)
{
    return tw_fail(err, TW_ECORRUPT, "the %s data of '%.300s' is damaged near byte %lld: %.80s",
                   name, u->path, (long long) (u->taken - (int64_t) (u->end - u->at)), why);
}

/* gzip files may stand one behind the other; what else is behind one is dropped. */
static tw_status next_gzip(twi_unpacker *u, tw_error *err)
{
    tw_status st = TW_OK;
    if (u->end - u->at < 2 && !u->drained)
        st = take_piece(u, err);
    if (st != TW_OK || (u->end - u->at < 2 && !u->drained))
        return st;
    u->inside = u->end - u->at >= 2 && memcmp(u->piece + u->at, "\x1f\x8b", 2) == 0;
    if (u->inside)
        (void) inflateReset(&u->gzip);
    else
        u->at = u->end;
    return TW_OK;
}

static tw_status step_gzip(twi_unpacker *u, char *to, size_t room, size_t *got, tw_error *err)
{
    if (!u->inside) {
        const tw_status st = next_gzip(u, err);
        if (st != TW_OK || !u->inside)
            return st;
    }
    u->gzip.next_in = u->piece + u->at;
    u->gzip.avail_in = (unsigned) (u->end - u->at);
    u->gzip.next_out = (unsigned char *) to;
    u->gzip.avail_out = (unsigned) (room < PIECE ? room : PIECE);
    const unsigned before = u->gzip.avail_out;
    const int rc = inflate(&u->gzip, Z_NO_FLUSH);
    u->at = u->end - u->gzip.avail_in;
    *got = before - u->gzip.avail_out;
    if (rc == Z_STREAM_END)
        u->inside = false;
    else if (rc != Z_OK && rc != Z_BUF_ERROR)
        return rc == Z_MEM_ERROR ? tw_fail(err, TW_ENOMEM, "no memory to unpack '%.300s'", u->path)
                                 : damaged(u, "gzip", u->gzip.msg != NULL ? u->gzip.msg : "", err);
    return TW_OK;
}

#ifdef TW_HAVE_ZSTD
/* NOLINTNEXTLINE(readability-non-const-parameter): zstd writes there */
static tw_status step_zstd(twi_unpacker *u, char *to, size_t room, size_t *got, tw_error *err)
{
    ZSTD_inBuffer in = {u->piece, u->end, u->at};
    ZSTD_outBuffer out = {.dst = to, .size = room};
    const size_t rc = ZSTD_decompressStream(u->zstd, &out, &in);
    u->at = in.pos;
    *got = out.pos;
    if (ZSTD_isError(rc))
        return damaged(u, "zstd", ZSTD_getErrorName(rc), err);
    u->inside = rc != 0;
    return TW_OK;
}
#endif

#ifdef TW_HAVE_XZ
static const char *xz_why(lzma_ret rc)
{
    switch ((int) rc) {
    case LZMA_MEMLIMIT_ERROR: return "it wants more than 512 MiB of memory";
    case LZMA_FORMAT_ERROR: return "no xz header";
    case LZMA_OPTIONS_ERROR: return "options that are not known";
    case LZMA_BUF_ERROR: return "it ends too early";
    default: return "checks do not agree";
    }
}

static tw_status step_xz(twi_unpacker *u, char *to, size_t room, size_t *got, tw_error *err)
{
    u->xz.next_in = u->piece + u->at;
    u->xz.avail_in = u->end - u->at;
    u->xz.next_out = (unsigned char *) to;
    u->xz.avail_out = room;
    const lzma_ret rc = lzma_code(&u->xz, u->drained ? LZMA_FINISH : LZMA_RUN);
    u->at = u->end - u->xz.avail_in;
    *got = room - u->xz.avail_out;
    if (rc == LZMA_MEM_ERROR)
        return tw_fail(err, TW_ENOMEM, "no memory to unpack '%.300s'", u->path);
    if (rc != LZMA_OK && rc != LZMA_STREAM_END)
        return damaged(u, "xz", xz_why(rc), err);
    u->inside = rc != LZMA_STREAM_END;
    if (!u->inside) /* nothing comes behind the last stream */
        u->at = u->end;
    return TW_OK;
}
#endif

static tw_status step(twi_unpacker *u, char *to, size_t room, size_t *got, tw_error *err)
{
    *got = 0;
    switch (u->packing) {
    case PLAIN: break;
    case GZIP: return step_gzip(u, to, room, got, err);
    case ZSTD:
#ifdef TW_HAVE_ZSTD
        return step_zstd(u, to, room, got, err);
#else
        break;
#endif
    case XZ:
#ifdef TW_HAVE_XZ
        return step_xz(u, to, room, got, err);
#else
        break;
#endif
    }
    *got = u->end - u->at < room ? u->end - u->at : room;
    memcpy(to, u->piece + u->at, *got);
    u->at += *got;
    return TW_OK;
}

tw_status twi_unpacker_read(twi_unpacker *u, char *to, size_t room, size_t *got, tw_error *err)
{
    static const char *const names[] = {"", "gzip", "zstd", "xz"};
    *got = 0;
    for (;;) {
        tw_status st = TW_OK;
        if (u->at == u->end && !u->drained)
            st = take_piece(u, err);
        const size_t before = u->at;
        const bool more = u->at < u->end || (u->packing == XZ && u->inside);
        if (st == TW_OK && (more || u->inside))
            st = step(u, to, room, got, err);
        if (st != TW_OK || *got > 0)
            return st;
        if (u->drained && u->at == before) { /* nothing more comes out of it */
            return u->inside ? damaged(u, names[u->packing], "it ends too early", err) : TW_OK;
        }
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

#if !defined(TW_HAVE_ZSTD) || !defined(TW_HAVE_XZ)
static tw_status not_built_in(const twi_unpacker *u, const char *name, const char *how,
                              tw_error *err)
{
    return tw_fail(err, TW_EUNSUPPORTED,
                   "'%.300s' is packed with %s, which this program was built without: %s", u->path,
                   name, how);
}
#endif

static tw_status begin_xz(twi_unpacker *u, tw_error *err)
{
#ifdef TW_HAVE_XZ
    if (lzma_stream_decoder(&u->xz, XZ_MEMORY, LZMA_CONCATENATED) != LZMA_OK)
        return tw_fail(err, TW_ENOMEM, "no memory to unpack '%.300s'", u->path);
    u->inside = true;
    return TW_OK;
#else
    return not_built_in(u, "xz", "unxz -k FILE", err);
#endif
}

static tw_status begin_zstd(twi_unpacker *u, tw_error *err)
{
#ifdef TW_HAVE_ZSTD
    if (u->zstd == NULL)
        u->zstd = ZSTD_createDStream();
    if (u->zstd == NULL || ZSTD_isError(ZSTD_initDStream(u->zstd)))
        return tw_fail(err, TW_ENOMEM, "no memory to unpack '%.300s'", u->path);
    return TW_OK;
#else
    return not_built_in(u, "zstd", "unzstd FILE", err);
#endif
}

static tw_status begin_gzip(twi_unpacker *u, tw_error *err)
{
    enum { WINDOW = 15, GZIP_ONLY = 16 };
    const int rc =
        u->gzip.state == NULL ? inflateInit2(&u->gzip, WINDOW + GZIP_ONLY) : inflateReset(&u->gzip);
    return rc == Z_OK ? TW_OK : tw_fail(err, TW_ENOMEM, "no memory to unpack '%.300s'", u->path);
}

/* The packing, by the head. */
static tw_status begin(twi_unpacker *u, tw_error *err)
{
    const unsigned char *head = u->piece;
    const size_t n = u->end;
    u->inside = false;
    u->packing = PLAIN;
    if (n >= 2 && memcmp(head, "\x1f\x8b", 2) == 0) {
        u->packing = GZIP;
        return begin_gzip(u, err);
    }
    if (n >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0) {
        u->packing = ZSTD;
        return begin_zstd(u, err);
    }
    if (n >= 6 && memcmp(head, "\xfd\x37zXZ\0", 6) == 0) {
        u->packing = XZ;
        return begin_xz(u, err);
    }
    const twi_container *c = twi_container_of(head, n);
    return c == NULL ? TW_OK
                     : tw_fail(err, TW_EUNSUPPORTED,
                               "'%.200s' is %s, which is not read; make text of it: %s", u->path,
                               c->name, c->how);
}

tw_status twi_unpacker_open(twi_unpacker **out, int fd, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    twi_unpacker *u = tw_alloc(1, sizeof *u);
    *out = NULL;
    if (u == NULL) {
        (void) close(fd);
        return tw_fail(err, TW_ENOMEM, "no memory to read '%.300s'", path);
    }
    u->fd = fd;
    u->path = path;
    u->piece = tw_alloc(PIECE, 1);
    if (u->piece == NULL)
        st = tw_fail(err, TW_ENOMEM, "no memory to read '%.300s'", path);
    if (st == TW_OK)
        st = take_head(u, err);
    if (st == TW_OK)
        st = begin(u, err);
    if (st == TW_OK)
        *out = u;
    else
        twi_unpacker_close(u);
    return st;
}

tw_status twi_unpacker_rewind(twi_unpacker *u, tw_error *err)
{
    if (lseek(u->fd, 0, SEEK_SET) != 0)
        return tw_fail_errno(err, "cannot go back to the start of '%.300s'", u->path);
    u->at = u->end = 0;
    u->taken = 0;
    u->drained = false;
    tw_status st = take_head(u, err);
    return st == TW_OK ? begin(u, err) : st;
}

bool twi_unpacker_jump(twi_unpacker *u, int64_t offset)
{
    if (u->packing != PLAIN || lseek(u->fd, (off_t) offset, SEEK_SET) != (off_t) offset)
        return false;
    u->at = u->end = 0;
    u->taken = offset;
    u->drained = false;
    return true;
}

int64_t twi_unpacker_taken(const twi_unpacker *u) { return u->taken - (int64_t) (u->end - u->at); }

void twi_unpacker_close(twi_unpacker *u)
{
    if (u == NULL)
        return;
    if (u->gzip.state != NULL)
        (void) inflateEnd(&u->gzip);
#ifdef TW_HAVE_ZSTD
    (void) ZSTD_freeDStream(u->zstd);
#endif
#ifdef TW_HAVE_XZ
    lzma_end(&u->xz);
#endif
    (void) close(u->fd);
    tw_free(u->piece);
    tw_free(u);
}
