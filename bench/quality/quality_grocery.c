/* Grocery Store (Klasson et al. 2019): photos of goods taken in shops.
 *
 * R@1 of fine classes: test images against the training images. Official lists; validation:
 * val.txt. With a text encoder ("text": "bag") the shop's texts are known: each of the 81 products
 * is one more item to learn from, its icon and its description, and the training images carry
 * their product's description; test images are asked as images alone all the same. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "bench/quality/quality.h"
#include "ingest/image.h"
#include "metrics/mean.h"
#include "metrics/ranking.h"

enum { PRODUCTS_MAX = 256 };

/* What classes.csv says of a product. */
typedef struct product {
    char icon[TW_PATH_MAX];
    char *text; /* NULL: not read; tw_free it */
} product;

/* "Name,fine,coarse class,coarse,/icon path,/folders/Name_Description.txt" after a header; the
 * descriptions lie below "text", without the first folder of their path. */
static tw_status read_product(product *p, const char *data, char *line, bool *known, int64_t *class,
                              tw_error *err)
{
    tw_status st = TW_OK;
    char *part[6], path[TW_PATH_MAX], folder[TW_PATH_MAX];
    int n = 0;
    size_t len;

    for (char *at = line; n < 6; n++) {
        part[n] = at;
        char *comma = strchr(at, ',');
        if (comma == NULL)
            break;
        *comma = '\0';
        at = comma + 1;
    }
    *known = n == 5 && part[4][0] == '/' && part[5][0] == '/' && strchr(part[5] + 1, '/') != NULL;
    if (!*known)
        return TW_OK;
    *class = strtol(part[1], NULL, 10);
    if (*class < 0 || *class >= PRODUCTS_MAX)
        return tw_fail(err, TW_ECORRUPT, "class %lld of '%.60s' is outside 0..%d",
                       (long long) *class, part[0], PRODUCTS_MAX - 1);
    p += *class;
    tw_free(p->text);
    p->text = NULL;
    TW_TRY(tw_path_join(p->icon, data, part[4] + 1, err));
    TW_TRY(tw_path_join(folder, data, "text", err));
    TW_TRY(tw_path_join(path, folder, strchr(part[5] + 1, '/') + 1, err));
    TW_TRY(tw_file_read(path, 1 << 16, &p->text, &len, err));
done:
    return st;
}

static tw_status read_products(product *p, const char *data, tw_error *err)
{
    tw_status st = TW_OK;
    char path[TW_PATH_MAX];
    char *text = NULL, **lines = NULL;
    int64_t n = 0, class;
    bool known;

    TW_TRY(tw_path_join(path, data, "classes.csv", err));
    TW_TRY(quality_lines(path, &text, &lines, &n, err));
    for (int64_t i = 0; i < n; i++)
        TW_TRY(read_product(p, data, lines[i], &known, &class, err));
done:
    tw_free(text);
    tw_free(lines);
    return st;
}

/* Gives the first `first` items their product's text and appends the products themselves. */
static tw_status add_products(quality_items *x, const char *data, int64_t first, tw_error *err)
{
    tw_status st = TW_OK;
    product *p = tw_alloc(PRODUCTS_MAX, sizeof *p);

    if (p == NULL)
        return tw_fail(err, TW_ENOMEM, "products");
    TW_TRY(read_products(p, data, err));
    for (int64_t i = 0; i < first; i++) {
        const char *text = x->cls[i] < PRODUCTS_MAX ? p[x->cls[i]].text : NULL;
        if (text != NULL && (x->texts[i] = tw_strdup(text)) == NULL) {
            st = tw_fail(err, TW_ENOMEM, "a description");
            goto done;
        }
    }
    for (int c = 0; c < PRODUCTS_MAX; c++) {
        tw_image im = {0};
        char *text = p[c].text;
        if (text == NULL)
            continue;
        p[c].text = NULL;
        TW_TRY(tw_image_load(&im, p[c].icon, NULL, err));
        TW_TRY(quality_add(x, &im, NULL, text, c, 0, err));
    }
done:
    for (int c = 0; c < PRODUCTS_MAX; c++)
        tw_free(p[c].text);
    tw_free(p);
    return st;
}

