/* bench/speed/bench_rpc.c — what does the wire add to a call?
 *
 * A small engine (2,000 films, towers trained for a moment) in a folder of its own, served over tcp
 * loopback and ipc by the same process. The peer of a call over the wire is the same call made
 * on the engine, by as many threads, in the same round. Health made directly reads a few counters,
 * so its ratio is large by nature: its microseconds are the price of the wire.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/text.h"
#include "bench/speed/bench.h"
#include "engine/engine.h"
#include "engine/training.h"
#include "nn/blas.h"
#include "rpc/client.h"
#include "rpc/service.h"

enum {
    GENRES = 20,
    PER_GENRE = 100,
    ITEMS = GENRES * PER_GENRE,
    USERS = 300,
    EVENTS = 8, /* a user */
    K = 10,
    MOST_CLIENTS = 8,
    CALLS = 1600, /* a round, in all */
    ROUNDS = 5,
    ROUTES = 3,
    LOADS = 2,
    PATH_ROOM = 256,
};

static const char *const route_names[ROUTES] = {"direct", "tcp", "ipc"};
static const int load_clients[LOADS] = {1, MOST_CLIENTS};
typedef enum call { HEALTH, SIMILAR, CALL_KINDS } call;
static const char *const call_names[CALL_KINDS] = {"Health", "Similar"};

typedef struct world {
    char dir[PATH_ROOM];
    tw_engine *engine;
    tw_service *service;
    tw_client *clients[ROUTES][MOST_CLIENTS]; /* none for direct */
    tw_answer answers[MOST_CLIENTS];
} world;

typedef struct series { /* us, us, calls/s */
    double p50[ROUNDS], p99[ROUNDS], rate[ROUNDS];
} series;

typedef struct results {
    series of[CALL_KINDS][LOADS][ROUTES];
} results;

/* ---- the engine ------------------------------------------------------------------------------ */

static tw_status write_file(const world *w, const char *name, char path[TW_PATH_MAX],
                            const tw_text *t, tw_error *err)
{
    tw_status st = tw_path_join(path, w->dir, name, err);
    return st != TW_OK ? st : tw_file_replace(path, t->data, t->len, err);
}

static tw_status load_catalogue(const world *w, tw_error *err)
{
    tw_status st = TW_OK;
    tw_ingest_report r;
    char path[TW_PATH_MAX];
    tw_text t;

    tw_text_init(&t, 1 << 20);
    TW_TRY(tw_text_adds(&t, "id,title,genres\n", err));
    for (int n = 0; n < ITEMS; n++) {
        TW_TRY(tw_text_addf(&t, err, "f%d,Genre%d Story %d,\"Genre%d|Film\"\n", n + 1,
                            n / PER_GENRE, n % PER_GENRE + 1, n / PER_GENRE));
    }
    TW_TRY(write_file(w, "films.csv", path, &t, err));
    TW_TRY(tw_engine_ingest(w->engine, path, &(tw_ingest_options){.strict = true}, &r, err));
done:
    tw_text_fini(&t);
    return st;
}

/* Everybody stays within one genre. */
static tw_status load_events(const world *w, tw_error *err)
{
    tw_status st = TW_OK;
    tw_ingest_report r;
    char path[TW_PATH_MAX];
    tw_text t;

    tw_text_init(&t, 1 << 20);
    TW_TRY(tw_text_adds(&t, "user,item,timestamp\n", err));
    for (int n = 0; n < USERS * EVENTS; n++) {
        int u = n / EVENTS, i = n % EVENTS;
        TW_TRY(tw_text_addf(&t, err, "u%d,f%d,%d\n", u + 1,
                            u % GENRES * PER_GENRE + (u / GENRES + i) % PER_GENRE + 1, 1000 + i));
    }
    TW_TRY(write_file(w, "log.csv", path, &t, err));
    TW_TRY(tw_engine_events(w->engine, path, &(tw_ingest_options){.strict = true}, &r, err));
done:
    tw_text_fini(&t);
    return st;
}

