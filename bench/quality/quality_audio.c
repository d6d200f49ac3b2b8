/* Free Spoken Digit Dataset: six speakers say ten digits fifty times.
 *
 * R@1: the share of asked recordings whose nearest learnt one is of the same digit.
 *
 *   fsdd       asked are recordings 0-4 of each speaker and digit, as upstream says; all others are
 * learnt. Validation: 5-9 of what would be learnt. fsdd-loso  six trainings; each leaves one
 * speaker out and asks for all of theirs. Validation: the speaker left out is not looked at, and
 * another one of the five is asked for.
 *
 * No epoch is chosen by what is asked: training runs all its epochs. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "bench/quality/quality.h"
#include "ingest/audio.h"
#include "metrics/mean.h"
#include "metrics/ranking.h"
#include "towers/audio/audio_logmel.h"

enum { SPEAKERS = 6, TEST_INDEX = 5, VALID_INDEX = 10, SEGMENTS = 10 };

static const char *const speakers[SPEAKERS] = {"george",  "jackson", "lucas",
                                               "nicolas", "theo",    "yweweler"};

/* "7_jackson_32.wav" */
typedef struct recording {
    int digit, speaker, index;
} recording;

static bool parse_name(recording *r, const char *name)
{
    char *end;
    r->digit = (int) strtol(name, &end, 10);
    if (*end != '_' || r->digit < 0 || r->digit > 9)
        return false;
    const char *who = end + 1, *after = strchr(who, '_');
    if (after == NULL)
        return false;
    r->index = (int) strtol(after + 1, &end, 10);
    for (r->speaker = 0; r->speaker < SPEAKERS; r->speaker++) {
        const char *s = speakers[r->speaker];
        if (strlen(s) == (size_t) (after - who) && strncmp(s, who, strlen(s)) == 0)
            return strcmp(end, ".wav") == 0;
    }
    return false;
}

/* Who learns and who is asked for. speaker -1: by index. */
typedef struct split {
    bool validate;
    int speaker;
} split;

typedef enum part { LEARNT, ASKED, UNSEEN } part;

