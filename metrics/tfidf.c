/* Exact tf-idf: a vocabulary, the texts as sparse rows, and the same by column.
 *
 * Rows hold counts while texts are read; when all are known idf turns counts into
 * weights, and the columns (postings) are written by one pass over the rows, so
 * each column's texts rise. */
#include "metrics/tfidf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/numbering.h"
#include "base/pieces.h"
#include "base/text.h"

enum { MAX_NGRAM = 8, MAX_TEXTS = 1 << 28 };

struct tw_tfidf {
    int64_t n;
    int64_t *offsets; /* (n + 1) rows */
    int32_t *terms;   /* (offsets[n]) rising in each row */
    float *weights;   /* (offsets[n]) */
    int64_t *starts;  /* (n_terms + 1) columns */
    int32_t *texts;   /* (offsets[n]) rising in each column */
    float *heights;   /* (offsets[n]) the same weights */
    int64_t n_terms;
};

/* What is only needed while texts are read. */
typedef struct reader {
    tw_numbering terms; /* features */
    int32_t *found;     /* (room) the present text, with repetitions */
    size_t n_found, room;
    size_t row_room; /* of the rows */
    tw_pieces pieces;
    bool failed; /* out of memory: stays so */
} reader;

void tw_tfidf_destroy(tw_tfidf *t)
{
    if (t == NULL)
        return;
    tw_free(t->offsets);
    tw_free(t->terms);
    tw_free(t->weights);
    tw_free(t->starts);
    tw_free(t->texts);
    tw_free(t->heights);
    tw_free(t);
}

int64_t tw_tfidf_terms(const tw_tfidf *t) { return t->n_terms; }

static void reader_fini(reader *r)
{
    tw_numbering_fini(&r->terms);
    tw_free(r->found);
    tw_pieces_fini(&r->pieces);
}

/* Counts a feature in the present text; false: out of memory. */
static bool add(void *ctx, const char *feature, size_t len, int times)
{
    reader *r = ctx;
    int32_t term = 0;
    r->failed =
        tw_numbering_put(&r->terms, tw_fnv1a(TW_FNV_START, feature, len), &term, NULL) != TW_OK ||
        tw_grow(&r->found, &r->room, r->n_found + (size_t) times, "features", NULL) != TW_OK;
    for (int k = 0; k < times && !r->failed; k++)
        r->found[r->n_found++] = term;
    return !r->failed;
}

static int compare_ids(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *) a, y = *(const int32_t *) b;
    return (x > y) - (x < y);
}

/* The present text becomes row i: each term once, 1 + ln count as its weight. */
static tw_status keep_row(tw_tfidf *t, reader *r, int64_t i, tw_error *err)
{
    const size_t from = (size_t) t->offsets[i];

    const tw_column columns[] = {TW_COLUMN(&t->terms), TW_COLUMN(&t->weights)};
    const tw_status st =
        tw_grow_columns(columns, 2, &r->row_room, from + r->n_found, "text features", err);
    if (st != TW_OK)
        return st;
    if (r->n_found > 0)
        qsort(r->found, r->n_found, sizeof *r->found, compare_ids);
    size_t to = from;
    for (size_t k = 0; k < r->n_found;) {
        size_t end = k + 1;
        while (end < r->n_found && r->found[end] == r->found[k])
            end++;
        t->terms[to] = r->found[k];
        t->weights[to++] = (float) (1 + log((double) (end - k)));
        k = end;
    }
    t->offsets[i + 1] = (int64_t) to;
    return TW_OK;
}

/* Multiplies by idf and scales every row to length 1. */
static tw_status weigh(tw_tfidf *t, const unsigned char *fitted, tw_error *err)
{
    double *idf = tw_alloc((size_t) t->n_terms, sizeof *idf);
    double n = 0;

    if (idf == NULL)
        return tw_fail(err, TW_ENOMEM, "idf of %lld features", (long long) t->n_terms);
    for (int64_t i = 0; i < t->n; i++) {
        if (fitted != NULL && !fitted[i])
            continue;
        n++;
        for (int64_t k = t->offsets[i]; k < t->offsets[i + 1]; k++)
            idf[t->terms[k]]++;
    }
    for (int64_t j = 0; j < t->n_terms; j++)
        idf[j] = 1 + log((1 + n) / (1 + idf[j]));
    for (int64_t i = 0; i < t->n; i++) {
        double sq = 0;
        for (int64_t k = t->offsets[i]; k < t->offsets[i + 1]; k++) {
            const double w = (double) t->weights[k] * idf[t->terms[k]];
            t->weights[k] = (float) w;
            sq += w * w;
        }
        for (int64_t k = t->offsets[i]; k < t->offsets[i + 1]; k++)
            t->weights[k] = (float) ((double) t->weights[k] / sqrt(sq));
    }
    tw_free(idf);
    return TW_OK;
}

