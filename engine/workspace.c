/* The memory of a query. */
#include "engine/workspace.h"

#include "base/alloc.h"
#include "engine/generation.h"

void twi_workspace_free(twi_workspace *ws)
{
    tw_tower_session_destroy(ws->tower);
    tw_seq_session_destroy(ws->seq);
    tw_text_fini(&ws->text);
    tw_free(ws->out);
    tw_free(ws->content);
    tw_free(ws->now);
    tw_free(ws->vectors);
    tw_free(ws);
}

static tw_status make_content(const twi_generation *g, twi_workspace *s, tw_error *err)
{
    const size_t longest = (size_t) tw_seq_model_config(g->seq)->max_len;
    s->content = tw_alloc(longest, (size_t) tw_tower_dim(g->tower) * sizeof *s->content);
    s->now = tw_alloc(longest, sizeof *s->now);
    s->vectors =
        tw_alloc((size_t) TW_ENGINE_MAX_K, (size_t) tw_index_dim(g->next) * sizeof *s->vectors);
    return s->content != NULL && s->now != NULL && s->vectors != NULL
               ? TW_OK
               : tw_fail(err, TW_ENOMEM, "query memory");
}

tw_status twi_workspace_take(twi_generation *g, twi_workspace **out, tw_error *err)
{
    tw_status st = TW_OK;
    (void) pthread_mutex_lock(&g->pool_lock);
    twi_workspace *s = g->workspaces;
    if (s != NULL)
        g->workspaces = s->next;
    (void) pthread_mutex_unlock(&g->pool_lock);
    *out = s;
    if (s != NULL) {
        s->n_out = 0;
        return TW_OK;
    }

    s = tw_alloc(1, sizeof *s);
    if (s == NULL)
        return tw_fail(err, TW_ENOMEM, "query memory");
    tw_text_init(&s->text, (size_t) (TW_STORE_MAX_ID + TW_STORE_MAX_TITLE + 2) * TW_ENGINE_MAX_K);
    if (g->tower != NULL)
        TW_TRY(tw_tower_session_create(&s->tower, g->tower, err));
    if (g->seq != NULL)
        TW_TRY(tw_seq_session_create(&s->seq, g->seq, err));
    if (g->projects)
        TW_TRY(make_content(g, s, err));
    *out = s;
    s = NULL;
done:
    if (s != NULL)
        twi_workspace_free(s);
    return st;
}

void twi_workspace_give(twi_generation *g, twi_workspace *ws)
{
    if (ws == NULL)
        return;
    (void) pthread_mutex_lock(&g->pool_lock);
    ws->next = g->workspaces;
    g->workspaces = ws;
    (void) pthread_mutex_unlock(&g->pool_lock);
}
