/* seqmodel/seq_metrics.c — ranks into figures. */
#include <math.h>
#include <string.h>

#include "metrics/mean.h"
#include "metrics/ranking.h"
#include "seqmodel/seq_metrics.h"

enum { AT_10 = 2 }; /* where 10 stands in tw_seq_cuts */

const int tw_seq_cuts[TW_SEQ_CUTS] = {1, 5, 10, 20};

void twi_metrics(tw_seq_metrics *out, const twi_rank *ranks, int64_t n)
{
    double gains_squared = 0;

    memset(out, 0, sizeof *out);
    for (int64_t i = 0; i < n; i++) {
        double rank = 1 + (double) ranks[i].above;
        double gain = tw_rank_gain(rank);

        out->repeats += ranks[i].repeat;
        if (ranks[i].missed) /* 0 in every sum */
            continue;
        for (int c = 0; c < TW_SEQ_CUTS && rank <= tw_seq_cuts[TW_SEQ_CUTS - 1]; c++) {
            if (rank > tw_seq_cuts[c])
                continue;
            out->hr[c] += 1;
            out->ndcg[c] += gain;
            out->mrr[c] += 1 / rank;
        }
        if (rank <= tw_seq_cuts[AT_10])
            gains_squared += gain * gain;
        out->auc += ranks[i].competitors == 0
                        ? 1
                        : 1 - (double) ranks[i].above / (double) ranks[i].competitors;
    }
    out->users = n;
    /* A hit is 0 or 1, so the sum of squares is the sum. */
    out->hr10_se = tw_standard_error(out->hr[AT_10], out->hr[AT_10], n);
    out->ndcg10_se = tw_standard_error(out->ndcg[AT_10], gains_squared, n);
    for (int c = 0; c < TW_SEQ_CUTS; c++) {
        out->hr[c] /= (double) n;
        out->ndcg[c] /= (double) n;
        out->mrr[c] /= (double) n;
    }
    out->auc /= (double) n;
}

static tw_status add_lists(const tw_seq_list_metrics *x, tw_text *out, tw_error *err)
{
    return tw_text_addf(out, err,
                        ", \"coverage_at_%d\": %.6f, \"gini_at_%d\": %.6f, \"popularity_at_%d\": "
                        "%.6f, \"novelty_at_%d\": %.6f, \"diversity_at_%d\": %.6f",
                        TW_SEQ_TOP, x->coverage, TW_SEQ_TOP, x->gini, TW_SEQ_TOP, x->popularity,
                        TW_SEQ_TOP, x->novelty, TW_SEQ_TOP, x->diversity);
}

tw_status tw_seq_metrics_to_json(const tw_seq_metrics *x, tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(tw_text_addf(out, err, "{\"users\": %lld, \"repeats\": %lld, \"repeat_share\": %.6f",
                        (long long) x->users, (long long) x->repeats,
                        x->users > 0 ? (double) x->repeats / (double) x->users : 0));
    for (int c = 0; c < TW_SEQ_CUTS; c++) {
        int k = tw_seq_cuts[c];
        TW_TRY(tw_text_addf(out, err, ", \"hr_at_%d\": %.6f, \"ndcg_at_%d\": %.6f", k, x->hr[c], k,
                            x->ndcg[c]));
        TW_TRY(tw_text_addf(out, err, ", \"mrr_at_%d\": %.6f, \"recall_at_%d\": %.6f", k, x->mrr[c],
                            k, x->hr[c]));
        TW_TRY(tw_text_addf(out, err, ", \"precision_at_%d\": %.6f", k, x->hr[c] / k));
    }
    TW_TRY(tw_text_addf(out, err, ", \"auc\": %.6f, \"hr_at_10_se\": %.6f, \"ndcg_at_10_se\": %.6f",
                        x->auc, x->hr10_se, x->ndcg10_se));
    if (x->lists_hash != 0)
        TW_TRY(tw_text_addf(out, err, ", \"lists_hash\": \"%016llx\"",
                            (unsigned long long) x->lists_hash));
    if (x->top.lists > 0)
        TW_TRY(add_lists(&x->top, out, err));
    TW_TRY(tw_text_adds(out, "}", err));
done:
    return st;
}