static tw_status add_grocery(quality_items *x, const char *data, const char *list, tw_error *err)
{
    tw_status st = TW_OK;
    char path[TW_PATH_MAX];
    char *text = NULL, **lines = NULL;
    int64_t n = 0;

    TW_TRY(tw_path_join(path, data, list, err));
    TW_TRY(quality_lines(path, &text, &lines, &n, err));
    for (int64_t i = 0; i < n; i++) {
        tw_image im = {0};
        char *comma = strchr(lines[i], ',');
        if (comma == NULL)
            continue;
        *comma++ = '\0';
        const long fine = strtol(comma, &comma, 10);
        const long coarse = *comma == ',' ? strtol(comma + 1, NULL, 10) : 0;
        TW_TRY(tw_path_join(path, data, lines[i], err));
        TW_TRY(tw_image_load(&im, path, NULL, err));
        TW_TRY(quality_add(x, &im, NULL, NULL, (int32_t) fine, (int32_t) coarse, err));
    }
done:
    tw_free(text);
    tw_free(lines);
    return st;
}

/* 8 bins a channel, as shares. */
static void colours_of(float out[512], const tw_image *im)
{
    const int area = im->width * im->height;
    memset(out, 0, 512 * sizeof *out);
    for (int i = 0; i < area; i++) {
        const unsigned char *p = im->px + (size_t) i * (size_t) im->channels;
        const ptrdiff_t c = im->channels == 3;
        out[p[0] / 32 * 64 + p[c] / 32 * 8 + p[2 * c] / 32] += 1.0F / (float) area;
    }
}

tw_status quality_grocery(quality *q, tw_error *err)
{
    tw_status st = TW_OK;
    quality_items x = {0};
    tw_tower *tower = NULL;
    tw_tower_samples *samples = NULL;
    float *vecs = NULL, *raw = NULL;
    int32_t *known = NULL;
    tw_mean r1, vote, raw1, raw5;

    TW_TRY(add_grocery(&x, q->data, "train.txt", err));
    const int64_t first = x.n;
    TW_TRY(add_grocery(&x, q->data, q->validate ? "val.txt" : "test.txt", err));
    const int64_t end = x.n;
    if (!q->validate) /* beside the test, by the same training */
        TW_TRY(add_grocery(&x, q->data, "val.txt", err));
    const int64_t last = x.n;
    if (q->recipe.tower.text > TW_TEXT_NONE)
        TW_TRY(add_products(&x, q->data, first, err));
    known = tw_alloc((size_t) x.n, sizeof *known);
    if (known == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld classes", (long long) x.n);
        goto done;
    }
    for (int64_t i = 0; i < x.n; i++) /* the queries steer nothing, not even the epoch */
        known[i] = i < first || i >= last ? x.cls[i] : -1;
    raw = tw_alloc((size_t) x.n, 512 * sizeof *raw);
    if (raw == NULL) {
        st = tw_fail(err, TW_ENOMEM, "colours of %lld images", (long long) x.n);
        goto done;
    }
    for (int64_t i = 0; i < x.n; i++)
        colours_of(raw + 512 * i, &x.images[i]);
    tw_tower_data data = {.classes = known, .groups = x.group};
    TW_TRY(quality_train(q, &x, &data, &tower, &samples, err));
    TW_TRY(quality_embed(q, tower, samples, &vecs, err));
    TW_TRY(quality_split(q, &x, vecs, tw_tower_dim(tower), (quality_range){first, first, end},
                         TW_NEAR_INNER, &r1, &vote, err));
    TW_TRY(quality_split(q, &x, raw, 512, (quality_range){first, first, end}, TW_NEAR_EUCLID, &raw1,
                         &raw5, err));
    (void) snprintf(q->metric, sizeof q->metric, "R@1 (%%) of fine classes, %s",
                    q->recipe.tower.text > TW_TEXT_NONE ? "gallery with texts" : "image alone");
    q->value = 100 * r1.mean;
    q->se = 100 * r1.se;
    q->baseline = 100 * raw1.mean;
    (void) snprintf(q->baseline_is, sizeof q->baseline_is, "nearest colour histogram");
    (void) json_object_set_new(q->more, "vote_of_5", json_real(100 * vote.mean));
    if (last > end) {
        TW_TRY(quality_split(q, &x, vecs, tw_tower_dim(tower), (quality_range){first, end, last},
                             TW_NEAR_INNER, &r1, &vote, err));
        (void) json_object_set_new(q->more, "validation", json_real(100 * r1.mean));
    }
done:
    tw_free(vecs);
    tw_free(raw);
    tw_free(known);
    tw_tower_samples_destroy(samples);
    tw_tower_destroy(tower);
    quality_items_fini(&x);
    return st;
}
