/* seqmodel/seq_eval.c — where does the item that came next stand among its competitors?
 *
 * Users are ranked independently, in parallel, each into its own slot; the means are then taken in
 * the order of users. So the figures do not depend on the number of threads.
 */
#include <string.h>

#include "base/alloc.h"
#include "nn/blas.h"
#include "seqmodel/internal.h"

enum {
    CHUNK_USERS = 64,       /* forwarded together by one worker */
    CHUNK_SCORES = 4 << 20, /* but not so many that their scores outgrow this */
    NEGATIVES = 100,
    AUTHORS_USERS = 10000,
};

typedef struct worker {
    tw_tape *tape;
    twi_batch batch;
    tw_real *scores; /* (chunk, n_items+1) */
    int32_t *mark;   /* (n_items+1): stamp of the user whose seen item it is */
    int32_t stamp;
    tw_status st;
    tw_error err;
} worker;

typedef struct evaluation {
    const tw_seq_model *m; /* NULL: popularity */
    const tw_seq_data *data;
    tw_seq_eval_config cfg;
    int chunk;
    int32_t *users; /* (n) to rank */
    int64_t n;
    twi_rank *ranks;     /* (n) */
    tw_real *popularity; /* (n_items+1); NULL with a model */
    worker *workers;
    int n_workers;
} evaluation;

/* Length of the input; the target follows it. */
static int64_t input_length(const evaluation *e, int32_t user)
{
    return tw_seq_data_length(e->data, user) - (e->cfg.split == TW_SEQ_VALID ? 2 : 1);
}

void twi_popularity(tw_real *scores, const tw_seq_data *data)
{
    memset(scores, 0, ((size_t) data->n_items + 1) * sizeof *scores);
    for (int32_t u = 1; u <= data->n_users; u++) {
        const int32_t *items = tw_seq_data_items(data, u);
        int64_t n = tw_seq_data_train_length(data, u);
        for (int64_t i = 0; i < n; i++)
            scores[items[i]] += 1; /* exact up to 2^24 events an item */
    }
}

/* ---- who is ranked --------------------------------------------------------------------------- */

static tw_status choose_users(evaluation *e, tw_error *err)
{
    e->users = tw_alloc((size_t) e->data->n_users, sizeof *e->users);
    e->ranks = tw_alloc((size_t) e->data->n_users, sizeof *e->ranks);
    if (e->users == NULL || e->ranks == NULL)
        return tw_fail(err, TW_ENOMEM, "ranks of %d users", e->data->n_users);
    for (int32_t u = 1; u <= e->data->n_users; u++)
        if (tw_seq_data_length(e->data, u) >= 3)
            e->users[e->n++] = u;
    if (e->n == 0)
        return tw_fail(err, TW_ENOTFOUND, "no user has the 3 events that an evaluation needs");
    if (e->cfg.protocol == TW_SEQ_AS_AUTHORS && e->n > AUTHORS_USERS) {
        tw_rng rng = twi_stream(e->cfg.seed, TWI_STREAM_AUTHORS, 0, 0);
        tw_rng_shuffle(&rng, e->users, e->n);
        e->n = AUTHORS_USERS;
    }
    return TW_OK;
}

/* ---- one user -------------------------------------------------------------------------------- */

/* Returns how many of the n items were not marked before. */
static int64_t mark_all(worker *w, const int32_t *items, int64_t n)
{
    int64_t fresh = 0;
    for (int64_t i = 0; i < n; i++) {
        fresh += w->mark[items[i]] != w->stamp;
        w->mark[items[i]] = w->stamp;
    }
    return fresh;
}

/* "Not below" rather than "above", so that a tie and a NaN count against the target. */
static void meet(twi_rank *r, const tw_real *scores, int32_t target, int32_t item)
{
    r->above += !(scores[item] < scores[target]);
    r->competitors++;
}

static void rank_full(const evaluation *e, worker *w, twi_rank *r, const tw_real *scores,
                      int32_t user)
{
    const int32_t *items = tw_seq_data_items(e->data, user);
    int64_t n = input_length(e, user);
    int32_t target = items[n];

    (void) mark_all(w, items, n);
    for (int32_t i = 1; i <= e->data->n_items; i++)
        if (i != target && w->mark[i] != w->stamp)
            meet(r, scores, target, i);
}

