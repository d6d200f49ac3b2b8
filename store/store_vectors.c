/* Item vectors by model version: written, read, dropped. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crash.h"
#include "store/store_rows.h"
#include "store/store_state.h"
#include "store/store_statement.h"
#include "store/store_statement_list.h"
#include "store/store_sum.h"
#include "store/store_totals.h"

#define FLOAT_BYTES 4

/* ---- float32, little-endian, whatever this machine is ---------------------------------------- */

static void encode(unsigned char *out, const float *v, int n)
{
    for (int i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &v[i], sizeof bits);
        for (int b = 0; b < FLOAT_BYTES; b++)
            *out++ = (unsigned char) (bits >> (8 * b));
    }
}

static void decode(float *out, const unsigned char *p, int n)
{
    for (int i = 0; i < n; i++, p += FLOAT_BYTES) {
        uint32_t bits =
            (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

/* SQLite's blobs are aligned for nothing, so vectors pass through this block of the connection. */
static float *floats_of(twi_conn *c)
{
    if (c->floats == NULL)
        c->floats = tw_alloc_aligned(TW_STORE_MAX_DIM, sizeof(float));
    return c->floats;
}

/* The width of the vector in a column, or TW_ECORRUPT. */
static tw_status blob_dim(const twi_conn *c, sqlite3_stmt *q, int column, int *dim, tw_error *err)
{
    int bytes = sqlite3_column_bytes(q, column);
    if (bytes <= 0 || bytes % FLOAT_BYTES != 0 || bytes / FLOAT_BYTES > TW_STORE_MAX_DIM)
        return tw_fail(err, TW_ECORRUPT, "'%s' is damaged: it holds a vector of %d bytes", c->path,
                       bytes);
    *dim = bytes / FLOAT_BYTES;
    return TW_OK;
}

/* ---- Put, remove, drop ----------------------------------------------------------------------- */

static tw_status check_vector(int64_t row, int model, const float *vec, int dim, tw_error *err)
{
    if (model < 1)
        return tw_fail(err, TW_EINVAL, "model %d is not positive", model);
    if (dim < 1 || dim > TW_STORE_MAX_DIM)
        return tw_fail(err, TW_EINVAL, "dim %d is outside 1..%d", dim, TW_STORE_MAX_DIM);
    for (int i = 0; i < dim; i++) {
        if (!isfinite(vec[i]))
            return tw_fail(err, TW_EINVAL, "the vector of row %lld has %f at %d", (long long) row,
                           (double) vec[i], i);
    }
    return TW_OK;
}

static tw_status check_live(twi_conn *c, int64_t row, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st;

    TW_TRY(twi_prepare(c, TWI_SQL_ITEM_LIVE, &q, err));
    (void) sqlite3_bind_int64(q, 1, row);
    TW_TRY(twi_step(c, q, &found, err));
    if (!found || sqlite3_column_int(q, 0) == 0)
        st = tw_fail(err, TW_ENOTFOUND, "no live item has the row %lld", (long long) row);
done:
    twi_done(q);
    return st;
}

static uint64_t hash_vector(int64_t seq, int model, int64_t row, const void *blob, int bytes)
{
    uint64_t h = twi_hash_i64(twi_hash_i64(twi_hash_start(TWI_TAG_VECTOR), seq), model);
    return twi_hash_blob(twi_hash_i64(h, row), blob, bytes);
}

/* Whether the line under the current row (seq, row, vec, sum) is what was written. */
static bool vector_is_sound(const twi_conn *c, sqlite3_stmt *q, int model)
{
    const void *blob = sqlite3_column_blob(q, 2);
    return twi_is_intact(c, q, 3, TWI_TAG_VECTOR,
                         hash_vector(sqlite3_column_int64(q, 0), model, sqlite3_column_int64(q, 1),
                                     blob, sqlite3_column_bytes(q, 2)));
}

/* What a put or a removal finds. */
typedef struct old_vector {
    bool there;    /* a line exists ... */
    bool live;     /* ... and holds a vector */
    uint64_t adds; /* what it adds to the model's total */
} old_vector;

/* A damaged one may be replaced; then the total is added up anew. */
static tw_status look_up(tw_store *s, int64_t row, twi_space *space, old_vector *old, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_status st;

    *old = (old_vector){0};
    TW_TRY(twi_prepare(s->writer, TWI_SQL_VECTOR_ONE, &q, err));
    (void) sqlite3_bind_int(q, 1, space->model);
    (void) sqlite3_bind_int64(q, 2, row);
    TW_TRY(twi_step(s->writer, q, &old->there, err));
    if (!old->there)
        goto done;
    old->live = sqlite3_column_type(q, 2) != SQLITE_NULL;
    old->adds = twi_adds(TWI_TAG_VECTOR, sqlite3_column_int64(q, 3));
    if (!vector_is_sound(s->writer, q, space->model))
        space->recount = true;
done:
    twi_done(q);
    return st;
}

/* v->live false: as removed. */
static tw_status write_vector(tw_store *s, const tw_store_vector_change *v, twi_space *space,
                              const old_vector *old, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    float *floats = v->live ? floats_of(s->writer) : NULL;
    const int bytes = v->live ? v->dim * FLOAT_BYTES : 0;
    tw_status st;

    if (v->live && floats == NULL)
        return tw_fail(err, TW_ENOMEM, "a vector of %d floats", v->dim);
    if (v->live)
        encode((unsigned char *) floats, v->vec, v->dim);
    const int64_t sum =
        twi_sum_of(TWI_TAG_VECTOR, hash_vector(v->seq, space->model, v->row, floats, bytes));
    TW_TRY(twi_prepare(s->writer, old->there ? TWI_SQL_VECTOR_UPDATE : TWI_SQL_VECTOR_INSERT, &q,
                       err));
    (void) sqlite3_bind_int64(q, 1, v->seq);
    (void) sqlite3_bind_int(q, 2, space->model);
    (void) sqlite3_bind_int64(q, 3, v->row);
    (void) sqlite3_bind_blob(q, 4, floats, bytes, SQLITE_STATIC); /* NULL when it is removed */
    (void) sqlite3_bind_int64(q, 5, sum);
    TW_TRY(twi_run(s->writer, q, err));
    space->total += twi_adds(TWI_TAG_VECTOR, sum) - old->adds;
    space->vectors += (v->live ? 1 : 0) - (old->live ? 1 : 0);
    space->changed = true;
    tw_crash_point(); /* one model's vector is written, another's may not be */
done:
    return st;
}

static tw_status put_vector(tw_store *s, tw_store_vector_change *v, int model, tw_error *err)
{
    twi_space *space;
    old_vector old;
    tw_status st;

    TW_TRY(check_live(s->writer, v->row, err));
    TW_TRY(twi_space_of(s, model, &space, err));
    if (space->dim != 0 && space->dim != v->dim) {
        st = tw_fail(err, TW_EDIM, "a vector of %d floats does not fit model %d, whose have %d",
                     v->dim, model, space->dim);
        goto done;
    }
    TW_TRY(look_up(s, v->row, space, &old, err));
    v->seq = ++s->counts.seq;
    space->dim = v->dim;
    TW_TRY(write_vector(s, v, space, &old, err));
done:
    return st;
}

tw_status tw_store_put_vector(tw_store *s, int64_t row, int model, const float *vec, int dim,
                              int64_t *seq, tw_error *err)
{
    bool own;
    tw_store_vector_change v = {.row = row, .live = true, .dim = dim, .vec = vec};
    tw_status st = check_vector(row, model, vec, dim, err);
    if (st == TW_OK)
        st = twi_write_begin(s, &own, err);
    if (st != TW_OK)
        return st;
    st = twi_write_end(s, own, put_vector(s, &v, model, err), err);
    if (seq != NULL)
        *seq = st == TW_OK ? v.seq : 0;
    return st;
}

static tw_status remove_vector(tw_store *s, int64_t row, int model, tw_error *err)
{
    twi_space *space;
    old_vector old;
    tw_status st;

    TW_TRY(twi_space_of(s, model, &space, err));
    TW_TRY(look_up(s, row, space, &old, err));
    if (!old.live)
        goto done;
    const tw_store_vector_change v = {.row = row, .seq = ++s->counts.seq};
    TW_TRY(write_vector(s, &v, space, &old, err));
done:
    return st;
}

tw_status twi_remove_vectors(tw_store *s, int64_t row, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_status st;

    TW_TRY(twi_flush_spaces(s, err)); /* so that the table names every model */
    TW_TRY(twi_prepare(s->writer, TWI_SQL_SPACES, &q, err));
    for (;;) {
        bool found;
        TW_TRY(twi_step(s->writer, q, &found, err));
        if (!found)
            break;
        TW_TRY(remove_vector(s, row, sqlite3_column_int(q, 0), err));
    }
done:
    twi_done(q);
    return st;
}

static tw_status drop_vectors(tw_store *s, int model, int64_t *dropped, tw_error *err)
{
    static const twi_statement both[] = {TWI_SQL_VECTORS_DROP, TWI_SQL_SPACE_DROP};
    twi_space *space;
    tw_status st;

    TW_TRY(twi_space_of(s, model, &space, err));
    *dropped = space->vectors;
    *space = (twi_space){0};
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *q = NULL;
        TW_TRY(twi_prepare(s->writer, both[i], &q, err));
        (void) sqlite3_bind_int(q, 1, model);
        TW_TRY(twi_run(s->writer, q, err));
        tw_crash_point();
    }
done:
    return st;
}

tw_status tw_store_drop_vectors(tw_store *s, int model, int64_t *dropped, tw_error *err)
{
    bool own;
    int64_t local;
    if (model < 1)
        return tw_fail(err, TW_EINVAL, "model %d is not positive", model);
    tw_status st = twi_write_begin(s, &own, err);
    if (st != TW_OK)
        return st;
    return twi_write_end(s, own, drop_vectors(s, model, dropped != NULL ? dropped : &local, err),
                         err);
}

/* ---- Read ------------------------------------------------------------------------------------ */

static tw_status damaged_vector(twi_conn *c, int64_t row, int model, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found = false;
    if (twi_prepare(c, TWI_SQL_ITEM_NAME, &q, NULL) == TW_OK) {
        (void) sqlite3_bind_int64(q, 1, row);
        (void) !twi_step(c, q, &found, NULL); /* it is only for the sentence */
    }
    tw_status st = twi_damaged(c, err,
                               "the next command that opens the directory for writing embeds the "
                               "item anew",
                               "the vector of item '%.100s' (row %lld) and model %d",
                               found ? twi_text(q, 3) : "", (long long) row, model);
    twi_done(q);
    return st;
}

static tw_status get_vector(twi_conn *c, int64_t row, int model, float *vec, int dim, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    int have = 0;
    tw_status st;

    TW_TRY(twi_prepare(c, TWI_SQL_VECTOR_ONE, &q, err));
    (void) sqlite3_bind_int(q, 1, model);
    (void) sqlite3_bind_int64(q, 2, row);
    TW_TRY(twi_step(c, q, &found, err));
    if (!found || sqlite3_column_type(q, 2) == SQLITE_NULL) {
        st = tw_fail(err, TW_ENOTFOUND, "row %lld has no vector of model %d", (long long) row,
                     model);
        goto done;
    }
    if (!vector_is_sound(c, q, model)) {
        st = damaged_vector(c, row, model, err);
        goto done;
    }
    TW_TRY(blob_dim(c, q, 2, &have, err));
    if (have != dim) {
        st = tw_fail(err, TW_EDIM, "the vectors of model %d have %d floats, not %d", model, have,
                     dim);
        goto done;
    }
    decode(vec, sqlite3_column_blob(q, 2), dim);
done:
    twi_done(q);
    return st;
}

tw_status tw_store_vector(tw_store *s, int64_t row, int model, float *vec, int dim, tw_error *err)
{
    twi_conn *c;
    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    st = get_vector(c, row, model, vec, dim, err);
    twi_read_end(s, c);
    return st;
}

tw_status tw_store_vector_dim(tw_store *s, int model, int *dim, tw_error *err)
{
    twi_conn *c;
    twi_space space;
    *dim = 0;
    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    if (c == s->writer) /* what this transaction added is not in the table yet */
        st = twi_flush_spaces(s, err);
    if (st == TW_OK)
        st = twi_read_space(c, model, &space, err);
    if (st == TW_OK)
        *dim = space.dim;
    twi_read_end(s, c);
    return st;
}

typedef struct vector_call {
    tw_vector_fn fn;
    void *ctx;
    int model;
} vector_call;

static tw_status give_vector(void *ctx, twi_conn *c, sqlite3_stmt *q, tw_error *err)
{
    const vector_call *call = ctx;
    tw_store_vector_change v = {
        .seq = sqlite3_column_int64(q, 0),
        .row = sqlite3_column_int64(q, 1),
        .live = sqlite3_column_type(q, 2) != SQLITE_NULL,
    };

    v.damaged = !vector_is_sound(c, q, call->model);
    if (v.live) {
        float *floats = floats_of(c);
        if (floats == NULL)
            return tw_fail(err, TW_ENOMEM, "a vector of %d floats", TW_STORE_MAX_DIM);
        v.damaged = v.damaged || blob_dim(c, q, 2, &v.dim, NULL) != TW_OK;
        if (v.dim == 0)
            v.dim = 1;
        if (v.damaged) {
            for (int i = 0; i < v.dim; i++)
                floats[i] = NAN;
        } else {
            decode(floats, sqlite3_column_blob(q, 2), v.dim);
        }
        v.vec = floats;
    }
    return call->fn(call->ctx, &v, err);
}

tw_status tw_store_each_vector(tw_store *s, int model, int64_t since, tw_vector_fn fn, void *ctx,
                               tw_error *err)
{
    vector_call call = {fn, ctx, model};
    return twi_each(s, TWI_SQL_VECTORS_SINCE, since, model, give_vector, &call, err);
}
