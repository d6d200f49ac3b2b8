/* What towers are compared with: themselves before training, tf-idf of the texts, popularity. */
#include <string.h>

#include "base/alloc.h"
#include "engine/eval/measure_parts.h"
#include "metrics/ranking.h"
#include "metrics/tfidf.h"

const char *const twi_baseline_names[TWI_BASELINES] = {"towers", "untrained", "tfidf",
                                                       "popularity"};

void twi_baseline_fini(twi_baseline *r)
{
    tw_dense_destroy(r->dense);
    tw_tfidf_destroy(r->tfidf);
    tw_free(r->vecs);
    tw_free(r->counts);
    *r = (twi_baseline){0};
}

/* A tw_score_fn of a twi_baseline. */
static tw_status score_what_is_read(void *ctx, int worker, const int32_t *queries, int nq,
                                    int64_t first, int n, float *scores, tw_error *err)
{
    const twi_baseline *r = ctx;
    tw_status st = r->inner(r->inner_ctx, worker, queries, nq, first, n, scores, err);
    for (int i = 0; i < nq && st == TW_OK; i++) {
        const bool blind = tw_tower_samples_empty(r->samples, queries[i]);
        for (int j = 0; j < n; j++)
            if (blind || tw_tower_samples_empty(r->samples, first + j))
                scores[(size_t) i * (size_t) n + (size_t) j] = TW_SCORE_NEVER;
    }
    return st;
}

/* Rivals that read items are asked like the product: it answers nothing to an item of which the
 * towers read nothing, and never returns one. */
static void score_by(const twi_measure *m, twi_baseline *r, tw_score_fn score, void *ctx)
{
    r->samples = m->samples;
    r->inner = score;
    r->inner_ctx = ctx;
    r->score = score_what_is_read;
    r->ctx = r;
}

static tw_status embed(const twi_measure *m, tw_pool *pool, const tw_tower *t, twi_baseline *out,
                       tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t n = m->c->n;

    out->vecs = tw_alloc((size_t) n, (size_t) tw_tower_dim(m->tower) * sizeof *out->vecs);
    if (out->vecs == NULL)
        return tw_fail(err, TW_ENOMEM, "vectors of %lld items", (long long) n);
    TW_TRY(tw_tower_embed_samples(t, pool, m->samples, out->vecs, NULL, NULL, err));
    TW_TRY(tw_dense_create(&out->dense, out->vecs, out->vecs, n, tw_tower_dim(m->tower),
                           TW_NEAR_INNER, tw_pool_size(pool), err));
    score_by(m, out, tw_dense_score, out->dense);
done:
    return st;
}

static tw_status embed_untrained(const twi_measure *m, tw_pool *pool, twi_baseline *out,
                                 tw_error *err)
{
    tw_tower *raw = NULL;
    tw_status st = tw_tower_untrained(&raw, m->tower, err);
    if (st == TW_OK)
        st = embed(m, pool, raw, out, err);
    tw_tower_destroy(raw);
    return st;
}

/* Words and what stands inside them, as the bag of a text tower reads. */
static tw_status read_texts(const twi_measure *m, twi_baseline *out, tw_error *err)
{
    const tw_tfidf_config cfg = {.words = true, .ngram_min = 3, .ngram_max = 5};
    const twi_catalogue *c = m->c;
    tw_status st = TW_OK;
    bool any = false;
    const char **texts = tw_alloc((size_t) c->n, sizeof *texts);

    if (texts == NULL)
        return tw_fail(err, TW_ENOMEM, "texts of %lld items", (long long) c->n);
    for (int64_t i = 0; i < c->n; i++) {
        texts[i] = c->items[i].text != NULL ? c->items[i].text : "";
        any |= texts[i][0] != '\0';
    }
    if (!any)
        goto done;
    TW_TRY(tw_tfidf_create(&out->tfidf, &cfg, texts, NULL, c->n, NULL, err));
    out->asks = (tw_tfidf_query){.tfidf = out->tfidf};
    score_by(m, out, tw_tfidf_score, &out->asks);
done:
    tw_free(texts);
    return st;
}

static tw_status score_by_counts(void *ctx, int worker, const int32_t *queries, int nq,
                                 int64_t first, int n, float *scores, tw_error *err)
{
    const float *counts = ctx;
    (void) worker;
    (void) queries;
    (void) err;
    for (int i = 0; i < nq; i++)
        memcpy(scores + (size_t) i * (size_t) n, counts + first, (size_t) n * sizeof *scores);
    return TW_OK;
}

static tw_status count_events(const twi_measure *m, twi_baseline *out, tw_error *err)
{
    const twi_catalogue *c = m->c;
    const twi_events *log = m->log;

    if (log->n == 0)
        return TW_OK;
    out->counts = tw_alloc((size_t) c->n, sizeof *out->counts);
    if (out->counts == NULL)
        return tw_fail(err, TW_ENOMEM, "popularity of %lld items", (long long) c->n);
    for (int64_t i = 0; i < log->n; i++)
        if (log->items[i] <= c->max_row && c->position[log->items[i]] >= 0)
            out->counts[c->position[log->items[i]]] += 1;
    out->score = score_by_counts;
    out->ctx = out->counts;
    return TW_OK;
}

tw_status twi_baseline_open(const twi_measure *m, tw_pool *pool, twi_baseline_kind which,
                            twi_baseline *out, tw_error *err)
{
    switch (which) {
    case TWI_TOWERS: return embed(m, pool, m->tower, out, err);
    case TWI_UNTRAINED: return embed_untrained(m, pool, out, err);
    case TWI_TFIDF: return read_texts(m, out, err);
    case TWI_POPULARITY: return count_events(m, out, err);
    case TWI_BASELINES: break;
    }
    return TW_OK;
}
