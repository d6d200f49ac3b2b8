/* Omniglot and Fashion-MNIST. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "bench/quality/quality.h"
#include "ingest/image.h"
#include "metrics/mean.h"
#include "metrics/ranking.h"
#include "metrics/trials.h"

/* ---- Omniglot --------------------------------------------------------------------------------
 *
 * Lake et al.'s 20 runs of 20 within-alphabet trials, 20-way one-shot; trained on the background
 * set alone, each character turned by 0, 90, 180 and 270 degrees being four classes. Validation:
 * the same kind of trials on alphabets that are held back. */

enum { RUNS = 20, WAYS = 20, HELD_ALPHABETS = 5, VALID_TRIALS = 20 };

typedef struct names {
    char **at;
    int n;
} names;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* What is in a folder, sorted, without what begins with a dot. */
static tw_status list_folder(names *out, const char *path, tw_error *err)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    *out = (names){0};
    if (dir == NULL)
        return tw_fail_errno(err, "cannot open the folder '%.200s'", path);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone */
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        char **more = tw_realloc(out->at, (size_t) out->n + 1, sizeof *more);
        if (more != NULL) {
            out->at = more;
            more[out->n] = tw_strdup(entry->d_name);
        }
        if (more == NULL || more[out->n++] == NULL) {
            (void) closedir(dir);
            return tw_fail(err, TW_ENOMEM, "names in '%.200s'", path);
        }
    }
    (void) closedir(dir);
    if (out->n > 0)
        qsort(out->at, (size_t) out->n, sizeof *out->at, by_name);
    return TW_OK;
}

static void free_names(names *x)
{
    for (int i = 0; i < x->n; i++)
        tw_free(x->at[i]);
    tw_free(x->at);
    *x = (names){0};
}

/* A square image turned by a quarter `times` times. */
static tw_status turned(tw_image *out, const tw_image *in, int times, tw_error *err)
{
    const int n = in->width;
    const size_t c = (size_t) in->channels;
    *out = *in;
    out->px = tw_alloc((size_t) n * (size_t) n, c);
    if (out->px == NULL || in->height != n)
        return tw_fail(err, TW_ENOMEM, "a turned image");
    for (int y = 0; y < n; y++) {
        for (int x = 0; x < n; x++) {
            int fy = y, fx = x;
            for (int k = 0; k < times; k++) {
                const int keep = fy;
                fy = n - 1 - fx;
                fx = keep;
            }
            memcpy(out->px + ((size_t) y * (size_t) n + (size_t) x) * c,
                   in->px + ((size_t) fy * (size_t) n + (size_t) fx) * c, c);
        }
    }
    return TW_OK;
}

static tw_status add_glyph(quality_items *x, const char *path, int32_t cls, int32_t group,
                           int turns, tw_error *err)
{
    tw_image im = {0}, other = {0};
    tw_status st = tw_image_load(&im, path, NULL, err);
    for (int k = 0; k < turns && st == TW_OK; k++) {
        st = turned(&other, &im, k, err);
        if (st == TW_OK)
            st = quality_add(x, &other, NULL, NULL, cls + k, group, err);
    }
    tw_free(im.px);
    return st;
}

/* A folder of one character's drawings. */
static tw_status add_character(quality_items *x, const char *folder, int32_t cls, int32_t group,
                               int turns, tw_error *err)
{
    char path[TW_PATH_MAX];
    names files;
    tw_status st = list_folder(&files, folder, err);
    for (int i = 0; i < files.n && st == TW_OK; i++) {
        st = tw_path_join(path, folder, files.at[i], err);
        if (st == TW_OK)
            st = add_glyph(x, path, cls, group, turns, err);
    }
    free_names(&files);
    return st;
}

/* The background set; the last alphabets are held back when validating. *held: first class of
 * theirs. */
