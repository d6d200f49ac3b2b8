/* bench/quality/quality_texts.h — what the tasks on texts share (quality_texts.c). */
#ifndef TW_BENCH_QUALITY_QUALITY_TEXTS_H
#define TW_BENCH_QUALITY_QUALITY_TEXTS_H

#include "bench/quality/quality.h"
#include "metrics/tfidf.h"

typedef enum quality_part { TRAIN, VALID, TEST, PARTS } quality_part;

/* Texts, and labelled pairs of them in parts. */
typedef struct quality_corpus {
    quality_items x;
    tw_item_pair *pairs[PARTS];
    int64_t n[PARTS], room[PARTS];
    int32_t *slots; /* (n_slots) a hash table of texts: item + 1, 0 free */
    size_t n_slots;
    int64_t n_fit; /* idf is of the first so many texts */
} quality_corpus;

void quality_corpus_fini(quality_corpus *c); /* accepts a zeroed one */

/* The item whose text this is; where there is none, a new one in `group`. */
TW_NODISCARD tw_status quality_text_item(quality_corpus *c, const char *text, int32_t group,
                                         int32_t *item, tw_error *err);
TW_NODISCARD tw_status quality_add_pair(quality_corpus *c, quality_part p, int32_t a, int32_t b,
                                        double label, tw_error *err);

/* A tower by q's recipe that knows what is rare among the first n_fit texts; with `train` it learns
 * from the training pairs and keeps the epoch that is best on the validation pairs. *vecs (n, dim)
 * of all texts; tw_free them. */
TW_NODISCARD tw_status quality_text_vectors(quality *q, quality_corpus *c, bool train, float **vecs,
                                            tw_error *err);

/* The baseline of all tasks: n-grams of 3 to 5 characters, idf of the same texts. */
TW_NODISCARD tw_status quality_tfidf(tw_tfidf **out, const quality_corpus *c, tw_error *err);
#define QUALITY_TFIDF "cosine of tf-idf over character 3-5-grams"

/* Scores of one part's pairs, by a tower or by tf-idf. */
typedef struct quality_scored {
    double *score; /* (n) */
    float *label;  /* (n) */
    int64_t n;
} quality_scored;

/* One figure out of scores of the validation and the test part. */
typedef tw_status (*quality_evaluate_fn)(quality *q, const quality_scored s[PARTS], const char *who,
                                         double *out, tw_error *err);

/* Trains, and evaluates the tower's cosines and those of tf-idf by the same rule: q's value and
 * baseline. */
TW_NODISCARD tw_status quality_evaluate_both(quality *q, quality_corpus *c,
                                             quality_evaluate_fn support_set, tw_error *err);

#endif
