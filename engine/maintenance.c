/* The thread that merges indexes while they serve. */
#include "engine/maintenance.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/engine_state.h"
#include "engine/follow.h"
#include "engine/generation.h"
#include "engine/snapshot.h"

void twi_maintenance_init(twi_maintenance *m)
{
    *m = (twi_maintenance){0};
    (void) pthread_mutex_init(&m->lock, NULL);
    (void) pthread_cond_init(&m->due, NULL);
}

void twi_maintenance_fini(twi_maintenance *m)
{
    (void) pthread_cond_destroy(&m->due);
    (void) pthread_mutex_destroy(&m->lock);
}

/* A stop waits so long for a merge that is under way: one without a graph ends in it. */
#define STOP_GRACE_S 2.0

/* A graph takes minutes: it is given up at once, but for the measuring at its end. */
static int stop_merge(void *ctx, const tw_progress *p)
{
    twi_maintenance *m = ctx;
    (void) pthread_mutex_lock(&m->lock);
    const bool quit = m->quit;
    const double until = m->until;
    (void) pthread_mutex_unlock(&m->lock);
    return quit && (strcmp(p->stage, "building") == 0 || tw_clock_monotonic() > until);
}

/* Whether it merged. */
static bool merge_one(tw_engine *e, tw_index *ix, const char *kind)
{
    tw_error why = {0};
    if (ix == NULL || !tw_index_wants_merge(ix))
        return false;
    const tw_status st = tw_index_merge(ix, stop_merge, &e->maintenance, &why);
    if (st == TW_ECANCELLED) {
        tw_log(TW_LOG_INFO, "MERGE-STOPPED", "index=%s reason=\"%s\"", kind, why.msg);
    } else if (st != TW_OK) {
        tw_log(TW_LOG_WARN, "MERGE-FAILED", "index=%s reason=\"%s\"", kind, why.msg);
    } else {
        tw_log(TW_LOG_INFO, "MERGE-DONE", "index=%s", kind);
        twi_log_unused_graph(ix, kind);
    }
    return st == TW_OK;
}

static void merge_both(tw_engine *e)
{
    twi_generation *g = twi_acquire(e);
    const bool items = merge_one(e, g->items, "items"), next = merge_one(e, g->next, "next");

    (void) pthread_mutex_lock(&e->writer); /* what is on disk is as new, but slower */
    if (items)
        g->saved_items = -1;
    if (next)
        g->saved_next = -1;
    (void) pthread_mutex_unlock(&e->writer);
    twi_release(e, g);
    (void) !twi_snapshot(e, NULL); /* logged inside; the store is the truth */
}

/* What was wanted before the end is begun: an ingest closes as soon as it has asked. */
static void *run(void *arg)
{
    tw_engine *e = arg;
    twi_maintenance *m = &e->maintenance;
    (void) pthread_mutex_lock(&m->lock);
    while (!m->quit || m->wanted) {
        if (!m->wanted) {
            (void) pthread_cond_wait(&m->due, &m->lock);
            continue;
        }
        m->wanted = false;
        (void) pthread_mutex_unlock(&m->lock);
        merge_both(e);
        (void) pthread_mutex_lock(&m->lock);
    }
    (void) pthread_mutex_unlock(&m->lock);
    return NULL;
}

void twi_maintenance_start(tw_engine *e)
{
    twi_maintenance *m = &e->maintenance;
    m->runs = pthread_create(&m->thread, NULL, run, e) == 0;
}

void twi_maintenance_stop(tw_engine *e)
{
    twi_maintenance *m = &e->maintenance;
    if (!m->runs)
        return;
    (void) pthread_mutex_lock(&m->lock);
    m->quit = true;
    m->until = tw_clock_monotonic() + STOP_GRACE_S;
    (void) pthread_cond_signal(&m->due);
    (void) pthread_mutex_unlock(&m->lock);
    (void) pthread_join(m->thread, NULL);
    m->runs = false;
}

static bool lacks_graph(const tw_index *ix)
{
    tw_index_stats s;
    if (ix == NULL)
        return false;
    tw_index_get_stats(ix, &s);
    return s.lacks_graph;
}

void tw_engine_merge_due(tw_engine *e)
{
    twi_generation *g = twi_acquire(e);
    if (e->maintenance.runs && (lacks_graph(g->items) || lacks_graph(g->next)))
        tw_log(TW_LOG_INFO, "GRAPH-DUE", "dir=\"%s\"", e->dir);
    twi_release(e, g);
    twi_maintenance_wake(e);
}

void twi_maintenance_wake(tw_engine *e)
{
    twi_maintenance *m = &e->maintenance;
    twi_generation *g = twi_acquire(e);
    bool wanted = (g->items != NULL && tw_index_wants_merge(g->items)) ||
                  (g->next != NULL && tw_index_wants_merge(g->next));
    twi_release(e, g);
    if (!wanted)
        return;
    (void) pthread_mutex_lock(&m->lock);
    m->wanted = true;
    (void) pthread_cond_signal(&m->due);
    (void) pthread_mutex_unlock(&m->lock);
}
