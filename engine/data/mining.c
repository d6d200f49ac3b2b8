/* What was liked together, kept apart by users. */
#include "engine/data/mining.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

/* Which users a part of the split holds, by the last digit of their hash. */
typedef struct user_range {
    int first, last; /* 0..9 */
    int64_t seed;
} user_range;

static bool belongs(const user_range *p, int64_t user)
{
    tw_rng rng; /* a hash of (seed, user): adding users moves no other */
    tw_rng_seed3(&rng, (uint64_t) p->seed, (uint64_t) user, 0);
    int digit = (int) tw_rng_below(&rng, 10);
    return digit >= p->first && digit <= p->last;
}

#define LIKED 0.8 /* of the highest rating: 4 of 5, 8 of 10 */

static bool liked(const twi_events *log, int64_t i)
{
    return isnan(log->ratings[i]) || log->ratings[i] >= LIKED * log->most;
}

/* What these users liked, each history a run of positions in the catalogue. */
typedef struct runs {
    int32_t *items;
    int64_t *offsets, users;
} runs;

static tw_status histories(const twi_catalogue *c, const twi_events *log, const user_range *users,
                           runs *out, tw_error *err)
{
    int64_t n = 0;
    *out = (runs){.items = tw_alloc((size_t) log->n, sizeof *out->items),
                  .offsets = tw_alloc((size_t) log->n + 1, sizeof *out->offsets)};
    if (out->items == NULL || out->offsets == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld events", (long long) log->n);
    for (int64_t i = 0; i < log->n; i++) {
        if (belongs(users, log->users[i]) && liked(log, i) && log->items[i] <= c->max_row &&
            c->position[log->items[i]] >= 0)
            out->items[n++] = c->position[log->items[i]];
        bool last = i + 1 == log->n || log->users[i + 1] != log->users[i];
        if (last && n > out->offsets[out->users])
            out->offsets[++out->users] = n;
    }
    return TW_OK;
}

/* Appends the pairs of one part of the users; *count of them. */
static tw_status mine_part(const twi_catalogue *c, const twi_events *log, const user_range *users,
                           const tw_mine_config *cfg, twi_tower_split *out, int64_t *count,
                           tw_error *err)
{
    tw_status st = TW_OK;
    runs r = {0};
    tw_item_pair *pairs = NULL, *all;

    *count = 0;
    TW_TRY(histories(c, log, users, &r, err));
    TW_TRY(tw_mine_events(&pairs, count, r.items, r.offsets, r.users, c->n, cfg, err));
    all = tw_realloc(out->pairs, (size_t) (out->n + *count), sizeof *all);
    if (all == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld pairs", (long long) (out->n + *count));
        goto done;
    }
    if (*count > 0)
        memcpy(all + out->n, pairs, (size_t) *count * sizeof *all);
    out->pairs = all;
    out->n += *count;
done:
    tw_free(pairs);
    tw_free(r.items);
    tw_free(r.offsets);
    return st;
}

tw_status twi_mine(const twi_catalogue *c, const twi_events *log, const tw_mine_config *cfg,
                   int64_t seed, twi_tower_split *out, tw_error *err)
{
    tw_status st = TW_OK;
    const user_range train = {0, 5, seed}, valid = {6, 7, seed}, test = {8, 9, seed};

    *out = (twi_tower_split){.apart = true};
    TW_TRY(mine_part(c, log, &train, cfg, out, &out->parts.train, err));
    TW_TRY(mine_part(c, log, &valid, cfg, out, &out->parts.valid, err));
    TW_TRY(mine_part(c, log, &test, cfg, out, &out->parts.test, err));
done:
    return st;
}
