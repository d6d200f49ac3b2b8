/* seqmodel/seq_eval.c — where does the item that came next stand among its competitors?
 *
 * Users are ranked independently, in parallel, each into its own slot; the means are then taken in
 * the order of users. So the figures do not depend on the number of threads.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "nn/blas.h"
#include "seqmodel/seq_baseline.h"
#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_candidates.h"
#include "seqmodel/seq_diverse.h"
#include "seqmodel/seq_eval.h"
#include "seqmodel/seq_forward.h"
#include "seqmodel/seq_lists.h"
#include "seqmodel/seq_metrics.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_stream.h"

enum {
    CHUNK_USERS = 64,       /* forwarded together by one worker */
    CHUNK_SCORES = 4 << 20, /* but not so many that their scores outgrow this */
    AUTHORS_USERS = 10000,
};

typedef struct worker {
    tw_tape *tape;
    twi_batch batch;
    tw_seq_folder *folder; /* NULL unless users are folded in */
    tw_real *queries;      /* (chunk, twi_query_dim) theirs */
    twi_diverse *diverse;  /* NULL unless lists are re-ranked */
    tw_real *scores;       /* (chunk, n_items+1) */
    int32_t *mark;         /* (n_items+1) */
    int32_t stamp;
    tw_status st;
    tw_error err;
} worker;

typedef struct evaluation {
    const tw_seq_model *m; /* NULL: the baseline ranks */
    twi_baseline *baseline;
    const tw_seq_data *data;
    tw_seq_eval_config cfg;
    int chunk;
    int32_t *users; /* (n) to rank */
    int64_t n;
    twi_rank *ranks;     /* (n) */
    uint64_t *hashes;    /* (n) of the lists drawn; NULL for full ranking */
    tw_real *popularity; /* (n_items+1) NULL unless lists are re-ranked */
    int32_t *top;        /* (n, TW_SEQ_TOP); NULL unless asked for */
    worker *workers;
    int n_workers;
} evaluation;

/* ---- users ranked --------------------------------------------------------------------------- */

static bool wanted(const evaluation *e, int32_t user)
{
    int32_t target =
        tw_seq_data_items(e->data, user)[tw_seq_data_target(e->data, e->cfg.split, user)];
    return (e->cfg.only_users == NULL || e->cfg.only_users[user]) &&
           (e->cfg.only_targets == NULL || e->cfg.only_targets[target]);
}

static tw_status choose_users(evaluation *e, tw_error *err)
{
    int64_t able = 0;

    e->users = tw_alloc((size_t) e->data->n_users, sizeof *e->users);
    if (e->users == NULL)
        return tw_fail(err, TW_ENOMEM, "ranks of %d users", e->data->n_users);
    for (int32_t u = 1; u <= e->data->n_users; u++) {
        if (tw_seq_data_target(e->data, e->cfg.split, u) < 0)
            continue;
        able++;
        if (wanted(e, u))
            e->users[e->n++] = u;
    }
    if (able == 0) {
        return tw_fail(err, TW_ENOTFOUND, "%s",
                       e->data->cuts != NULL
                           ? "no user has an event left that the training did not see"
                           : "no user has the 3 events that an evaluation needs");
    }
    if (e->n == 0) {
        return tw_fail(err, TW_ENOTFOUND,
                       "none of the %lld users that have a target is among the users and targets "
                       "to be ranked",
                       (long long) able);
    }
    if (e->cfg.protocol == TW_SEQ_AS_AUTHORS && e->n > AUTHORS_USERS) {
        tw_rng rng = twi_stream(e->cfg.seed, TWI_STREAM_AUTHORS, 0, 0);
        tw_rng_shuffle(&rng, e->users, e->n);
        e->n = AUTHORS_USERS;
    }
    return TW_OK;
}

static tw_status create_slots(evaluation *e, tw_error *err)
{
    bool drawn = e->cfg.protocol != TW_SEQ_FULL;

    e->ranks = tw_alloc((size_t) e->n, sizeof *e->ranks);
    if (drawn)
        e->hashes = tw_alloc((size_t) e->n, sizeof *e->hashes);
    if (e->cfg.lists)
        e->top = tw_alloc((size_t) e->n, TW_SEQ_TOP * sizeof *e->top);
    if (e->ranks == NULL || (drawn && e->hashes == NULL) || (e->cfg.lists && e->top == NULL))
        return tw_fail(err, TW_ENOMEM, "ranks of %lld users", (long long) e->n);
    return TW_OK;
}

/* ---- one user -------------------------------------------------------------------------------- */

