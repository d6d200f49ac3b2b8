/* seqmodel/seq_baseline.c — recommenders that only count: what a model must beat.
 *
 * Popularity ranks by the events of an item, for every user alike.
 *
 * Item-kNN: sim(i, j) = |A and B| / (sqrt(|A| |B|) + shrink), A and B being the users who met i and
 * j. Each of the input's last items votes for its nearest neighbours, the older the less:
 *
 *     score(j) = sum over age < latest of  decay^age  sim(input[n - 1 - age], j)
 *
 * Items without a vote stand behind all others, by popularity. Only the nearest neighbours of an
 * item are kept, so memory is items x neighbours. Source: Deshpande and Karypis 2004.
 *
 * Markov: score(j) = count(last -> j) + backoff * popularity(j) / events, the transitions being
 * those between neighbouring events of the train parts. Up to a constant divisor this is the
 * transition probability with a Dirichlet prior of `backoff` events that look like all events.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "seqmodel/seq_baseline.h"
#include "seqmodel/seq_lists.h"
#include "seqmodel/seq_sets.h"

enum { LATEST_EVENTS = 2000 }; /* of a user make pairs: a robot's log must not cost its square */

struct twi_baseline {
    tw_seq_baseline kind;
    twi_baseline_config cfg;
    int32_t n_items;
    tw_real *base; /* (n_items+1): popularity in the form that the kind adds to */
    /* item-kNN */
    twi_hit *near; /* (n_items+1, neighbours): row i, nearest first */
    int32_t *n_near;
    /* Markov: i was followed by next[next_at[i-1] .. next_at[i]), repeats and all */
    int64_t *next_at; /* (n_items+1) */
    int32_t *next;
};