static tw_status make_engine(world *w, tw_error *err)
{
    static const char towers[] = "{\"bits\": 10, \"embed_dim\": 32, \"dim\": 64, \"epochs\": 2, "
                                 "\"batch\": 32, \"threads\": 2}";
    const tw_train_options train = {
        .config_json = towers, .activate = TW_ACTIVATE_ALWAYS, .skip_eval = true};
    const tw_engine_options opt = {.mode = TW_ENGINE_WRITE, .threads = 2};
    const char *tmp = getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe): before any thread */
    char data[TW_PATH_MAX], *trained = NULL;
    tw_status st = TW_OK;

    (void) snprintf(w->dir, sizeof w->dir, "%s/twindex-bench-XXXXXX",
                    tmp == NULL || *tmp == '\0' ? "/tmp" : tmp);
    if (mkdtemp(w->dir) == NULL) {
        st = tw_fail_errno(err, "cannot make the folder '%s'", w->dir);
        w->dir[0] = '\0';
        goto done;
    }
    TW_TRY(tw_path_join(data, w->dir, "engine", err));
    TW_TRY(tw_engine_create(data, err));
    TW_TRY(tw_engine_open(&w->engine, data, &opt, err));
    TW_TRY(load_catalogue(w, err));
    TW_TRY(load_events(w, err));
    TW_TRY(tw_engine_train_towers(w->engine, &train, &trained, err));
done:
    tw_free(trained);
    return st;
}

static tw_status world_init(world *w, tw_error *err)
{
    char ipc[PATH_ROOM + 16];
    const char *urls[] = {"tcp://127.0.0.1:0", ipc};
    const tw_service_config cfg = {.urls = urls, .n_urls = 2};
    tw_status st = TW_OK;

    for (int i = 0; i < MOST_CLIENTS; i++)
        tw_answer_init(&w->answers[i]);
    TW_TRY(make_engine(w, err));
    (void) snprintf(ipc, sizeof ipc, "ipc://%s/socket", w->dir);
    TW_TRY(tw_service_start(&w->service, w->engine, &cfg, err));
    for (int route = 1; route < ROUTES; route++) {
        const char *url = tw_service_url(w->service, route - 1);
        for (int i = 0; i < MOST_CLIENTS; i++)
            TW_TRY(tw_client_open(&w->clients[route][i], url, NULL, err));
    }
done:
    return st;
}

static void world_fini(world *w)
{
    for (int route = 1; route < ROUTES; route++)
        for (int i = 0; i < MOST_CLIENTS; i++)
            tw_client_close(w->clients[route][i]);
    (void) tw_service_stop(w->service);
    tw_engine_close(w->engine);
    for (int i = 0; i < MOST_CLIENTS; i++)
        tw_answer_fini(&w->answers[i]);
    if (w->dir[0] != '\0' && tw_remove_tree(w->dir, NULL) != TW_OK)
        (void) fprintf(stderr, "cannot remove %s\n", w->dir);
}

/* ---- the calls ------------------------------------------------------------------------------- */

typedef struct job {
    world *w;
    int route;
    call what;
    int calls; /* a client */
    double us[CALLS];
    tw_status st[MOST_CLIENTS];
    tw_error err[MOST_CLIENTS];
} job;

static tw_status ask(job *j, int client, int n, tw_error *err)
{
    tw_client *c = j->w->clients[j->route][client];
    tw_answer *a = &j->w->answers[client];
    tw_health health;
    char id[32];

    if (j->what == HEALTH) {
        if (c != NULL)
            return tw_client_health(c, &health, err);
        tw_service_health(j->w->service, &health);
        return TW_OK;
    }
    (void) snprintf(id, sizeof id, "f%d", 1 + (client * 977 + n * 13) % ITEMS);
    const tw_similar_query q = {.item = id, .k = K};
    return c != NULL ? tw_client_similar(c, &q, a, err)
                     : tw_engine_similar(j->w->engine, &q, a, err);
}

static void client(void *ctx, int worker, int workers)
{
    job *j = ctx;
    double *us = j->us + (size_t) worker * (size_t) j->calls;
    (void) workers;

    j->st[worker] = TW_OK;
    for (int n = 0; n < j->calls && j->st[worker] == TW_OK; n++) {
        double start = tw_clock_monotonic();
        j->st[worker] = ask(j, worker, n, &j->err[worker]);
        us[n] = (tw_clock_monotonic() - start) * 1e6;
    }
}

