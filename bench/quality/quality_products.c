/* Abt-Buy: which products of two shops are the same? */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "bench/quality/quality_texts.h"
#include "ingest/ingest.h"
#include "metrics/mean.h"
#include "metrics/pair_scores.h"
#include "metrics/ranking.h"
#include "metrics/tfidf.h"

enum { MAX_TEXT = 1 << 20 };

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

/* Identifies a product by its name's ASCII letters and digits: the labelled pairs are the tables'
 * texts in lower case with other spaces. It is an item's group. */
static int32_t fingerprint(const char *text, size_t len)
{
    uint64_t h = TW_FNV_START;
    for (size_t i = 0; i < len; i++) {
        const char x = text[i], c = (char) (x >= 'A' && x <= 'Z' ? x + 32 : x);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            h = tw_fnv1a(h, &c, 1);
    }
    return (int32_t) ((h ^ h >> 32) & INT32_MAX);
}

static tw_status read_product(quality_corpus *c, const char *cell, int32_t *item, tw_text *text,
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
    const int32_t group = fingerprint(name, (size_t) (at[1] - name));
    return st == TW_OK ? quality_text_item(c, tw_text_cstr(text), group, item, err) : st;
}

static tw_status read_matches(quality_corpus *c, const char *folder, quality_part p, tw_error *err)
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
        int32_t a = 0, b = 0;
        if (label == NULL) {
            st = tw_fail(err, TW_EINVAL, "line %lld of '%.150s' has not three columns",
                         (long long) i + 1, path);
            goto done;
        }
        *second = *label = '\0';
        TW_TRY(read_product(c, lines[i], &a, &text, err));
        TW_TRY(read_product(c, second + 1, &b, &text, err));
        TW_TRY(quality_add_pair(c, p, a, b, label[1] == '1', err));
    }
done:
    tw_text_fini(&text);
    tw_free(data);
    tw_free(lines);
    return st;
}

/* F1 at the threshold that is best on validation. */
static tw_status evaluate_matches(quality *q, const quality_scored s[PARTS], const char *who,
                                  double *out, tw_error *err)
{
    char key[64];
    double threshold, auc;
    const quality_scored *at = &s[q->validate ? VALID : TEST];
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
    quality_corpus c = {.n_fit = 0};
    char folder[TW_PATH_MAX];

    TW_TRY(tw_path_join(folder, q->data, "Abt-Buy", err));
    for (int p = 0; p < PARTS; p++) {
        TW_TRY(read_matches(&c, folder, (quality_part) p, err));
        if (p == TRAIN)
            c.n_fit = c.x.n;
    }
    (void) snprintf(q->metric, sizeof q->metric,
                    "F1 x 100 on Abt-Buy's %s pairs (DeepMatcher's split), cosine over the "
                    "threshold that is best on validation",
                    q->validate ? "validation" : "test");
    TW_TRY(quality_evaluate_both(q, &c, evaluate_matches, err));
done:
    quality_corpus_fini(&c);
    return st;
}

/* ---- Abt-Buy, retrieval -----------------------------------------------------------------------
 *
 * Every Abt product with partners asks among all Buy products, by name and description. Two towers:
 * one that has read both catalogues and no pair at all (the figure of all queries), and one that
 * learnt from the labelled training pairs, measured on the queries of which neither side stands in
 * a positive pair of the training or validation part. The mapping is only measured with. */

typedef struct table {
    char **ids;       /* (n) */
    int64_t n, first; /* of the items */
} table;

static void free_table(table *t)
{
    for (int64_t i = 0; i < t->n; i++)
        tw_free(t->ids[i]);
    tw_free(t->ids);
}

