/* Reading a snapshot. The whole file is summed first; only then is a count of it used to allocate,
 * or a byte of it given to FAISS, whose reader trusts what it reads. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "index/index_delta.h"
#include "index/index_graph.h"
#include "index/index_kernel.h"
#include "index/index_main.h"
#include "index/index_map.h"
#include "index/index_snapshot.h"
#include "index/index_state.h"

#define BLOCK_BYTES ((size_t) 1 << 18)

/* An open snapshot, read from front to back. */
typedef struct source {
    FILE *file;
    const char *path;
    uint64_t size; /* of the file */
    uint64_t left; /* of the section being read */
} source;

static tw_status source_open(source *s, const char *path, tw_error *err)
{
    struct stat sb;

    memset(s, 0, sizeof *s);
    s->path = path;
    tw_status st = tw_file_open_stream(&s->file, path, err);
    if (st == TW_EINVAL)
        return tw_fail(err, TW_ECORRUPT, "the snapshot '%s' is no regular file", path);
    if (st != TW_OK)
        return st;
    if (fstat(fileno(s->file), &sb) != 0)
        return tw_fail_errno(err, "cannot stat snapshot '%s'", path);
    s->size = (uint64_t) sb.st_size;
    return TW_OK;
}

static void source_close(source *s)
{
    if (s->file != NULL)
        (void) fclose(s->file);
}

/* All of len, or TW_EIO when the system refuses, TW_ECORRUPT when the file ends. */
static tw_status read_exact(source *s, void *to, size_t len, tw_error *err)
{
    errno = 0;
    if (len == 0 || fread(to, 1, len, s->file) == len)
        return TW_OK;
    if (ferror(s->file))
        return tw_fail_errno(err, "cannot read snapshot '%s'", s->path);
    return tw_fail(err, TW_ECORRUPT, "snapshot '%s' is cut short", s->path);
}

/* For FAISS: never past the graph's own bytes. */
static bool read_graph(void *ctx, void *data, size_t len)
{
    source *s = ctx;
    if (len > s->left || fread(data, 1, len, s->file) != len)
        return false;
    s->left -= len;
    return true;
}

static tw_status read_header(source *s, twi_snap_header *h, tw_error *err)
{
    uint8_t head[TWI_SNAP_HEADER];
    if (s->size < sizeof head)
        return tw_fail(err, TW_ECORRUPT, "'%s' has %llu bytes, too few for a snapshot", s->path,
                       (unsigned long long) s->size);
    tw_status st = read_exact(s, head, sizeof head, err);
    return st == TW_OK ? twi_snap_decode(h, head, s->path, err) : st;
}

/* Sums the file but for its last four bytes, which must say the same. */
static tw_status check_sum(source *s, tw_error *err)
{
    tw_status st = TW_OK;
    uint32_t crc = 0, want = 0;

    uint8_t *block = tw_alloc(BLOCK_BYTES, 1);
    if (block == NULL)
        return tw_fail(err, TW_ENOMEM, "%zu bytes of buffer", BLOCK_BYTES);
    rewind(s->file);
    for (uint64_t left = s->size - sizeof crc; left > 0;) {
        const size_t part = left < BLOCK_BYTES ? (size_t) left : BLOCK_BYTES;
        TW_TRY(read_exact(s, block, part, err));
        crc = tw_crc32(crc, block, part);
        left -= part;
    }
    TW_TRY(read_exact(s, &want, sizeof want, err));
    if (crc != want)
        st = tw_fail(err, TW_ECORRUPT, "snapshot '%s' is damaged: its checksum is %08x, not %08x",
                     s->path, (unsigned) crc, (unsigned) want);
done:
    tw_free(block);
    return st;
}

