#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/cli.h"
#include "rpc/service.h"

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

static int run(tw_engine *e, const tw_service_config *cfg, const char *url_file,
               const sigset_t *signals)
{
    tw_error err = {0};
    tw_service *svc = NULL;
    int sig = 0;

    if (tw_service_start(&svc, e, cfg, &err) != TW_OK)
        return failed(&err);
    const char *url = tw_service_url(svc, 0);
    int rc = EXIT_SUCCESS;
    if (url_file != NULL && tw_file_replace(url_file, url, strlen(url), &err) != TW_OK)
        rc = failed(&err);
    (void) printf("serving on %s with %d workers; stop with Ctrl-C\n", url,
                  tw_service_workers(svc));
    (void) fflush(stdout);
    tw_engine_merge_due(e);
    /* SIGHUP: read the keys again, write snapshots, go on; trouble is logged. The keys first: a
     * snapshot takes its time, and one may be revoked. */
    while (rc == EXIT_SUCCESS && sigwait(signals, &sig) == 0 && sig == SIGHUP) {
        (void) !tw_service_reload(svc, NULL);
        (void) !tw_engine_snapshot(e, NULL);
    }
    if (!tw_service_stop(svc)) {
        tw_log(TW_LOG_ERROR, "SERVE-CUT",
               "reason=\"a call did not end in time; what was acknowledged is on disk, the process "
               "ends without it\"");
        _exit(EXIT_FAILURE); /* the engine is in use and cannot be closed; a print might wait */
    }
    return rc;
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

int cmd_serve(int argc, char **argv)
{
    const char *listen = "tcp://127.0.0.1:7700", *url_file = NULL, *keys = NULL, *media = NULL;
    int64_t workers = 0, queue = 0, deadline = TW_SERVICE_DEADLINE_MS;
    bool verbose = false;
    const flag flags[] = {
        {"listen", 'l', FLAG_TEXT, &listen, "URL",
         "tcp://HOST:PORT (port 0: any) or ipc://PATH (tcp://127.0.0.1:7700)", 0, 0},
        {"workers", 0, FLAG_INT, &workers, "N", "threads that answer (one per core)", 1, 64},
        {"queue", 0, FLAG_INT, &queue, "N", "requests that may wait (64)", 1, 4096},
        {"deadline", 0, FLAG_INT, &deadline, "MS",
         "for requests that bring none, in milliseconds (30000)", 1, TW_WIRE_MAX_DEADLINE_MS},
        {"media-root", 0, FLAG_TEXT, &media, "FOLDER",
         "take paths of images and audio files below it in Put (none)", 0, 0},
        {"api-keys", 0, FLAG_TEXT, &keys, "FILE",
         "ask for one of the keys in it, one a line; SIGHUP reads it again", 0, 0},
        {"url-file", 0, FLAG_TEXT, &url_file, "FILE", "write the bound URL there once it listens",
         0, 0},
        {"verbose", 'v', FLAG_BOOL, &verbose, NULL, "log more", 0, 0},
        {0}};
    const usage u = {
        .synopsis = "serve DIR [--listen URL] [options]",
        .about =
            "Answers Similar, Next, Embed, Put, Delete, Get, Record, Stats and Health over nng\n"
            "(rpc/twindex.proto) until it is interrupted. It is the directory's one writer: "
            "others\n"
            "read it, and write through --connect.",
        .example = "  twindex serve films --listen tcp://127.0.0.1:7700",
        .flags = flags,
    };
    sigset_t signals;
    tw_error err = {0};
    tw_engine *e = NULL;
    int rc = parse_args(&u, &argc, argv, 1, 1);
    if (rc >= 0)
        return rc;
    tw_log_set_level(verbose ? TW_LOG_DEBUG : TW_LOG_INFO);
    block_signals(&signals);
    allow_many_connections();
    const tw_engine_options eng = {.mode = TW_ENGINE_WRITE, .progress = stop_asked};
    const tw_status st = tw_engine_open(&e, argv[0], &eng, &err);
    if (st == TW_ECANCELLED)
        return EXIT_SUCCESS; /* as when it is stopped while it serves */
    if (st != TW_OK)
        return failed(&err);
    const tw_service_config cfg = {.urls = &listen,
                                   .n_urls = 1,
                                   .workers = (int) workers,
                                   .queue = (int) queue,
                                   .deadline_ms = (int) deadline,
                                   .media_root = media,
                                   .api_keys = keys};
    rc = run(e, &cfg, url_file, &signals);
    tw_engine_close(e);
    return rc;
}
