/* bench/speed/bench_seq.c — one measurement of the sequential model, for bench/speed/seq_speed.sh
 * to set beside its peer's in the same round.
 *
 *     bench_seq histories FILE [KEY=VALUE...]   writes the histories: "user item" a line, in order
 *     bench_seq model FILE [KEY=VALUE...]       writes an untrained model of them (safetensors)
 *     bench_seq check FILE [KEY=VALUE...]       the query vectors of the first users by that model
 *     bench_seq step [KEY=VALUE...]             trains two epochs, measures the rate of the second
 *     bench_seq next [KEY=VALUE...]             latency of a query vector and its ten nearest items
 *
 * Keys are those of the training configuration, and here: users, items (sizes of the tables),
 * lengths (ml1m: as in MovieLens-1M, median 96 and mean 165; an integer: all so long), active
 * (users that have a history); of next: kind (a FAISS factory instead of the default index), model
 * (a trained one, whose vectors an index finds harder, or easier, than random ones). One JSON
 * object goes to stdout. The defaults below are what the peer, bench/speed/seq_peer.py, is written
 * for.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "bench/speed/bench.h"
#include "bench/speed/seq_work.h"
#include "index/index.h"
#include "nn/blas.h"

enum {
    K = 10,
    QUERIES = 2000,
    EVALUATED = QUERIES / 10, /* of them: against an exact scan */
    CHECKED = 8,              /* users */
    SHORTEST = 20,            /* MovieLens-1M: no user has fewer ratings, */
    LONGEST = 2314,           /* and none more */
    MOST_LENGTH = 100000,     /* of `lengths` */
};

typedef struct setting {
    tw_seq_config c;
    int32_t users, items, active;
    int length;               /* of every history; 0: as in MovieLens-1M */
    const char *kind, *model; /* of next; NULL: the default, an untrained one */
} setting;

static const gemm_shape ceiling = {"sgemm 4096x100x100", 4096, 100, 100, 100};

/* ---- settings -------------------------------------------------------------------------------- */

static setting usual(void)
{
    setting s = {.c = tw_seq_config_default(), .users = 1024, .items = 3416, .active = 512};
    s.c.user_dim = 50;
    s.c.item_dim = 50;
    s.c.max_len = 200;
    s.c.blocks = 2;
    s.c.heads = 1;
    s.c.norm = TW_SEQ_AUTHORS;
    s.c.loss = TW_SEQ_BCE;
    s.c.negatives = 1;
    s.c.temperature = 1;
    s.c.dropout = 0.2;
    s.c.lr = 1e-3;
    s.c.batch = 128;
    s.c.threads = 2;
    /* What the peer leaves out: draws of other ids, windows, the average of the weights, each row's
     * own candidates. */
    s.c.exclude_seen = 0;
    s.c.sse_user = s.c.sse_item_input = s.c.sse_item_target = s.c.unknown_user = 0;
    s.c.window = s.c.shuffle_ties = s.c.average = 0;
    return s;
}

static tw_status whole(const char *key, const char *value, long most, int32_t *out, tw_error *err)
{
    char *end = NULL;
    long x = strtol(value, &end, 10);
    if (end == value || *end != '\0' || x < 1 || x > most)
        return tw_fail(err, TW_EINVAL, "%s=%s is not a number from 1 to %ld", key, value, most);
    *out = (int32_t) x;
    return TW_OK;
}

static tw_status set(setting *s, const char *pair, tw_error *err)
{
    char key[32];
    const char *value = strchr(pair, '=');

    if (value == NULL || (size_t) (value - pair) >= sizeof key)
        return tw_fail(err, TW_EINVAL, "'%s' is not KEY=VALUE", pair);
    (void) snprintf(key, sizeof key, "%.*s", (int) (value - pair), pair);
    value++;
    if (strcmp(key, "users") == 0)
        return whole(key, value, INT32_MAX - 1, &s->users, err);
    if (strcmp(key, "items") == 0)
        return whole(key, value, INT32_MAX - 1, &s->items, err);
    if (strcmp(key, "active") == 0)
        return whole(key, value, INT32_MAX - 1, &s->active, err);
    if (strcmp(key, "lengths") == 0 && strcmp(value, "ml1m") != 0)
        return whole(key, value, MOST_LENGTH, &s->length, err);
    if (strcmp(key, "lengths") == 0) {
        s->length = 0;
        return TW_OK;
    }
    if (strcmp(key, "kind") == 0 || strcmp(key, "model") == 0) {
        *(key[0] == 'k' ? &s->kind : &s->model) = value;
        return TW_OK;
    }
    return tw_seq_config_set(&s->c, key, value, err);
}

