/* What rankings are worth: recall, NDCG, MRR, MAP, nearest-neighbour classes. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "metrics/mean.h"
#include "metrics/ranking.h"

enum { RECALL, PRECISION, HIT_RATE, NDCG, MRR, MAP, FIGURES };

double tw_rank_gain(double rank) { return 1 / log2(1 + rank); }

tw_status tw_ranked_check_k(const tw_ranked *lists, int k, tw_error *err)
{
    if (k < 1 || k > lists->k)
        return tw_fail(err, TW_EINVAL, "measuring at %d: the lists hold %d", k, lists->k);
    return TW_OK;
}

static void score_list(double *out, size_t stride, const unsigned char *hit, int k, int64_t n_right)
{
    const int64_t most = n_right < k ? n_right : k;
    double found = 0, gain = 0, ideal = 0, precisions = 0, first = 0;

    for (int j = 0; j < k; j++) {
        const double discount = tw_rank_gain(j + 1);
        if (j < most)
            ideal += discount;
        if (!hit[j])
            continue;
        found++;
        gain += discount;
        precisions += found / (j + 1);
        if (first == 0)
            first = 1.0 / (j + 1);
    }
    out[RECALL * stride] = found / (double) n_right;
    out[PRECISION * stride] = found / k;
    out[HIT_RATE * stride] = found > 0;
    out[NDCG * stride] = gain / ideal;
    out[MRR * stride] = first;
    out[MAP * stride] = precisions / (double) most;
}

tw_status tw_ranking_measure(tw_ranking *out, const tw_ranked *lists, int k, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t Q = (size_t) lists->queries;
    double *figures = NULL;
    int64_t n = 0;

    *out = (tw_ranking){.k = k};
    TW_TRY(tw_ranked_check_k(lists, k, err));
    figures = tw_alloc(Q, FIGURES * sizeof *figures);
    if (figures == NULL) {
        st = tw_fail(err, TW_ENOMEM, "figures of %zu queries", Q);
        goto done;
    }
    for (size_t q = 0; q < Q; q++)
        if (lists->n_right[q] > 0)
            score_list(figures + n++, Q, lists->hit + q * (size_t) lists->k, k, lists->n_right[q]);
    out->recall = tw_mean_of(figures + RECALL * Q, n);
    out->precision = tw_mean_of(figures + PRECISION * Q, n);
    out->hit_rate = tw_mean_of(figures + HIT_RATE * Q, n);
    out->ndcg = tw_mean_of(figures + NDCG * Q, n);
    out->mrr = tw_mean_of(figures + MRR * Q, n);
    out->map = tw_mean_of(figures + MAP * Q, n);
done:
    tw_free(figures);
    return st;
}

/* The class that most of the list have; the first to be met wins among equals. -1: an empty list.
 */
static int32_t vote(const int32_t *place, const int32_t *pool_class, int k)
{
    int32_t best = -1;
    int most = 0;

    for (int j = 0; j < k && place[j] >= 0; j++) {
        int votes = 0;
        for (int i = j; i < k && place[i] >= 0; i++)
            votes += pool_class[place[i]] == pool_class[place[j]];
        if (votes > most) {
            most = votes;
            best = pool_class[place[j]];
        }
    }
    return best;
}

tw_status tw_knn_measure(tw_mean *out, const tw_ranked *lists, const tw_rank_task *task, int k,
                         tw_error *err)
{
    tw_status st = TW_OK;
    double *right = NULL;
    int64_t n = 0;

    *out = (tw_mean){.mean = (double) NAN, .se = (double) NAN};
    TW_TRY(tw_ranked_check_k(lists, k, err));
    if (task->query_class == NULL || task->pool_class == NULL) {
        st = tw_fail(err, TW_EINVAL, "nearest-neighbour accuracy needs classes");
        goto done;
    }
    right = tw_alloc((size_t) lists->queries, sizeof *right);
    if (right == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld answers", (long long) lists->queries);
        goto done;
    }
    for (int64_t q = 0; q < lists->queries; q++) {
        const int32_t *place = lists->place + (size_t) q * (size_t) lists->k;
        if (task->query_class[q] >= 0)
            right[n++] = vote(place, task->pool_class, k) == task->query_class[q];
    }
    *out = tw_mean_of(right, n);
done:
    tw_free(right);
    return st;
}