/* Checks that the file is exactly as long as its counts say, and leaves it after the header. */
static tw_status check_sizes(source *s, const twi_snap_header *h, uint64_t *graph_bytes,
                             tw_error *err)
{
    tw_status st = TW_OK;
    uint64_t said[2] = {0};
    char end[8];
    const uint64_t n = (uint64_t) h->n, m = (uint64_t) h->m;
    const uint64_t v = (uint64_t) h->nodes;
    const uint64_t vecs = (h->flags & TWI_SNAP_ROWS) != 0 ? v * h->dim * 4 : 0; /* below 2^46 */
    const uint64_t counts = (h->flags & TWI_SNAP_EQUAL) != 0 ? v * 4 : 0;
    const uint64_t fixed =
        TWI_SNAP_HEADER + n * 4 + (n + 63) / 64 * 8 + counts + vecs + m * 4 + m * h->dim * 4;

    if (s->size < TWI_SNAP_HEADER + TWI_SNAP_TRAILER)
        return tw_fail(err, TW_ECORRUPT, "snapshot '%s' is cut short", s->path);
    if (fseeko(s->file, (off_t) (s->size - TWI_SNAP_TRAILER), SEEK_SET) != 0)
        return tw_fail_errno(err, "cannot seek in snapshot '%s'", s->path);
    TW_TRY(read_exact(s, said, sizeof said, err));
    TW_TRY(read_exact(s, end, sizeof end, err));
    *graph_bytes = said[0];
    const bool has_graph = (h->flags & TWI_SNAP_GRAPH) != 0;
    if (memcmp(end, TWI_SNAP_END, sizeof end) != 0 || said[1] != s->size || said[0] > s->size ||
        fixed + said[0] + TWI_SNAP_TRAILER != s->size || has_graph != (said[0] > 0)) {
        st = tw_fail(err, TW_ECORRUPT, "snapshot '%s' has %llu bytes, not what its counts need",
                     s->path, (unsigned long long) s->size);
        goto done;
    }
    if (fseeko(s->file, TWI_SNAP_HEADER, SEEK_SET) != 0)
        st = tw_fail_errno(err, "cannot seek in snapshot '%s'", s->path);
done:
    return st;
}

static tw_status check_ids(const source *s, const int32_t *ids, int64_t n, tw_error *err)
{
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 1)
            return tw_fail(err, TW_ECORRUPT, "snapshot '%s' has id %d", s->path, ids[i]);
    return TW_OK;
}

static tw_status check_values(const source *s, const float *x, int64_t n, tw_error *err)
{
    const int64_t bad = twi_first_unusable(x, n);
    if (bad >= 0)
        return tw_fail(err, TW_ECORRUPT, "snapshot '%s' has the value %g", s->path,
                       (double) x[bad]);
    return TW_OK;
}

static tw_status alloc_main(twi_main *m, const twi_snap_header *h, tw_error *err)
{
    const bool rows = (h->flags & TWI_SNAP_ROWS) != 0;

    m->n = h->n;
    m->nodes = h->nodes;
    m->recall = h->recall;
    memcpy(m->kind, h->kind, sizeof m->kind);
    m->ids = tw_alloc((size_t) m->n, sizeof *m->ids);
    m->deleted = tw_alloc((size_t) m->n, sizeof *m->deleted);
    m->own = rows ? tw_alloc((size_t) m->nodes, (size_t) m->dim * sizeof *m->own) : NULL;
    if (m->nodes < m->n) {
        m->first = tw_alloc((size_t) m->nodes + 1, sizeof *m->first);
        m->node = tw_alloc((size_t) m->n, sizeof *m->node);
        if (m->first == NULL || m->node == NULL)
            return tw_fail(err, TW_ENOMEM, "%lld equal rows", (long long) m->n);
    }
    if (m->ids == NULL || m->deleted == NULL || (rows && m->own == NULL))
        return tw_fail(err, TW_ENOMEM, "%lld rows of %d floats", (long long) m->n, m->dim);
    return TW_OK;
}