/* "Not below" rather than "above", so that a tie and a NaN count against the target. */
static void meet(twi_rank *r, const tw_real *scores, int32_t target, int32_t item)
{
    r->above += !(scores[item] < scores[target]);
    r->competitors++;
}

/* Counts over all items at once, which the compiler makes wide, and takes back those that the input
 * has: on catalogues of some ten thousand items this is most of what an evaluation does. */
static void rank_full(const evaluation *e, worker *w, twi_rank *r, const tw_real *scores,
                      const int32_t *items, int64_t n)
{
    const int64_t left_out = e->cfg.seen ? 0 : n;
    tw_real target = scores[items[n]];
    int32_t n_items = e->data->n_items, above = 0;

    for (int32_t i = 1; i <= n_items; i++)
        above += !(scores[i] < target);
    r->above = above - 1; /* the target does not stand above itself */
    r->competitors = n_items - 1;
    for (int64_t i = 0; i < left_out; i++) {
        if (w->mark[items[i]] == w->stamp)
            continue;
        w->mark[items[i]] = w->stamp;
        if (items[i] == items[n])
            continue;
        r->above -= !(scores[items[i]] < target);
        r->competitors--;
    }
}

static void rank_drawn(const evaluation *e, worker *w, int64_t at, const tw_real *scores)
{
    int32_t list[1 + TWI_NEGATIVES];
    int n = twi_candidates(list, e->data, &e->cfg, e->users[at], w->mark, ++w->stamp);

    for (int i = 1; i < n; i++)
        meet(&e->ranks[at], scores, list[0], list[i]);
    e->hashes[at] = twi_hash_list(TW_FNV_START, e->users[at], list, n);
}

/* Where the target stands in the re-ranked list; an item that did not make it keeps its place among
 * all, at best the one behind the list. */
static void rank_diverse(const evaluation *e, worker *w, int64_t at, const tw_real *scores,
                         int32_t target)
{
    int32_t list[TWI_DIVERSE_LIST];
    int64_t place = 0;
    twi_rank *r = &e->ranks[at];

    twi_diverse_list(w->diverse, list, scores, w->mark, w->stamp);
    while (place < TWI_DIVERSE_LIST && list[place] != target)
        place++;
    r->above = place < TWI_DIVERSE_LIST || r->above < place ? place : r->above;
    for (int i = 0; e->cfg.lists && i < TW_SEQ_TOP; i++)
        e->top[at * TW_SEQ_TOP + i] = list[i];
}

static bool has(const int32_t *items, int64_t n, int32_t item)
{
    for (int64_t i = 0; i < n; i++)
        if (items[i] == item)
            return true;
    return false;
}

static void rank_user(const evaluation *e, worker *w, int64_t at, const tw_real *scores)
{
    int32_t user = e->users[at];
    const int32_t *items = tw_seq_data_items(e->data, user);
    int64_t n = tw_seq_data_target(e->data, e->cfg.split, user);
    bool full = e->cfg.protocol == TW_SEQ_FULL;

    e->ranks[at].repeat = has(items, n, items[n]);
    e->ranks[at].missed = e->ranks[at].repeat && !e->cfg.seen;
    if (!full)
        rank_drawn(e, w, at, scores);
    w->stamp++;
    if (full)
        rank_full(e, w, &e->ranks[at], scores, items, n);
    if (!e->cfg.lists && w->diverse == NULL)
        return;
    w->stamp++; /* nothing is left out */
    if (!e->cfg.seen)
        (void) twi_mark_all(w->mark, w->stamp, items, n);
    if (w->diverse != NULL) {
        rank_diverse(e, w, at, scores, items[n]);
        return;
    }
    twi_top_list(e->top + at * TW_SEQ_TOP, TW_SEQ_TOP, scores, e->data->n_items, w->mark, w->stamp);
}

/* ---- one worker ------------------------------------------------------------------------------ */

/* The queries of the users at begin .. end-1, all in one pass. */
static tw_status ask_together(const evaluation *e, worker *w, int64_t begin, int64_t end,
                              const tw_real **queries)
{
    const tw_seq_model *m = e->m;

    tw_tape_reset(w->tape, 0, 0, 0);
    twi_batch_clear(&w->batch);
    for (int64_t i = begin; i < end; i++) {
        int32_t u = e->users[i];
        (void) twi_batch_add(&w->batch, m->cfg.max_len, e->cfg.as == TW_SEQ_AS_KNOWN ? u : 0,
                             tw_seq_data_items(e->data, u),
                             tw_seq_data_target(e->data, e->cfg.split, u));
    }
    twi_batch_fill_features(&w->batch, m, NULL);
    tw_tensor *q = twi_forward_queries(m, w->tape, &w->batch);
    tw_status st = tw_tape_status(w->tape, &w->err);
    *queries = st == TW_OK ? q->v : NULL;
    return st;
}

