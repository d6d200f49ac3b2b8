/* seqmodel/seq_batch.c — histories into packed rows, and what training changes in them.
 *
 * A training sequence of a history 1 2 3 4 5 (train part) with max_len 3:
 *
 *   its end      items 2 3 4   targets 3 4 5       positions 0 1 2
 *   a window     items 1 2 3   targets 2 3 4       positions 0 1 2   (SSE-PT++)
 *
 * Items of equal time are shuffled among themselves first (shuffle_ties). Then SSE: the user, each
 * input and each target are replaced by uniform draws, independently. In the published code one
 * coin replaces an input and its target together, and the replaced input is the target of the step
 * before, so twice as many targets are random as the flag says; here a probability means what it
 * says.
 */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_negatives.h"
#include "seqmodel/seq_seen.h"

tw_status twi_seq_batch_room(twi_batch *b, int64_t unique, int64_t candidates, tw_error *err)
{
    b->unique = tw_alloc((size_t) unique, sizeof *b->unique);
    b->log_weight = tw_alloc((size_t) candidates, sizeof *b->log_weight);
    if (b->unique == NULL || b->log_weight == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld candidates", (long long) unique);
    return TW_OK;
}

tw_status twi_seq_batch_init(twi_batch *b, int sequences, int tokens, bool train, int k,
                             tw_error *err)
{
    size_t S = (size_t) sequences, N = (size_t) tokens;

    *b = (twi_batch){.room_sequences = sequences, .room_tokens = tokens};
    b->offsets = tw_alloc(S + 1, sizeof *b->offsets);
    b->last = tw_alloc(S, sizeof *b->last);
    b->items = tw_alloc(N, sizeof *b->items);
    b->users = tw_alloc(N, sizeof *b->users);
    b->positions = tw_alloc(N, sizeof *b->positions);
    bool good = b->offsets != NULL && b->last != NULL && b->items != NULL && b->users != NULL &&
                b->positions != NULL;
    if (train) {
        b->targets = tw_alloc(N, sizeof *b->targets);
        b->order = tw_alloc(N + 1, sizeof *b->order);
        good = good && b->targets != NULL && b->order != NULL;
    }
    if (k > 0) {
        b->negatives = tw_alloc(N, (size_t) k * sizeof *b->negatives);
        good = good && b->negatives != NULL;
    }
    if (good)
        return TW_OK;
    twi_seq_batch_fini(b);
    return tw_fail(err, TW_ENOMEM, "a batch of %d items", tokens);
}

tw_status twi_seq_batch_features(twi_batch *b, int64_t unique, tw_error *err)
{
    b->ids = tw_alloc((size_t) b->room_tokens, sizeof *b->ids);
    b->features = tw_alloc((size_t) b->room_tokens, sizeof *b->features);
    if (unique > 0)
        b->unique_ids = tw_alloc((size_t) unique, sizeof *b->unique_ids);
    if (b->ids == NULL || b->features == NULL || (unique > 0 && b->unique_ids == NULL))
        return tw_fail(err, TW_ENOMEM, "item features of %d items", b->room_tokens);
    return TW_OK;
}

/* The id that an item enters by, or -1. */
static int32_t id_of(const tw_seq_model *m, int32_t item, tw_rng *rng)
{
    if (!m->known[item])
        return -1;
    return rng != NULL && tw_rng_uniform(rng) < m->cfg.id_dropout ? -1 : item;
}

void twi_batch_fill_features(twi_batch *b, const tw_seq_model *m, tw_rng *rng)
{
    if (m->features == NULL)
        return;
    for (int i = 0; i < b->tokens; i++) {
        b->ids[i] = id_of(m, b->items[i], rng);
        b->features[i] = m->features->value + (size_t) b->items[i] * (size_t) m->features->cols;
    }
    for (int i = 0; i < b->n_unique; i++)
        b->unique_ids[i] = id_of(m, b->unique[i], rng);
}

void twi_seq_batch_fini(twi_batch *b)
{
    tw_free(b->offsets);
    tw_free(b->last);
    tw_free(b->items);
    tw_free(b->users);
    tw_free(b->positions);
    tw_free(b->targets);
    tw_free(b->order);
    tw_free(b->negatives);
    tw_free(b->unique);
    tw_free(b->log_weight);
    twi_seen_fini(&b->seen);
    tw_free(b->ids);
    tw_free(b->unique_ids);
    tw_free(b->features);
    *b = (twi_batch){0};
}

void twi_batch_clear(twi_batch *b)
{
    b->sequences = 0;
    b->tokens = 0;
}

int twi_batch_add(twi_batch *b, int max_len, int32_t user, const int32_t *items, int64_t n)
{
    int len = n < max_len ? (int) n : max_len;
    int begin = b->tokens;
    assert(n >= 1 && b->sequences < b->room_sequences && begin + len <= b->room_tokens);

    memcpy(b->items + begin, items + (n - len), (size_t) len * sizeof *items);
    for (int i = 0; i < len; i++) {
        b->users[begin + i] = user;
        b->positions[begin + i] = max_len - len + i;
    }
    b->tokens += len;
    b->last[b->sequences] = b->tokens - 1;
    b->sequences++;
    b->offsets[b->sequences] = b->tokens; /* offsets[0] is 0 from the start */
    return begin;
}

int twi_train_rows(const tw_seq_config *cfg, int64_t train)
{
    int64_t steps = train - 1;
    if (steps < 1)
        return 0;
    return steps < cfg->max_len ? (int) steps : cfg->max_len;
}

static int32_t any(tw_rng *rng, int32_t n) { return 1 + (int32_t) tw_rng_below(rng, (uint64_t) n); }

/* A uniform item that is not marked. Where nearly all are, the last of 64 draws stands, marked or
 * not: one wrong negative is better than no end. */
static int32_t unmarked(tw_rng *rng, const int32_t *mark, int32_t stamp, int32_t n_items)
{
    int32_t item = any(rng, n_items);
    for (int tries = 1; tries < 64 && mark[item] == stamp; tries++)
        item = any(rng, n_items);
    return item;
}

static int32_t train_user(const tw_seq_model *m, int32_t user, tw_rng *rng)
{
    if (tw_rng_uniform(rng) < m->cfg.unknown_user)
        return 0;
    return tw_rng_uniform(rng) < m->cfg.sse_user ? any(rng, m->n_users) : user;
}

static void add_negatives(twi_batch *b, int begin, const tw_seq_model *m, const int32_t *items,
                          int64_t n, tw_rng *rng, int32_t *mark, int32_t stamp)
{
    int k = m->cfg.negatives;

    for (int64_t i = 0; i < n; i++)
        mark[items[i]] = stamp;
    for (int64_t i = (int64_t) begin * k; i < (int64_t) b->tokens * k; i++)
        b->negatives[i] = unmarked(rng, mark, stamp, m->n_items);
}

/* Items of one time came together, in an unknown order: every order is as true. */
static void shuffle_ties(int32_t *items, const bool *tied, int64_t n, tw_rng *rng)
{
    for (int64_t begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && tied[end];)
            end++;
        if (end - begin > 1)
            tw_rng_shuffle(rng, items + begin, end - begin);
    }
}

