/* seqmodel/seq_metrics.c — ranks into figures. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "metrics/mean.h"
#include "metrics/ranking.h"
#include "seqmodel/seq_metrics.h"

enum { AT_10 = 2 }; /* where 10 stands in tw_seq_cuts */

const int tw_seq_cuts[TW_SEQ_CUTS] = {1, 5, 10, 20};
const char *const tw_seq_protocol_names[] = {"full", "sampled100", "authors", NULL};
const char *const tw_seq_split_names[] = {"valid", "test", NULL};

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

/* Six digits behind the point: more would be noise, and differ between machines. */
static json_t *figure(double x) { return json_real(round(x * 1e6) / 1e6); }

/* "NAME_at_K"; 0, or -1 without memory. */
static int set_at(json_t *to, const char *name, int k, double x)
{
    char key[48];
    (void) snprintf(key, sizeof key, "%s_at_%d", name, k);
    return json_object_set_new(to, key, figure(x));
}

static int set_lists(json_t *to, const tw_seq_list_metrics *x)
{
    return set_at(to, "coverage", TW_SEQ_TOP, x->coverage) |
           set_at(to, "gini", TW_SEQ_TOP, x->gini) |
           set_at(to, "popularity", TW_SEQ_TOP, x->popularity) |
           set_at(to, "novelty", TW_SEQ_TOP, x->novelty) |
           set_at(to, "diversity", TW_SEQ_TOP, x->diversity);
}

static int set_cut(json_t *to, const tw_seq_metrics *x, int c)
{
    const int k = tw_seq_cuts[c];
    return set_at(to, "hr", k, x->hr[c]) | set_at(to, "ndcg", k, x->ndcg[c]) |
           set_at(to, "mrr", k, x->mrr[c]) | set_at(to, "recall", k, x->hr[c]) |
           set_at(to, "precision", k, x->hr[c] / k);
}

json_t *tw_seq_metrics_json(const tw_seq_metrics *x)
{
    json_t *to = json_object();
    const double repeats = x->users > 0 ? (double) x->repeats / (double) x->users : 0;
    char hash[20];

    int lost = json_object_set_new(to, "users", json_integer(x->users)) |
               json_object_set_new(to, "repeats", json_integer(x->repeats)) |
               json_object_set_new(to, "repeat_share", figure(repeats));
    for (int c = 0; c < TW_SEQ_CUTS; c++)
        lost |= set_cut(to, x, c);
    lost |= json_object_set_new(to, "auc", figure(x->auc)) |
            json_object_set_new(to, "hr_at_10_se", figure(x->hr10_se)) |
            json_object_set_new(to, "ndcg_at_10_se", figure(x->ndcg10_se));
    (void) snprintf(hash, sizeof hash, "%016llx", (unsigned long long) x->lists_hash);
    if (x->lists_hash != 0)
        lost |= json_object_set_new(to, "lists_hash", json_string(hash));
    if (x->top.lists > 0)
        lost |= set_lists(to, &x->top);
    if (lost != 0) {
        json_decref(to);
        return NULL;
    }
    return to;
}
