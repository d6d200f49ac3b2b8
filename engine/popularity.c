/* How often each item was consumed. */
#include "engine/popularity.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "engine/engine.h"

void twi_popularity_init(twi_popularity *p)
{
    *p = (twi_popularity){.events = -1};
    (void) pthread_mutex_init(&p->lock, NULL);
}

void twi_popularity_fini(twi_popularity *p)
{
    tw_free(p->top);
    tw_free(p->counts);
    (void) pthread_mutex_destroy(&p->lock);
    *p = (twi_popularity){0};
}

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

/* Counts anew where it is due. The lock is held. */
static tw_status refresh(twi_popularity *p, tw_store *store, tw_deadline until, tw_error *err)
{
    tw_status st = TW_OK;
    tw_store_stats stats;
    counter c = {.deadline = until};

    TW_TRY(tw_store_get_stats(store, &stats, err));
    if (p->events >= 0 && stats.events <= p->events + p->events / 10)
        goto done;
    if (p->top == NULL) {
        p->top = tw_alloc((size_t) TW_ENGINE_MAX_K, sizeof *p->top);
        if (p->top == NULL) {
            st = tw_fail(err, TW_ENOMEM, "list of popular items");
            goto done;
        }
    }
    TW_TRY(tw_store_each_event(store, count_event, &c, err));
    p->n_top = 0;
    for (int64_t row = 1; row < (int64_t) c.room; row++) {
        if (c.counts[row] > 0)
            insert_popular(p->top, &p->n_top, TW_ENGINE_MAX_K,
                           (tw_hit){row, (float) c.counts[row]});
    }
    tw_free(p->counts);
    p->counts = c.counts;
    p->n_counts = (int64_t) c.room;
    c.counts = NULL;
    p->events = stats.events;
done:
    tw_free(c.counts);
    return st;
}

/* On TW_OK the lock is held, and the counts are recent. */
static tw_status take(twi_popularity *p, tw_store *store, tw_deadline until, tw_error *err)
{
    tw_status st = tw_deadline_lock(until, &p->lock, "the events were counted", err);
    if (st != TW_OK)
        return st;
    st = refresh(p, store, until, err);
    if (st != TW_OK)
        (void) pthread_mutex_unlock(&p->lock);
    return st;
}

tw_status twi_popularity_top(twi_popularity *p, tw_store *store, tw_deadline until, tw_hit *hits,
                             int *n, tw_error *err)
{
    *n = 0;
    tw_status st = take(p, store, until, err);
    if (st != TW_OK)
        return st;
    *n = p->n_top;
    if (*n > 0)
        memcpy(hits, p->top, (size_t) *n * sizeof *hits);
    (void) pthread_mutex_unlock(&p->lock);
    return st;
}

tw_status twi_popularity_counts(twi_popularity *p, tw_store *store, tw_deadline until,
                                const tw_hit *hits, int n, int64_t *counts, tw_error *err)
{
    tw_status st = take(p, store, until, err);
    if (st != TW_OK)
        return st;
    for (int i = 0; i < n; i++)
        counts[i] = hits[i].item < p->n_counts ? p->counts[hits[i].item] : 0;
    (void) pthread_mutex_unlock(&p->lock);
    return st;
}
