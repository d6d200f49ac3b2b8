/* similar, next, embed, get: from the caller's words to an answer. */
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "engine/internal.h"

static tw_status check_k(int k, tw_error *err)
{
    if (k < 1 || k > TW_ENGINE_MAX_K)
        return tw_fail(err, TW_EINVAL, "k %d is outside 1..%d", k, TW_ENGINE_MAX_K);
    return TW_OK;
}

/* One of two ways to ask must be used, and only one. */
static tw_status check_either(const char *a, bool has_a, const char *b, bool has_b, tw_error *err)
{
    if (has_a != has_b)
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "give either %s or %s%s", a, b, has_a ? ", not both" : "");
}

static tw_status answer_query(tw_engine *e, twi_workspace *ws, int64_t row, tw_answer *out,
                              tw_error *err)
{
    tw_status st = tw_store_names(e->store, &row, 1, ws->names, &ws->text, err);
    return st == TW_OK ? tw_answer_set_query(out, ws->names[0].id, ws->names[0].title, err) : st;
}

tw_status tw_engine_similar(tw_engine *e, const tw_similar_query *q, tw_answer *out, tw_error *err)
{
    tw_status st = TW_OK;
    twi_workspace *ws = NULL;
    twi_generation *g = twi_acquire(e);
    const tw_embed_query what = {q->item, q->text, q->image, q->audio, q->deadline};
    int64_t row = 0;

    TW_TRY(tw_answer_clear(out, TW_ENGINE_MAX_K, err));
    TW_TRY(check_k(q->k, err));
    TW_TRY(twi_query_check(&what, err));
    if (q->item != NULL)
        TW_TRY(twi_resolve(e, q->item, &row, out->also, err));
    if (g->items == NULL) {
        st = twi_no_towers(e, err);
        goto done;
    }
    TW_TRY(twi_workspace_take(g, &ws, err));
    TW_TRY(twi_query_vector(e, g, ws, &what, row, err));
    if (row > 0)
        TW_TRY(answer_query(e, ws, row, out, err));
    TW_TRY(twi_leave_out(ws, &row, row > 0, err));
    const twi_search search = {
        .ix = g->items, .exact = q->exact, .k = q->k, .pool = q->k, .deadline = q->deadline};
    TW_TRY(twi_answer_search(e, ws, &search, out, err));
    out->basis = twi_query_basis(&what);
    out->model = g->version;
done:
    twi_workspace_give(g, ws);
    twi_release(e, g);
    return st;
}

/* ---- next ------------------------------------------------------------------------------------ */

tw_status twi_history_of(tw_engine *e, const tw_next_query *q, twi_workspace *ws, int64_t *user,
                         int *n, tw_error *err)
{
    *user = 0;
    *n = 0;
    if (q->user == NULL) {
        for (int i = 0; i < q->n_history; i++) {
            tw_status st = twi_resolve(e, q->history[i], &ws->seen[i], NULL, err);
            if (st != TW_OK)
                return st;
        }
        *n = q->n_history;
        return TW_OK;
    }
    if (q->user[0] == '\0')
        return tw_fail(err, TW_EINVAL, "the user's id is empty");
    tw_status st = tw_store_user_row(e->store, q->user, user, NULL);
    if (st == TW_ENOTFOUND)
        return TW_OK;    /* a stranger */
    if (st == TW_EINVAL) /* no id at all: the store has the sentence */
        return tw_store_user_row(e->store, q->user, user, err);
    if (st != TW_OK)
        return tw_fail(err, st, "cannot look up the user '%.100s'", q->user);
    st = tw_store_history(e->store, *user, TW_ENGINE_MAX_HISTORY, ws->events, n, err);
    for (int i = 0; i < *n; i++)
        ws->seen[i] = ws->events[i].item;
    return st;
}

enum { MAX_POPULAR = TW_ENGINE_MAX_K };

typedef struct counter {
    int64_t *counts;
    size_t room;
    int64_t events;
    tw_deadline deadline;
} counter;

static tw_status count_event(void *ctx, const tw_event *ev, tw_error *err)
{
    counter *c = ctx;
    tw_status st = tw_grow_zeroed(&c->counts, &c->room, (size_t) ev->item + 1, "counts", err);
    if (st != TW_OK)
        return st;
    c->counts[ev->item]++;
    return ++c->events % 4096 == 0 ? tw_deadline_check(c->deadline, "the events were counted", err)
                                   : TW_OK;
}