static tw_status settings(setting *s, int argc, char **argv, tw_error *err)
{
    tw_status st = TW_OK;

    *s = usual();
    for (int i = 0; i < argc; i++)
        TW_TRY(set(s, argv[i], err));
    TW_TRY(tw_seq_config_check(&s->c, err));
    if (s->active > s->users)
        st = tw_fail(err, TW_EINVAL, "active=%d is above users=%d", s->active, s->users);
done:
    return st;
}

/* ---- histories ------------------------------------------------------------------------------- */

/* Log-normal with MovieLens-1M's median (96) and mean (165), within its bounds. */
static int length_of(const setting *s, tw_rng *r)
{
    if (s->length > 0)
        return s->length;
    double x = 96 * exp(1.04 * tw_rng_normal(r));
    return x < SHORTEST ? SHORTEST : x > LONGEST ? LONGEST : (int) x;
}

/* Popular items have small numbers. The last two items of a history are not trained on. */
static tw_status make_histories(const setting *s, tw_seq_data **data, tw_error *err)
{
    size_t room = (size_t) s->active * (size_t) (s->length > 0 ? s->length : LONGEST);
    int32_t *users = tw_alloc(room, sizeof *users), *items = tw_alloc(room, sizeof *items);
    tw_status st = TW_OK;
    int64_t n = 0;
    tw_rng r;

    if (users == NULL || items == NULL) {
        st = tw_fail(err, TW_ENOMEM, "histories of %d users", s->active);
        goto done;
    }
    tw_rng_seed(&r, 1);
    for (int32_t u = 1; u <= s->active; u++) {
        int length = length_of(s, &r);
        for (int i = 0; i < length; i++, n++) {
            double x = tw_rng_uniform(&r);
            users[n] = u;
            items[n] = 1 + (int32_t) (s->items * x * x);
        }
    }
    TW_TRY(tw_seq_data_create(data, s->users, s->items, users, items, NULL, n, err));
done:
    tw_free(items);
    tw_free(users);
    return st;
}

static tw_status write_histories(const setting *s, const tw_seq_data *data, const char *path,
                                 json_t *out, tw_error *err)
{
    FILE *f = fopen(path, "we");
    int64_t n = 0;
    bool good = f != NULL;

    for (int32_t u = 1; good && u <= s->active; u++) {
        int64_t length = tw_seq_data_length(data, u);
        for (int64_t i = 0; good && i < length; i++, n++)
            good = fprintf(f, "%d %d\n", u, tw_seq_data_items(data, u)[i]) > 0;
    }
    if (f != NULL)
        good = fclose(f) == 0 && good;
    if (!good)
        return tw_fail(err, TW_EIO, "cannot write %s", path);
    (void) json_object_set_new(out, "events", json_integer(n));
    return TW_OK;
}

/* ---- the same numbers? ----------------------------------------------------------------------- */

static tw_status write_model(const setting *s, const char *path, tw_error *err)
{
    tw_seq_model *m = NULL;
    tw_status st = tw_seq_model_create(&m, &s->c, s->users, s->items, err);
    if (st == TW_OK)
        st = tw_seq_model_save(m, path, err);
    tw_seq_model_destroy(m);
    return st;
}

/* {"queries": one vector a user}: of the train part without its last item, the peer's input. */
static tw_status check(const tw_seq_data *data, const char *path, json_t *out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_model *m = NULL;
    tw_seq_session *session = NULL;
    tw_real *query = NULL;
    json_t *queries = json_array();

    TW_TRY(tw_seq_model_load(&m, path, err));
    int64_t rows = 0;
    int dim = 0;
    (void) tw_seq_item_vectors(m, &rows, &dim);
    TW_TRY(tw_seq_session_create(&session, m, err));
    query = tw_alloc((size_t) dim, sizeof *query);
    if (query == NULL) {
        st = tw_fail(err, TW_ENOMEM, "query of %d numbers", dim);
        goto done;
    }
    for (int32_t u = 1; u <= CHECKED; u++) {
        json_t *one = json_array();
        TW_TRY(tw_seq_query(session, u, tw_seq_data_items(data, u),
                            tw_seq_data_train_length(data, u) - 1, query, err));
        for (int j = 0; j < dim; j++)
            (void) json_array_append_new(one, json_real((double) query[j]));
        (void) json_array_append_new(queries, one);
    }
    (void) json_object_set(out, "queries", queries);
done:
    json_decref(queries);
    tw_free(query);
    tw_seq_session_destroy(session);
    tw_seq_model_destroy(m);
    return st;
}