/* The same, each with a vector of their own. */
static tw_status ask_folded(const evaluation *e, worker *w, int64_t begin, int64_t end,
                            const tw_real **queries)
{
    tw_status st = TW_OK;
    const size_t d = (size_t) twi_query_dim(e->m);

    *queries = w->queries;
    for (int64_t i = begin; i < end && st == TW_OK; i++) {
        int32_t u = e->users[i];
        st = tw_seq_fold_in(w->folder, tw_seq_data_items(e->data, u),
                            tw_seq_data_target(e->data, e->cfg.split, u),
                            w->queries + (size_t) (i - begin) * d, NULL, &w->err);
    }
    return st;
}

/* scores (end-begin, n_items+1) = queries V' */
static tw_status score_chunk(const evaluation *e, worker *w, int64_t begin, int64_t end)
{
    const tw_real *queries;
    tw_status st = w->folder != NULL ? ask_folded(e, w, begin, end, &queries)
                                     : ask_together(e, w, begin, end, &queries);
    if (st != TW_OK)
        return st;
    int d = twi_query_dim(e->m), columns = e->m->n_items + 1;
    tw_gemm(0, 1, (int) (end - begin), columns, d, 1, queries, d, twi_outputs(e->m), d, 0,
            w->scores, columns);
    return TW_OK;
}

/* The scores of chunk row i: user at begin + i. */
static const tw_real *scores_of(const evaluation *e, worker *w, int64_t begin, int64_t i)
{
    int32_t user = e->users[begin + i];

    if (e->m == NULL)
        return twi_baseline_scores(e->baseline, w->scores, tw_seq_data_items(e->data, user),
                                   tw_seq_data_target(e->data, e->cfg.split, user));
    return w->scores + (size_t) i * ((size_t) e->data->n_items + 1);
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
        for (int64_t i = at; i < stop; i++)
            rank_user(e, w, i, scores_of(e, w, at, i - at));
    }
}

static tw_status create_worker(const evaluation *e, worker *w, tw_error *err)
{
    tw_status st = TW_OK;
    size_t columns = (size_t) e->data->n_items + 1;

    w->mark = tw_alloc(columns, sizeof *w->mark);
    w->scores =
        tw_alloc_aligned((e->m == NULL ? 1 : (size_t) e->chunk) * columns, sizeof *w->scores);
    if (w->mark == NULL || w->scores == NULL) {
        st = tw_fail(err, TW_ENOMEM, "scores of %zu items", columns);
        goto done;
    }
    if (e->m == NULL)
        goto done;
    if (e->popularity != NULL)
        TW_TRY(twi_diverse_create(&w->diverse, e->m, &e->cfg.rerank, e->popularity, err));
    if (e->cfg.as == TW_SEQ_AS_FOLDED) {
        w->queries = tw_alloc((size_t) e->chunk, (size_t) twi_query_dim(e->m) * sizeof *w->queries);
        if (w->queries == NULL) {
            st = tw_fail(err, TW_ENOMEM, "queries of %d users", e->chunk);
            goto done;
        }
        TW_TRY(tw_seq_folder_create(&w->folder, e->m, &TW_SEQ_FOLD_DEFAULT, err));
        goto done;
    }
    TW_TRY(twi_seq_batch_init(&w->batch, e->chunk, e->chunk * e->m->cfg.max_len, false, 0, err));
    if (e->m->features != NULL)
        TW_TRY(twi_seq_batch_features(&w->batch, 0, err));
    TW_TRY(tw_tape_create(&w->tape, NULL, err));
done:
    return st;
}

