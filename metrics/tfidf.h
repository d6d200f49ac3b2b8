/* metrics/tfidf.h — the baseline of every text tower: the exact cosine of
 * tf-idf vectors over words or character n-grams.
 *
 * An untrained text tower is a random projection of the same kernel, so what
 * training is worth is the distance to this. Weights are (1 + ln count) * idf with
 * idf = 1 + ln((1 + N) / (1 + df)), vectors of length 1, words read and folded as
 * the newest towers read them (text_rules 2). Features differ by 64 bits of hash, not by
 * buckets.
 *
 *     tw_tfidf_create(&t, &(tw_tfidf_config){.ngram_min = 3, .ngram_max = 5}, texts, NULL, n, NULL,
 *                     &err);
 *     double s = tw_tfidf_cosine(t, 0, 1);
 *     tw_tfidf_query asks = {.tfidf = t};             // item q asks among all items
 *     tw_rank(&lists, &task, tw_tfidf_score, &asks, pool, &err);
 *
 * Immutable once made: any number of threads may ask.
 */
#ifndef TW_METRICS_TFIDF_H
#define TW_METRICS_TFIDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"

TW_BEGIN_DECLS

typedef struct tw_tfidf_config {
    bool words;               /* whole words, as "<word>" */
    int ngram_min, ngram_max; /* n-grams of "<word>", 1..8; ngram_max 0: none */
} tw_tfidf_config;

typedef struct tw_tfidf tw_tfidf;

/* Reads n texts.
 *
 *   texts (n), lens (n) or NULL  as in tw_tower_fit; borrowed for the call
 *   fitted (n)                   0: the text is no part of N and df (a test text); NULL: all are
 *
 * A text without a feature is the zero vector, near to nothing. TW_EINVAL: no kind of feature asked
 * for, or a range that is none. TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status tw_tfidf_create(tw_tfidf **out, const tw_tfidf_config *cfg,
                                       const char *const *texts, const size_t *lens, int64_t n,
                                       const unsigned char *fitted, tw_error *err);
void tw_tfidf_destroy(tw_tfidf *t); /* accepts NULL */

int64_t tw_tfidf_terms(const tw_tfidf *t); /* different features */

/* Of texts a and b, 0..n-1. */
double tw_tfidf_cosine(const tw_tfidf *t, int64_t a, int64_t b);

/* Who asks whom: a tw_score_fn's ctx. */
typedef struct tw_tfidf_query {
    const tw_tfidf *tfidf;
    const int32_t *item; /* the text that query q is; NULL: text q */
    int64_t pool_first;  /* the text that is the pool's place 0 */
} tw_tfidf_query;

/* A tw_score_fn (metrics/pair_scores.h): walks the lists of the texts that share a feature with
 * the query, so its cost is that of what is shared. Cannot fail. */
tw_status tw_tfidf_score(void *ctx, int worker, const int32_t *queries, int nq, int64_t first,
                         int n, float *scores, tw_error *err);

TW_END_DECLS

#endif
