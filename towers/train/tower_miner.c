/* Positives from events: which items people take near each other.
 *
 * Item by item, so that memory is O(items + events) and not O(items^2): all
 * histories that hold the item are walked, the neighbours of its events
 * counted once a history, and the strongest kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "towers/tower_config.h"
#include "towers/towers.h"

typedef struct partner {
    int32_t item;
    double weight;
} partner;

typedef struct miner {
    const int32_t *items; /* events, packed by history */
    const int64_t *offsets;
    int64_t users, n_items;
    const tw_mine_config *cfg;
    int64_t *starts;    /* (n_items + 1) where an item's events begin in `events` */
    int64_t *events;    /* (offsets[users]) places in `items`, by item, rising */
    int64_t *user_of;   /* (offsets[users]) whose event it is */
    int32_t *histories; /* (n_items) that hold the item */
    int32_t *met;       /* (n_items) histories in which it met the present item */
    int64_t *last;      /* (n_items) the last history counted, + 1; 0 between items */
    int32_t *touched;   /* (n_items) items with met > 0 */
    partner *ranking;   /* (n_items) */
    tw_item_pair *pairs;
    int64_t n_pairs;
    size_t room;
} miner;

static void fini(miner *m)
{
    tw_free(m->starts);
    tw_free(m->events);
    tw_free(m->user_of);
    tw_free(m->histories);
    tw_free(m->met);
    tw_free(m->last);
    tw_free(m->touched);
    tw_free(m->ranking);
    tw_free(m->pairs);
}

static tw_status check_histories(const miner *m, tw_error *err)
{
    if (m->n_items < 0 || m->n_items > TW_TOWER_MAX_ITEMS || m->users < 0 ||
        m->users >= INT32_MAX || m->offsets[0] != 0)
        return tw_fail(err, TW_EINVAL, "%lld items and %lld histories from event %lld",
                       (long long) m->n_items, (long long) m->users, (long long) m->offsets[0]);
    for (int64_t u = 0; u < m->users; u++) {
        if (m->offsets[u + 1] < m->offsets[u])
            return tw_fail(err, TW_EINVAL, "history %lld ends before it starts", (long long) u);
        for (int64_t k = m->offsets[u]; k < m->offsets[u + 1]; k++) {
            if (m->items[k] < 0 || m->items[k] >= m->n_items)
                return tw_fail(err, TW_EINVAL, "event %lld: item %d is outside 0..%lld",
                               (long long) k, m->items[k], (long long) m->n_items - 1);
        }
    }
    return TW_OK;
}

static tw_status make_room(miner *m, tw_error *err)
{
    const size_t n = (size_t) m->n_items, events = (size_t) m->offsets[m->users];
    m->starts = tw_alloc(n + 1, sizeof *m->starts);
    m->events = tw_alloc(events, sizeof *m->events);
    m->user_of = tw_alloc(events, sizeof *m->user_of);
    m->histories = tw_alloc(n, sizeof *m->histories);
    m->met = tw_alloc(n, sizeof *m->met);
    m->last = tw_alloc(n, sizeof *m->last);
    m->touched = tw_alloc(n, sizeof *m->touched);
    m->ranking = tw_alloc(n, sizeof *m->ranking);
    if (m->starts == NULL || m->events == NULL || m->user_of == NULL || m->histories == NULL ||
        m->met == NULL || m->last == NULL || m->touched == NULL || m->ranking == NULL)
        return tw_fail(err, TW_ENOMEM, "mining %zu events of %zu items", events, n);
    return TW_OK;
}

/* The inverse of the histories, and how many hold each item. */
static void invert(miner *m)
{
    const int64_t n_events = m->offsets[m->users];

    for (int64_t k = 0; k < n_events; k++)
        m->starts[m->items[k] + 1]++;
    for (int64_t i = 0; i < m->n_items; i++)
        m->starts[i + 1] += m->starts[i];
    for (int64_t u = 0; u < m->users; u++) {
        for (int64_t k = m->offsets[u]; k < m->offsets[u + 1]; k++) {
            const int32_t i = m->items[k];
            m->user_of[k] = u;
            m->events[m->starts[i]++] = k;
            if (m->last[i] != u + 1) {
                m->last[i] = u + 1;
                m->histories[i]++;
            }
        }
    }
    /* Filling moved every start to the next item's: move them back. */
    for (int64_t i = m->n_items; i > 0; i--)
        m->starts[i] = m->starts[i - 1];
    m->starts[0] = 0;
    memset(m->last, 0, (size_t) m->n_items * sizeof *m->last);
}