static part part_of(const split *s, const recording *r)
{
    if (s->speaker < 0) {
        const int asked = s->validate ? VALID_INDEX : TEST_INDEX;
        if (s->validate && r->index < TEST_INDEX)
            return UNSEEN;
        return r->index < asked ? ASKED : LEARNT;
    }
    if (!s->validate)
        return r->speaker == s->speaker ? ASKED : LEARNT;
    if (r->speaker == s->speaker)
        return UNSEEN;
    return r->speaker == (s->speaker + 1) % SPEAKERS ? ASKED : LEARNT;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The recordings of both parts, in the order of their names. */
static tw_status read_recordings(quality_items *learnt, quality_items *asked, const quality *q,
                                 const split *how, tw_error *err)
{
    tw_status st = TW_OK;
    char folder[TW_PATH_MAX], path[TW_PATH_MAX];
    struct dirent **entries = NULL;
    recording r;

    TW_TRY(tw_path_join(folder, q->data, "recordings", err));
    const int n = scandir(folder, &entries, NULL, by_name);
    if (n < 0)
        return tw_fail_errno(err, "cannot open the folder '%.200s'", folder);
    for (int i = 0; i < n && st == TW_OK; i++) {
        tw_audio s = {0};
        if (!parse_name(&r, entries[i]->d_name) || part_of(how, &r) == UNSEEN)
            continue;
        st = tw_path_join(path, folder, entries[i]->d_name, err);
        if (st == TW_OK)
            st = tw_audio_load(&s, path, &(tw_audio_options){.seconds = 60}, NULL, err);
        if (st == TW_OK)
            st = quality_add(part_of(how, &r) == ASKED ? asked : learnt, NULL, &s, NULL, r.digit,
                             r.speaker, err);
    }
    for (int i = 0; i < n; i++)
        free(entries[i]); /* scandir's */
    free(entries);
    if (st == TW_OK && (learnt->n == 0 || asked->n == 0))
        st =
            tw_fail(err, TW_ENOTFOUND, "no recordings like '7_jackson_32.wav' in '%.200s'", folder);
done:
    return st;
}

/* The mean log-mel of each of ten equal parts of a recording: (n, SEGMENTS * bands). */
static tw_status raw_features(float **out, int *dim, const quality_items *x, tw_error *err)
{
    tw_status st = TW_OK;
    twi_logmel_config cfg;
    twi_logmel *front = NULL;
    float *rows = NULL;

    TW_TRY(twi_logmel_preset(&cfg, "fsdd", err));
    cfg.loudness = true;
    TW_TRY(twi_logmel_create(&front, &cfg, err));
    const int B = cfg.bands;
    *dim = SEGMENTS * B;
    *out = tw_alloc((size_t) x->n * (size_t) *dim, sizeof **out);
    if (*out == NULL) {
        st = tw_fail(err, TW_ENOMEM, "log-mels of %lld recordings", (long long) x->n);
        goto done;
    }
    for (int64_t i = 0; i < x->n; i++) {
        int frames;
        TW_TRY(twi_logmel_run(front, &x->recordings[i], &rows, &frames, err));
        const int heard = twi_logmel_count(&cfg, x->recordings[i].frames); /* the rest is padding */
        for (int s = 0; s < SEGMENTS; s++) {
            const int from = s * heard / SEGMENTS, to = (s + 1) * heard / SEGMENTS;
            const int end = to > from ? to : from + 1;
            float *at = *out + (size_t) i * (size_t) *dim + (size_t) s * (size_t) B;
            for (int t = from; t < end; t++)
                for (int b = 0; b < B; b++)
                    at[b] += rows[(size_t) t * (size_t) B + (size_t) b] / (float) (end - from);
        }
        tw_free(rows);
        rows = NULL;
    }
done:
    tw_free(rows);
    twi_logmel_destroy(front);
    return st;
}

/* R@1 of asked vectors among learnt ones, both (n, dim). */
static tw_status measure(tw_mean *out, const quality *q, const quality_items *asked, const float *a,
                         const quality_items *learnt, const float *l, int dim, tw_nearness nearness,
                         tw_error *err)
{
    tw_status st = TW_OK;
    tw_dense *dense = NULL;
    tw_ranked lists = {0};
    const tw_rank_task task = {.queries = asked->n,
                               .pool = learnt->n,
                               .k = 1,
                               .query_class = asked->cls,
                               .pool_class = learnt->cls};

    TW_TRY(tw_dense_create(&dense, a, l, learnt->n, dim, nearness, tw_pool_size(q->pool), err));
    TW_TRY(tw_rank(&lists, &task, tw_dense_score, dense, q->pool, err));
    TW_TRY(tw_knn_measure(out, &lists, &task, 1, err));
done:
    tw_ranked_fini(&lists);
    tw_dense_destroy(dense);
    return st;
}

static tw_status measure_raw(tw_mean *out, const quality *q, const quality_items *asked,
                             const quality_items *learnt, tw_error *err)
{
    tw_status st = TW_OK;
    float *a = NULL, *l = NULL;
    int dim;

    TW_TRY(raw_features(&a, &dim, asked, err));
    TW_TRY(raw_features(&l, &dim, learnt, err));
    TW_TRY(measure(out, q, asked, a, learnt, l, dim, TW_NEAR_EUCLID, err));
done:
    tw_free(a);
    tw_free(l);
    return st;
}

/* What is asked for meets the tower only after it has learnt. */
static tw_status train_and_measure(tw_mean *trained, tw_mean *raw, quality *q, const split *how,
                                   tw_error *err)
{
    tw_status st = TW_OK;
    quality_items learnt = {0}, asked = {0};
    tw_tower *tower = NULL;
    tw_tower_samples *samples = NULL;
    float *a = NULL, *l = NULL;

    TW_TRY(read_recordings(&learnt, &asked, q, how, err));
    TW_TRY(measure_raw(raw, q, &asked, &learnt, err));
    tw_tower_data data = {.classes = learnt.cls};
    TW_TRY(quality_train(q, &learnt, &data, &tower, &samples, err));
    TW_TRY(quality_embed(q, tower, samples, &l, err));
    const tw_tower_source source = quality_source(&asked);
    const int dim = tw_tower_dim(tower);
    a = tw_alloc((size_t) asked.n * (size_t) dim, sizeof *a);
    if (a == NULL) {
        st = tw_fail(err, TW_ENOMEM, "vectors of %lld recordings", (long long) asked.n);
        goto done;
    }
    TW_TRY(tw_tower_embed_many(tower, q->pool, &source, a, NULL, NULL, err));
    TW_TRY(measure(trained, q, &asked, a, &learnt, l, dim, TW_NEAR_INNER, err));
done:
    tw_free(a);
    tw_free(l);
    tw_tower_samples_destroy(samples);
    tw_tower_destroy(tower);
    quality_items_fini(&learnt);
    quality_items_fini(&asked);
    return st;
}

static void report(quality *q, const char *metric, tw_mean trained, tw_mean raw)
{
    (void) snprintf(q->metric, sizeof q->metric, "%s", metric);
    (void) snprintf(q->baseline_is, sizeof q->baseline_is, "nearest log-mel, mean of ten parts");
    q->value = 100 * trained.mean;
    q->se = 100 * trained.se;
    q->baseline = 100 * raw.mean;
}

tw_status quality_fsdd(quality *q, tw_error *err)
{
    tw_mean trained, raw;
    const split how = {.validate = q->validate, .speaker = -1};
    const tw_status st = train_and_measure(&trained, &raw, q, &how, err);
    if (st == TW_OK)
        report(q, "R@1 (%) of recordings 0-4 among all others", trained, raw);
    return st;
}

tw_status quality_fsdd_loso(quality *q, tw_error *err)
{
    tw_mean trained[SPEAKERS] = {{0}}, raw[SPEAKERS] = {{0}}, mean = {0}, mean_raw = {0};
    json_t *each = json_object();

    (void) json_object_set_new(q->more, "each", each);
    for (int s = 0; s < SPEAKERS; s++) {
        const split how = {.validate = q->validate, .speaker = s};
        const char *asked = speakers[q->validate ? (s + 1) % SPEAKERS : s];
        const tw_status st = train_and_measure(&trained[s], &raw[s], q, &how, err);
        if (st != TW_OK)
            return st;
        (void) json_object_set_new(each, asked, json_real(100 * trained[s].mean));
        mean.mean += trained[s].mean / SPEAKERS;
        mean.se += trained[s].se * trained[s].se;
        mean_raw.mean += raw[s].mean / SPEAKERS;
    }
    mean.se = sqrt(mean.se) / SPEAKERS;
    report(q, "R@1 (%) of a speaker's recordings among the others', mean over six", mean, mean_raw);
    return TW_OK;
}