static tw_status add_background(const quality *q, quality_items *x, int32_t *held, tw_error *err)
{
    tw_status st = TW_OK;
    char root[TW_PATH_MAX], folder[TW_PATH_MAX], inner[TW_PATH_MAX];
    names alphabets = {0}, characters = {0};
    int32_t cls = 0;

    TW_TRY(tw_path_join(root, q->data, "images_background", err));
    TW_TRY(list_folder(&alphabets, root, err));
    for (int a = 0; a < alphabets.n; a++) {
        const bool out = q->validate && a >= alphabets.n - HELD_ALPHABETS;
        TW_TRY(tw_path_join(folder, root, alphabets.at[a], err));
        TW_TRY(list_folder(&characters, folder, err));
        if (out && *held < 0)
            *held = cls;
        for (int i = 0; i < characters.n; i++) {
            const int64_t first = x->n;
            TW_TRY(tw_path_join(inner, folder, characters.at[i], err));
            TW_TRY(add_character(x, inner, cls, a, out ? 1 : 4, err));
            for (int64_t k = first; k < x->n && out; k++)
                x->held[k] = 1;
            cls += out ? 1 : 4;
        }
        free_names(&characters);
    }
done:
    free_names(&alphabets);
    free_names(&characters);
    return st;
}

typedef struct trials {
    tw_trial at[512];
    int32_t rows[512][2 * WAYS], labels[512][2 * WAYS];
    int n;
} trials;

static void add_trial(trials *t, int ways)
{
    const int k = t->n++;
    t->at[k] = (tw_trial){.support = t->rows[k],
                          .support_class = t->labels[k],
                          .n_support = ways,
                          .query = t->rows[k] + WAYS,
                          .query_class = t->labels[k] + WAYS,
                          .n_query = ways};
}

/* runNN/class_labels.txt: "runNN/test/item07.png runNN/training/class12.png", WAYS lines. */
static tw_status read_run(trials *t, quality_items *x, const char *root, int run, tw_error *err)
{
    tw_status st = TW_OK;
    char name[64], path[TW_PATH_MAX];
    char *data = NULL, **lines = NULL;
    int64_t n;

    (void) snprintf(name, sizeof name, "run%02d/class_labels.txt", run);
    TW_TRY(tw_path_join(path, root, name, err));
    TW_TRY(quality_lines(path, &data, &lines, &n, err));
    for (int i = 0; i < WAYS && i < n; i++) {
        char *right = strchr(lines[i], ' ');
        if (right == NULL) {
            st = tw_fail(err, TW_ECORRUPT, "'%.200s', line %d: two names are wanted", path, i + 1);
            goto done;
        }
        *right++ = '\0';
        /* The support images of a run are its 20 classes, named by their number. */
        t->rows[t->n][i] = t->rows[t->n][WAYS + i] = (int32_t) x->n;
        t->labels[t->n][i] = t->labels[t->n][WAYS + i] = i;
        TW_TRY(tw_path_join(path, root, right, err));
        TW_TRY(add_glyph(x, path, -1, -1, 1, err));
        t->rows[t->n][WAYS + i] = (int32_t) x->n;
        TW_TRY(tw_path_join(path, root, lines[i], err));
        TW_TRY(add_glyph(x, path, -1, -1, 1, err));
    }
    add_trial(t, WAYS);
done:
    tw_free(data);
    tw_free(lines);
    return st;
}

/* Trials of the same kind on held alphabets: up to WAYS characters of one, a drawing of each by one
 * person against a drawing by another. */
static void make_trials(trials *t, const quality_items *x, int32_t first, int64_t seed)
{
    tw_rng rng;
    int64_t begin = 0;
    tw_rng_seed(&rng, (uint64_t) seed);
    while (begin < x->n && x->cls[begin] < first)
        begin++;
    while (begin < x->n && x->held[begin]) {
        int64_t end = begin;
        while (end < x->n && x->group[end] == x->group[begin])
            end++;
        const int characters = (int) ((end - begin) / 20),
                  ways = characters < WAYS ? characters : WAYS;
        for (int k = 0; k < VALID_TRIALS && t->n < 512; k++) {
            int32_t order[1024];
            for (int i = 0; i < characters; i++)
                order[i] = i;
            tw_rng_shuffle(&rng, order, characters);
            const int a = (int) tw_rng_below(&rng, 20),
                      b = (a + 1 + (int) tw_rng_below(&rng, 19)) % 20;
            for (int i = 0; i < ways; i++) {
                t->rows[t->n][i] = (int32_t) (begin + order[i] * INT64_C(20) + a);
                t->rows[t->n][WAYS + i] = (int32_t) (begin + order[i] * INT64_C(20) + b);
                t->labels[t->n][i] = t->labels[t->n][WAYS + i] = i;
            }
            add_trial(t, ways);
        }
        begin = end;
    }
}