/* Counts into met, for every item near an event of `item`, the histories in which it was near.
 * Returns how many items were touched. */
static int32_t count_meetings(miner *m, int32_t item)
{
    int32_t n = 0;

    for (int64_t e = m->starts[item]; e < m->starts[item + 1]; e++) {
        const int64_t at = m->events[e], u = m->user_of[at], w = m->cfg->window;
        const int64_t from = at - w > m->offsets[u] ? at - w : m->offsets[u];
        const int64_t to = at + w + 1 < m->offsets[u + 1] ? at + w + 1 : m->offsets[u + 1];
        for (int64_t k = from; k < to; k++) {
            const int32_t other = m->items[k];
            if (other == item || m->last[other] == u + 1)
                continue;
            m->last[other] = u + 1;
            if (m->met[other]++ == 0)
                m->touched[n++] = other;
        }
    }
    for (int32_t k = 0; k < n; k++)
        m->last[m->touched[k]] = 0;
    return n;
}

static int compare_partners(const void *a, const void *b)
{
    const partner *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static tw_status keep_pair(miner *m, int32_t a, int32_t b, double weight, tw_error *err)
{
    const tw_item_pair pair = {a < b ? a : b, a < b ? b : a, 1, (float) weight};
    const tw_status st = tw_grow(&m->pairs, &m->room, (size_t) m->n_pairs + 1, "mined pairs", err);
    if (st == TW_OK)
        m->pairs[m->n_pairs++] = pair;
    return st;
}

/* The strongest partners of one item. The weight is the same from both sides, bit by bit, because
 * a product does not care for the order of its two factors. */
static tw_status mine_item(miner *m, int32_t item, tw_error *err)
{
    const int32_t n = count_meetings(m, item);
    int32_t kept = 0;

    for (int32_t k = 0; k < n; k++) {
        const int32_t other = m->touched[k];
        const double c = m->met[other];
        m->met[other] = 0;
        if (c < m->cfg->min_count)
            continue;
        const double both = (double) m->histories[item] * (double) m->histories[other];
        m->ranking[kept++] =
            (partner){other, c / pow(both, m->cfg->power) * c / (c + m->cfg->shrinkage)};
    }
    qsort(m->ranking, (size_t) kept, sizeof *m->ranking, compare_partners);
    for (int32_t k = 0; k < kept && k < m->cfg->neighbours; k++) {
        tw_status st = keep_pair(m, item, m->ranking[k].item, m->ranking[k].weight, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

static int compare_pairs(const void *a, const void *b)
{
    const tw_item_pair *x = a, *y = b;
    if (x->a != y->a)
        return (x->a > y->a) - (x->a < y->a);
    return (x->b > y->b) - (x->b < y->b);
}

/* Sorts, drops what both sides chose, scales the weights. */
static void finish(miner *m)
{
    int64_t to = 0;
    float largest = 0;

    if (m->n_pairs == 0)
        return;
    qsort(m->pairs, (size_t) m->n_pairs, sizeof *m->pairs, compare_pairs);
    for (int64_t k = 0; k < m->n_pairs; k++) {
        if (to > 0 && compare_pairs(&m->pairs[to - 1], &m->pairs[k]) == 0)
            continue;
        m->pairs[to++] = m->pairs[k];
        if (m->pairs[k].weight > largest)
            largest = m->pairs[k].weight;
    }
    m->n_pairs = to;
    for (int64_t k = 0; k < to && largest > 0; k++)
        m->pairs[k].weight /= largest;
}

tw_status tw_mine_events(tw_item_pair **out, int64_t *n_out, const int32_t *items,
                         const int64_t *offsets, int64_t users, int64_t n_items,
                         const tw_mine_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    miner m = {.items = items, .offsets = offsets, .users = users, .n_items = n_items, .cfg = cfg};

    *out = NULL;
    *n_out = 0;
    TW_TRY(twi_mine_config_check(cfg, err));
    TW_TRY(check_histories(&m, err));
    TW_TRY(make_room(&m, err));
    invert(&m);
    for (int32_t i = 0; i < (int32_t) n_items; i++)
        TW_TRY(mine_item(&m, i, err));
    finish(&m);
    *out = m.pairs;
    *n_out = m.n_pairs;
    m.pairs = NULL;
done:
    fini(&m);
    return st;
}
