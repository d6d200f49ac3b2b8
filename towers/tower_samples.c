/* Samples: every item once, prepared on all workers, kept as one run of bytes
 * for each modality.
 *
 * A round takes some hundred items for each worker; each writes what it made
 * into buffers of its own, which are then laid end to end in the items' order.
 * So the result does not depend on how many workers there were. */
#include <string.h>

#include "base/alloc.h"
#include "towers/tower.h"
#include "towers/tower_samples.h"

#define ITEMS_A_ROUND 256 /* per worker, between two calls of progress */

typedef struct worker_state { /* one worker's */
    void *reader[TW_MODALITIES];
    twi_bytes bytes[TW_MODALITIES];
    size_t ends[TW_MODALITIES][ITEMS_A_ROUND];
    int n;
    tw_status st;
    tw_error why;
} worker_state;

typedef struct job {
    const tw_tower *tower;
    const tw_tower_source *source;
    worker_state *prepared;
    int64_t begin, n; /* of this round */
} job;

tw_status twi_readers_open(void *reader[TW_MODALITIES], const tw_tower *t, tw_error *err)
{
    for (int m = 0; m < TW_MODALITIES; m++) {
        const twi_encoder *e = t->encoders[m];
        tw_status st = TW_OK;
        if (e != NULL && e->class->open != NULL)
            st = e->class->open(&reader[m], e, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

void twi_readers_close(void *reader[TW_MODALITIES], const tw_tower *t)
{
    for (int m = 0; m < TW_MODALITIES; m++)
        if (reader[m] != NULL)
            t->encoders[m]->class->close(reader[m]);
}

static tw_status prepare_share(worker_state *h, const job *j, int worker, int64_t begin,
                               int64_t end)
{
    tw_status st = TW_OK;
    tw_error *err = &h->why;

    h->n = 0;
    for (int m = 0; m < TW_MODALITIES; m++)
        h->bytes[m].len = 0;
    for (int64_t i = begin; i < end; i++) {
        tw_tower_item item = {0};
        TW_TRY(j->source->load(j->source->ctx, worker, i, &item, err));
        for (int m = 0; m < TW_MODALITIES; m++) {
            const twi_encoder *e = j->tower->encoders[m];
            if (e != NULL)
                TW_TRY(e->class->prepare(e, h->reader[m], &item, &h->bytes[m], err));
            h->ends[m][h->n] = h->bytes[m].len;
        }
        h->n++;
    }
done:
    return st;
}

static void prepare_on(void *ctx, int worker, int workers)
{
    const job *j = ctx;
    int64_t begin, end;
    tw_pool_share(j->n, worker, workers, &begin, &end);
    worker_state *h = &j->prepared[worker];
    h->st = prepare_share(h, j, worker, j->begin + begin, j->begin + end);
}

/* Lays one worker's items behind those that are there. */
static tw_status append(tw_tower_samples *s, const job *j, const worker_state *h, int64_t first,
                        tw_error *err)
{
    for (int m = 0; m < TW_MODALITIES; m++) {
        twi_lane *lane = &s->lanes[m];
        if (lane->offsets == NULL)
            continue;
        const size_t bytes = h->bytes[m].len;
        if (bytes > 0) {
            unsigned char *at = twi_bytes_more(&lane->bytes, bytes);
            if (at == NULL)
                return tw_fail(err, TW_ENOMEM, "samples of %lld items", (long long) j->source->n);
            memcpy(at, h->bytes[m].data, bytes);
        }
        const int64_t base = (int64_t) (lane->bytes.len - bytes);
        for (int k = 0; k < h->n; k++) {
            const size_t start = k > 0 ? h->ends[m][k - 1] : 0, end = h->ends[m][k];
            /* prepare pads before what it adds */
            lane->offsets[first + k] = base + (int64_t) (end > start ? (start + 7) / 8 * 8 : start);
            lane->lengths[first + k] = end > start ? (int32_t) (end - (start + 7) / 8 * 8) : 0;
            lane->with += end > start;
        }
    }
    return TW_OK;
}

static tw_status make(tw_tower_samples **out, const tw_tower *t, int64_t n, tw_error *err)
{
    tw_tower_samples *s = tw_alloc(1, sizeof *s);
    *out = s;
    if (s == NULL)
        return tw_fail(err, TW_ENOMEM, "samples of %lld items", (long long) n);
    s->n = n;
    for (int m = 0; m < TW_MODALITIES; m++) {
        if (t->encoders[m] == NULL)
            continue;
        s->lanes[m].offsets = tw_alloc((size_t) n, sizeof *s->lanes[m].offsets);
        s->lanes[m].lengths = tw_alloc((size_t) n, sizeof *s->lanes[m].lengths);
        if (s->lanes[m].offsets == NULL || s->lanes[m].lengths == NULL)
            return tw_fail(err, TW_ENOMEM, "samples of %lld items", (long long) n);
    }
    return TW_OK;
}

static tw_status one_round(tw_tower_samples *s, job *j, tw_pool *pool, int workers, tw_error *err)
{
    int64_t at = j->begin;
    if (pool != NULL)
        tw_pool_run(pool, prepare_on, j);
    else
        prepare_on(j, 0, 1);
    for (int w = 0; w < workers; w++) {
        const worker_state *h = &j->prepared[w];
        if (h->st != TW_OK)
            return tw_fail(err, h->st, "%s", h->why.msg);
        tw_status st = append(s, j, h, at, err);
        if (st != TW_OK)
            return st;
        at += h->n;
    }
    return TW_OK;
}

static void close_hands(job *j, int workers)
{
    for (int w = 0; j->prepared != NULL && w < workers; w++) {
        twi_readers_close(j->prepared[w].reader, j->tower);
        for (int m = 0; m < TW_MODALITIES; m++)
            twi_bytes_fini(&j->prepared[w].bytes[m]);
    }
    tw_free(j->prepared);
}

tw_status tw_tower_prepare(tw_tower_samples **out, const tw_tower *t, tw_pool *pool,
                           const tw_tower_source *source, tw_progress_fn progress, void *ctx,
                           tw_error *err)
{
    tw_status st = TW_OK;
    const int workers = pool != NULL ? tw_pool_size(pool) : 1;
    job j = {.tower = t, .source = source};
    tw_tower_samples *s = NULL;

    *out = NULL;
    TW_TRY(make(&s, t, source->n, err));
    j.prepared = tw_alloc((size_t) workers, sizeof *j.prepared);
    if (j.prepared == NULL) {
        st = tw_fail(err, TW_ENOMEM, "readers for %d workers", workers);
        goto done;
    }
    for (int w = 0; w < workers; w++)
        TW_TRY(twi_readers_open(j.prepared[w].reader, t, err));
    while (j.begin < source->n) {
        const int64_t round = (int64_t) ITEMS_A_ROUND * workers;
        j.n = source->n - j.begin < round ? source->n - j.begin : round;
        TW_TRY(one_round(s, &j, pool, workers, err));
        j.begin += j.n;
        const tw_progress p = {.stage = "reading", .done = j.begin, .total = source->n};
        if (progress != NULL && progress(ctx, &p) != 0) {
            st = tw_fail(err, TW_ECANCELLED, "stopped after reading %lld of %lld items",
                         (long long) j.begin, (long long) source->n);
            goto done;
        }
    }
    *out = s;
    s = NULL;
done:
    close_hands(&j, workers);
    tw_tower_samples_destroy(s);
    return st;
}

void tw_tower_samples_destroy(tw_tower_samples *s)
{
    if (s == NULL)
        return;
    for (int m = 0; m < TW_MODALITIES; m++) {
        tw_free(s->lanes[m].offsets);
        tw_free(s->lanes[m].lengths);
        twi_bytes_fini(&s->lanes[m].bytes);
    }
    tw_free(s);
}

int64_t tw_tower_samples_count(const tw_tower_samples *s) { return s->n; }

int64_t tw_tower_samples_with(const tw_tower_samples *s, tw_modality m) { return s->lanes[m].with; }

twi_sample twi_sample_of(const tw_tower_samples *s, int m, int64_t i)
{
    const twi_lane *lane = &s->lanes[m];
    if (lane->offsets == NULL || lane->lengths[i] == 0)
        return (twi_sample){0};
    return (twi_sample){lane->bytes.data + lane->offsets[i], (size_t) lane->lengths[i]};
}

bool tw_tower_samples_empty(const tw_tower_samples *s, int64_t i)
{
    for (int m = 0; m < TW_MODALITIES; m++)
        if (s->lanes[m].offsets != NULL && s->lanes[m].lengths[i] > 0)
            return false;
    return true;
}

/* ---- texts alone ----------------------------------------------------------------------------- */

size_t twi_text_len(const char *const *texts, const size_t *lens, int64_t i)
{
    return lens != NULL ? lens[i] : strlen(texts[i]);
}

static tw_status load_text(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err)
{
    const tw_tower_texts *t = ctx;
    (void) worker;
    (void) err;
    out->text = t->texts[i];
    out->text_len = twi_text_len(t->texts, t->lens, i);
    return TW_OK;
}

tw_tower_source tw_source_of_texts(const tw_tower_texts *texts, int64_t n)
{
    /* load_text only reads it: the source's void * takes the const away for no one. */
    union {
        const tw_tower_texts *borrowed;
        void *ctx;
    } as = {.borrowed = texts};
    return (tw_tower_source){.n = n, .load = load_text, .ctx = as.ctx};
}