/* The same trials on the pixels of 28 by 28 images. */
static tw_status pixel_baseline(const quality_items *x, const trials *t, double *out, tw_error *err)
{
    enum { SIDE = 28, AREA = SIDE * SIDE };
    tw_status st = TW_OK;
    tw_mean mean;
    float *raw = tw_alloc((size_t) x->n, AREA * sizeof *raw);

    if (raw == NULL)
        return tw_fail(err, TW_ENOMEM, "pixels of %lld images", (long long) x->n);
    for (int64_t i = 0; i < x->n; i++) {
        const tw_image *im = &x->images[i];
        float *row = raw + (size_t) i * AREA;
        double sum = 0;
        const unsigned char *px = im->px;
        for (int y = 0; y < im->height; y++) {
            for (int c = 0; c < im->width; c++, px += im->channels)
                row[y * SIDE / im->height * SIDE + c * SIDE / im->width] += (float) (255 - *px);
        }
        for (int k = 0; k < AREA; k++)
            sum += (double) row[k] * (double) row[k];
        for (int k = 0; k < AREA && sum > 0; k++)
            row[k] = (float) ((double) row[k] / sqrt(sum));
    }
    st = tw_trials_measure(&mean, raw, x->n, AREA, t->at, t->n, false, err);
    *out = 100 * mean.mean;
    tw_free(raw);
    return st;
}

tw_status quality_omniglot(quality *q, tw_error *err)
{
    tw_status st = TW_OK;
    quality_items x = {0};
    tw_tower *tower = NULL;
    tw_tower_samples *samples = NULL;
    float *vecs = NULL;
    int32_t held = -1;
    tw_mean mean;
    char root[TW_PATH_MAX];
    trials *t = tw_alloc(1, sizeof *t);

    if (t == NULL)
        return tw_fail(err, TW_ENOMEM, "trials");
    TW_TRY(add_background(q, &x, &held, err));
    TW_TRY(tw_path_join(root, q->data, "all_runs", err));
    for (int run = 1; run <= RUNS && !q->validate; run++)
        TW_TRY(read_run(t, &x, root, run, err));
    if (q->validate)
        make_trials(t, &x, held, q->recipe.train.seed);
    /* Nothing steers but the number of epochs: the last one counts, as it does in a test. */
    for (int64_t i = 0; i < x.n; i++)
        if (x.held[i])
            x.cls[i] = -1;
    tw_tower_data data = {.classes = x.cls, .groups = x.group};
    TW_TRY(quality_train(q, &x, &data, &tower, &samples, err));
    TW_TRY(quality_embed(q, tower, samples, &vecs, err));
    TW_TRY(tw_trials_measure(&mean, vecs, x.n, tw_tower_dim(tower), t->at, t->n, false, err));
    (void) snprintf(q->metric, sizeof q->metric,
                    "accuracy (%%), 20-way one-shot within an alphabet, %d trials of 20", t->n);
    q->value = 100 * mean.mean;
    q->se = 100 * mean.se;
    TW_TRY(pixel_baseline(&x, t, &q->baseline, err));
    (void) snprintf(q->baseline_is, sizeof q->baseline_is, "nearest pixels, 28 by 28, cosine");
done:
    tw_free(vecs);
    tw_tower_samples_destroy(samples);
    tw_tower_destroy(tower);
    quality_items_fini(&x);
    tw_free(t);
    return st;
}

/* ---- Fashion-MNIST ---------------------------------------------------------------------------
 *
 * R@1: the share of test images whose nearest training image is of their class. Validation: the
 * last 10,000 training images against the others. */

enum { FASHION_TRAIN = 60000, FASHION_TEST = 10000, FASHION_SIDE = 28 };

