/* seqmodel/seq_candidates.c — the items that a target is ranked against where they are
 * not the whole catalogue.
 *
 * A user's list comes from a stream of its own, (seed, user), so it is the same whatever else is
 * evaluated, by how many threads, in which order. Its hash stands in reports, to show that two
 * evaluations had the same lists.
 */
#include "seqmodel/seq_candidates.h"
#include "base/hash.h"
#include "seqmodel/seq_stream.h"

int64_t twi_mark_all(int32_t *mark, int32_t stamp, const int32_t *items, int64_t n)
{
    int64_t fresh = 0;
    for (int64_t i = 0; i < n; i++) {
        fresh += mark[items[i]] != stamp;
        mark[items[i]] = stamp;
    }
    return fresh;
}

/* Distinct items outside the whole history, or but the target; all of them where they are 100 at
 * most. */
static int draw_sampled(int32_t *list, const tw_seq_data *data, const tw_seq_eval_config *cfg,
                        int32_t user, int32_t *mark, int32_t stamp)
{
    int n = 0;
    int32_t n_items = data->n_items;
    const int32_t *items = tw_seq_data_items(data, user);
    const int32_t *out = cfg->seen ? items + tw_seq_data_target(data, cfg->split, user) : items;
    int64_t left =
        n_items - twi_mark_all(mark, stamp, out, cfg->seen ? 1 : tw_seq_data_length(data, user));

    if (left <= TWI_NEGATIVES) {
        for (int32_t i = 1; i <= n_items; i++)
            if (mark[i] != stamp)
                list[n++] = i;
        return n;
    }
    tw_rng rng = twi_stream(cfg->seed, TWI_STREAM_SAMPLED, (uint64_t) user, 0);
    while (n < TWI_NEGATIVES) {
        int32_t item = 1 + (int32_t) tw_rng_below(&rng, (uint64_t) n_items);
        if (mark[item] == stamp)
            continue;
        mark[item] = stamp;
        list[n++] = item;
    }
    return n;
}

/* With replacement, outside the train part alone, or from all: the target itself may come. */
static int draw_as_authors(int32_t *list, const tw_seq_data *data, const tw_seq_eval_config *cfg,
                           int32_t user, int32_t *mark, int32_t stamp)
{
    int n = 0;
    int32_t n_items = data->n_items;

    if (!cfg->seen && twi_mark_all(mark, stamp, tw_seq_data_items(data, user),
                                   tw_seq_data_train_length(data, user)) == n_items)
        return 0; /* nothing to draw */
    tw_rng rng =
        twi_stream(cfg->seed, TWI_STREAM_AUTHORS, (uint64_t) user, 1 + (uint64_t) cfg->split);
    while (n < TWI_NEGATIVES) {
        int32_t item = 1 + (int32_t) tw_rng_below(&rng, (uint64_t) n_items);
        if (mark[item] != stamp)
            list[n++] = item;
    }
    return n;
}

int twi_candidates(int32_t *list, const tw_seq_data *data, const tw_seq_eval_config *cfg,
                   int32_t user, int32_t *mark, int32_t stamp)
{
    list[0] = tw_seq_data_items(data, user)[tw_seq_data_target(data, cfg->split, user)];
    return 1 + (cfg->protocol == TW_SEQ_SAMPLED100
                    ? draw_sampled(list + 1, data, cfg, user, mark, stamp)
                    : draw_as_authors(list + 1, data, cfg, user, mark, stamp));
}

/* Low byte first, whatever the machine's own order. */
static uint64_t hash_int(uint64_t h, uint32_t v)
{
    const unsigned char bytes[4] = {(unsigned char) v, (unsigned char) (v >> 8),
                                    (unsigned char) (v >> 16), (unsigned char) (v >> 24)};
    return tw_fnv1a(h, bytes, sizeof bytes);
}

uint64_t twi_hash_list(uint64_t h, int32_t user, const int32_t *list, int n)
{
    h = hash_int(hash_int(h, (uint32_t) user), (uint32_t) n);
    for (int i = 0; i < n; i++)
        h = hash_int(h, (uint32_t) list[i]);
    return h;
}

uint64_t twi_hash_hashes(const uint64_t *hashes, int64_t n)
{
    uint64_t h = TW_FNV_START;
    for (int64_t i = 0; i < n; i++)
        h = hash_int(hash_int(h, (uint32_t) hashes[i]), (uint32_t) (hashes[i] >> 32));
    return h;
}