/* Keeps the list sorted: most events first, then the older row. */
static void insert_popular(tw_hit *list, int *n, int room, tw_hit hit)
{
    int i = *n < room ? (*n)++ : room;
    if (i == room && list[room - 1].score >= hit.score)
        return;
    if (i == room)
        i--;
    for (; i > 0 && list[i - 1].score < hit.score; i--)
        list[i] = list[i - 1];
    list[i] = hit;
}

/* Counted again once the log has grown by a tenth: popularity moves slowly, a scan costs about a
 * microsecond an event. popular_lock is held. */
static tw_status refresh_popular(tw_engine *e, tw_deadline until, tw_error *err)
{
    tw_status st = TW_OK;
    tw_store_stats stats;
    counter c = {.deadline = until};

    TW_TRY(tw_store_get_stats(e->store, &stats, err));
    if (e->popular_events >= 0 && stats.events <= e->popular_events + e->popular_events / 10)
        goto done;
    if (e->popular == NULL) {
        e->popular = tw_alloc((size_t) MAX_POPULAR, sizeof *e->popular);
        if (e->popular == NULL) {
            st = tw_fail(err, TW_ENOMEM, "list of popular items");
            goto done;
        }
    }
    TW_TRY(tw_store_each_event(e->store, count_event, &c, err));
    e->n_popular = 0;
    for (int64_t row = 1; row < (int64_t) c.room; row++) {
        if (c.counts[row] > 0)
            insert_popular(e->popular, &e->n_popular, MAX_POPULAR,
                           (tw_hit){row, (float) c.counts[row]});
    }
    tw_free(e->event_counts);
    e->event_counts = c.counts;
    e->n_event_counts = (int64_t) c.room;
    c.counts = NULL;
    e->popular_events = stats.events;
done:
    tw_free(c.counts);
    return st;
}

/* ws->hits (*n) <- all that are popular, most first: of the first k some may be deleted. */
static tw_status popular(tw_engine *e, tw_deadline until, twi_workspace *ws, int *n, tw_error *err)
{
    *n = 0;
    tw_status st = tw_deadline_lock(until, &e->popular_lock, "the events were counted", err);
    if (st != TW_OK)
        return st;
    st = refresh_popular(e, until, err);
    *n = st != TW_OK ? 0 : e->n_popular;
    if (*n > 0)
        memcpy(ws->hits, e->popular, (size_t) *n * sizeof *ws->hits);
    (void) pthread_mutex_unlock(&e->popular_lock);
    return st;
}

_Static_assert(TW_ENGINE_MAX_DISCOUNT == TW_SEQ_MAX_DISCOUNT, "clients are told the model's range");

static tw_seq_rerank_config rerank_of(const tw_next_query *q)
{
    return (tw_seq_rerank_config){.diversity = q->diversity,
                                  .popularity_discount = q->popularity_discount};
}

/* counts (n) <- how often each hit was consumed. */
static tw_status count_hits(tw_engine *e, const tw_hit *hits, int n, tw_deadline until,
                            int64_t *counts, tw_error *err)
{
    tw_status st = tw_deadline_lock(until, &e->popular_lock, "the events were counted", err);
    if (st != TW_OK)
        return st;
    st = refresh_popular(e, until, err);
    for (int i = 0; st == TW_OK && i < n; i++)
        counts[i] = hits[i].item < e->n_event_counts ? e->event_counts[hits[i].item] : 0;
    (void) pthread_mutex_unlock(&e->popular_lock);
    return st;
}

/* The vector of hit i, as it was searched: an item may have no row in the model's table, or have
 * left it. NULL: it was deleted since. */
static const float *searched_vector(const twi_generation *g, twi_workspace *ws, int i, int dim)
{
    const int64_t row = ws->hits[i].item;
    int64_t rows;

    if (g->projects) {
        float *copy = ws->vectors + (size_t) i * (size_t) dim;
        return tw_index_get(g->next, row, copy, NULL) == TW_OK ? copy : NULL;
    }
    const int32_t item = tw_seq_item_index(g->seq, row);
    const float *table = tw_seq_item_vectors(g->seq, &rows, &dim);
    return item > 0 ? table + (size_t) item * (size_t) dim : NULL;
}

/* How a diverse list is chosen. */
typedef struct chooser {
    tw_engine *e;
    const twi_generation *g;
    tw_seq_rerank_config cfg;
    int k;
    tw_deadline deadline;
} chooser;