/* An item that is no candidate (seq_negatives.c) must not be a target either. */
static int32_t replaced(const tw_seq_model *m, int32_t target, tw_rng *rng)
{
    int32_t other = any(rng, m->n_items);
    return m->known == NULL || m->known[other] ? other : target;
}

void twi_batch_add_train(twi_batch *b, const tw_seq_model *m, const tw_seq_data *data, int32_t user,
                         tw_rng *rng, int32_t *mark, int32_t stamp)
{
    const tw_seq_config *c = &m->cfg;
    const int32_t *items = tw_seq_data_items(data, user);
    int64_t n = tw_seq_data_train_length(data, user);
    int rows = twi_train_rows(c, n);
    int64_t start = n - 1 - rows; /* 0 unless the history is longer than max_len */
    bool from_one = c->loss == TW_SEQ_CE && !twi_has_candidates(c); /* softmax from row 1 on */
    assert(rows > 0);

    if (start > 0 && tw_rng_uniform(rng) < c->window)
        start = (int64_t) tw_rng_below(rng, (uint64_t) start + 1);
    memcpy(b->order, items + start, ((size_t) rows + 1) * sizeof *items);
    if (tw_rng_uniform(rng) < c->shuffle_ties)
        shuffle_ties(b->order, data->tied + (items - data->items) + start, rows + 1, rng);
    int begin = twi_batch_add(b, c->max_len, train_user(m, user, rng), b->order, rows);
    if (b->seen.from != NULL)
        twi_seen_add(b, items, start, b->order);

    for (int i = 0; i < rows; i++) {
        int32_t target = b->order[i + 1];
        if (tw_rng_uniform(rng) < c->sse_item_input)
            b->items[begin + i] = any(rng, m->n_items);
        if (tw_rng_uniform(rng) < c->sse_item_target)
            target = replaced(m, target, rng);
        b->targets[begin + i] = from_one ? target - 1 : target;
    }
    if (b->negatives != NULL)
        add_negatives(b, begin, m, items, n, rng, mark, stamp);
}
