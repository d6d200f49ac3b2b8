/* What the tasks of tower_quality share. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "bench/quality/quality.h"
#include "metrics/mean.h"
#include "metrics/ranking.h"

#define MAX_FILE (512 << 20)

static bool grow(quality_items *x)
{
    const int64_t room = x->room == 0 ? 1024 : 2 * x->room;
    const size_t n = (size_t) room;
    void **arrays[] = {(void **) &x->at,    (void **) &x->images, (void **) &x->recordings,
                       (void **) &x->texts, (void **) &x->cls,    (void **) &x->group,
                       (void **) &x->held};
    const size_t sizes[] = {sizeof *x->at,    sizeof *x->images, sizeof *x->recordings,
                            sizeof *x->texts, sizeof *x->cls,    sizeof *x->group,
                            sizeof *x->held};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *more = tw_realloc(*arrays[i], n, sizes[i]);
        if (more == NULL)
            return false;
        *arrays[i] = more;
    }
    x->room = room;
    return true;
}

tw_status quality_add(quality_items *x, tw_image *image, tw_audio *audio, char *text, int32_t cls,
                      int32_t group, tw_error *err)
{
    if (x->n == x->room && !grow(x))
        return tw_fail(err, TW_ENOMEM, "%lld items", (long long) x->n + 1);
    const int64_t i = x->n++;
    x->images[i] = image != NULL ? *image : (tw_image){0};
    x->recordings[i] = audio != NULL ? *audio : (tw_audio){0};
    x->texts[i] = text;
    x->cls[i] = cls;
    x->group[i] = group;
    x->held[i] = 0;
    return TW_OK;
}

void quality_items_fini(quality_items *x)
{
    for (int64_t i = 0; i < x->n; i++) {
        tw_free(x->images[i].px);
        tw_free(x->recordings[i].samples);
        tw_free(x->texts[i]);
    }
    tw_free(x->at);
    tw_free(x->images);
    tw_free(x->recordings);
    tw_free(x->texts);
    tw_free(x->cls);
    tw_free(x->group);
    tw_free(x->held);
    *x = (quality_items){0};
}

static tw_status load_item(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err)
{
    const quality_items *x = ctx;
    (void) worker;
    (void) err;
    *out = (tw_tower_item){.text = x->texts[i],
                           .text_len = x->texts[i] != NULL ? strlen(x->texts[i]) : 0,
                           .image = x->images[i].px != NULL ? &x->images[i] : NULL,
                           .audio = x->recordings[i].samples != NULL ? &x->recordings[i] : NULL};
    return TW_OK;
}

tw_tower_source quality_source(quality_items *x)
{
    return (tw_tower_source){.n = x->n, .load = load_item, .ctx = x};
}

static void report_epoch(void *ctx, const tw_tower_epoch *line)
{
    tw_text text;
    (void) ctx;
    tw_text_init(&text, 4096);
    if (tw_tower_epoch_format(line, &text, NULL) == TW_OK)
        (void) fprintf(stderr, "%s\n", tw_text_cstr(&text));
    tw_text_fini(&text);
}

/* A line now and then: an epoch takes minutes. */
static int report_steps(void *ctx, const tw_progress *p)
{
    double *last = ctx;
    const double now = tw_clock_monotonic();
    if (now - *last >= 30) {
        *last = now;
        (void) fprintf(stderr, "step %lld of %lld\n", (long long) p->done, (long long) p->total);
    }
    return 0;
}

tw_status quality_train(quality *q, quality_items *x, tw_tower_data *data, tw_tower **tower,
                        tw_tower_samples **samples, tw_error *err)
{
    return quality_train_fitted(q, x, x->n, data, tower, samples, err);
}

tw_status quality_train_fitted(quality *q, quality_items *x, int64_t n_fit, tw_tower_data *data,
                               tw_tower **tower, tw_tower_samples **samples, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_tower_source source = quality_source(x);
    double last = tw_clock_monotonic();
    const tw_tower_watch watch = {
        .epoch = report_epoch, .progress = report_steps, .progress_ctx = &last};

    TW_TRY(tw_tower_create(tower, &q->recipe.tower, NULL, err));
    TW_TRY(tw_tower_prepare(samples, *tower, q->pool, &source, NULL, NULL, err));
    if (n_fit < x->n) /* texts alone have anything to fit to */
        TW_TRY(tw_tower_fit_texts(*tower, (const char *const *) x->texts, NULL, n_fit, err));
    else
        TW_TRY(tw_tower_fit(*tower, *samples, err));
    data->samples = *samples;
    data->n_items = x->n;
    TW_TRY(tw_tower_train(*tower, data, &q->recipe.train, &watch, &q->trained, err));
done:
    return st;
}

tw_status quality_embed(quality *q, const tw_tower *t, const tw_tower_samples *s, float **vecs,
                        tw_error *err)
{
    const size_t n = (size_t) tw_tower_samples_count(s), D = (size_t) tw_tower_dim(t);
    *vecs = tw_alloc(n, D * sizeof **vecs);
    if (*vecs == NULL)
        return tw_fail(err, TW_ENOMEM, "vectors of %zu items", n);
    return tw_tower_embed_samples(t, q->pool, s, *vecs, NULL, NULL, err);
}

tw_status quality_lines(const char *path, char **data, char ***lines, int64_t *n, tw_error *err)
{
    size_t len;
    int64_t count = 1;
    tw_status st = tw_file_read(path, MAX_FILE, data, &len, err);

    *lines = NULL;
    *n = 0;
    if (st != TW_OK)
        return st;
    for (size_t i = 0; i < len; i++)
        count += (*data)[i] == '\n';
    *lines = tw_alloc((size_t) count, sizeof **lines);
    if (*lines == NULL)
        return tw_fail(err, TW_ENOMEM, "lines of '%.200s'", path);
    for (char *at = *data; at < *data + len;) {
        char *end = memchr(at, '\n', (size_t) (*data + len - at));
        if (end == NULL)
            end = *data + len;
        *end = '\0'; /* a file is read with one behind it */
        if (end > at && end[-1] == '\r')
            end[-1] = '\0';
        (*lines)[(*n)++] = at;
        at = end + 1;
    }
    return TW_OK;
}

tw_status quality_split(quality *q, const quality_items *x, const float *vecs, int dim,
                        quality_range of, tw_nearness nearness, tw_mean *r1, tw_mean *vote,
                        tw_error *err)
{
    tw_status st = TW_OK;
    tw_dense *dense = NULL;
    tw_ranked lists = {0};
    const tw_rank_task task = {.queries = of.end - of.first,
                               .pool = of.pool,
                               .k = 5,
                               .query_class = x->cls + of.first,
                               .pool_class = x->cls};

    TW_TRY(tw_dense_create(&dense, vecs + of.first * dim, vecs, of.pool, dim, nearness,
                           tw_pool_size(q->pool), err));
    TW_TRY(tw_rank(&lists, &task, tw_dense_score, dense, q->pool, err));
    TW_TRY(tw_knn_measure(r1, &lists, &task, 1, err));
    TW_TRY(tw_knn_measure(vote, &lists, &task, 5, err));
done:
    tw_ranked_fini(&lists);
    tw_dense_destroy(dense);
    return st;
}
