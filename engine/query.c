/* similar, next, embed, get: from the caller's words to an answer. */
#include <string.h>

#include "engine/diversify.h"
#include "engine/engine_state.h"
#include "engine/generation.h"
#include "engine/history.h"
#include "engine/query_hits.h"
#include "engine/query_vector.h"
#include "engine/resolve.h"

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
    TW_TRY(twi_check_k(q->k, err));
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

/* Answers with what is near the model's query vector; *known false, and no answer, when the model
 * knows none of the history. */
static tw_status predict(tw_engine *e, const twi_generation *g, twi_workspace *ws, int32_t user,
                         int n_seen, const tw_next_query *q, tw_answer *out, bool *known,
                         tw_error *err)
{
    twi_chooser c = {.e = e, .g = g, .cfg = twi_rerank_of(q), .k = q->k, .deadline = q->deadline};
    const bool choose = tw_seq_rerank_active(&c.cfg);
    const twi_search search = {.ix = g->next,
                               .k = q->k,
                               .pool = choose ? twi_rerank_pool(q->k) : q->k,
                               .deadline = q->deadline,
                               .choose = choose ? twi_rerank : NULL,
                               .ctx = &c};

    const int read = twi_history_read(g, ws, n_seen);
    tw_status st =
        tw_seq_query_item_features(ws->seq, user, ws->items, ws->now, read, ws->vec, err);
    *known = st == TW_OK;
    if (st != TW_OK)
        return st == TW_ENOTFOUND ? TW_OK : st;
    if (!q->include_seen)
        st = twi_leave_out(ws, ws->seen, n_seen, err);
    return st == TW_OK ? twi_answer_search(e, ws, &search, out, err) : st;
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
    TW_TRY(twi_history_of(e, q, ws, &user, &n_seen, out->skipped, err));
    TW_TRY(tw_deadline_check(q->deadline, "the history was read", err));
    int32_t known = user > 0 ? tw_seq_user_index(g->seq, user) : 0;
    if (n_seen > 0)
        TW_TRY(predict(e, g, ws, known, n_seen, q, out, &predicted, err));
    out->basis = !predicted ? "popular" : known > 0 ? "user" : "history";
    if (!predicted) {
        TW_TRY(twi_popularity_top(&e->popularity, e->store, q->deadline, ws->hits, &n, err));
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
