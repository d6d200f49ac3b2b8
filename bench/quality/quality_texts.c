/* What the tasks on texts share, and STS-B. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "bench/quality/quality_texts.h"
#include "metrics/pair_scores.h"
#include "metrics/tfidf.h"

void quality_corpus_fini(quality_corpus *c)
{
    quality_items_fini(&c->x);
    for (int p = 0; p < PARTS; p++)
        tw_free(c->pairs[p]);
    tw_free(c->slots);
}

static tw_status grow_slots(quality_corpus *c, tw_error *err)
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

tw_status quality_text_item(quality_corpus *c, const char *text, int32_t group, int32_t *item,
                            tw_error *err)
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
    st = quality_add(&c->x, NULL, NULL, copy, -1, group, err);
    if (st == TW_OK)
        c->slots[at] = *item + 1;
    else
        tw_free(copy);
    return st;
}

tw_status quality_add_pair(quality_corpus *c, quality_part p, int32_t a, int32_t b, double label,
                           tw_error *err)
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

static void describe(quality *q, const quality_corpus *c)
{
    (void) json_object_set_new(q->more, "texts", json_integer(c->x.n));
    (void) json_object_set_new(q->more, "texts_of_idf", json_integer(c->n_fit));
    (void) json_object_set_new(q->more, "train_pairs", json_integer(c->n[TRAIN]));
}

tw_status quality_text_vectors(quality *q, quality_corpus *c, bool train, float **vecs,
                               tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower *tower = NULL;
    tw_tower_samples *samples = NULL;
    tw_tower_data data = {.pairs = c->pairs[TRAIN],
                          .n_pairs = c->n[TRAIN],
                          .valid = c->pairs[VALID],
                          .n_valid = c->n[VALID]};

    if (train) {
        describe(q, c);
        TW_TRY(quality_train_fitted(q, &c->x, c->n_fit, &data, &tower, &samples, err));
        TW_TRY(quality_embed(q, tower, samples, vecs, err));
    } else {
        const char *const *texts = (const char *const *) c->x.texts;
        TW_TRY(tw_tower_create(&tower, &q->recipe.tower, NULL, err));
        TW_TRY(tw_tower_fit_texts(tower, texts, NULL, c->n_fit, err));
        *vecs = tw_alloc((size_t) c->x.n, (size_t) tw_tower_dim(tower) * sizeof **vecs);
        if (*vecs == NULL) {
            st = tw_fail(err, TW_ENOMEM, "vectors of %lld texts", (long long) c->x.n);
            goto done;
        }
        TW_TRY(tw_tower_embed_texts(tower, q->pool, texts, NULL, c->x.n, *vecs, NULL, NULL, err));
    }
done:
    tw_tower_samples_destroy(samples);
    tw_tower_destroy(tower);
    return st;
}

tw_status quality_tfidf(tw_tfidf **out, const quality_corpus *c, tw_error *err)
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

/* ---- scores of pairs ------------------------------------------------------------------------- */

static void free_scored(quality_scored s[PARTS])
{
    for (int p = 0; p < PARTS; p++) {
        tw_free(s[p].score);
        tw_free(s[p].label);
    }
}

