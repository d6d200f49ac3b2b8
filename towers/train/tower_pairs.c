/* Pairs: an item's partners, and what is held out of training. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "towers/towers.h"

/* ---- splitting ------------------------------------------------------------------------------- */

enum part { TRAIN, VALID, TEST, COLD, PARTS };

/* SplitMix64's finisher: every bit of h moves every bit of the result. */
static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9U;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebU;
    return h ^ (h >> 31);
}

/* A uniform number in [0, 1) that depends on nothing but its arguments. */
static double draw(int64_t seed, uint32_t salt, int32_t x, int32_t y)
{
    uint64_t h = mix((uint64_t) seed + 0x9e3779b97f4a7c15U * salt);
    h = mix(h ^ (((uint64_t) (uint32_t) x << 32) | (uint32_t) y));
    return (double) (h >> 11) * 0x1p-53;
}

static enum part part_of(const tw_split_config *cfg, int32_t a, int32_t b)
{
    if (draw(cfg->seed, 1, a, 0) < cfg->cold || draw(cfg->seed, 1, b, 0) < cfg->cold)
        return COLD;
    double u = draw(cfg->seed, 2, a < b ? a : b, a < b ? b : a);
    return u < cfg->valid ? VALID : u < cfg->valid + cfg->test ? TEST : TRAIN;
}

static tw_status check_split(const tw_split_config *cfg, tw_error *err)
{
    const double shares[3] = {cfg->valid, cfg->test, cfg->cold};
    for (int i = 0; i < 3; i++)
        if (!(shares[i] >= 0 && shares[i] <= 0.5))
            return tw_fail(err, TW_EINVAL, "held-out share %g is outside 0..0.5", shares[i]);
    return TW_OK;
}

/* Stable counting sort of n rows of `size` bytes, which begin with the two items. */
static tw_status split_rows(void *rows, int64_t n, size_t size, const tw_split_config *cfg,
                            tw_split *out, tw_error *err)
{
    char *from = rows, *sorted = NULL;
    int64_t counts[PARTS] = {0}, at[PARTS] = {0};

    *out = (tw_split){0};
    tw_status st = check_split(cfg, err);
    if (st != TW_OK)
        return st;
    sorted = tw_alloc((size_t) n, size);
    if (sorted == NULL)
        return tw_fail(err, TW_ENOMEM, "splitting %lld rows", (long long) n);
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t k = 0; k < n; k++) {
            const char *row = from + (size_t) k * size;
            int32_t ab[2];
            memcpy(ab, row, sizeof ab);
            enum part p = part_of(cfg, ab[0], ab[1]);
            if (pass == 0)
                counts[p]++;
            else
                memcpy(sorted + (size_t) at[p]++ * size, row, size);
        }
        for (int p = 1; p < PARTS && pass == 0; p++)
            at[p] = at[p - 1] + counts[p - 1];
    }
    memcpy(rows, sorted, (size_t) n * size);
    tw_free(sorted);
    *out = (tw_split){counts[TRAIN], counts[VALID], counts[TEST], counts[COLD]};
    return TW_OK;
}

_Static_assert(offsetof(tw_item_pair, a) == 0 && offsetof(tw_item_pair, b) == 4 &&
                   offsetof(tw_item_triplet, anchor) == 0 &&
                   offsetof(tw_item_triplet, positive) == 4,
               "split_rows reads the two items from the start of a row");

tw_status tw_pairs_split(tw_item_pair *pairs, int64_t n, const tw_split_config *cfg, tw_split *out,
                         tw_error *err)
{
    return split_rows(pairs, n, sizeof *pairs, cfg, out, err);
}

tw_status tw_triplets_split(tw_item_triplet *triplets, int64_t n, const tw_split_config *cfg,
                            tw_split *out, tw_error *err)
{
    return split_rows(triplets, n, sizeof *triplets, cfg, out, err);
}
