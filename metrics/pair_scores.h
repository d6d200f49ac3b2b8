/* metrics/pair_scores.h — how good the scores of labelled pairs are: a label of at least 0.5 is a
 * positive.
 *
 *     TW_TRY(tw_pairs_cosines(score, vecs, n, dim, pairs, n_pairs, err));
 *     TW_TRY(tw_threshold_choose(&t, valid_score, valid_label, n_valid, TW_BY_F1, err));
 *     tw_decisions d = tw_threshold_apply(t, score, label, n_pairs);
 *
 * Scores are compared as float32, which is what vectors are made of: two that differ in their last
 * digits as double are one threshold and share a rank.
 */
#ifndef TW_METRICS_PAIR_SCORES_H
#define TW_METRICS_PAIR_SCORES_H

#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"
#include "base/types.h"

TW_BEGIN_DECLS

/* out (n_pairs): cosines. Rows need not be of unit length, and those of float32 never quite are: so
 * the same two vectors have cosine 1, whatever they are. 0 of a zero row. TW_EINVAL: a pair names
 * no item. */
TW_NODISCARD tw_status tw_pairs_cosines(double *out, const float *vecs, int64_t n, int dim,
                                        const tw_item_pair *pairs, int64_t n_pairs, tw_error *err);

/* P(score of a positive > score of a negative) + half the ties. NAN without both kinds. TW_ENOMEM.
 * Source: Mann and Whitney 1947. */
TW_NODISCARD tw_status tw_scores_auc(double *out, const double *score, const float *label,
                                     int64_t n, tw_error *err);

/* Sum over thresholds of (rise of recall) * precision; equal scores are one threshold. NAN without
 * positives. TW_ENOMEM. */
TW_NODISCARD tw_status tw_scores_average_precision(double *out, const double *score,
                                                   const float *label, int64_t n, tw_error *err);

/* NAN when either side is constant. Spearman: equal values share the mean of their ranks. */
double tw_scores_pearson(const double *x, const double *y, int64_t n);
TW_NODISCARD tw_status tw_scores_spearman(double *out, const double *x, const double *y, int64_t n,
                                          tw_error *err);

typedef enum tw_threshold_by { TW_BY_ACCURACY = 0, TW_BY_F1 = 1 } tw_threshold_by;

/* The threshold with the highest accuracy or F1: halfway between two neighbouring scores, or
 * infinite where one answer for all is best; the highest of equals. Choose it on validation pairs
 * and apply it to test pairs. n 0: INFINITY. TW_ENOMEM. */
TW_NODISCARD tw_status tw_threshold_choose(double *threshold, const double *score,
                                           const float *label, int64_t n, tw_threshold_by by,
                                           tw_error *err);

typedef struct tw_decisions {
    int64_t tp, fp, fn, tn;
    double accuracy, accuracy_se; /* se: sqrt(a (1 - a) / n); NAN where n is 0 */
    double precision, recall, f1; /* 0 where no positive was called so, NAN where there is none */
} tw_decisions;

/* Calls positive what scores above the threshold. */
tw_decisions tw_threshold_apply(double threshold, const double *score, const float *label,
                                int64_t n);

TW_END_DECLS

#endif