twi_baseline_config twi_baseline_default(void)
{
    return (twi_baseline_config){
        .neighbours = 200, .shrink = 20, .latest = 10, .decay = 0.5, .backoff = 10};
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

/* ---- item-kNN -------------------------------------------------------------------------------- */

typedef struct learner {
    int32_t *count; /* (n_items+1) users in common with the present item */
    int32_t *met;   /* (n_items) the items whose count is not zero */
} learner;

typedef struct learning {
    twi_baseline *b;
    twi_sets sets;
    learner *learners; /* (workers) */
    int workers;
} learning;

static void find_neighbours(const learning *l, learner *w, int32_t item)
{
    const twi_sets *s = &l->sets;
    const twi_baseline_config *c = &l->b->cfg;
    double own = (double) (s->item_at[item] - s->item_at[item - 1]);
    int n = 0;
    int32_t n_met = 0;

    for (int64_t k = s->item_at[item - 1]; k < s->item_at[item]; k++) {
        int32_t u = s->users[k];
        for (int64_t i = s->user_at[u - 1]; i < s->user_at[u]; i++)
            if (w->count[s->items[i]]++ == 0)
                w->met[n_met++] = s->items[i];
    }
    twi_hit *near = l->b->near + (size_t) item * (size_t) c->neighbours;
    for (int32_t i = 0; i < n_met; i++) {
        int32_t other = w->met[i];
        double its = (double) (s->item_at[other] - s->item_at[other - 1]);
        if (other != item)
            twi_hit_add(near, &n, c->neighbours,
                        (tw_real) (w->count[other] / (sqrt(own * its) + c->shrink)), other);
        w->count[other] = 0;
    }
    l->b->n_near[item] = n;
}

/* Every workers-th item: popular ones, which cost most, often have neighbouring numbers. */
static void learn_share(void *ctx, int worker, int workers)
{
    const learning *l = ctx;
    for (int64_t i = 1 + worker; i <= l->b->n_items; i += workers)
        find_neighbours(l, &l->learners[worker], (int32_t) i);
}

static tw_status learn_neighbours(twi_baseline *b, const tw_seq_data *data, tw_pool *pool,
                                  tw_error *err)
{
    tw_status st = TW_OK;
    learning l = {.b = b, .workers = tw_pool_size(pool)};
    size_t rows = (size_t) b->n_items + 1;

    b->near = tw_alloc(rows, (size_t) b->cfg.neighbours * sizeof *b->near);
    b->n_near = tw_alloc(rows, sizeof *b->n_near);
    l.learners = tw_alloc((size_t) l.workers, sizeof *l.learners);
    if (b->near == NULL || b->n_near == NULL || l.learners == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%d neighbours of %zu items", b->cfg.neighbours, rows - 1);
        goto done;
    }
    for (int i = 0; i < l.workers; i++) {
        l.learners[i].count = tw_alloc(rows, sizeof *l.learners->count);
        l.learners[i].met = tw_alloc(rows, sizeof *l.learners->met);
        if (l.learners[i].count == NULL || l.learners[i].met == NULL) {
            st = tw_fail(err, TW_ENOMEM, "counts of %zu items", rows - 1);
            goto done;
        }
    }
    TW_TRY(twi_sets_init(&l.sets, data, LATEST_EVENTS, err));
    tw_pool_run(pool, learn_share, &l);
done:
    for (int i = 0; l.learners != NULL && i < l.workers; i++) {
        tw_free(l.learners[i].count);
        tw_free(l.learners[i].met);
    }
    tw_free(l.learners);
    twi_sets_fini(&l.sets);
    return st;
}

static void vote(const twi_baseline *b, tw_real *scores, const int32_t *items, int64_t n)
{
    double weight = 1;

    for (int64_t age = 0; age < n && age < b->cfg.latest; age++) {
        int32_t item = items[n - 1 - age];
        const twi_hit *near = b->near + (size_t) item * (size_t) b->cfg.neighbours;
        for (int i = 0; i < b->n_near[item]; i++) {
            tw_real *s = &scores[near[i].item];
            *s = (*s < 0 ? 0 : *s) + (tw_real) weight * near[i].score; /* below 0: no vote yet */
        }
        weight *= b->cfg.decay;
    }
}

/* ---- Markov ---------------------------------------------------------------------------------- */

/* Counting sort of the transitions by their first item; see collect_users() for the two passes. */
static tw_status learn_transitions(twi_baseline *b, const tw_seq_data *data, tw_error *err)
{
    b->next_at = tw_alloc((size_t) b->n_items + 1, sizeof *b->next_at);
    b->next = tw_alloc((size_t) data->offsets[data->n_users], sizeof *b->next);
    if (b->next_at == NULL || b->next == NULL)
        return tw_fail(err, TW_ENOMEM, "transitions between %d items", b->n_items);
    for (int32_t u = 1; u <= data->n_users; u++)
        for (int64_t i = 1; i < tw_seq_data_train_length(data, u); i++)
            b->next_at[tw_seq_data_items(data, u)[i - 1]]++;
    for (int32_t i = 1; i <= b->n_items; i++)
        b->next_at[i] += b->next_at[i - 1];
    int64_t transitions = b->next_at[b->n_items];
    for (int32_t u = 1; u <= data->n_users; u++) {
        const int32_t *items = tw_seq_data_items(data, u);
        for (int64_t i = 1; i < tw_seq_data_train_length(data, u); i++)
            b->next[--b->next_at[items[i - 1]]] = items[i];
    }
    memmove(b->next_at, b->next_at + 1, (size_t) b->n_items * sizeof *b->next_at);
    b->next_at[b->n_items] = transitions;
    return TW_OK;
}

static void follow(const twi_baseline *b, tw_real *scores, int32_t last)
{
    for (int64_t k = b->next_at[last - 1]; k < b->next_at[last]; k++)
        scores[b->next[k]] += 1;
}

/* ---- all kinds ------------------------------------------------------------------------------- */

/* Popularity as it stands; for item-kNN squeezed into [-1, 0), under every vote; for Markov as the
 * prior's share of each item. */
static void make_base(twi_baseline *b, const tw_seq_data *data)
{
    double most = 0, sum = 0;

    twi_popularity(b->base, data);
    for (int32_t i = 1; i <= b->n_items; i++) {
        most = fmax(most, b->base[i]);
        sum += b->base[i];
    }
    for (int32_t i = 0; i <= b->n_items && b->kind != TW_SEQ_POPULARITY; i++) {
        double events = b->base[i];
        b->base[i] = (tw_real) (b->kind == TW_SEQ_MARKOV ? b->cfg.backoff * events / fmax(sum, 1)
                                                         : events / (most + 1) - 1);
    }
}

tw_status twi_baseline_create(twi_baseline **out, tw_seq_baseline kind,
                              const twi_baseline_config *cfg, const tw_seq_data *data,
                              tw_pool *pool, tw_error *err)
{
    tw_status st = TW_OK;
    twi_baseline *b = tw_alloc(1, sizeof *b);

    *out = NULL;
    if (b != NULL)
        b->base = tw_alloc((size_t) data->n_items + 1, sizeof *b->base);
    if (b == NULL || b->base == NULL) {
        st = tw_fail(err, TW_ENOMEM, "counts of %d items", data->n_items);
        goto done;
    }
    b->kind = kind;
    b->cfg = *cfg;
    b->n_items = data->n_items;
    make_base(b, data);
    if (kind == TW_SEQ_ITEM_KNN)
        TW_TRY(learn_neighbours(b, data, pool, err));
    if (kind == TW_SEQ_MARKOV)
        TW_TRY(learn_transitions(b, data, err));
    *out = b;
    b = NULL;
done:
    twi_baseline_destroy(b);
    return st;
}

void twi_baseline_destroy(twi_baseline *b)
{
    if (b == NULL)
        return;
    tw_free(b->base);
    tw_free(b->near);
    tw_free(b->n_near);
    tw_free(b->next_at);
    tw_free(b->next);
    tw_free(b);
}

const tw_real *twi_baseline_scores(const twi_baseline *b, tw_real *scratch, const int32_t *items,
                                   int64_t n)
{
    if (b->kind == TW_SEQ_POPULARITY)
        return b->base;
    memcpy(scratch, b->base, ((size_t) b->n_items + 1) * sizeof *scratch);
    if (b->kind == TW_SEQ_ITEM_KNN)
        vote(b, scratch, items, n);
    else
        follow(b, scratch, items[n - 1]);
    return scratch;
}
