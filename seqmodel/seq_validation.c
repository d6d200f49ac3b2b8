/* seqmodel/seq_validation.c — what a training measures after its epochs. */
#include "base/alloc.h"
#include "seqmodel/seq_candidates.h"

#define SEEN_FROM 0.05 /* share of the validation targets that were met before */

static tw_status repeats_of_targets(double *share, const tw_seq_data *data, tw_error *err)
{
    int64_t users = 0, repeats = 0;
    int32_t *met_by = tw_alloc((size_t) data->n_items + 1, sizeof *met_by);

    if (met_by == NULL)
        return tw_fail(err, TW_ENOMEM, "marks of %d items", data->n_items);
    for (int32_t u = 1; u <= data->n_users; u++) {
        const int32_t *items = tw_seq_data_items(data, u);
        const int64_t n = tw_seq_data_target(data, TW_SEQ_VALID, u);
        if (n < 0)
            continue;
        (void) twi_mark_all(met_by, u, items, n);
        repeats += met_by[items[n]] == u;
        users++;
    }
    tw_free(met_by);
    *share = users > 0 ? (double) repeats / (double) users : 0;
    return TW_OK;
}

tw_status tw_seq_validation(tw_seq_eval_config *out, const tw_seq_config *cfg,
                            const tw_seq_data *data, tw_error *err)
{
    double repeats = 0;
    *out = (tw_seq_eval_config){
        .split = TW_SEQ_VALID,
        .protocol = cfg->select_on == TW_SEQ_SELECT_SAMPLED ? TW_SEQ_SAMPLED100 : TW_SEQ_FULL,
        .seed = cfg->seed,
        .threads = cfg->threads};
    if (cfg->exclude_seen != 0)
        return TW_OK;
    tw_status st = repeats_of_targets(&repeats, data, err);
    out->seen = repeats >= SEEN_FROM;
    return st;
}