static tw_status load_dead(twi_main *m, source *s, tw_error *err)
{
    uint64_t word = 0;
    for (int64_t i = 0; i < m->n; i++) {
        if (i % 64 == 0) {
            tw_status st = read_exact(s, &word, sizeof word, err);
            if (st != TW_OK)
                return st;
        }
        m->deleted[i] = word >> (i % 64) & 1; /* version 1, which a loaded index begins at */
        m->dead += (int64_t) m->deleted[i];
    }
    return TW_OK;
}

/* How many rows each node has: together all of them, their ids ascending, which searching relies
 * on. */
static tw_status load_nodes(twi_main *m, source *s, tw_error *err)
{
    tw_status st = TW_OK;
    int64_t at = 0;

    TW_TRY(read_exact(s, m->first + 1, (size_t) m->nodes * sizeof *m->first, err));
    for (int64_t j = 0; j < m->nodes; j++) {
        const int64_t rows = m->first[j + 1]; /* as read: a count */
        if (rows < 1 || rows > m->n - at) {
            st = tw_fail(err, TW_ECORRUPT, "snapshot '%s' has %lld rows of one vector", s->path,
                         (long long) rows);
            goto done;
        }
        for (const int64_t end = at + rows; at < end; at++) {
            m->node[at] = (int32_t) j;
            if (at > m->first[j] && m->ids[at - 1] >= m->ids[at]) {
                st = tw_fail(err, TW_ECORRUPT, "snapshot '%s' has id %d after %d", s->path,
                             m->ids[at], m->ids[at - 1]);
                goto done;
            }
        }
        m->first[j + 1] = (int32_t) at;
    }
    if (at != m->n)
        st = tw_fail(err, TW_ECORRUPT, "snapshot '%s' has %lld rows, not %lld", s->path,
                     (long long) at, (long long) m->n);
done:
    return st;
}

static tw_status load_main(twi_main *m, source *s, const twi_snap_header *h, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(alloc_main(m, h, err));
    TW_TRY(read_exact(s, m->ids, (size_t) m->n * sizeof *m->ids, err));
    TW_TRY(check_ids(s, m->ids, m->n, err));
    TW_TRY(load_dead(m, s, err));
    if (m->first != NULL)
        TW_TRY(load_nodes(m, s, err));
    if (m->own == NULL)
        goto done;
    TW_TRY(read_exact(s, m->own, (size_t) m->nodes * (size_t) m->dim * sizeof *m->own, err));
    TW_TRY(check_values(s, m->own, m->nodes * m->dim, err));
done:
    return st;
}

/* One row at the end of delta; its id must be new. */
static tw_status add_to_delta(twi_state *state, const source *s, int64_t id, const float *row,
                              tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(check_values(s, row, state->main.dim, err));
    TW_TRY(twi_map_reserve(&state->map, id, err));
    TW_TRY(twi_delta_reserve(&state->delta, err));
    if (twi_map_get(&state->map, id) != 0)
        return tw_fail(err, TW_ECORRUPT, "snapshot '%s' has id %lld twice", s->path,
                       (long long) id);
    const int64_t at = twi_delta_append(&state->delta, id, row, 0);
    twi_map_set(&state->map, id, (twi_loc) (-at - 1));
    state->live++;
done:
    return st;
}

static tw_status load_delta(twi_state *state, source *s, int64_t m, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t dim = (size_t) state->main.dim;
    float *row = tw_alloc(dim, sizeof *row);
    int32_t *ids = tw_alloc((size_t) m, sizeof *ids);

    if (row == NULL || ids == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld ids", (long long) m);
        goto done;
    }
    TW_TRY(read_exact(s, ids, (size_t) m * sizeof *ids, err));
    TW_TRY(check_ids(s, ids, m, err));
    for (int64_t i = 0; i < m; i++) {
        TW_TRY(read_exact(s, row, dim * sizeof *row, err));
        TW_TRY(add_to_delta(state, s, ids[i], row, err));
    }
done:
    tw_free(row);
    tw_free(ids);
    return st;
}