/* ---- a training step ------------------------------------------------------------------------- */

/* The most memory this program had, by Linux; 0 elsewhere. getrusage would answer with the most
 * that the program which started us ever had, if that was more. */
static double peak_mib(void)
{
    char line[128];
    double kib = 0;
    FILE *f = fopen("/proc/self/status", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmHWM:", strlen("VmHWM:")) == 0)
            kib = strtod(line + strlen("VmHWM:"), NULL);
    if (f != NULL)
        (void) fclose(f);
    return kib / 1024;
}

static tw_status step(const setting *s, const tw_seq_data *data, json_t *out, tw_error *err)
{
    tw_status st = TW_OK;
    double gflops = 0, rows, flop;
    seq_rate rate;

    seq_work_count(data, &s->c, &rows, &flop);
    TW_TRY(seq_work_rate(data, &s->c, &rate, err));
    TW_TRY(seq_work_gemm(&ceiling, s->c.threads, &gflops, err));
    (void) json_object_set_new(out, "tokens_per_s", json_real(rate.tokens));
    (void) json_object_set_new(out, "tokens_per_cpu_s", json_real(rate.tokens_cpu));
    (void) json_object_set_new(out, "tokens", json_real(rows));
    (void) json_object_set_new(out, "gflops", json_real(rate.tokens * flop / rows / 1e9));
    (void) json_object_set_new(out, "gemm_gflops", json_real(gflops));
    (void) json_object_set_new(out, "gemm_share",
                               json_real(rate.tokens * flop / rows / 1e9 / gflops));
    (void) json_object_set_new(out, "peak_mib", json_real(peak_mib()));
done:
    return st;
}

/* ---- a query --------------------------------------------------------------------------------- */

typedef struct timing {
    double query[QUERIES], search[QUERIES], both[QUERIES]; /* us */
    double recall;                                         /* at K */
    int32_t history[TW_SEQ_MAX_LEN];
    int64_t seen[TW_SEQ_MAX_LEN]; /* the same: what the engine leaves out of its answer */
    tw_real vector[TW_SEQ_MAX_DIM];
} timing;

static void tell_us(json_t *out, const char *name, double *us)
{
    (void) json_object_set_new(out, name,
                               json_pack("{s:f, s:f}", "p50_us", bench_quantile(us, QUERIES, 0.5),
                                         "p99_us", bench_quantile(us, QUERIES, 0.99)));
}

/* Hits that belong among the K nearest: a tie with the last of them does. */
static tw_status count_found(const tw_index *ix, const timing *t, tw_index_options opt,
                             const tw_hit *hits, int n, double *found, tw_error *err)
{
    tw_hit truth[K];
    int all = 0;

    opt.exact = true;
    tw_status st = tw_index_search(ix, t->vector, K, &opt, truth, &all, err);
    for (int i = 0; st == TW_OK && i < n; i++)
        *found += hits[i].score >= truth[all - 1].score;
    return st;
}

static tw_status time_queries(const setting *s, tw_seq_session *session, const tw_index *ix,
                              timing *t, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_index_options opt = {.exclude = t->seen, .n_exclude = s->c.max_len};
    tw_hit hits[K];
    double found_in_all = 0;
    int n = 0;
    tw_rng r;

    tw_rng_seed(&r, 3);
    for (int i = -QUERIES / 10; i < QUERIES; i++) { /* below 0 warms up */
        int at = i < 0 ? 0 : i;
        for (int j = 0; j < s->c.max_len; j++)
            t->seen[j] = t->history[j] = 1 + (int32_t) tw_rng_below(&r, (uint64_t) s->items);
        double start = tw_clock_monotonic();
        TW_TRY(tw_seq_query(session, 0, t->history, s->c.max_len, t->vector, err));
        double found = tw_clock_monotonic();
        TW_TRY(tw_index_search(ix, t->vector, K, &opt, hits, &n, err));
        double end = tw_clock_monotonic();
        t->query[at] = (found - start) * 1e6;
        t->search[at] = (end - found) * 1e6;
        t->both[at] = (end - start) * 1e6;
        if (i >= 0 && i < EVALUATED)
            TW_TRY(count_found(ix, t, opt, hits, n, &found_in_all, err));
    }
    t->recall = found_in_all / EVALUATED / K;
done:
    return st;
}

static tw_status build_index(tw_index **ix, const setting *s, const tw_seq_model *m, tw_error *err)
{
    tw_status st = TW_OK;
    int64_t rows = 0;
    int dim = 0;
    const tw_real *table = tw_seq_item_vectors(m, &rows, &dim);
    const tw_index_config cfg = {.dim = dim, .factory = s->kind, .build_threads = s->c.threads};
    int64_t *ids = tw_alloc((size_t) rows, sizeof *ids);

    if (ids == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld items", (long long) rows);
        goto done;
    }
    for (int64_t i = 0; i < rows; i++)
        ids[i] = i;
    TW_TRY(tw_index_create(ix, &cfg, err));
    TW_TRY(tw_index_build(*ix, ids + 1, table + dim, rows - 1, NULL, NULL, err));
done:
    tw_free(ids);
    return st;
}

static tw_status next(const setting *s, json_t *out, tw_error *err)
{
    tw_status st = TW_OK;
    setting used = *s;
    tw_seq_model *m = NULL;
    tw_seq_session *session = NULL;
    tw_index *ix = NULL;
    tw_index_stats stats;
    timing *t = tw_alloc(1, sizeof *t);

    if (t == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%d queries", QUERIES);
        goto done;
    }
    if (s->model != NULL)
        TW_TRY(tw_seq_model_load(&m, s->model, err));
    else
        TW_TRY(tw_seq_model_create(&m, &s->c, s->users, s->items, err));
    used.items = tw_seq_model_items(m);
    used.c.max_len = tw_seq_model_config(m)->max_len;
    TW_TRY(build_index(&ix, &used, m, err));
    tw_index_get_stats(ix, &stats);
    TW_TRY(tw_seq_session_create(&session, m, err));
    TW_TRY(time_queries(&used, session, ix, t, err));
    tell_us(out, "query_vector", t->query);
    tell_us(out, "search", t->search);
    tell_us(out, "next", t->both);
    (void) json_object_set_new(out, "kind", json_string(stats.kind));
    (void) json_object_set_new(out, "recall_at_10", json_real(t->recall));
done:
    tw_seq_session_destroy(session);
    tw_index_destroy(ix);
    tw_seq_model_destroy(m);
    tw_free(t);
    return st;
}

/* ---- main ------------------------------------------------------------------------------------ */

static tw_status run(int argc, char **argv, json_t *out, tw_error *err)
{
    tw_status st = TW_OK;
    const char *what = argc > 1 ? argv[1] : "";
    bool file =
        strcmp(what, "histories") == 0 || strcmp(what, "model") == 0 || strcmp(what, "check") == 0;
    int first = file ? 3 : 2;
    tw_seq_data *data = NULL;
    setting s;

    if (argc < first || (!file && strcmp(what, "step") != 0 && strcmp(what, "next") != 0))
        return tw_fail(err, TW_EINVAL, "say histories, model or check FILE, step, or next");
    TW_TRY(settings(&s, argc - first, argv + first, err));
    TW_TRY(make_histories(&s, &data, err));
    if (strcmp(what, "histories") == 0)
        TW_TRY(write_histories(&s, data, argv[2], out, err));
    else if (strcmp(what, "model") == 0)
        TW_TRY(write_model(&s, argv[2], err));
    else if (strcmp(what, "check") == 0)
        TW_TRY(check(data, argv[2], out, err));
    else if (strcmp(what, "step") == 0)
        TW_TRY(step(&s, data, out, err));
    else
        TW_TRY(next(&s, out, err));
done:
    tw_seq_data_destroy(data);
    return st;
}

int main(int argc, char **argv)
{
    tw_blas_reexec(argv);
    tw_index_single_thread();

    tw_error err = {0};
    json_t *out = json_object();
    tw_status st = run(argc, argv, out, &err);
    if (st != TW_OK)
        (void) fprintf(stderr, "bench_seq: %s\n", err.msg);
    else if (json_dumpf(out, stdout, JSON_REAL_PRECISION(8)) != 0 || fputs("\n", stdout) < 0)
        st = TW_EIO;
    json_decref(out);
    return st == TW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