/* Chooses a diverse list of k among the *n hits of the ws, and leaves it there instead. */
static tw_status diversify(void *ctx, twi_workspace *ws, int *n, tw_error *err)
{
    const chooser *c = ctx;
    const twi_generation *g = c->g;
    tw_status st = TW_OK;
    int64_t rows;
    tw_seq_pool pool = {.n = *n,
                        .scores = ws->pool.scores,
                        .counts = ws->pool.counts,
                        .vectors = ws->pool.vectors,
                        .temperature = tw_seq_logit_temperature(g->seq)};

    (void) tw_seq_item_vectors(g->seq, &rows, &pool.dim);
    for (int i = 0; i < *n; i++) {
        ws->pool.vectors[i] = searched_vector(g, ws, i, pool.dim);
        ws->pool.scores[i] = ws->hits[i].score;
    }
    if (c->cfg.popularity_discount > 0)
        TW_TRY(count_hits(c->e, ws->hits, *n, c->deadline, ws->pool.counts, err));
    *n = tw_seq_rerank(ws->pool.order, &c->cfg, &pool, c->k, ws->pool.scratch);
    for (int i = 0; i < *n; i++)
        ws->pool.chosen[i] = ws->hits[ws->pool.order[i]];
    memcpy(ws->hits, ws->pool.chosen, (size_t) *n * sizeof *ws->hits);
done:
    return st;
}

/* The same pool for every k up to it, so that a shorter list is the head of a longer one. */
static int pool_size(int k) { return k <= TW_ENGINE_POOL ? TW_ENGINE_POOL : TW_ENGINE_MAX_K; }

/* Leaves in ws->items what the model can read of ws->seen (n), and where the generation
 * projects, in ws->told what those items are now. Returns how many. */
static int read_history(const twi_generation *g, twi_workspace *ws, int n)
{
    if (!g->projects) {
        for (int i = 0; i < n; i++)
            ws->items[i] = tw_seq_item_index(g->seq, ws->seen[i]);
        return n;
    }
    const int longest = tw_seq_model_config(g->seq)->max_len, dim = tw_tower_dim(g->tower);
    int read = 0;
    for (int i = n; i-- > 0 && read < longest;) { /* latest first */
        float *content = ws->content + (size_t) read * (size_t) dim;
        const bool has = tw_index_get(g->items, ws->seen[i], content, NULL) == TW_OK;
        const int32_t item = tw_seq_item_index(g->seq, ws->seen[i]);
        if (item == 0 && !(has && tw_index_has(g->next, ws->seen[i])))
            continue; /* nothing is known of it */
        ws->items[read] = item;
        ws->told[read++] = has ? content : NULL;
    }
    for (int i = 0; i < read / 2; i++) {
        const int32_t item = ws->items[i];
        const float *told = ws->told[i];
        ws->items[i] = ws->items[read - 1 - i];
        ws->told[i] = ws->told[read - 1 - i];
        ws->items[read - 1 - i] = item;
        ws->told[read - 1 - i] = told;
    }
    return read;
}

/* Answers with what is near the model's query vector; *known false, and no answer, when the model
 * knows none of the history. */
static tw_status predict(tw_engine *e, const twi_generation *g, twi_workspace *ws, int32_t user,
                         int n_seen, const tw_next_query *q, tw_answer *out, bool *known,
                         tw_error *err)
{
    chooser c = {.e = e, .g = g, .cfg = rerank_of(q), .k = q->k, .deadline = q->deadline};
    const bool choose = tw_seq_rerank_active(&c.cfg);
    const twi_search search = {.ix = g->next,
                               .k = q->k,
                               .pool = choose ? pool_size(q->k) : q->k,
                               .deadline = q->deadline,
                               .choose = choose ? diversify : NULL,
                               .ctx = &c};

    const int read = read_history(g, ws, n_seen);
    tw_status st = tw_seq_query_content(ws->seq, user, ws->items, ws->told, read, ws->vec, err);
    *known = st == TW_OK;
    if (st != TW_OK)
        return st == TW_ENOTFOUND ? TW_OK : st;
    if (!q->include_seen)
        st = twi_leave_out(ws, ws->seen, n_seen, err);
    return st == TW_OK ? twi_answer_search(e, ws, &search, out, err) : st;
}

tw_status twi_check_next(const tw_next_query *q, tw_error *err)
{
    tw_status st = check_k(q->k, err);
    if (st == TW_OK)
        st = check_either("a user", q->user != NULL, "a history", q->n_history > 0, err);
    if (st == TW_OK && q->n_history > TW_ENGINE_MAX_HISTORY)
        st = tw_fail(err, TW_EINVAL, "a history of %d items is longer than %d", q->n_history,
                     TW_ENGINE_MAX_HISTORY);
    const tw_seq_rerank_config diverse = rerank_of(q);
    return st == TW_OK ? tw_seq_rerank_check(&diverse, err) : st;
}