static void fini(evaluation *e)
{
    for (int i = 0; e->workers != NULL && i < e->n_workers; i++) {
        tw_tape_destroy(e->workers[i].tape);
        twi_seq_batch_fini(&e->workers[i].batch);
        tw_seq_folder_destroy(e->workers[i].folder);
        tw_free(e->workers[i].queries);
        tw_free(e->workers[i].diverse);
        tw_free(e->workers[i].scores);
        tw_free(e->workers[i].mark);
    }
    tw_free(e->workers);
    tw_free(e->users);
    tw_free(e->ranks);
    tw_free(e->hashes);
    tw_free(e->top);
    tw_free(e->popularity);
    twi_baseline_destroy(e->baseline);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int chunk_of(const tw_seq_data *data)
{
    int64_t fits = CHUNK_SCORES / ((int64_t) data->n_items + 1);
    if (fits < 1)
        return 1;
    return fits < CHUNK_USERS ? (int) fits : CHUNK_USERS;
}

static const tw_seq_data *learnt_from(const evaluation *e)
{
    return e->cfg.learn_from != NULL ? e->cfg.learn_from : e->data;
}

/* Everything once the model or the baseline is there. */
static tw_status run(evaluation *e, tw_pool *pool, tw_seq_metrics *out, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(create_slots(e, err));
    if (e->m != NULL && tw_seq_rerank_active(&e->cfg.rerank)) {
        e->popularity = tw_alloc((size_t) e->data->n_items + 1, sizeof *e->popularity);
        if (e->popularity == NULL) {
            st = tw_fail(err, TW_ENOMEM, "counts of %d items", e->data->n_items);
            goto done;
        }
        twi_popularity(e->popularity, learnt_from(e));
    }
    e->n_workers = tw_pool_size(pool);
    e->workers = tw_alloc((size_t) e->n_workers, sizeof *e->workers);
    if (e->workers == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%d evaluation workers", e->n_workers);
        goto done;
    }
    for (int i = 0; i < e->n_workers; i++)
        TW_TRY(create_worker(e, &e->workers[i], err));

    tw_pool_run(pool, rank_share, e);
    for (int i = 0; i < e->n_workers; i++) {
        if (e->workers[i].st != TW_OK) {
            st = tw_fail(err, e->workers[i].st, "%s", e->workers[i].err.msg);
            goto done;
        }
    }
    twi_metrics(out, e->ranks, e->n);
    if (e->hashes != NULL)
        out->lists_hash = twi_hash_hashes(e->hashes, e->n);
    if (e->top != NULL)
        TW_TRY(twi_measure_lists(&out->top, e->top, e->n, learnt_from(e), pool, err));
done:
    return st;
}

static void mean_user(tw_real *out, const tw_param *users)
{
    for (int j = 0; j < users->cols; j++) {
        double sum = 0;
        for (int64_t u = 1; u < users->rows; u++)
            sum += (double) users->value[u * users->cols + j];
        out[j] = (tw_real) (sum / (double) (users->rows - 1));
    }
}

tw_status twi_eval(const tw_seq_model *m, const tw_seq_data *data, const tw_seq_eval_config *cfg,
                   tw_pool *pool, tw_seq_metrics *out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_model *meant = NULL;
    evaluation e = {.m = m, .data = data, .cfg = *cfg, .chunk = chunk_of(data)};

    TW_TRY(twi_eval_check(m, data, cfg, err));
    if (cfg->as == TW_SEQ_AS_MEAN) {
        TW_TRY(twi_model_copy(&meant, m, err));
        mean_user(meant->users->value, m->users);
        e.m = meant;
    }
    TW_TRY(choose_users(&e, err));
    TW_TRY(run(&e, pool, out, err));
done:
    fini(&e);
    tw_seq_model_destroy(meant);
    return st;
}

tw_status tw_seq_eval(const tw_seq_model *m, const tw_seq_data *data, const tw_seq_eval_config *cfg,
                      tw_seq_metrics *out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_pool *pool = NULL;

    TW_TRY(twi_eval_check(m, data, cfg, err));
    TW_TRY(tw_blas_ready(err));
    TW_TRY(tw_pool_create(&pool, cfg->threads, err));
    TW_TRY(twi_eval(m, data, cfg, pool, out, err));
done:
    tw_pool_destroy(pool);
    return st;
}

tw_status twi_eval_baseline(tw_seq_baseline kind, const twi_baseline_config *constants,
                            const tw_seq_data *data, const tw_seq_eval_config *cfg,
                            tw_seq_metrics *out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_pool *pool = NULL;
    evaluation e = {.data = data, .cfg = *cfg, .chunk = 1};

    TW_TRY(twi_eval_check(NULL, data, cfg, err));
    TW_TRY(tw_blas_ready(err));
    if ((unsigned) kind > TW_SEQ_MARKOV) {
        st = tw_fail(err, TW_EINVAL, "baseline %d: no such choice", (int) kind);
        goto done;
    }
    TW_TRY(choose_users(&e, err)); /* first: cheap, and may say that there are none */
    TW_TRY(tw_pool_create(&pool, cfg->threads, err));
    TW_TRY(twi_baseline_create(&e.baseline, kind, constants, learnt_from(&e), pool, err));
    TW_TRY(run(&e, pool, out, err));
done:
    fini(&e);
    tw_pool_destroy(pool);
    return st;
}

tw_status tw_seq_eval_baseline(tw_seq_baseline kind, const tw_seq_data *data,
                               const tw_seq_eval_config *cfg, tw_seq_metrics *out, tw_error *err)
{
    const twi_baseline_config constants = twi_baseline_default();
    return twi_eval_baseline(kind, &constants, data, cfg, out, err);
}
