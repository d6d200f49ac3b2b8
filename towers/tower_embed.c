/* Embedding for use: the forward pass of a trained tower for one item at a time.
 *
 * The sums behind the encoders run in a fixed order of their own, because a BLAS
 * product's bits depend on how many rows it is given: so an item has the same
 * vector whether it was put alone or in a bulk of a million. A test holds this
 * pass against the tape's. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/blas.h"
#include "nn/kernels/vec.h"
#include "towers/tower.h"
#include "towers/tower_embed.h"
#include "towers/tower_samples.h"

#define ITEMS_A_ROUND 512 /* per worker, between two calls of progress */

struct tw_tower_session {
    const tw_tower *tower;
    void *reader[TW_MODALITIES];
    twi_bytes bytes[TW_MODALITIES];
    tw_tape *tape; /* NULL: every encoder does without */
    tw_real *x;    /* (widest encoder) */
    tw_real *y;    /* (D) one modality */
    tw_real *sum;  /* (D) */
    tw_real *h;    /* (H) of the head */
};

tw_status tw_tower_session_create(tw_tower_session **out, const tw_tower *t, tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower_session *s = tw_alloc(1, sizeof *s);
    const size_t D = (size_t) t->cfg.dim, H = (size_t) t->cfg.head;
    size_t widest = 1;
    bool needs_tape = false;

    *out = NULL;
    if (s == NULL) {
        st = tw_fail(err, TW_ENOMEM, "tower session");
        goto done;
    }
    s->tower = t;
    TW_TRY(twi_readers_open(s->reader, t, err));
    for (int m = 0; m < TW_MODALITIES; m++) {
        const twi_encoder *e = t->encoders[m];
        if (e == NULL)
            continue;
        widest = (size_t) e->width > widest ? (size_t) e->width : widest;
        needs_tape |= e->class->embed == NULL;
    }
    if (needs_tape)
        TW_TRY(tw_tape_create(&s->tape, NULL, err));
    s->x = tw_alloc_aligned(widest, sizeof *s->x);
    s->y = tw_alloc_aligned(D, sizeof *s->y);
    s->sum = tw_alloc_aligned(D, sizeof *s->sum);
    s->h = tw_alloc_aligned(H + 1, sizeof *s->h);
    if (s->x == NULL || s->y == NULL || s->sum == NULL || s->h == NULL) {
        st = tw_fail(err, TW_ENOMEM, "tower session");
        goto done;
    }
    *out = s;
    s = NULL;
done:
    tw_tower_session_destroy(s);
    return st;
}

void tw_tower_session_destroy(tw_tower_session *s)
{
    if (s == NULL)
        return;
    twi_readers_close(s->reader, s->tower);
    for (int m = 0; m < TW_MODALITIES; m++)
        twi_bytes_fini(&s->bytes[m]);
    tw_tape_destroy(s->tape);
    tw_free(s->x);
    tw_free(s->y);
    tw_free(s->sum);
    tw_free(s->h);
    tw_free(s);
}

/* y (D) scaled to length 1; a vector of no length becomes zero. */
static void to_unit(tw_real *y, int D)
{
    double sum = 0;
    for (int i = 0; i < D; i++)
        sum += (double) y[i] * (double) y[i];
    const double scale = sum > 1e-24 ? 1 / sqrt(sum) : 0;
    for (int i = 0; i < D; i++)
        y[i] = (tw_real) ((double) y[i] * scale);
}

/* y (D) = the unit vector of one modality's encoding x (E). */
static void project(const tw_tower *t, int m, const tw_real *x, tw_real *y)
{
    const twi_projection *p = &t->proj[m];
    const int D = t->cfg.dim, E = t->encoders[m]->width;
    memcpy(y, p->b->value, (size_t) D * sizeof *y);
    for (int i = 0; i < E; i++)
        tw_vec_axpy(y, p->wt + (size_t) i * (size_t) D, (double) x[i], (size_t) D);
    to_unit(y, D);
}

