/* Models and indexes that serve together: made, swapped and dropped whole. */
#include "engine/generation.h"

#include "base/alloc.h"
#include "engine/engine_state.h"

twi_generation *twi_acquire(tw_engine *e)
{
    (void) pthread_mutex_lock(&e->lock);
    twi_generation *g = e->current;
    g->refs++;
    (void) pthread_mutex_unlock(&e->lock);
    return g;
}

void twi_release(tw_engine *e, twi_generation *g)
{
    (void) pthread_mutex_lock(&e->lock);
    int left = --g->refs;
    (void) pthread_mutex_unlock(&e->lock);
    if (left == 0)
        twi_generation_free(g);
}

void twi_generation_swap(tw_engine *e, twi_generation *g)
{
    (void) pthread_mutex_lock(&e->lock);
    twi_generation *old = e->current;
    e->current = g;
    (void) pthread_mutex_unlock(&e->lock);
    twi_release(e, old);
}

tw_status twi_generation_empty(twi_generation **out, tw_error *err)
{
    *out = tw_alloc(1, sizeof **out);
    if (*out == NULL)
        return tw_fail(err, TW_ENOMEM, "generation");
    (*out)->refs = 1;
    (void) pthread_mutex_init(&(*out)->pool_lock, NULL);
    return TW_OK;
}

/* The error of a query that needs a part of the model which is not there: it was never trained, or
 * its file cannot be used and these are the ways out. */
static tw_status no_part(const tw_engine *e, const char *what, const char *kind, int version,
                         const char *problem, tw_error *err)
{
    if (problem[0] == '\0')
        return tw_fail(err, TW_ESTATE, "no %s trained yet; run: twindex train %s DIR", what, kind);
    return tw_fail(err, TW_ECORRUPT,
                   "model %d is damaged: %.200s; put the file back from a copy, go back with: "
                   "twindex rollback %.60s, or train anew with: twindex train %s %.60s",
                   version, problem, e->dir, kind, e->dir);
}

tw_status twi_no_towers(tw_engine *e, tw_error *err)
{
    twi_generation *g = twi_acquire(e);
    tw_status st = no_part(e, "towers are", "towers", g->version, g->towers_problem, err);
    twi_release(e, g);
    return st;
}

tw_status twi_no_seq(tw_engine *e, tw_error *err)
{
    twi_generation *g = twi_acquire(e);
    tw_status st = no_part(e, "sequential model is", "seq", g->version, g->seq_problem, err);
    twi_release(e, g);
    return st;
}

void twi_generation_free(twi_generation *g)
{
    if (g == NULL)
        return;
    for (twi_workspace *s = g->workspaces; s != NULL;) {
        twi_workspace *next = s->next;
        twi_workspace_free(s);
        s = next;
    }
    tw_index_destroy(g->items);
    tw_index_destroy(g->next);
    tw_tower_destroy(g->tower);
    tw_seq_model_destroy(g->seq);
    (void) pthread_mutex_destroy(&g->pool_lock);
    tw_free(g->invalid);
    tw_free(g);
}
