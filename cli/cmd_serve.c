/* serve: a directory over the network, until a signal comes. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/commands.h"
#include "rpc/service.h"

typedef struct values {
    basics b;
    const char *listen, *url_file, *api_keys, *media_root;
    int64_t workers, queue, deadline;
    bool verbose;
} values;

/* Signals are blocked before the first thread starts, so that only sigwait() below meets them. */
static void block_signals(sigset_t *set)
{
    (void) sigemptyset(set);
    (void) sigaddset(set, SIGINT);
    (void) sigaddset(set, SIGTERM);
    (void) sigaddset(set, SIGHUP);
    (void) pthread_sigmask(SIG_BLOCK, set, NULL);
    (void) signal(SIGPIPE, SIG_IGN);
}

/* Every connection is a descriptor. */
static void allow_many_connections(void)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
        lim.rlim_cur = lim.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &lim); /* fewer will do */
    }
}

static tw_status answer(tw_engine *e, const tw_service_config *cfg, const char *url_file,
                        const sigset_t *signals, tw_error *err)
{
    tw_service *svc = NULL;
    int sig = 0;

    tw_status st = tw_service_start(&svc, e, cfg, err);
    if (st != TW_OK)
        return st;
    const char *url = tw_service_url(svc, 0);
    if (url_file != NULL)
        st = tw_file_replace(url_file, url, strlen(url), err);
    (void) printf("serving on %s with %d workers; stop with Ctrl-C\n", url,
                  tw_service_workers(svc));
    (void) fflush(stdout);
    tw_engine_merge_due(e);
    /* SIGHUP: read the keys again, write snapshots, go on; trouble is logged. The keys first: a
     * snapshot takes its time, and one may be revoked. */
    while (st == TW_OK && sigwait(signals, &sig) == 0 && sig == SIGHUP) {
        (void) !tw_service_reload(svc, NULL);
        (void) !tw_engine_snapshot(e, NULL);
    }
    if (!tw_service_stop(svc)) {
        tw_log(TW_LOG_ERROR, "SERVE-CUT",
               "reason=\"a call did not end in time; what was acknowledged is on disk, the process "
               "ends without it\"");
        _exit(EXIT_FAILURE); /* the engine is in use and cannot be closed; a print might wait */
    }
    return st;
}

/* A signal that came while the directory is opened waits, for it is blocked. */
static int stop_asked(void *ctx, const tw_progress *p)
{
    sigset_t waiting;
    (void) ctx;
    (void) p;
    return sigpending(&waiting) == 0 &&
           (sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1);
}

static tw_status serve(call *c, tw_error *err)
{
    tw_status st = TW_OK;
    const values *v = c->values;
    sigset_t signals;
    tw_engine *e = NULL;
    const tw_engine_options eng = {.mode = TW_ENGINE_WRITE, .progress = stop_asked};
    const tw_service_config cfg = {.urls = &v->listen,
                                   .n_urls = 1,
                                   .workers = (int) v->workers,
                                   .queue = (int) v->queue,
                                   .deadline_ms = (int) v->deadline,
                                   .media_root = v->media_root,
                                   .api_keys = v->api_keys};

    tw_log_set_level(v->verbose ? TW_LOG_DEBUG : TW_LOG_INFO);
    block_signals(&signals);
    allow_many_connections();
    st = tw_engine_open(&e, c->words[0], &eng, err);
    if (st == TW_ECANCELLED)
        return TW_OK; /* as when it is stopped while it serves */
    if (st == TW_OK)
        st = answer(e, &cfg, v->url_file, &signals, err);
    tw_engine_close(e);
    return st;
}

static const flag flags[] = {
    {"listen", 'l', FLAG_TEXT, offsetof(values, listen), "URL",
     "tcp://HOST:PORT (port 0: any) or ipc://PATH (tcp://127.0.0.1:7700)", 0, 0},
    {"workers", 0, FLAG_INT, offsetof(values, workers), "N", "threads that answer (one per core)",
     1, 64},
    {"queue", 0, FLAG_INT, offsetof(values, queue), "N", "requests that may wait (64)", 1, 4096},
    {"deadline", 0, FLAG_INT, offsetof(values, deadline), "MS",
     "for requests that bring none, in milliseconds (30000)", 1, TW_WIRE_MAX_DEADLINE_MS},
    {"media-root", 0, FLAG_TEXT, offsetof(values, media_root), "FOLDER",
     "take paths of images and audio files below it in Put (none)", 0, 0},
    {"api-keys", 0, FLAG_TEXT, offsetof(values, api_keys), "FILE",
     "ask for one of the keys in it, one a line; SIGHUP reads it again", 0, 0},
    {"url-file", 0, FLAG_TEXT, offsetof(values, url_file), "FILE",
     "write the bound URL there once it listens", 0, 0},
    {"verbose", 'v', FLAG_BOOL, offsetof(values, verbose), NULL, "log more", 0, 0},
    END_OF_FLAGS};
static const values defaults = {.listen = "tcp://127.0.0.1:7700",
                                .deadline = TW_SERVICE_DEADLINE_MS};

const command serve_command = {
    .name = "serve",
    .summary = "answer over the network",
    .synopsis = "serve DIR [--listen URL] [options]",
    .about = "Answers Similar, Next, Embed, Put, Delete, Get, Record, Stats and Health over\n"
             "nng (rpc/twindex.proto) until it is interrupted. It is the directory's one\n"
             "writer: others read it, and write through the server.",
    .example = "  twindex serve films --listen tcp://127.0.0.1:7700",
    .flags = flags,
    .size = sizeof(values),
    .defaults = &defaults,
    .least = 1,
    .most = 1,
    .run = serve,
};