static tw_status encode(tw_tower_session *s, int m, twi_sample sample, tw_error *err)
{
    const twi_encoder *e = s->tower->encoders[m];
    if (e->class->embed != NULL) {
        e->class->embed(e, s->reader[m], sample, s->x);
        return TW_OK;
    }
    tw_tape_reset(s->tape, 0, 0, 0);
    const tw_tensor *x = e->class->forward(e, s->tape, &sample, 1, NULL);
    if (x == NULL)
        return tw_tape_status(s->tape, err);
    memcpy(s->x, x->v, (size_t) e->width * sizeof *s->x);
    return TW_OK;
}

/* The layer behind the sum, in place. */
static void apply_head(tw_tower_session *s)
{
    const tw_tower *t = s->tower;
    const int D = t->cfg.dim, H = t->cfg.head;
    for (int o = 0; o < H; o++) {
        tw_real v;
        tw_rowdot_forward(&v, s->sum, t->head_in->value + (size_t) o * (size_t) D, 1, D);
        v += t->head_in_b->value[o];
        s->h[o] = v > 0 ? v : 0;
    }
    for (int o = 0; o < D; o++) {
        tw_real v;
        tw_rowdot_forward(&v, s->h, t->head_out->value + (size_t) o * (size_t) H, 1, H);
        s->y[o] = s->sum[o] + v + t->head_out_b->value[o];
    }
    to_unit(s->y, D);
    memcpy(s->sum, s->y, (size_t) D * sizeof *s->sum);
}

static tw_status embed(tw_tower_session *s, const twi_sample samples[TW_MODALITIES], float *out,
                       int *found, tw_error *err)
{
    const tw_tower *t = s->tower;
    const int D = t->cfg.dim;
    int bits = 0, parts = 0;
    tw_status ready = tw_blas_ready(err);

    if (ready != TW_OK)
        return ready;
    memset(s->sum, 0, (size_t) D * sizeof *s->sum);
    for (int m = 0; m < TW_MODALITIES; m++) {
        if (samples[m].len == 0) /* the bias alone would make all empty texts alike */
            continue;
        tw_status st = encode(s, m, samples[m], err);
        if (st != TW_OK)
            return st;
        project(t, m, s->x, s->y);
        for (int i = 0; i < D; i++)
            s->sum[i] += s->y[i];
        bits |= 1 << m;
        parts++;
    }
    if (parts > 1)
        to_unit(s->sum, D);
    if (parts > 0 && t->head_in != NULL)
        apply_head(s);
    for (int i = 0; i < D; i++)
        out[i] = (float) s->sum[i];
    if (found != NULL)
        *found = bits;
    return TW_OK;
}

tw_status tw_tower_embed(tw_tower_session *s, const tw_tower_item *item, float *out, int *found,
                         tw_error *err)
{
    twi_sample samples[TW_MODALITIES] = {{0}};

    for (int m = 0; m < TW_MODALITIES; m++) {
        const twi_encoder *e = s->tower->encoders[m];
        if (e == NULL)
            continue;
        s->bytes[m].len = 0;
        tw_status st = e->class->prepare(e, s->reader[m], item, &s->bytes[m], err);
        if (st != TW_OK)
            return st;
        samples[m] = (twi_sample){s->bytes[m].data, s->bytes[m].len};
    }
    return embed(s, samples, out, found, err);
}

tw_status tw_tower_embed_text(tw_tower_session *s, const char *text, size_t len, float *out,
                              int *found, tw_error *err)
{
    return tw_tower_embed(s, &(tw_tower_item){.text = text, .text_len = len}, out, found, err);
}

/* ---- many ------------------------------------------------------------------------------------ */

typedef struct worker_session {
    tw_tower_session *session;
    tw_status st;
    tw_error why;
} worker_session;

typedef struct job {
    const tw_tower *tower;
    worker_session *sessions;
    const tw_tower_source *source;   /* either: items to be prepared */
    const tw_tower_samples *samples; /* or prepared ones */
    int64_t begin, n;                /* of this round */
    float *out;
    int dim;
} job;

