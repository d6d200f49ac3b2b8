/* The header of a snapshot, as bytes. */
#include "index/index_snapshot.h"
#include "index/index_delta.h"

#include <string.h>

#include "base/hash.h"

/* A place in the header: every field is copied through it, in one order for both directions. */
typedef struct cursor {
    uint8_t *at;
} cursor;

static void put(cursor *c, const void *field, size_t len)
{
    memcpy(c->at, field, len);
    c->at += len;
}

static void take(cursor *c, void *field, size_t len)
{
    memcpy(field, c->at, len);
    c->at += len;
}

#define FIELDS(X)                                                                                  \
    X(dim)                                                                                         \
    X(flags)                                                                                       \
    X(seq)                                                                                         \
    X(n)                                                                                           \
    X(m)                                                                                           \
    X(live)                                                                                        \
    X(kind)                                                                                        \
    X(tag)                                                                                         \
    X(nodes)                                                                                       \
    X(recall)

void twi_snap_encode(uint8_t out[TWI_SNAP_HEADER], const twi_snap_header *h)
{
    const uint32_t version = TWI_SNAP_VERSION, size = TWI_SNAP_HEADER;
    cursor c = {out};

    memset(out, 0, TWI_SNAP_HEADER);
    put(&c, TWI_SNAP_MAGIC, 8);
    put(&c, &version, sizeof version);
    put(&c, &size, sizeof size);
#define X(name) put(&c, &h->name, sizeof h->name);
    FIELDS(X)
#undef X
    const uint32_t crc = tw_crc32(0, out, TWI_SNAP_HEADER - 4);
    memcpy(out + TWI_SNAP_HEADER - 4, &crc, sizeof crc);
}

/* The first rule that a header breaks, or NULL. */
static const char *broken_rule(const twi_snap_header *h)
{
    const bool graph = (h->flags & TWI_SNAP_GRAPH) != 0, equal = (h->flags & TWI_SNAP_EQUAL) != 0;

    if (h->dim < 1 || h->dim > TW_INDEX_MAX_DIM)
        return "its dimension is out of range";
    if (h->flags > 7 || (!graph && (h->flags & TWI_SNAP_ROWS) == 0))
        return "its flags contradict each other";
    if (h->n < 0 || h->n > TW_INDEX_MAX_ROWS || h->m < 0 || h->m > TWI_DELTA_MAX)
        return "its row counts are out of range";
    if (h->live < h->m || h->live - h->m > h->n || (!graph && !equal && h->live != h->n + h->m))
        return "its counts contradict each other";
    if (h->nodes < 0 || (equal ? h->nodes >= h->n : h->nodes != h->n))
        return "its number of different vectors is out of range";
    if (!(h->recall >= 0 && h->recall <= 1))
        return "its recall is out of range";
    if (graph && h->n == 0)
        return "it has a graph of no rows";
    if (memchr(h->kind, 0, sizeof h->kind) == NULL || memchr(h->tag, 0, sizeof h->tag) == NULL)
        return "a string in it has no end";
    return NULL;
}

tw_status twi_snap_decode(twi_snap_header *h, const uint8_t in[TWI_SNAP_HEADER], const char *path,
                          tw_error *err)
{
    uint8_t copy[TWI_SNAP_HEADER];
    uint32_t version, size, crc;
    char magic[8];
    cursor c = {copy};

    memcpy(copy, in, sizeof copy);
    memcpy(&crc, copy + TWI_SNAP_HEADER - 4, sizeof crc);
    take(&c, magic, sizeof magic);
    take(&c, &version, sizeof version);
    take(&c, &size, sizeof size);
    if (memcmp(magic, TWI_SNAP_MAGIC, sizeof magic) != 0)
        return tw_fail(err, TW_ECORRUPT, "'%s' is no index snapshot", path);
    /* Before the checksum: a later version may have it elsewhere. */
    if (version > TWI_SNAP_VERSION)
        return tw_fail(err, TW_EUNSUPPORTED, "snapshot '%s' has format %u, this build knows %d",
                       path, (unsigned) version, TWI_SNAP_VERSION);
    if (crc != tw_crc32(0, copy, TWI_SNAP_HEADER - 4) || size != TWI_SNAP_HEADER || version == 0)
        return tw_fail(err, TW_ECORRUPT, "snapshot '%s' has a damaged header", path);
#define X(name) take(&c, &h->name, sizeof h->name);
    FIELDS(X)
#undef X
    h->version = version;
    if (version == 1) {
        h->nodes = h->n;
        h->recall = 0;
    }
    const char *why = version == 1 && (h->flags & TWI_SNAP_EQUAL) != 0
                          ? "its flags are of a later format"
                          : broken_rule(h);
    if (why != NULL)
        return tw_fail(err, TW_ECORRUPT, "snapshot '%s' contradicts itself: %s", path, why);
    return TW_OK;
}