static void rank_sampled(const evaluation *e, worker *w, twi_rank *r, const tw_real *scores,
                         int32_t user)
{
    const int32_t *items = tw_seq_data_items(e->data, user);
    int32_t target = items[input_length(e, user)];
    int32_t n_items = e->data->n_items;
    int64_t left = n_items - mark_all(w, items, tw_seq_data_length(e->data, user));

    if (left <= NEGATIVES) {
        for (int32_t i = 1; i <= n_items; i++)
            if (w->mark[i] != w->stamp)
                meet(r, scores, target, i);
        return;
    }
    tw_rng rng = twi_stream(e->cfg.seed, TWI_STREAM_SAMPLED, (uint64_t) user, 0);
    while (r->competitors < NEGATIVES) {
        int32_t item = 1 + (int32_t) tw_rng_below(&rng, (uint64_t) n_items);
        if (w->mark[item] == w->stamp)
            continue;
        w->mark[item] = w->stamp;
        meet(r, scores, target, item);
    }
}

static void rank_as_authors(const evaluation *e, worker *w, twi_rank *r, const tw_real *scores,
                            int32_t user)
{
    const int32_t *items = tw_seq_data_items(e->data, user);
    int32_t target = items[input_length(e, user)];
    int32_t n_items = e->data->n_items;

    if (mark_all(w, items, tw_seq_data_train_length(e->data, user)) == n_items)
        return; /* nothing to draw */
    tw_rng rng =
        twi_stream(e->cfg.seed, TWI_STREAM_AUTHORS, (uint64_t) user, 1 + (uint64_t) e->cfg.split);
    while (r->competitors < NEGATIVES) {
        int32_t item = 1 + (int32_t) tw_rng_below(&rng, (uint64_t) n_items);
        if (w->mark[item] != w->stamp)
            meet(r, scores, target, item);
    }
}

static void rank_user(const evaluation *e, worker *w, int64_t at, const tw_real *scores)
{
    twi_rank *r = &e->ranks[at];
    int32_t user = e->users[at];

    *r = (twi_rank){0};
    w->stamp++;
    switch (e->cfg.protocol) {
    case TW_SEQ_SAMPLED100: rank_sampled(e, w, r, scores, user); break;
    case TW_SEQ_AS_AUTHORS: rank_as_authors(e, w, r, scores, user); break;
    default: rank_full(e, w, r, scores, user); break;
    }
}

/* ---- one worker ------------------------------------------------------------------------------ */

/* scores (end-begin, n_items+1) = queries V' */
static tw_status score_chunk(const evaluation *e, worker *w, int64_t begin, int64_t end)
{
    const tw_seq_model *m = e->m;

    tw_tape_reset(w->tape, 0, 0, 0);
    twi_batch_clear(&w->batch);
    for (int64_t i = begin; i < end; i++) {
        int32_t u = e->users[i];
        (void) twi_batch_add(&w->batch, m->cfg.max_len, e->cfg.as_unknown ? 0 : u,
                             tw_seq_data_items(e->data, u), input_length(e, u));
    }
    tw_tensor *q = twi_forward_queries(m, w->tape, &w->batch);
    tw_status st = tw_tape_status(w->tape, &w->err);
    if (st != TW_OK)
        return st;
    int d = m->cfg.item_dim, columns = m->n_items + 1;
    tw_gemm(0, 1, q->rows, columns, d, 1, q->v, d, twi_outputs(m), d, 0, w->scores, columns);
    return TW_OK;
}

static void rank_share(void *ctx, int number, int workers)
{
    evaluation *e = ctx;
    worker *w = &e->workers[number];
    int64_t begin, end;

    tw_pool_share(e->n, number, workers, &begin, &end);
    for (int64_t at = begin; at < end; at += e->chunk) {
        int64_t stop = at + e->chunk < end ? at + e->chunk : end;
        if (e->m != NULL)
            w->st = score_chunk(e, w, at, stop);
        if (w->st != TW_OK)
            return;
        for (int64_t i = at; i < stop; i++) {
            size_t row = (size_t) (i - at) * ((size_t) e->data->n_items + 1);
            rank_user(e, w, i, e->m == NULL ? e->popularity : w->scores + row);
        }
    }
}