static tw_status embed_one(const job *j, worker_session *h, int worker, int64_t i)
{
    float *out = j->out + (size_t) i * (size_t) j->dim;
    if (j->source != NULL) {
        tw_tower_item item = {0};
        tw_status st = j->source->load(j->source->ctx, worker, i, &item, &h->why);
        return st == TW_OK ? tw_tower_embed(h->session, &item, out, NULL, &h->why) : st;
    }
    twi_sample samples[TW_MODALITIES];
    for (int m = 0; m < TW_MODALITIES; m++)
        samples[m] = twi_sample_of(j->samples, m, i);
    return embed(h->session, samples, out, NULL, &h->why);
}

/* Where the forward pass that starts at `begin` ends: as soon as one of the encoders has enough, so
 * that items which lack one modality do not pile up the others. */
static int64_t chunk_end(const job *j, int64_t begin, int64_t end)
{
    const tw_tower *t = j->tower;
    int64_t i = end;
    for (int m = 0; m < TW_MODALITIES; m++) {
        const int most = t->encoders[m] != NULL ? t->encoders[m]->chunk : 0;
        int64_t k = begin;
        for (int64_t bytes = 0; most > 0 && k < i && bytes < most; k++)
            bytes += (int64_t) twi_sample_of(j->samples, m, k).len;
        if (most > 0)
            i = k;
    }
    return i;
}

/* Several items in one forward pass on the session's tape. */
static tw_status embed_chunk(const job *j, worker_session *h, int64_t begin, int64_t end)
{
    const tw_tower *t = j->tower;
    tw_tape *tape = h->session->tape;
    const int n = (int) (end - begin);
    int32_t items[ITEMS_A_ROUND];

    for (int k = 0; k < n; k++)
        items[k] = (int32_t) (begin + k);
    tw_tape_reset(tape, 0, 0, 0);
    const tw_tensor *z =
        twi_tower_forward(tape, t, &(twi_input){.samples = j->samples, .items = items, .n = n});
    if (z == NULL)
        return tw_tape_status(tape, &h->why);
    for (int64_t k = 0; k < (int64_t) n * j->dim; k++)
        j->out[begin * j->dim + k] = (float) z->v[k];
    return TW_OK;
}

static bool in_company(const tw_tower *t)
{
    for (int m = 0; m < TW_MODALITIES; m++)
        if (t->encoders[m] != NULL && t->encoders[m]->chunk > 0)
            return true;
    return false;
}

static void embed_share(void *ctx, int worker, int workers)
{
    const job *j = ctx;
    worker_session *h = &j->sessions[worker];
    int64_t begin, end;
    const bool many = j->samples != NULL && in_company(j->tower);

    tw_pool_share(j->n, worker, workers, &begin, &end);
    end += j->begin;
    for (int64_t i = j->begin + begin; i < end && h->st == TW_OK;) {
        const int64_t next = many ? chunk_end(j, i, end) : i + 1;
        h->st = many ? embed_chunk(j, h, i, next) : embed_one(j, h, worker, i);
        i = next;
    }
}

static tw_status rounds(job *j, tw_pool *pool, int64_t n, tw_progress_fn progress, void *ctx,
                        tw_error *err)
{
    const int workers = pool != NULL ? tw_pool_size(pool) : 1;
    while (j->begin < n) {
        const int64_t round = (int64_t) ITEMS_A_ROUND * workers;
        j->n = n - j->begin < round ? n - j->begin : round;
        if (pool != NULL)
            tw_pool_run(pool, embed_share, j);
        else
            embed_share(j, 0, 1);
        for (int w = 0; w < workers; w++)
            if (j->sessions[w].st != TW_OK)
                return tw_fail(err, j->sessions[w].st, "%s", j->sessions[w].why.msg);
        j->begin += j->n;
        const tw_progress p = {.stage = "embedding", .done = j->begin, .total = n};
        if (progress != NULL && progress(ctx, &p) != 0)
            return tw_fail(err, TW_ECANCELLED, "embedding stopped after %lld of %lld items",
                           (long long) j->begin, (long long) n);
    }
    return TW_OK;
}