static tw_status load_state(twi_state *state, source *s, const twi_snap_header *h,
                            uint64_t graph_bytes, tw_error *err)
{
    tw_status st = TW_OK;
    twi_main *m = &state->main;

    TW_TRY(load_main(m, s, h, err));
    st = twi_state_map_main(state, err);
    if (st == TW_EINVAL)
        st = tw_fail(err, TW_ECORRUPT, "snapshot '%s' has an id twice", s->path);
    if (st != TW_OK)
        goto done;
    TW_TRY(load_delta(state, s, h->m, err));
    if (state->live != h->live) {
        st = tw_fail(err, TW_ECORRUPT, "snapshot '%s' has %lld live ids, its header says %lld",
                     s->path, (long long) state->live, (long long) h->live);
        goto done;
    }
    s->left = graph_bytes;
    if (graph_bytes > 0)
        TW_TRY(twi_graph_read(&m->graph, m->nodes, m->dim, read_graph, s, err));
    m->vecs = m->own != NULL || m->graph == NULL ? m->own : twi_graph_vectors(m->graph);
    if (s->left != 0 || m->vecs == NULL) {
        st = tw_fail(err, TW_ECORRUPT, "snapshot '%s' has a graph without rows or too long",
                     s->path);
    } else {
        st = twi_main_code(m, err);
    }
done:
    return st;
}

static tw_index_snapshot public_view(const twi_snap_header *h)
{
    tw_index_snapshot info = {.dim = (int) h->dim, .live = h->live, .seq = h->seq};
    memcpy(info.tag, h->tag, sizeof info.tag);
    return info;
}

tw_status tw_index_peek(const char *path, tw_index_snapshot *info, tw_error *err)
{
    tw_status st = TW_OK;
    source s;
    twi_snap_header h = {0};

    TW_TRY(source_open(&s, path, err));
    TW_TRY(read_header(&s, &h, err));
    *info = public_view(&h);
done:
    source_close(&s);
    return st;
}

/* A graph of v1 that finds too little is left to the next merge, which builds it right. */
static tw_status check_old_graph(const tw_index *ix, twi_state *state, tw_error *err)
{
    const twi_source quiet = {.n = state->main.n};
    const bool had = state->main.graph != NULL;
    tw_status st = twi_check_graph(ix, state, &quiet, err);
    if (st == TW_OK && had && state->main.graph == NULL)
        state->main.recall = 0;
    return st;
}

tw_status tw_index_load(tw_index **out, const tw_index_config *cfg, const char *path,
                        tw_index_snapshot *info, tw_error *err)
{
    tw_status st = TW_OK;
    source s;
    twi_snap_header h = {0};
    uint64_t graph_bytes = 0;
    tw_index *ix = NULL;
    tw_index_config full = *cfg;

    *out = NULL;
    TW_TRY(source_open(&s, path, err));
    TW_TRY(read_header(&s, &h, err));
    TW_TRY(check_sum(&s, err));
    TW_TRY(check_sizes(&s, &h, &graph_bytes, err));
    if (full.dim == 0)
        full.dim = (int) h.dim;
    if (full.dim != (int) h.dim) {
        st = tw_fail(err, TW_EDIM, "snapshot '%s' has vectors of %u floats, not %d", path,
                     (unsigned) h.dim, full.dim);
        goto done;
    }
    TW_TRY(tw_index_create(&ix, &full, err));
    TW_TRY(load_state(ix->hub->state, &s, &h, graph_bytes, err));
    if (h.version == 1)
        TW_TRY(check_old_graph(ix, ix->hub->state, err));
    ix->hub->version = 1; /* the dead of main were deleted then; all else was created before */
    if (info != NULL)
        *info = public_view(&h);
    *out = ix;
    ix = NULL;
done:
    source_close(&s);
    tw_index_destroy(ix);
    return st;
}
