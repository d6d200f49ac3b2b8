/* STS-B and Abt-Buy. What is rare is learnt from the texts of the training part alone, unless a
 * task says otherwise. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "bench/quality.h"
#include "ingest/ingest.h"
#include "towers/tower_tfidf.h"

enum { MAX_TEXT = 1 << 20 };

typedef enum part { TRAIN, VALID, TEST, PARTS } part;

/* Texts, and labelled pairs of them in parts. Each text is there once. */
typedef struct corpus {
    quality_items x;
    tw_item_pair *pairs[PARTS];
    int64_t n[PARTS], room[PARTS];
    int32_t *slots; /* (n_slots) a hash table of texts: item + 1, 0 free */
    size_t n_slots;
    int64_t n_fit; /* idf is of the first so many texts */
} corpus;

static void fini(corpus *c)
{
    quality_items_fini(&c->x);
    for (int p = 0; p < PARTS; p++)
        tw_free(c->pairs[p]);
    tw_free(c->slots);
}

static tw_status grow_slots(corpus *c, tw_error *err)
{
    const size_t n = c->n_slots == 0 ? 4096 : 2 * c->n_slots;
    tw_free(c->slots);
    c->slots = tw_alloc(n, sizeof *c->slots);
    c->n_slots = n;
    if (c->slots == NULL)
        return tw_fail(err, TW_ENOMEM, "a table of %zu texts", n);
    for (int64_t i = 0; i < c->x.n; i++) {
        size_t at = tw_fnv1a(TW_FNV_START, c->x.texts[i], strlen(c->x.texts[i])) & (n - 1);
        while (c->slots[at] != 0)
            at = (at + 1) & (n - 1);
        c->slots[at] = (int32_t) i + 1;
    }
    return TW_OK;
}

/* The item whose text this is; a new one where there is none. */
static tw_status item_of(corpus *c, const char *text, int32_t *item, tw_error *err)
{
    tw_status st = TW_OK;

    if (2 * (size_t) c->x.n >= c->n_slots)
        st = grow_slots(c, err);
    if (st != TW_OK)
        return st;
    size_t at = tw_fnv1a(TW_FNV_START, text, strlen(text)) & (c->n_slots - 1);
    for (; c->slots[at] != 0; at = (at + 1) & (c->n_slots - 1)) {
        *item = c->slots[at] - 1;
        if (strcmp(c->x.texts[*item], text) == 0)
            return TW_OK;
    }
    char *copy = tw_strdup(text);
    if (copy == NULL)
        return tw_fail(err, TW_ENOMEM, "a text");
    *item = (int32_t) c->x.n;
    st = quality_add(&c->x, NULL, NULL, copy, -1, -1, err);
    if (st == TW_OK)
        c->slots[at] = *item + 1;
    else
        tw_free(copy);
    return st;
}

static tw_status add_items(corpus *c, part p, int32_t a, int32_t b, double label, tw_error *err)
{
    if (c->n[p] == c->room[p]) {
        const int64_t room = c->room[p] == 0 ? 1024 : 2 * c->room[p];
        tw_item_pair *more = tw_realloc(c->pairs[p], (size_t) room, sizeof *more);
        if (more == NULL)
            return tw_fail(err, TW_ENOMEM, "%lld pairs", (long long) room);
        c->pairs[p] = more;
        c->room[p] = room;
    }
    c->pairs[p][c->n[p]++] = (tw_item_pair){a, b, (float) label, 1};
    return TW_OK;
}

static tw_status add_pair(corpus *c, part p, const char *a, const char *b, double label,
                          tw_error *err)
{
    tw_status st = TW_OK;
    int32_t i, j;

    TW_TRY(item_of(c, a, &i, err));
    TW_TRY(item_of(c, b, &j, err));
    TW_TRY(add_items(c, p, i, j, label, err));
done:
    return st;
}

/* A tower by q's recipe that knows what is rare and has learnt from the training pairs. */
static tw_status learn(quality *q, corpus *c, tw_tower **tower, tw_tower_samples **samples,
                       tw_error *err)
{
    tw_tower_data data = {.pairs = c->pairs[TRAIN],
                          .n_pairs = c->n[TRAIN],
                          .valid = c->pairs[VALID],
                          .n_valid = c->n[VALID]};
    (void) json_object_set_new(q->more, "texts", json_integer(c->x.n));
    (void) json_object_set_new(q->more, "texts_of_idf", json_integer(c->n_fit));
    (void) json_object_set_new(q->more, "train_pairs", json_integer(c->n[TRAIN]));
    return quality_train_fitted(q, &c->x, c->n_fit, &data, tower, samples, err);
}

