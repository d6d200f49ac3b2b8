/* The history that a query names, and what the model can read of it. */
#include "engine/history.h"

#include "engine/diversify.h"
#include "engine/engine_state.h"
#include "engine/resolve.h"

tw_status twi_check_k(int k, tw_error *err)
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

tw_status twi_check_next(const tw_next_query *q, tw_error *err)
{
    tw_status st = twi_check_k(q->k, err);
    if (st == TW_OK)
        st = check_either("a user", q->user != NULL, "a history", q->n_history > 0, err);
    if (st == TW_OK && q->n_history > TW_ENGINE_MAX_HISTORY)
        st = tw_fail(err, TW_EINVAL, "a history of %d items is longer than %d", q->n_history,
                     TW_ENGINE_MAX_HISTORY);
    const tw_seq_rerank_config diverse = twi_rerank_of(q);
    return st == TW_OK ? tw_seq_rerank_check(&diverse, err) : st;
}

/* The rows of the items that the query names; with only some of them there, of these. */
static tw_status named(tw_engine *e, const tw_next_query *q, twi_workspace *ws, int *n,
                       char *skipped, tw_error *err)
{
    for (int i = 0; i < q->n_history; i++) {
        const tw_status st = twi_resolve(e, q->history[i], &ws->seen[*n], NULL, NULL);
        if (st == TW_OK)
            ++*n;
        else if (st == TW_ENOTFOUND)
            twi_list_name(skipped, q->history[i]);
        else /* again, for the sentence */
            return twi_resolve(e, q->history[i], &ws->seen[*n], NULL, err);
    }
    return *n > 0 ? TW_OK : twi_resolve(e, q->history[0], &ws->seen[0], NULL, err);
}

tw_status twi_history_of(tw_engine *e, const tw_next_query *q, twi_workspace *ws, int64_t *user,
                         int *n, char *skipped, tw_error *err)
{
    *user = 0;
    *n = 0;
    if (q->user == NULL)
        return named(e, q, ws, n, skipped, err);
    if (q->user[0] == '\0')
        return tw_fail(err, TW_EINVAL, "the user's id is empty");
    tw_status st = tw_store_user_row(e->store, q->user, user, NULL);
    if (st == TW_ENOTFOUND)
        return TW_OK;    /* an unknown user */
    if (st == TW_EINVAL) /* no id at all: the store has the sentence */
        return tw_store_user_row(e->store, q->user, user, err);
    if (st != TW_OK)
        return tw_fail(err, st, "cannot look up the user '%.100s'", q->user);
    st = tw_store_history(e->store, *user, TW_ENGINE_MAX_HISTORY, ws->events, n, err);
    for (int i = 0; i < *n; i++)
        ws->seen[i] = ws->events[i].item;
    return st;
}

int twi_history_read(const twi_generation *g, twi_workspace *ws, int n)
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
        ws->now[read++] = has ? content : NULL;
    }
    for (int i = 0; i < read / 2; i++) {
        const int32_t item = ws->items[i];
        const float *swapped = ws->now[i];
        ws->items[i] = ws->items[read - 1 - i];
        ws->now[i] = ws->now[read - 1 - i];
        ws->items[read - 1 - i] = item;
        ws->now[read - 1 - i] = swapped;
    }
    return read;
}
