/* Writing a snapshot: one moment of the index, in one pass, while it goes on changing. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crash.h"
#include "base/file.h"
#include "base/hash.h"
#include "index/index_delta.h"
#include "index/index_graph.h"
#include "index/index_main.h"
#include "index/index_snapshot.h"
#include "index/index_state.h"

#define SINK_BYTES ((size_t) 1 << 18)

/* A stream that sums what passes. A failed write sticks, so it is asked for once, at the end. */
typedef struct sink {
    FILE *file;
    uint8_t *buffer; /* (SINK_BYTES) owned */
    size_t used;
    uint32_t crc;
    uint64_t bytes; /* all that was given so far */
    int refused;    /* errno of the first write that failed, or 0 */
} sink;

static void sink_flush(sink *s)
{
    s->crc = tw_crc32(s->crc, s->buffer, s->used);
    if (s->refused == 0 && fwrite(s->buffer, 1, s->used, s->file) != s->used)
        s->refused = errno != 0 ? errno : EIO;
    s->used = 0;
}

static bool sink_write(void *ctx, const void *data, size_t len)
{
    sink *s = ctx;
    const uint8_t *from = data;

    s->bytes += len;
    while (len > 0) {
        const size_t room = SINK_BYTES - s->used, part = len < room ? len : room;
        memcpy(s->buffer + s->used, from, part);
        s->used += part;
        from += part;
        len -= part;
        if (s->used == SINK_BYTES)
            sink_flush(s);
    }
    return s->refused == 0;
}

/* The last thing written: the checksum of all before it. */
static void sink_finish(sink *s)
{
    sink_flush(s);
    const uint32_t crc = s->crc;
    (void) sink_write(s, &crc, sizeof crc);
    sink_flush(s);
}

/* Main goes in whole when a graph or equal rows refer to it by number, else only its live rows.
 */
static bool keeps_all(const twi_main *m) { return m->graph != NULL || m->first != NULL; }

static bool keeps_row(twi_view v, int64_t row)
{
    return keeps_all(&v.state->main) || twi_main_sees(&v.state->main, row, v.version);
}

static twi_snap_header describe(twi_view v, int64_t delta_end, const char *tag, int64_t seq)
{
    const twi_main *m = &v.state->main;
    const twi_delta *d = &v.state->delta;
    twi_snap_header h = {.dim = (uint32_t) m->dim, .seq = seq};
    int64_t live = 0;

    for (int64_t i = 0; i < m->n; i++) {
        h.n += keeps_row(v, i);
        live += twi_main_sees(m, i, v.version);
    }
    for (int64_t i = d->first; i < delta_end; i++)
        h.m += twi_delta_sees(d, i, v.version);
    h.live = live + h.m;
    h.nodes = m->first != NULL ? m->nodes : h.n;
    h.recall = m->recall;
    h.flags = (m->graph != NULL ? TWI_SNAP_GRAPH : 0u) |
              (m->own != NULL || m->graph == NULL ? TWI_SNAP_ROWS : 0u) |
              (m->first != NULL ? TWI_SNAP_EQUAL : 0u);
    memcpy(h.kind, m->kind, sizeof h.kind);
    if (tag != NULL)
        memcpy(h.tag, tag, strlen(tag));
    return h;
}

static void write_main(sink *s, twi_view v, const twi_snap_header *h)
{
    const twi_main *m = &v.state->main;
    uint64_t word = 0;

    for (int64_t i = 0; i < m->n; i++)
        if (keeps_row(v, i))
            (void) sink_write(s, &m->ids[i], sizeof m->ids[i]);
    for (int64_t i = 0; i < h->n; i++) {
        if (keeps_all(m) && !twi_main_sees(m, i, v.version))
            word |= UINT64_C(1) << (i % 64);
        if (i % 64 == 63 || i == h->n - 1) {
            (void) sink_write(s, &word, sizeof word);
            word = 0;
        }
    }
    for (int64_t j = 0; m->first != NULL && j < m->nodes; j++) {
        const int32_t rows = m->first[j + 1] - m->first[j];
        (void) sink_write(s, &rows, sizeof rows);
    }
    for (int64_t j = 0; (h->flags & TWI_SNAP_ROWS) != 0 && j < m->nodes; j++)
        if (keeps_all(m) || keeps_row(v, j))
            (void) sink_write(s, twi_main_node_vec(m, j), (size_t) m->dim * sizeof(float));
}

static void write_delta(sink *s, twi_view v, int64_t end)
{
    const twi_delta *d = &v.state->delta;
    for (int64_t i = d->first; i < end; i++) {
        if (twi_delta_sees(d, i, v.version)) {
            const int32_t id = twi_delta_chunk(d, i)->ids[i & (TWI_CHUNK_ROWS - 1)];
            (void) sink_write(s, &id, sizeof id);
        }
    }
    for (int64_t i = d->first; i < end; i++)
        if (twi_delta_sees(d, i, v.version))
            (void) sink_write(s, twi_delta_vec(d, i), (size_t) d->dim * sizeof(float));
}

static tw_status write_all(sink *s, twi_view v, const char *tag, int64_t seq, tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t delta_end = twi_delta_count(&v.state->delta);
    const twi_snap_header h = describe(v, delta_end, tag, seq);
    uint8_t head[TWI_SNAP_HEADER];

    twi_snap_encode(head, &h);
    (void) sink_write(s, head, sizeof head);
    write_main(s, v, &h);
    write_delta(s, v, delta_end);
    sink_flush(s);
    tw_crash_point(); /* rows, but no graph and no end */

    const uint64_t before = s->bytes;
    if (v.state->main.graph != NULL)
        st = twi_graph_write(v.state->main.graph, sink_write, s, err);
    if (st != TW_OK && s->refused == 0)
        return st;
    const uint64_t sizes[2] = {s->bytes - before, s->bytes + TWI_SNAP_TRAILER};
    (void) sink_write(s, sizes, sizeof sizes);
    (void) sink_write(s, TWI_SNAP_END, 8);
    sink_finish(s);
    errno = s->refused;
    return s->refused == 0 ? TW_OK
                           : tw_fail_errno(err, "cannot write %llu bytes of snapshot",
                                           (unsigned long long) s->bytes);
}

tw_status tw_index_save(const tw_index *ix, const char *path, const char *tag, int64_t seq,
                        tw_error *err)
{
    tw_status st = TW_OK;
    sink s = {0};

    if (tag != NULL && strlen(tag) >= TW_INDEX_TAG_MAX)
        return tw_fail(err, TW_EINVAL, "tag has %zu bytes, the most is %d", strlen(tag),
                       TW_INDEX_TAG_MAX - 1);
    twi_view v = twi_view_take(ix);
    s.buffer = tw_alloc(SINK_BYTES, 1);
    if (s.buffer == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%zu bytes of buffer", SINK_BYTES);
        goto done;
    }
    TW_TRY(tw_file_begin(&s.file, path, err));
    st = write_all(&s, v, tag, seq, err);
    if (st != TW_OK) {
        tw_file_abort(s.file, path);
        goto done;
    }
    TW_TRY(tw_file_commit(s.file, path, err));
done:
    tw_free(s.buffer);
    twi_view_drop(ix, v);
    return st;
}