static tw_status learn_vectors(quality *q, corpus *c, float **vecs, int *dim, tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower *tower = NULL;
    tw_tower_samples *samples = NULL;

    TW_TRY(learn(q, c, &tower, &samples, err));
    TW_TRY(quality_embed(q, tower, samples, vecs, err));
    *dim = tw_tower_dim(tower);
done:
    tw_tower_samples_destroy(samples);
    tw_tower_destroy(tower);
    return st;
}

/* The baseline of all tasks: n-grams of 3 to 5 characters, idf as the tower's. */
static tw_status make_tfidf(tw_tfidf **out, const corpus *c, tw_error *err)
{
    const tw_tfidf_config cfg = {.ngram_min = 3, .ngram_max = 5};
    unsigned char *fitted = tw_alloc((size_t) c->x.n, sizeof *fitted);
    if (fitted == NULL)
        return tw_fail(err, TW_ENOMEM, "marks of %lld texts", (long long) c->x.n);
    memset(fitted, 1, (size_t) c->n_fit);
    tw_status st =
        tw_tfidf_create(out, &cfg, (const char *const *) c->x.texts, NULL, c->x.n, fitted, err);
    tw_free(fitted);
    return st;
}

/* ---- scores of pairs --------------------------------------------------------------------------
 */

/* What a task is told of one part: the cosines of a tower, or of tf-idf. */
typedef struct scored {
    double *score; /* (n) */
    float *label;  /* (n) */
    int64_t n;
} scored;

static void free_scored(scored s[PARTS])
{
    for (int p = 0; p < PARTS; p++) {
        tw_free(s[p].score);
        tw_free(s[p].label);
    }
}

/* vecs NULL: by tfidf. */
static tw_status score_parts(scored s[PARTS], const corpus *c, const float *vecs, int dim,
                             const tw_tfidf *tfidf, tw_error *err)
{
    tw_status st = TW_OK;
    for (int p = VALID; p < PARTS; p++) {
        const int64_t n = c->n[p];
        s[p] = (scored){.score = tw_alloc((size_t) n, sizeof(double)),
                        .label = tw_alloc((size_t) n, sizeof(float)),
                        .n = n};
        if (s[p].score == NULL || s[p].label == NULL)
            return tw_fail(err, TW_ENOMEM, "%lld scores", (long long) n);
        for (int64_t k = 0; k < n; k++) {
            s[p].label[k] = c->pairs[p][k].label;
            if (vecs == NULL)
                s[p].score[k] = tw_tfidf_cosine(tfidf, c->pairs[p][k].a, c->pairs[p][k].b);
        }
        if (vecs != NULL)
            st = tw_pairs_cosines(s[p].score, vecs, c->x.n, dim, c->pairs[p], n, err);
        if (st != TW_OK)
            return st;
    }
    return st;
}

/* One figure out of scores of the validation and the test part. */
typedef tw_status (*judge_fn)(quality *q, const scored s[PARTS], const char *who, double *out,
                              tw_error *err);

/* Trains, and judges the tower's cosines and those of tf-idf by the same rule. */
static tw_status judge_both(quality *q, corpus *c, judge_fn judge, tw_error *err)
{
    tw_status st = TW_OK;
    float *vecs = NULL;
    int dim = 0;
    tw_tfidf *tfidf = NULL;
    scored ours[PARTS] = {{0}}, theirs[PARTS] = {{0}};

    TW_TRY(learn_vectors(q, c, &vecs, &dim, err));
    TW_TRY(score_parts(ours, c, vecs, dim, NULL, err));
    TW_TRY(judge(q, ours, "tower", &q->value, err));
    TW_TRY(make_tfidf(&tfidf, c, err));
    TW_TRY(score_parts(theirs, c, NULL, 0, tfidf, err));
    TW_TRY(judge(q, theirs, "tfidf", &q->baseline, err));
    (void) snprintf(q->baseline_is, sizeof q->baseline_is,
                    "cosine of tf-idf over character 3-5-grams");
done:
    tw_tfidf_destroy(tfidf);
    free_scored(ours);
    free_scored(theirs);
    tw_free(vecs);
    return st;
}