static tw_status run(job *j, tw_pool *pool, series *out, int round, tw_error *err)
{
    int clients = tw_pool_size(pool);
    j->calls = CALLS / clients;
    double start = tw_clock_monotonic();
    tw_pool_run(pool, client, j);
    double seconds = tw_clock_monotonic() - start;

    for (int i = 0; i < clients; i++) {
        if (j->st[i] != TW_OK) {
            *err = j->err[i];
            return j->st[i];
        }
    }
    out->rate[round] = CALLS / seconds;
    out->p50[round] = bench_quantile(j->us, CALLS, 0.5);
    out->p99[round] = bench_quantile(j->us, CALLS, 0.99);
    return TW_OK;
}

/* Every call on every route with every load, once. */
static tw_status measure_round(job *j, tw_pool *const pools[LOADS], results *r, int round,
                               tw_error *err)
{
    tw_status st = TW_OK;

    for (int n = 0; n < CALL_KINDS * LOADS * ROUTES; n++) {
        int load = n / ROUTES % LOADS;
        j->what = (call) (n / ROUTES / LOADS);
        j->route = n % ROUTES;
        TW_TRY(run(j, pools[load], &r->of[j->what][load][j->route], round, err));
    }
done:
    return st;
}

static tw_status measure(world *w, results *r, tw_error *err)
{
    tw_pool *pools[LOADS] = {NULL};
    job *j = tw_alloc(1, sizeof *j);
    tw_status st = TW_OK;

    if (j == NULL) {
        st = TW_ENOMEM;
        (void) tw_fail(err, st, "latencies");
        goto done;
    }
    j->w = w;
    for (int i = 0; i < LOADS; i++)
        TW_TRY(tw_pool_create(&pools[i], load_clients[i], err));
    TW_TRY(measure_round(j, pools, r, 0, err)); /* warms up and is overwritten */
    for (int round = 0; round < ROUNDS; round++)
        TW_TRY(measure_round(j, pools, r, round, err));
done:
    for (int i = 0; i < LOADS; i++)
        tw_pool_destroy(pools[i]);
    tw_free(j);
    return st;
}

static void tell_series(bench *b, const results *r, call what, int load, int route)
{
    const series *s = &r->of[what][load][route], *peer = &r->of[what][load][0];
    char name[64];
    int used = snprintf(name, sizeof name, "%s, %s, %d client%s, ", call_names[what],
                        route_names[route], load_clients[load], load > 0 ? "s" : "");
    size_t left = sizeof name - (size_t) used;

    (void) snprintf(name + used, left, "p50");
    bench_row(b, name, "us", BENCH_LESS, s->p50, "direct", peer->p50, ROUNDS);
    (void) snprintf(name + used, left, "p99");
    bench_row(b, name, "us", BENCH_LESS, s->p99, "direct", peer->p99, ROUNDS);
    (void) snprintf(name + used, left, "rate");
    bench_row(b, name, "calls/s", BENCH_MORE, s->rate, "direct", peer->rate, ROUNDS);
}

static void report(bench *b, const results *r)
{
    bench_fact(b, "items", ITEMS);
    bench_fact(b, "k", K);
    bench_fact(b, "calls_a_round", CALLS);
    for (int n = 0; n < CALL_KINDS * LOADS; n++)
        for (int route = 1; route < ROUTES; route++)
            tell_series(b, r, (call) (n / LOADS), n % LOADS, route);
    for (int route = 1; route < ROUTES; route++) {
        char name[64];
        (void) snprintf(name, sizeof name, "Similar, %s, 1 client, p50", route_names[route]);
        bench_row(b, name, "us", BENCH_LESS, r->of[SIMILAR][0][route].p50, "Health, likewise",
                  r->of[HEALTH][0][route].p50, ROUNDS);
    }
}

int main(int argc, char **argv)
{
    (void) argc;
    tw_blas_reexec(argv);

    tw_error err = {0};
    tw_status st = TW_OK;
    results r = {0};
    world w = {0};
    bench b;

    bench_begin(&b, "bench_rpc", "what does the wire add to a call on the engine?");
    TW_TRY(world_init(&w, &err));
    TW_TRY(measure(&w, &r, &err));
    report(&b, &r);
done:
    world_fini(&w);
    return bench_end(&b, st, &err);
}