static tw_status run(const tw_tower *t, tw_pool *pool, job *j, int64_t n, tw_progress_fn progress,
                     void *ctx, tw_error *err)
{
    tw_status st = TW_OK;
    const int workers = pool != NULL ? tw_pool_size(pool) : 1;

    j->tower = t;
    j->dim = t->cfg.dim;
    TW_TRY(tw_blas_ready(err));
    j->sessions = tw_alloc((size_t) workers, sizeof *j->sessions);
    if (j->sessions == NULL) {
        st = tw_fail(err, TW_ENOMEM, "sessions of %d workers", workers);
        goto done;
    }
    for (int w = 0; w < workers; w++)
        TW_TRY(tw_tower_session_create(&j->sessions[w].session, t, err));
    TW_TRY(rounds(j, pool, n, progress, ctx, err));
done:
    for (int w = 0; j->sessions != NULL && w < workers; w++)
        tw_tower_session_destroy(j->sessions[w].session);
    tw_free(j->sessions);
    return st;
}

/* A stretch of a source as a source. */
typedef struct stretch {
    const tw_tower_source *of;
    int64_t first;
} stretch;

static tw_status load_from_stretch(void *ctx, int worker, int64_t i, tw_tower_item *out,
                                   tw_error *err)
{
    const stretch *s = ctx;
    return s->of->load(s->of->ctx, worker, s->first + i, out, err);
}

/* For encoders that gain by it: a stretch of items is prepared, then embedded in chunks. */
static tw_status embed_stretches(const tw_tower *t, tw_pool *pool, const tw_tower_source *source,
                                 float *out, tw_progress_fn progress, void *ctx, tw_error *err)
{
    const int64_t most = (int64_t) ITEMS_A_ROUND * (pool != NULL ? tw_pool_size(pool) : 1);
    for (stretch s = {.of = source}; s.first < source->n;) {
        const int64_t left = source->n - s.first;
        const tw_tower_source part = {
            .n = left < most ? left : most, .load = load_from_stretch, .ctx = &s};
        tw_tower_samples *samples = NULL;
        tw_status st = tw_tower_prepare(&samples, t, pool, &part, NULL, NULL, err);
        if (st == TW_OK)
            st = tw_tower_embed_samples(t, pool, samples, out + s.first * t->cfg.dim, NULL, NULL,
                                        err);
        tw_tower_samples_destroy(samples);
        if (st != TW_OK)
            return st;
        s.first += part.n;
        const tw_progress p = {.stage = "embedding", .done = s.first, .total = source->n};
        if (progress != NULL && progress(ctx, &p) != 0)
            return tw_fail(err, TW_ECANCELLED, "embedding stopped after %lld of %lld items",
                           (long long) s.first, (long long) source->n);
    }
    return TW_OK;
}

tw_status tw_tower_embed_many(const tw_tower *t, tw_pool *pool, const tw_tower_source *source,
                              float *out, tw_progress_fn progress, void *ctx, tw_error *err)
{
    job j = {.source = source, .out = out};
    if (in_company(t))
        return embed_stretches(t, pool, source, out, progress, ctx, err);
    return run(t, pool, &j, source->n, progress, ctx, err);
}

tw_status tw_tower_embed_texts(const tw_tower *t, tw_pool *pool, const char *const *texts,
                               const size_t *lens, int64_t n, float *out, tw_progress_fn progress,
                               void *ctx, tw_error *err)
{
    const tw_tower_texts list = {texts, lens};
    const tw_tower_source source = tw_source_of_texts(&list, n);
    return tw_tower_embed_many(t, pool, &source, out, progress, ctx, err);
}

tw_status twi_embed_first(const tw_tower *t, tw_pool *pool, const tw_tower_samples *s, int64_t n,
                          float *out, tw_progress_fn progress, void *ctx, tw_error *err)
{
    job j = {.samples = s};
    j.out = out;
    return run(t, pool, &j, n, progress, ctx, err);
}

tw_status tw_tower_embed_samples(const tw_tower *t, tw_pool *pool, const tw_tower_samples *s,
                                 float *out, tw_progress_fn progress, void *ctx, tw_error *err)
{
    return twi_embed_first(t, pool, s, s->n, out, progress, ctx, err);
}
