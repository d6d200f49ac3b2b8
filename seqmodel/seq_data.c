/* seqmodel/seq_data.c — events in, histories out. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "seqmodel/seq_stream.h"
#include "seqmodel/seqmodel.h"

typedef struct event {
    int64_t time;
    int64_t order; /* as given: settles equal times, so that the sort is stable */
    int32_t item;
} event;

static int by_time(const void *a, const void *b)
{
    const event *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static tw_status check(int32_t n_users, int32_t n_items, const int32_t *users, const int32_t *items,
                       int64_t n, tw_error *err)
{
    if (n_users < 1 || n_items < 1 || n_users == INT32_MAX || n_items == INT32_MAX)
        return tw_fail(err, TW_EINVAL, "%d users and %d items: both must be in 1..%d", n_users,
                       n_items, INT32_MAX - 1);
    if (n < 0)
        return tw_fail(err, TW_EINVAL, "%lld events", (long long) n);
    for (int64_t i = 0; i < n; i++) {
        if (users[i] < 1 || users[i] > n_users)
            return tw_fail(err, TW_EINVAL, "event %lld: user %d is outside 1..%d", (long long) i,
                           users[i], n_users);
        if (items[i] < 1 || items[i] > n_items)
            return tw_fail(err, TW_EINVAL, "event %lld: item %d is outside 1..%d", (long long) i,
                           items[i], n_items);
    }
    return TW_OK;
}

/* Counting sort by user: offsets become the starts, events lie in the order given within a user. */
static void group(tw_seq_data *d, event *grouped, const int32_t *users, const int32_t *items,
                  const int64_t *times, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        d->offsets[users[i]]++;
    for (int32_t u = 1; u <= d->n_users; u++)
        d->offsets[u] += d->offsets[u - 1];
    /* From the last event down, offsets[u] falls from the user's end to the user's start ... */
    for (int64_t i = n; i-- > 0;) {
        int64_t at = --d->offsets[users[i]];
        grouped[at] = (event){.time = times == NULL ? i : times[i], .order = i, .item = items[i]};
    }
    /* ... and starts are what the layout wants one place further down. */
    memmove(d->offsets, d->offsets + 1, (size_t) d->n_users * sizeof *d->offsets);
    d->offsets[d->n_users] = n;
}

tw_status tw_seq_data_create(tw_seq_data **out, int32_t n_users, int32_t n_items,
                             const int32_t *users, const int32_t *items, const int64_t *times,
                             int64_t n, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_data *d = NULL;
    event *grouped = NULL;

    *out = NULL;
    TW_TRY(check(n_users, n_items, users, items, n, err));

    d = tw_alloc(1, sizeof *d);
    grouped = tw_alloc((size_t) n, sizeof *grouped);
    if (d == NULL || grouped == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld events", (long long) n);
        goto done;
    }
    d->n_users = n_users;
    d->n_items = n_items;
    d->offsets = tw_alloc((size_t) n_users + 1, sizeof *d->offsets);
    d->items = tw_alloc((size_t) n, sizeof *d->items);
    d->tied = tw_alloc((size_t) n, sizeof *d->tied);
    if (d->offsets == NULL || d->items == NULL || d->tied == NULL) {
        st = tw_fail(err, TW_ENOMEM, "histories of %lld events", (long long) n);
        goto done;
    }

    group(d, grouped, users, items, times, n);
    for (int32_t u = 1; u <= n_users; u++)
        qsort(grouped + d->offsets[u - 1], (size_t) tw_seq_data_length(d, u), sizeof *grouped,
              by_time);
    for (int64_t i = 0; i < n; i++) {
        d->items[i] = grouped[i].item;
        d->tied[i] = i > 0 && grouped[i].time == grouped[i - 1].time;
    }
    for (int32_t u = 1; u <= n_users; u++) /* a user's first item follows none */
        if (tw_seq_data_length(d, u) > 0)
            d->tied[d->offsets[u - 1]] = false;

    *out = d;
    d = NULL;
done:
    tw_free(grouped);
    tw_seq_data_destroy(d);
    return st;
}

void tw_seq_data_destroy(tw_seq_data *data)
{
    if (data == NULL)
        return;
    tw_free(data->offsets);
    tw_free(data->items);
    tw_free(data->tied);
    tw_free(data->cuts);
    tw_free(data);
}

int64_t tw_seq_data_length(const tw_seq_data *data, int32_t user)
{
    return data->offsets[user] - data->offsets[user - 1];
}

const int32_t *tw_seq_data_items(const tw_seq_data *data, int32_t user)
{
    return data->items + data->offsets[user - 1];
}

int64_t tw_seq_data_train_length(const tw_seq_data *data, int32_t user)
{
    int64_t n = tw_seq_data_length(data, user);
    if (data->cuts != NULL)
        return data->cuts[user].train;
    return n < 3 ? n : n - 2;
}

int64_t tw_seq_data_target(const tw_seq_data *data, tw_seq_split split, int32_t user)
{
    int64_t n = tw_seq_data_length(data, user);
    if (data->cuts != NULL)
        return split == TW_SEQ_VALID ? data->cuts[user].valid : data->cuts[user].test;
    return n < 3 ? -1 : n - (split == TW_SEQ_VALID ? 2 : 1);
}

static bool is_target(int64_t at, const tw_seq_cut *cut, int64_t n)
{
    return at == -1 || (at >= 1 && at >= cut->train && at < n);
}

tw_status tw_seq_data_set_cuts(tw_seq_data *data, const tw_seq_cut *cuts, tw_error *err)
{
    const size_t rows = (size_t) data->n_users + 1;

    for (int32_t u = 1; u <= data->n_users; u++) {
        const tw_seq_cut *c = &cuts[u];
        const int64_t n = tw_seq_data_length(data, u);
        if (c->train < 0 || c->train > n || !is_target(c->valid, c, n) ||
            !is_target(c->test, c, n)) {
            return tw_fail(err, TW_EINVAL,
                           "user %d: %lld items trained on and targets at %lld and %lld do not fit "
                           "a history of %lld",
                           u, (long long) c->train, (long long) c->valid, (long long) c->test,
                           (long long) n);
        }
    }
    tw_seq_cut *copy = tw_alloc(rows, sizeof *copy);
    if (copy == NULL)
        return tw_fail(err, TW_ENOMEM, "cuts of %d histories", data->n_users);
    memcpy(copy, cuts, rows * sizeof *copy);
    tw_free(data->cuts);
    data->cuts = copy;
    return TW_OK;
}

tw_status tw_seq_data_repeats(const tw_seq_data *data, double *share, tw_error *err)
{
    const int64_t n = data->offsets[data->n_users];
    int64_t repeats = 0;
    int32_t *met_by = tw_alloc((size_t) data->n_items + 1, sizeof *met_by);

    if (met_by == NULL)
        return tw_fail(err, TW_ENOMEM, "marks of %d items", data->n_items);
    for (int32_t u = 1; u <= data->n_users; u++) {
        const int32_t *items = tw_seq_data_items(data, u);
        for (int64_t i = 0; i < tw_seq_data_length(data, u); i++) {
            repeats += met_by[items[i]] == u;
            met_by[items[i]] = u;
        }
    }
    tw_free(met_by);
    *share = n > 0 ? (double) repeats / (double) n : 0;
    return TW_OK;
}

static void mark_share(bool *held, int32_t n, double share, tw_rng *rng)
{
    held[0] = false;
    for (int32_t i = 1; i <= n; i++)
        held[i] = tw_rng_uniform(rng) < share;
}

/* An item is tied to the kept one before it if no time passed at any item between them. */
static void copy_kept(tw_seq_data *out, const tw_seq_data *data, const bool *held_users,
                      const bool *held_items)
{
    int64_t at = 0;
    for (int32_t u = 1; u <= data->n_users; u++) {
        int64_t begin = data->offsets[u - 1], end = held_users[u] ? begin : data->offsets[u];
        bool tied = false; /* with the kept item before */
        for (int64_t i = begin; i < end; i++) {
            tied = tied && data->tied[i];
            if (held_items[data->items[i]])
                continue;
            out->items[at] = data->items[i];
            out->tied[at++] = tied;
            tied = true;
        }
        out->offsets[u] = at;
    }
}

tw_status tw_seq_data_hold_out(tw_seq_data **out, const tw_seq_data *data, double users,
                               double items, int64_t seed, bool *held_users, bool *held_items,
                               tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_data *d = NULL;
    tw_rng rng = twi_stream(seed, TWI_STREAM_HELD, 0, 0);
    size_t n = (size_t) data->offsets[data->n_users];

    *out = NULL;
    if (!(users >= 0 && users < 1 && items >= 0 && items < 1)) {
        st = tw_fail(err, TW_EINVAL, "shares %g and %g to hold out: both must be in [0, 1)", users,
                     items);
        goto done;
    }
    d = tw_alloc(1, sizeof *d);
    if (d != NULL) {
        *d = (tw_seq_data){.n_users = data->n_users, .n_items = data->n_items};
        d->offsets = tw_alloc((size_t) data->n_users + 1, sizeof *d->offsets);
        d->items = tw_alloc(n, sizeof *d->items);
        d->tied = tw_alloc(n, sizeof *d->tied);
    }
    if (d == NULL || d->offsets == NULL || d->items == NULL || d->tied == NULL) {
        st = tw_fail(err, TW_ENOMEM, "a copy of %zu events", n);
        goto done;
    }
    mark_share(held_users, data->n_users, users, &rng);
    mark_share(held_items, data->n_items, items, &rng);
    copy_kept(d, data, held_users, held_items);
    *out = d;
    d = NULL;
done:
    tw_seq_data_destroy(d);
    return st;
}