/* vecs NULL: by tfidf. */
static tw_status score_parts(quality_scored s[PARTS], const quality_corpus *c, const float *vecs,
                             int dim, const tw_tfidf *tfidf, tw_error *err)
{
    tw_status st = TW_OK;
    for (int p = VALID; p < PARTS; p++) {
        const int64_t n = c->n[p];
        s[p] = (quality_scored){.score = tw_alloc((size_t) n, sizeof(double)),
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

static tw_status evaluate_vectors(quality *q, quality_corpus *c, const float *vecs, int dim,
                                  quality_evaluate_fn support_set, tw_error *err)
{
    tw_status st = TW_OK;
    tw_tfidf *tfidf = NULL;
    quality_scored ours[PARTS] = {{0}}, theirs[PARTS] = {{0}};

    TW_TRY(score_parts(ours, c, vecs, dim, NULL, err));
    TW_TRY(support_set(q, ours, "tower", &q->value, err));
    TW_TRY(quality_tfidf(&tfidf, c, err));
    TW_TRY(score_parts(theirs, c, NULL, 0, tfidf, err));
    TW_TRY(support_set(q, theirs, "tfidf", &q->baseline, err));
    (void) snprintf(q->baseline_is, sizeof q->baseline_is, QUALITY_TFIDF);
done:
    tw_tfidf_destroy(tfidf);
    free_scored(ours);
    free_scored(theirs);
    return st;
}

tw_status quality_evaluate_both(quality *q, quality_corpus *c, quality_evaluate_fn support_set,
                                tw_error *err)
{
    float *vecs = NULL;
    tw_status st = quality_text_vectors(q, c, true, &vecs, err);
    if (st == TW_OK)
        st = evaluate_vectors(q, c, vecs, q->recipe.tower.dim, support_set, err);
    tw_free(vecs);
    return st;
}

/* ---- STS-B ------------------------------------------------------------------------------------
 *
 * The official parts; scores 0 to 5 become cosines 0 to 1. Tab-separated, quotes are literal, some
 * rows have further columns. */

static tw_status read_scored(quality_corpus *c, const char *folder, quality_part p, tw_error *err)
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
        int32_t a, b;
        TW_TRY(quality_text_item(c, cell[5], -1, &a, err));
        TW_TRY(quality_text_item(c, cell[6], -1, &b, err));
        TW_TRY(quality_add_pair(c, p, a, b, score / 5, err));
    }
done:
    tw_free(data);
    tw_free(lines);
    return st;
}

static tw_status evaluate_order(quality *q, const quality_scored s[PARTS], const char *who,
                                double *out, tw_error *err)
{
    char key[64];
    double rho[PARTS];

    for (int p = VALID; p < PARTS; p++) {
        double *label = tw_alloc((size_t) s[p].n, sizeof *label);
        if (label == NULL)
            return tw_fail(err, TW_ENOMEM, "%lld scores", (long long) s[p].n);
        for (int64_t k = 0; k < s[p].n; k++)
            label[k] = (double) s[p].label[k];
        const tw_status st = tw_scores_spearman(&rho[p], s[p].score, label, s[p].n, err);
        const double r = tw_scores_pearson(s[p].score, label, s[p].n);
        tw_free(label);
        if (st != TW_OK)
            return TW_OK;
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

static tw_status read_stsb(quality *q, quality_corpus *c, tw_error *err)
{
    tw_status st = TW_OK;
    for (int p = 0; p < PARTS; p++) {
        TW_TRY(read_scored(c, q->data, (quality_part) p, err));
        if (p == TRAIN)
            c->n_fit = c->x.n;
    }
    (void) snprintf(q->metric, sizeof q->metric, "Spearman x 100 of cosine and score, STS-B %s",
                    q->validate ? "dev" : "test");
done:
    return st;
}

tw_status quality_stsb(quality *q, tw_error *err)
{
    quality_corpus c = {.n_fit = 0};
    tw_status st = read_stsb(q, &c, err);
    if (st == TW_OK)
        st = quality_evaluate_both(q, &c, evaluate_order, err);
    quality_corpus_fini(&c);
    return st;
}

/* As imported: nothing is learnt here. */
tw_status quality_stsb_minilm(quality *q, tw_error *err)
{
    tw_status st = TW_OK;
    quality_corpus c = {.n_fit = 0};
    char folder[TW_PATH_MAX];
    tw_tower *tower = NULL;
    float *vecs = NULL;

    TW_TRY(tw_path_join(folder, q->data, "minilm", err));
    TW_TRY(tw_tower_import_bert(&tower, q->minilm != NULL ? q->minilm : folder, err));
    TW_TRY(read_stsb(q, &c, err));
    vecs = tw_alloc((size_t) c.x.n, (size_t) tw_tower_dim(tower) * sizeof *vecs);
    if (vecs == NULL) {
        st = tw_fail(err, TW_ENOMEM, "vectors of %lld texts", (long long) c.x.n);
        goto done;
    }
    TW_TRY(tw_tower_embed_texts(tower, q->pool, (const char *const *) c.x.texts, NULL, c.x.n, vecs,
                                NULL, NULL, err));
    q->recipe.tower = tw_tower_config_of(tower);
    TW_TRY(evaluate_vectors(q, &c, vecs, tw_tower_dim(tower), evaluate_order, err));
done:
    tw_free(vecs);
    tw_tower_destroy(tower);
    quality_corpus_fini(&c);
    return st;
}