/* ---- STS-B ------------------------------------------------------------------------------------
 *
 * The official parts; scores 0 to 5 become cosines 0 to 1. Tab-separated, quotes are literal, some
 * rows have further columns. */

static tw_status read_scored(corpus *c, const char *folder, part p, tw_error *err)
{
    static const char *const names[] = {"sts-train.csv", "sts-dev.csv", "sts-test.csv"};
    tw_status st = TW_OK;
    char path[TW_PATH_MAX], *data = NULL, **lines = NULL;
    int64_t n;

    TW_TRY(tw_path_join(path, folder, names[p], err));
    TW_TRY(quality_lines(path, &data, &lines, &n, err));
    for (int64_t i = 0; i < n; i++) {
        char *cell[7] = {lines[i]};
        int cells = 1;
        for (char *at = lines[i]; *at != '\0'; at++) {
            if (*at != '\t')
                continue;
            *at = '\0';
            if (cells < 7)
                cell[cells++] = at + 1;
        }
        double score;
        if (cells < 7 || !tw_parse_f64(cell[4], &score)) {
            st = tw_fail(err, TW_EINVAL, "line %lld of '%.150s' has no score and two sentences",
                         (long long) i + 1, path);
            goto done;
        }
        TW_TRY(add_pair(c, p, cell[5], cell[6], score / 5, err));
    }
done:
    tw_free(data);
    tw_free(lines);
    return st;
}

static tw_status judge_order(quality *q, const scored s[PARTS], const char *who, double *out,
                             tw_error *err)
{
    char key[64];
    double rho[PARTS];
    tw_status st = TW_OK;

    for (int p = VALID; p < PARTS; p++) {
        double *label = tw_alloc((size_t) s[p].n, sizeof *label);
        if (label == NULL)
            return tw_fail(err, TW_ENOMEM, "%lld scores", (long long) s[p].n);
        for (int64_t k = 0; k < s[p].n; k++)
            label[k] = (double) s[p].label[k];
        st = tw_scores_spearman(&rho[p], s[p].score, label, s[p].n, err);
        const double r = tw_scores_pearson(s[p].score, label, s[p].n);
        tw_free(label);
        if (st != TW_OK)
            return st;
        if (p == VALID || !q->validate) {
            (void) snprintf(key, sizeof key, "%s_%s_spearman", who, p == VALID ? "dev" : "test");
            (void) json_object_set_new(q->more, key, json_real(100 * rho[p]));
            (void) snprintf(key, sizeof key, "%s_%s_pearson", who, p == VALID ? "dev" : "test");
            (void) json_object_set_new(q->more, key, json_real(100 * r));
        }
    }
    *out = 100 * rho[q->validate ? VALID : TEST];
    return TW_OK;
}

tw_status quality_stsb(quality *q, tw_error *err)
{
    tw_status st = TW_OK;
    corpus c = {.n_fit = 0};

    for (int p = 0; p < PARTS; p++) {
        TW_TRY(read_scored(&c, q->data, p, err));
        if (p == TRAIN)
            c.n_fit = c.x.n;
    }
    (void) snprintf(q->metric, sizeof q->metric, "Spearman x 100 of cosine and score, STS-B %s",
                    q->validate ? "dev" : "test");
    TW_TRY(judge_both(q, &c, judge_order, err));
done:
    fini(&c);
    return st;
}

/* ---- Abt-Buy, labelled pairs ------------------------------------------------------------------
 *
 * DeepMatcher's split of a file of blocked pairs: COL name VAL ... COL description VAL ... COL
 * price VAL ..., twice, and 0 or 1. Entities recur in all parts. The price is not read. */

enum { NAME_TIMES = 4 }; /* chosen on validation: a name says more than the same words further on */

/* What a tower reads of a product. */
static tw_status product_text(tw_text *out, const char *name, size_t name_len, const char *rest,
                              size_t rest_len, tw_error *err)
{
    tw_status st = TW_OK;
    tw_text_clear(out);
    for (int k = 0; k < NAME_TIMES; k++) {
        TW_TRY(tw_text_add(out, name, name_len, err));
        TW_TRY(tw_text_adds(out, " ", err));
    }
    TW_TRY(tw_text_add(out, rest, rest_len, err));
done:
    return st;
}

