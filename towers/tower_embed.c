/* Embedding for use: the forward pass of a trained tower without a tape.
 *
 * The sums run in a fixed order of their own, one text at a time, because a
 * BLAS product's bits depend on how many rows it is given: so an item has the
 * same vector whether it was put alone or in a bulk of a million. A test holds
 * this pass against the tape's. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/bag.h"
#include "nn/vec.h"
#include "towers/internal.h"

#define TEXTS_A_ROUND 512 /* per worker, between two calls of progress */

struct tw_tower_session {
    const tw_tower *tower;
    twi_features features;
    tw_real *x; /* (E) */
    tw_real *y; /* (D) */
};

tw_status tw_tower_session_create(tw_tower_session **out, const tw_tower *t, tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower_session *s = tw_alloc(1, sizeof *s);

    *out = NULL;
    if (s == NULL) {
        st = tw_fail(err, TW_ENOMEM, "tower session");
        goto done;
    }
    s->tower = t;
    TW_TRY(twi_features_init(&s->features, &t->cfg, err));
    s->x = tw_alloc_aligned((size_t) t->cfg.embed_dim, sizeof *s->x);
    s->y = tw_alloc_aligned((size_t) t->cfg.dim, sizeof *s->y);
    if (s->x == NULL || s->y == NULL) {
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
    twi_features_fini(&s->features);
    tw_free(s->x);
    tw_free(s->y);
    tw_free(s);
}

static void to_unit(float *out, const tw_real *y, int D)
{
    double sum = 0;
    for (int i = 0; i < D; i++)
        sum += (double) y[i] * (double) y[i];
    double scale = sum > 1e-24 ? 1 / sqrt(sum) : 0;
    for (int i = 0; i < D; i++)
        out[i] = (float) ((double) y[i] * scale);
}

int tw_tower_embed(tw_tower_session *s, const char *text, size_t len, float *out)
{
    const tw_tower *t = s->tower;
    const int D = t->cfg.dim, E = t->cfg.embed_dim;
    twi_features *f = &s->features;

    twi_features_count(f, text, len);
    if (f->n == 0) { /* the bias alone would make all empty texts alike */
        memset(out, 0, (size_t) D * sizeof *out);
        return 0;
    }
    twi_features_weigh(f, t->idf);
    const int32_t offsets[2] = {0, f->n};
    tw_bag_forward(s->x, t->table->value, f->ids, f->weights, offsets, 1, E);
    memcpy(s->y, t->b->value, (size_t) D * sizeof *s->y);
    for (int i = 0; i < E; i++)
        tw_vec_axpy(s->y, t->wt + (size_t) i * (size_t) D, (double) s->x[i], (size_t) D);
    to_unit(out, s->y, D);
    return f->n;
}

typedef struct job {
    tw_tower_session *sessions[TW_POOL_MAX];
    const char *const *texts;
    const size_t *lens;
    int64_t begin, n; /* of this round */
    float *out;
    int dim;
} job;

static void embed_share(void *ctx, int worker, int workers)
{
    job *j = ctx;
    int64_t begin, end;
    tw_pool_share(j->n, worker, workers, &begin, &end);
    for (int64_t i = j->begin + begin; i < j->begin + end; i++)
        (void) tw_tower_embed(j->sessions[worker], j->texts[i], twi_text_len(j->texts, j->lens, i),
                              j->out + (size_t) i * (size_t) j->dim);
}

tw_status tw_tower_embed_many(const tw_tower *t, tw_pool *pool, const char *const *texts,
                              const size_t *lens, int64_t n, float *out, tw_progress_fn progress,
                              void *ctx, tw_error *err)
{
    tw_status st = TW_OK;
    const int workers = pool != NULL ? tw_pool_size(pool) : 1;
    job j = {.texts = texts, .lens = lens, .dim = t->cfg.dim};

    j.out = out;
    for (int w = 0; w < workers; w++)
        TW_TRY(tw_tower_session_create(&j.sessions[w], t, err));
    while (j.begin < n) {
        int64_t round = (int64_t) TEXTS_A_ROUND * workers;
        j.n = n - j.begin < round ? n - j.begin : round;
        if (pool != NULL)
            tw_pool_run(pool, embed_share, &j);
        else
            embed_share(&j, 0, 1);
        j.begin += j.n;
        const tw_progress p = {.stage = "embedding", .done = j.begin, .total = n};
        if (progress != NULL && progress(ctx, &p) != 0) {
            st = tw_fail(err, TW_ECANCELLED, "embedding stopped after %lld of %lld texts",
                         (long long) j.begin, (long long) n);
            goto done;
        }
    }
done:
    for (int w = 0; w < workers; w++)
        tw_tower_session_destroy(j.sessions[w]);
    return st;
}