static tw_status add_product(quality_corpus *c, table *t, const tw_row *row, tw_text *text,
                             tw_error *err)
{
    tw_status st = TW_OK;
    char *copy = NULL, **more = tw_realloc(t->ids, (size_t) t->n + 1, sizeof *more);

    if (more == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld products", (long long) t->n + 1);
    t->ids = more;
    TW_TRY(product_text(text, row->title, strlen(row->title), row->text, strlen(row->text), err));
    copy = tw_strdup(tw_text_cstr(text));
    if (copy == NULL || (t->ids[t->n] = tw_strdup(row->id)) == NULL) {
        st = tw_fail(err, TW_ENOMEM, "a product");
        goto done;
    }
    t->n++;
    TW_TRY(
        quality_add(&c->x, NULL, NULL, copy, -1, fingerprint(row->title, strlen(row->title)), err));
    copy = NULL;
done:
    tw_free(copy);
    return st;
}

static tw_status read_table(quality_corpus *c, table *t, const char *folder, const char *name,
                            tw_error *err)
{
    static const tw_column_map columns[] = {{"title", "name"}, {"text", "description"}};
    const tw_reader_options opt = {.columns = columns, .n_columns = 2};
    tw_status st = TW_OK;
    char path[TW_PATH_MAX];
    tw_reader *r = NULL;
    tw_row row;
    tw_text text;
    bool got = true;

    *t = (table){.first = c->x.n};
    tw_text_init(&text, MAX_TEXT);
    TW_TRY(tw_path_join(path, folder, name, err));
    TW_TRY(tw_reader_open(&r, path, TW_INGEST_ITEMS, &opt, err));
    while (got) {
        TW_TRY(tw_reader_next(r, &row, &got, err));
        if (got)
            TW_TRY(add_product(c, t, &row, &text, err));
    }
done:
    tw_text_fini(&text);
    tw_reader_close(r);
    return st;
}

static int32_t find_id(const table *t, const char *id)
{
    for (int64_t i = 0; i < t->n; i++)
        if (strcmp(t->ids[i], id) == 0)
            return (int32_t) i;
    return -1;
}

/* Who asks, and what is right: a query is an Abt product, a place a Buy product. */
typedef struct asks {
    int32_t *right; /* (n) by query */
    int32_t *query; /* (n) rising */
    int64_t n, room;
    unsigned char *learnt;  /* (Abt) 1: its pair, or its partner's, was there to be learnt from */
    unsigned char *checked; /* (Abt) 1: its pair is in the validation part */
} asks;

static int by_query(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return x < y ? -1 : x > y;
}

static tw_status read_mapping(asks *k, const char *folder, const table *abt, const table *buy,
                              tw_error *err)
{
    static const tw_column_map columns[] = {{"a", "idAbt"}, {"b", "idBuy"}};
    const tw_reader_options opt = {.columns = columns, .n_columns = 2};
    tw_status st = TW_OK;
    char path[TW_PATH_MAX];
    tw_reader *r = NULL;
    int64_t *both = tw_alloc((size_t) (abt->n + buy->n) * 4, sizeof *both), n = 0;
    tw_row row;
    bool got = true;

    TW_TRY(tw_path_join(path, folder, "abt_buy_perfect_mapping.csv", err));
    TW_TRY(tw_reader_open(&r, path, TW_INGEST_PAIRS, &opt, err));
    while (both != NULL && n < 4 * (abt->n + buy->n)) {
        TW_TRY(tw_reader_next(r, &row, &got, err));
        if (!got)
            break;
        const int32_t a = find_id(abt, row.a), b = find_id(buy, row.b);
        if (a < 0 || b < 0) {
            st = tw_fail(err, TW_EINVAL, "the mapping names '%.40s' and '%.40s'", row.a, row.b);
            goto done;
        }
        both[n++] = (int64_t) a << 32 | b;
    }
    k->n = n;
    k->query = tw_alloc((size_t) n + 1, sizeof *k->query);
    k->right = tw_alloc((size_t) n + 1, sizeof *k->right);
    k->learnt = tw_alloc((size_t) abt->n, 1);
    k->checked = tw_alloc((size_t) abt->n, 1);
    if (both == NULL || k->query == NULL || k->right == NULL || k->learnt == NULL ||
        k->checked == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld pairs", (long long) n);
        goto done;
    }
    qsort(both, (size_t) n, sizeof *both, by_query);
    for (int64_t i = 0; i < n; i++) {
        k->query[i] = (int32_t) (both[i] >> 32);
        k->right[i] = (int32_t) (both[i] & INT32_MAX);
    }
done:
    tw_reader_close(r);
    tw_free(both);
    return st;
}

static void free_asks(asks *k)
{
    tw_free(k->right);
    tw_free(k->query);
    tw_free(k->learnt);
    tw_free(k->checked);
}

/* A query of which either side stands in a positive pair of the part. */
static void mark(unsigned char *marks, const asks *k, const quality_corpus *c, quality_part p,
                 int64_t first_buy)
{
    for (int64_t i = 0; i < k->n; i++) {
        const int32_t a = c->x.group[k->query[i]], b = c->x.group[first_buy + k->right[i]];
        for (int64_t j = 0; j < c->n[p]; j++) {
            const tw_item_pair *x = &c->pairs[p][j];
            if (x->label > 0.5F && (c->x.group[x->a] == a || c->x.group[x->b] == b))
                marks[k->query[i]] = 1;
        }
    }
}

/* The queries that are asked, as tw_rank wants them. */
typedef struct round_of {
    int32_t *item;    /* (n) */
    int64_t *offsets; /* (n + 1) into right */
    int32_t *right;
    int64_t n;
} round_of;

static void free_round(round_of *r)
{
    tw_free(r->item);
    tw_free(r->offsets);
    tw_free(r->right);
}

/* Those of which skip is 0 and only, where it is there, is not. */
static tw_status choose(round_of *r, const asks *k, const unsigned char *skip,
                        const unsigned char *only, tw_error *err)
{
    const size_t room = (size_t) k->n + 1;
    *r = (round_of){.item = tw_alloc(room, sizeof *r->item),
                    .offsets = tw_alloc(room, sizeof *r->offsets),
                    .right = tw_alloc(room, sizeof *r->right)};
    if (r->item == NULL || r->offsets == NULL || r->right == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld queries", (long long) k->n);
    for (int64_t i = 0; i < k->n; i++) {
        const int32_t a = k->query[i];
        if ((skip != NULL && skip[a]) || (only != NULL && !only[a]))
            continue;
        if (r->n == 0 || r->item[r->n - 1] != a) {
            r->item[r->n++] = a;
            r->offsets[r->n] = r->offsets[r->n - 1];
        }
        /* places of one query rise, as they were sorted */
        r->right[r->offsets[r->n]++] = k->right[i];
    }
    return TW_OK;
}

/* R@1 x 100 of vectors, or of tf-idf where vecs is NULL; how many asked goes to q->more. */
static tw_status ask(quality *q, const char *name, const round_of *r, const table *buy,
                     const float *vecs, tw_tfidf *tfidf, tw_mean *out, tw_error *err)
{
    tw_status st = TW_OK;
    const int dim = q->recipe.tower.dim;
    tw_dense *dense = NULL;
    tw_ranked lists = {0};
    tw_ranking found;
    tw_tfidf_query by_text = {.tfidf = tfidf, .item = r->item, .pool_first = buy->first};
    const tw_rank_task task = {
        .queries = r->n, .pool = buy->n, .k = 10, .right_offsets = r->offsets, .right = r->right};
    float *rows = tw_alloc((size_t) r->n + 1, (size_t) dim * sizeof *rows);

    if (rows == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld queries", (long long) r->n);
        goto done;
    }
    for (int64_t i = 0; i < r->n && vecs != NULL; i++)
        memcpy(rows + i * dim, vecs + (int64_t) r->item[i] * dim, (size_t) dim * sizeof *rows);
    if (vecs != NULL)
        TW_TRY(tw_dense_create(&dense, rows, vecs + buy->first * dim, buy->n, dim, TW_NEAR_INNER,
                               tw_pool_size(q->pool), err));
    TW_TRY(tw_rank(&lists, &task, vecs != NULL ? tw_dense_score : tw_tfidf_score,
                   vecs != NULL ? (void *) dense : &by_text, q->pool, err));
    TW_TRY(tw_ranking_measure(&found, &lists, 1, err));
    *out = found.hit_rate;
    json_t *more = json_pack("{s:I, s:f, s:f}", "queries", (json_int_t) r->n, "recall_at_1",
                             100 * found.hit_rate.mean, "se", 100 * found.hit_rate.se);
    TW_TRY(tw_ranking_measure(&found, &lists, 10, err));
    (void) json_object_set_new(more, "recall_at_10", json_real(100 * found.hit_rate.mean));
    (void) json_object_set_new(q->more, name, more);
done:
    tw_ranked_fini(&lists);
    tw_dense_destroy(dense);
    tw_free(rows);
    return st;
}

static tw_status ask_all(quality *q, quality_corpus *c, const asks *k, const table *buy,
                         tw_error *err)
{
    tw_status st = TW_OK;
    float *fitted = NULL, *trained = NULL;
    tw_tfidf *tfidf = NULL;
    tw_mean mean = {0}, plain = {0};
    round_of all = {0}, unseen = {0};

    TW_TRY(choose(&all, k, NULL, q->validate ? k->checked : NULL, err));
    TW_TRY(choose(&unseen, k, k->learnt, q->validate ? k->checked : NULL, err));
    TW_TRY(quality_tfidf(&tfidf, c, err));
    TW_TRY(quality_text_vectors(q, c, false, &fitted, err));
    TW_TRY(ask(q, "tfidf", &all, buy, NULL, tfidf, &plain, err));
    TW_TRY(ask(q, "zero_label", &all, buy, fitted, NULL, &mean, err));
    q->value = 100 * mean.mean;
    q->se = 100 * mean.se;
    q->baseline = 100 * plain.mean;
    TW_TRY(ask(q, "tfidf_unseen", &unseen, buy, NULL, tfidf, &plain, err));
    TW_TRY(ask(q, "zero_label_unseen", &unseen, buy, fitted, NULL, &mean, err));
    if (q->recipe.train.epochs > 0) {
        TW_TRY(quality_text_vectors(q, c, true, &trained, err));
        TW_TRY(ask(q, "labelled_unseen", &unseen, buy, trained, NULL, &mean, err));
    }
done:
    free_round(&all);
    free_round(&unseen);
    tw_tfidf_destroy(tfidf);
    tw_free(fitted);
    tw_free(trained);
    return st;
}

tw_status quality_abt_buy_retrieval(quality *q, tw_error *err)
{
    tw_status st = TW_OK;
    quality_corpus c = {.n_fit = 0};
    table abt = {0}, buy = {0};
    asks k = {0};
    char tables[TW_PATH_MAX], pairs[TW_PATH_MAX];

    TW_TRY(tw_path_join(tables, q->data, "abt-buy-tables", err));
    TW_TRY(tw_path_join(pairs, q->data, "Abt-Buy", err));
    TW_TRY(read_table(&c, &abt, tables, "abt.csv", err));
    TW_TRY(read_table(&c, &buy, tables, "buy.csv", err));
    c.n_fit = c.x.n;
    TW_TRY(read_mapping(&k, tables, &abt, &buy, err));
    TW_TRY(read_matches(&c, pairs, TRAIN, err));
    TW_TRY(read_matches(&c, pairs, VALID, err));
    mark(k.learnt, &k, &c, TRAIN, buy.first);
    mark(k.checked, &k, &c, VALID, buy.first);
    assert(k.learnt != NULL && k.checked != NULL);
    for (int64_t i = 0; i < abt.n && !q->validate; i++)
        k.learnt[i] |= k.checked[i]; /* the epoch was chosen by them */
    (void) snprintf(q->metric, sizeof q->metric,
                    "Recall@1 x 100, Abt to Buy, %s; no pair was learnt from",
                    q->validate ? "queries of the validation pairs" : "all queries");
    (void) snprintf(q->baseline_is, sizeof q->baseline_is, QUALITY_TFIDF);
    TW_TRY(ask_all(q, &c, &k, &buy, err));
done:
    free_table(&abt);
    free_table(&buy);
    free_asks(&k);
    quality_corpus_fini(&c);
    return st;
}