static tw_status read_product(corpus *c, const char *cell, int32_t *item, tw_text *text,
                              tw_error *err)
{
    static const char *const marks[] = {"COL name VAL ", "COL description VAL ", "COL price VAL "};
    const char *at[3];
    for (int k = 0; k < 3; k++) {
        at[k] = strstr(cell, marks[k]);
        if (at[k] == NULL)
            return tw_fail(err, TW_EINVAL, "a product without '%s': '%.60s'", marks[k], cell);
    }
    const char *name = at[0] + strlen(marks[0]), *rest = at[1] + strlen(marks[1]);
    tw_status st =
        product_text(text, name, (size_t) (at[1] - name), rest, (size_t) (at[2] - rest), err);
    return st == TW_OK ? item_of(c, tw_text_cstr(text), item, err) : st;
}

static tw_status read_matches(corpus *c, const char *folder, part p, tw_error *err)
{
    static const char *const names[] = {"train.txt", "valid.txt", "test.txt"};
    tw_status st = TW_OK;
    char path[TW_PATH_MAX], *data = NULL, **lines = NULL;
    int64_t n;
    tw_text text;

    tw_text_init(&text, MAX_TEXT);
    TW_TRY(tw_path_join(path, folder, names[p], err));
    TW_TRY(quality_lines(path, &data, &lines, &n, err));
    for (int64_t i = 0; i < n; i++) {
        char *second = strchr(lines[i], '\t');
        char *label = second != NULL ? strchr(second + 1, '\t') : NULL;
        int32_t a, b;
        if (label == NULL) {
            st = tw_fail(err, TW_EINVAL, "line %lld of '%.150s' has not three columns",
                         (long long) i + 1, path);
            goto done;
        }
        *second = *label = '\0';
        TW_TRY(read_product(c, lines[i], &a, &text, err));
        TW_TRY(read_product(c, second + 1, &b, &text, err));
        TW_TRY(add_items(c, p, a, b, label[1] == '1', err));
    }
done:
    tw_text_fini(&text);
    tw_free(data);
    tw_free(lines);
    return st;
}

/* F1 at the threshold that is best on validation. */
static tw_status judge_matches(quality *q, const scored s[PARTS], const char *who, double *out,
                               tw_error *err)
{
    char key[64];
    double threshold, auc;
    const scored *at = &s[q->validate ? VALID : TEST];
    tw_status st =
        tw_threshold_choose(&threshold, s[VALID].score, s[VALID].label, s[VALID].n, TW_BY_F1, err);
    if (st == TW_OK)
        st = tw_scores_auc(&auc, at->score, at->label, at->n, err);
    if (st != TW_OK)
        return st;
    const tw_decisions d = tw_threshold_apply(threshold, at->score, at->label, at->n);
    const tw_decisions v =
        tw_threshold_apply(threshold, s[VALID].score, s[VALID].label, s[VALID].n);
    *out = 100 * d.f1;
    (void) snprintf(key, sizeof key, "%s_precision", who);
    (void) json_object_set_new(q->more, key, json_real(100 * d.precision));
    (void) snprintf(key, sizeof key, "%s_recall", who);
    (void) json_object_set_new(q->more, key, json_real(100 * d.recall));
    (void) snprintf(key, sizeof key, "%s_auc", who);
    (void) json_object_set_new(q->more, key, json_real(auc));
    (void) snprintf(key, sizeof key, "%s_valid_f1", who);
    (void) json_object_set_new(q->more, key, json_real(100 * v.f1));
    return TW_OK;
}

tw_status quality_abt_buy(quality *q, tw_error *err)
{
    tw_status st = TW_OK;
    corpus c = {.n_fit = 0};
    char folder[TW_PATH_MAX];

    TW_TRY(tw_path_join(folder, q->data, "Abt-Buy", err));
    for (int p = 0; p < PARTS; p++) {
        TW_TRY(read_matches(&c, folder, p, err));
        if (p == TRAIN)
            c.n_fit = c.x.n;
    }
    (void) snprintf(q->metric, sizeof q->metric,
                    "F1 x 100 on Abt-Buy's %s pairs (DeepMatcher's split), cosine over the "
                    "threshold that is best on validation",
                    q->validate ? "validation" : "test");
    TW_TRY(judge_both(q, &c, judge_matches, err));
done:
    fini(&c);
    return st;
}