static tw_status turn(tw_tfidf *t, tw_error *err)
{
    const size_t cells = (size_t) t->offsets[t->n];

    t->starts = tw_alloc((size_t) t->n_terms + 2, sizeof *t->starts);
    t->texts = tw_alloc(cells, sizeof *t->texts);
    t->heights = tw_alloc(cells, sizeof *t->heights);
    if (t->starts == NULL || t->texts == NULL || t->heights == NULL)
        return tw_fail(err, TW_ENOMEM, "%zu features by column", cells);
    /* Counts two places up, sums one place up: writing then moves each start to its own place. */
    for (size_t k = 0; k < cells; k++)
        t->starts[t->terms[k] + 2]++;
    for (int64_t j = 0; j <= t->n_terms; j++)
        t->starts[j + 1] += t->starts[j];
    for (int64_t i = 0; i < t->n; i++) {
        for (int64_t k = t->offsets[i]; k < t->offsets[i + 1]; k++) {
            const int64_t at = t->starts[t->terms[k] + 1]++;
            t->texts[at] = (int32_t) i;
            t->heights[at] = t->weights[k];
        }
    }
    return TW_OK;
}

static tw_status check(const tw_tfidf_config *cfg, int64_t n, tw_error *err)
{
    const bool ngrams = cfg->ngram_max > 0;
    if ((!cfg->words && !ngrams) || cfg->ngram_max < 0 || cfg->ngram_max > MAX_NGRAM ||
        (ngrams && (cfg->ngram_min < 1 || cfg->ngram_min > cfg->ngram_max)) || n < 0 ||
        n > MAX_TEXTS) {
        return tw_fail(err, TW_EINVAL, "tf-idf of %lld texts with %s and n-grams %d..%d",
                       (long long) n, cfg->words ? "words" : "no words", cfg->ngram_min,
                       cfg->ngram_max);
    }
    return TW_OK;
}

tw_status tw_tfidf_create(tw_tfidf **out, const tw_tfidf_config *cfg, const char *const *texts,
                          const size_t *lens, int64_t n, const unsigned char *fitted, tw_error *err)
{
    tw_status st = TW_OK;
    reader *r = NULL;
    tw_tfidf *t = NULL;

    *out = NULL;
    TW_TRY(check(cfg, n, err));
    r = tw_alloc(1, sizeof *r);
    t = tw_alloc(1, sizeof *t);
    if (t != NULL)
        t->offsets = tw_alloc((size_t) n + 1, sizeof *t->offsets);
    if (r == NULL || t == NULL || t->offsets == NULL) {
        st = tw_fail(err, TW_ENOMEM, "tf-idf of %lld texts", (long long) n);
        goto done;
    }
    r->pieces = (tw_pieces){.rules = TW_PIECES_RULES,
                            .words = cfg->words,
                            .ngram_min = cfg->ngram_min,
                            .ngram_max = cfg->ngram_max,
                            .take = add,
                            .ctx = r};
    t->n = n;
    for (int64_t i = 0; i < n; i++) {
        r->n_found = 0;
        TW_TRY(
            tw_pieces_read(&r->pieces, texts[i], lens != NULL ? lens[i] : strlen(texts[i]), err));
        if (r->failed) {
            st = tw_fail(err, TW_ENOMEM, "features of text %lld", (long long) i);
            goto done;
        }
        TW_TRY(keep_row(t, r, i, err));
    }
    t->n_terms = r->terms.n;
    TW_TRY(weigh(t, fitted, err));
    TW_TRY(turn(t, err));
    *out = t;
    t = NULL;
done:
    if (r != NULL)
        reader_fini(r);
    tw_free(r);
    tw_tfidf_destroy(t);
    return st;
}

static double square(const tw_tfidf *t, int64_t text)
{
    double sum = 0;
    for (int64_t i = t->offsets[text]; i < t->offsets[text + 1]; i++)
        sum += (double) t->weights[i] * (double) t->weights[i];
    return sum;
}

/* The rows have unit length but for what float32 rounds: the same two texts have cosine 1. */
double tw_tfidf_cosine(const tw_tfidf *t, int64_t a, int64_t b)
{
    int64_t i = t->offsets[a], j = t->offsets[b];
    const double squares = square(t, a) * square(t, b);
    double sum = 0;

    while (i < t->offsets[a + 1] && j < t->offsets[b + 1]) {
        if (t->terms[i] == t->terms[j])
            sum += (double) t->weights[i++] * (double) t->weights[j++];
        else if (t->terms[i] < t->terms[j])
            i++;
        else
            j++;
    }
    return squares > 0 ? sum / sqrt(squares) : 0;
}

/* The first of column term's places whose text is at or after `text`. */
static int64_t first_from(const tw_tfidf *t, int32_t term, int64_t text)
{
    int64_t from = t->starts[term], to = t->starts[term + 1];
    while (from < to) {
        const int64_t mid = from + (to - from) / 2;
        if (t->texts[mid] < text)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

tw_status tw_tfidf_score(void *ctx, int worker, const int32_t *queries, int nq, int64_t first,
                         int n, float *scores, tw_error *err)
{
    const tw_tfidf_query *asks = ctx;
    const tw_tfidf *t = asks->tfidf;
    const int64_t begin = asks->pool_first + first, end = begin + n;
    (void) worker;
    (void) err;

    memset(scores, 0, (size_t) nq * (size_t) n * sizeof *scores);
    for (int i = 0; i < nq; i++) {
        const int32_t item = asks->item != NULL ? asks->item[queries[i]] : queries[i];
        float *row = scores + (size_t) i * (size_t) n;
        for (int64_t k = t->offsets[item]; k < t->offsets[item + 1]; k++) {
            const int32_t term = t->terms[k];
            int64_t at = first_from(t, term, begin);
            for (; at < t->starts[term + 1] && t->texts[at] < end; at++)
                row[t->texts[at] - begin] += t->weights[k] * t->heights[at];
        }
    }
    return TW_OK;
}