static tw_status read_idx(const char *folder, const char *name, size_t header, size_t bytes,
                          unsigned char **out, tw_error *err)
{
    char path[TW_PATH_MAX];
    unsigned char skip[16];
    tw_status st = tw_path_join(path, folder, name, err);
    if (st != TW_OK)
        return st;
    gzFile f = gzopen(path, "rb");
    *out = tw_alloc(bytes, 1);
    if (f == NULL || *out == NULL || gzread(f, skip, (unsigned) header) != (int) header ||
        gzread(f, *out, (unsigned) bytes) != (int) bytes)
        st = tw_fail(err, TW_EIO, "'%.200s' is no IDX file of %zu bytes", path, bytes);
    if (f != NULL)
        (void) gzclose(f);
    return st;
}

static tw_status add_fashion(quality_items *x, const char *folder, const char *images,
                             const char *labels, int n, tw_error *err)
{
    enum { AREA = FASHION_SIDE * FASHION_SIDE };
    tw_status st = TW_OK;
    unsigned char *px = NULL, *label = NULL;

    TW_TRY(read_idx(folder, images, 16, (size_t) n * AREA, &px, err));
    TW_TRY(read_idx(folder, labels, 8, (size_t) n, &label, err));
    for (int i = 0; i < n; i++) {
        tw_image im = {FASHION_SIDE, FASHION_SIDE, 1, tw_alloc(AREA, 1)};
        if (im.px == NULL) {
            st = tw_fail(err, TW_ENOMEM, "image %d", i);
            goto done;
        }
        memcpy(im.px, px + (size_t) i * AREA, AREA);
        TW_TRY(quality_add(x, &im, NULL, NULL, label[i], 0, err));
    }
done:
    tw_free(px);
    tw_free(label);
    return st;
}

tw_status quality_fashion(quality *q, tw_error *err)
{
    enum { AREA = FASHION_SIDE * FASHION_SIDE };
    tw_status st = TW_OK;
    quality_items x = {0};
    tw_tower *tower = NULL;
    tw_tower_samples *samples = NULL;
    float *vecs = NULL, *raw = NULL;
    tw_mean r1, vote, raw1, raw5;

    TW_TRY(add_fashion(&x, q->data, "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
                       FASHION_TRAIN, err));
    if (!q->validate)
        TW_TRY(add_fashion(&x, q->data, "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
                           FASHION_TEST, err));
    const int64_t first = x.n - FASHION_TEST, end = x.n;
    int32_t *known = tw_alloc((size_t) x.n, sizeof *known);
    raw = tw_alloc((size_t) x.n, AREA * sizeof *raw);
    if (known == NULL || raw == NULL) {
        tw_free(known);
        st = tw_fail(err, TW_ENOMEM, "%lld images", (long long) x.n);
        goto done;
    }
    for (int64_t i = 0; i < x.n; i++) {
        known[i] = i < first ? x.cls[i] : -1; /* the others steer nothing, not even the epoch */
        for (int k = 0; k < AREA; k++)
            raw[(size_t) i * AREA + (size_t) k] = (float) x.images[i].px[k] / 255;
    }
    tw_tower_data data = {.classes = known};
    st = quality_train(q, &x, &data, &tower, &samples, err);
    tw_free(known);
    TW_TRY(st);
    TW_TRY(quality_embed(q, tower, samples, &vecs, err));
    TW_TRY(quality_split(q, &x, vecs, tw_tower_dim(tower), (quality_range){first, first, end},
                         TW_NEAR_INNER, &r1, &vote, err));
    TW_TRY(quality_split(q, &x, raw, AREA, (quality_range){first, first, end}, TW_NEAR_EUCLID,
                         &raw1, &raw5, err));
    (void) snprintf(q->metric, sizeof q->metric, "R@1 (%%), 10,000 against the training images");
    q->value = 100 * r1.mean;
    q->se = 100 * r1.se;
    q->baseline = 100 * raw1.mean;
    (void) snprintf(q->baseline_is, sizeof q->baseline_is, "nearest raw pixels");
    (void) json_object_set_new(q->more, "vote_of_5", json_real(100 * vote.mean));
done:
    tw_free(vecs);
    tw_free(raw);
    tw_tower_samples_destroy(samples);
    tw_tower_destroy(tower);
    quality_items_fini(&x);
    return st;
}