static tw_status create_worker(const evaluation *e, worker *w, tw_error *err)
{
    tw_status st = TW_OK;
    size_t columns = (size_t) e->data->n_items + 1;

    w->mark = tw_alloc(columns, sizeof *w->mark);
    if (w->mark == NULL) {
        st = tw_fail(err, TW_ENOMEM, "marks of %zu items", columns);
        goto done;
    }
    if (e->m == NULL)
        goto done;
    w->scores = tw_alloc_aligned((size_t) e->chunk * columns, sizeof *w->scores);
    if (w->scores == NULL) {
        st = tw_fail(err, TW_ENOMEM, "scores of %zu items", columns);
        goto done;
    }
    TW_TRY(twi_seq_batch_init(&w->batch, e->chunk, e->chunk * e->m->cfg.max_len, false, 0, err));
    TW_TRY(tw_tape_create(&w->tape, NULL, err));
done:
    return st;
}

static void fini(evaluation *e)
{
    for (int i = 0; e->workers != NULL && i < e->n_workers; i++) {
        tw_tape_destroy(e->workers[i].tape);
        twi_seq_batch_fini(&e->workers[i].batch);
        tw_free(e->workers[i].scores);
        tw_free(e->workers[i].mark);
    }
    tw_free(e->workers);
    tw_free(e->popularity);
    tw_free(e->users);
    tw_free(e->ranks);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static tw_status check(const tw_seq_model *m, const tw_seq_data *data,
                       const tw_seq_eval_config *cfg, tw_error *err)
{
    if (m != NULL && (m->n_users != data->n_users || m->n_items != data->n_items)) {
        return tw_fail(err, TW_EINVAL,
                       "the model knows %d users and %d items, the data has %d and %d", m->n_users,
                       m->n_items, data->n_users, data->n_items);
    }
    if ((unsigned) cfg->split > TW_SEQ_TEST || (unsigned) cfg->protocol > TW_SEQ_AS_AUTHORS)
        return tw_fail(err, TW_EINVAL, "split %d, protocol %d: no such choice", (int) cfg->split,
                       (int) cfg->protocol);
    return TW_OK;
}

static int chunk_of(const tw_seq_data *data)
{
    int64_t fits = CHUNK_SCORES / ((int64_t) data->n_items + 1);
    if (fits < 1)
        return 1;
    return fits < CHUNK_USERS ? (int) fits : CHUNK_USERS;
}

tw_status twi_eval(const tw_seq_model *m, const tw_seq_data *data, const tw_seq_eval_config *cfg,
                   tw_pool *pool, tw_seq_metrics *out, tw_error *err)
{
    tw_status st = TW_OK;
    evaluation e = {.m = m, .data = data, .cfg = *cfg, .chunk = chunk_of(data)};

    TW_TRY(check(m, data, cfg, err));
    TW_TRY(choose_users(&e, err));
    if (m == NULL) {
        e.popularity = tw_alloc((size_t) data->n_items + 1, sizeof *e.popularity);
        if (e.popularity == NULL) {
            st = tw_fail(err, TW_ENOMEM, "counts of %d items", data->n_items);
            goto done;
        }
        twi_popularity(e.popularity, data);
    }
    e.n_workers = tw_pool_size(pool);
    e.workers = tw_alloc((size_t) e.n_workers, sizeof *e.workers);
    if (e.workers == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%d evaluation workers", e.n_workers);
        goto done;
    }
    for (int i = 0; i < e.n_workers; i++)
        TW_TRY(create_worker(&e, &e.workers[i], err));

    tw_pool_run(pool, rank_share, &e);
    for (int i = 0; i < e.n_workers; i++) {
        if (e.workers[i].st != TW_OK) {
            st = tw_fail(err, e.workers[i].st, "%s", e.workers[i].err.msg);
            goto done;
        }
    }
    twi_metrics(out, e.ranks, e.n);
done:
    fini(&e);
    return st;
}

tw_status tw_seq_eval(const tw_seq_model *m, const tw_seq_data *data, const tw_seq_eval_config *cfg,
                      tw_seq_metrics *out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_pool *pool = NULL;

    TW_TRY(check(m, data, cfg, err));
    TW_TRY(tw_pool_create(&pool, cfg->threads, err));
    TW_TRY(twi_eval(m, data, cfg, pool, out, err));
done:
    tw_pool_destroy(pool);
    return st;
}