tw_status tw_engine_next(tw_engine *e, const tw_next_query *q, tw_answer *out, tw_error *err)
{
    tw_status st = TW_OK;
    twi_workspace *ws = NULL;
    twi_generation *g = twi_acquire(e);
    int64_t user = 0;
    int n_seen = 0, n = 0;
    bool predicted = false;

    TW_TRY(tw_answer_clear(out, TW_ENGINE_MAX_K, err));
    TW_TRY(twi_check_next(q, err));
    if (g->seq == NULL) {
        st = twi_no_seq(e, err);
        goto done;
    }
    TW_TRY(twi_workspace_take(g, &ws, err));
    TW_TRY(twi_history_of(e, q, ws, &user, &n_seen, err));
    TW_TRY(tw_deadline_check(q->deadline, "the history was read", err));
    int32_t known = user > 0 ? tw_seq_user_index(g->seq, user) : 0;
    if (n_seen > 0)
        TW_TRY(predict(e, g, ws, known, n_seen, q, out, &predicted, err));
    out->basis = !predicted ? "popular" : known > 0 ? "user" : "history";
    if (!predicted) {
        TW_TRY(popular(e, q->deadline, ws, &n, err));
        TW_TRY(twi_answer_listed(e, ws, n, q->k, out, err));
    }
    out->model = g->version;
done:
    twi_workspace_give(g, ws);
    twi_release(e, g);
    return st;
}

/* ---- embed and get --------------------------------------------------------------------------- */

tw_status tw_engine_embed(tw_engine *e, const tw_embed_query *q, float *vec, int *dim, int *model,
                          tw_error *err)
{
    tw_status st = TW_OK;
    twi_workspace *ws = NULL;
    twi_generation *g = twi_acquire(e);
    int64_t row = 0;

    *dim = 0;
    *model = g->version;
    TW_TRY(twi_query_check(q, err));
    if (q->item != NULL)
        TW_TRY(twi_resolve(e, q->item, &row, NULL, err));
    if (g->items == NULL) {
        st = twi_no_towers(e, err);
        goto done;
    }
    TW_TRY(twi_workspace_take(g, &ws, err));
    TW_TRY(twi_query_vector(e, g, ws, q, row, err));
    *dim = tw_tower_dim(g->tower);
    memcpy(vec, ws->vec, (size_t) *dim * sizeof *vec);
done:
    twi_workspace_give(g, ws);
    twi_release(e, g);
    return st;
}

typedef struct vectors {
    tw_engine *e;
    const twi_generation *g;
    tw_embedded_fn fn;
    void *ctx;
    float vec[TW_ENGINE_MAX_DIM];
} vectors;

static tw_status give_vector(void *ctx, const tw_item *item, tw_error *err)
{
    vectors *v = ctx;
    const int dim = tw_tower_dim(v->g->tower);
    tw_status st = tw_store_vector(v->e->store, item->row, v->g->towers_version, v->vec, dim, NULL);
    if (st == TW_ENOTFOUND || /* put by another process that has newer towers */
        st == TW_ECORRUPT || st == TW_EDIM ||
        (st == TW_OK && !twi_vector_sound(v->vec, dim))) /* damaged: check names it */
        return TW_OK;
    if (st != TW_OK)
        return tw_fail(err, st, "cannot read the vector of item '%.60s'", item->id);
    if (twi_reads_nothing(v->vec, dim))
        return TW_OK;
    return v->fn(v->ctx, item->id, v->vec, dim, err);
}

tw_status tw_engine_each_vector(tw_engine *e, int *model, tw_embedded_fn fn, void *ctx,
                                tw_error *err)
{
    twi_generation *g = twi_acquire(e);
    vectors v = {.e = e, .g = g, .fn = fn, .ctx = ctx};
    *model = g->version;
    tw_status st = g->tower == NULL ? twi_no_towers(e, err)
                                    : tw_store_each_item(e->store, 0, give_vector, &v, err);
    twi_release(e, g);
    return st;
}

tw_status tw_engine_get_also(tw_engine *e, const char *item, tw_item *out, char also[TW_ALSO_MAX],
                             tw_error *err)
{
    int64_t row;
    *out = (tw_item){0};
    tw_status st = twi_resolve(e, item, &row, also, err);
    return st == TW_OK ? tw_store_item(e->store, row, out, err) : st;
}

tw_status tw_engine_get(tw_engine *e, const char *item, tw_item *out, tw_error *err)
{
    char also[TW_ALSO_MAX];
    return tw_engine_get_also(e, item, out, also, err);
}
