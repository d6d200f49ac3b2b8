/* embed: vectors, to look at or for other tools. */
#include <limits.h>
#include <stdlib.h>

#include "cli/cli.h"

typedef struct embed_flags {
    backend_options at;
    asking shown;
    const char *out;
    bool all, json;
} embed_flags;

/* One vector on stdout. */
static int print_vector(backend *b, const tw_embed_query *q, bool json)
{
    static float vec[TW_ENGINE_MAX_DIM];
    tw_error err = {0};
    int dim, model;
    if (backend_embed(b, q, vec, &dim, &model, &err) != TW_OK)
        return failed(&err);
    if (json)
        (void) printf("{\"model\": %d, \"dim\": %d, \"vector\": [", model, dim);
    for (int i = 0; i < dim; i++)
        (void) printf("%s%.9g", i == 0 ? "" : json ? ", " : " ", (double) vec[i]);
    (void) printf(json ? "]}\n" : "\n");
    return EXIT_SUCCESS;
}

/* Opens the file with the first vector, whose model it notes. */
typedef struct sink {
    const char *path;
    vector_file *file;
    int model;
} sink;

static tw_status write_vector(void *ctx, const char *id, const float *vec, int dim, tw_error *err)
{
    sink *s = ctx;
    tw_status st = s->file == NULL ? vector_file_open(&s->file, s->path, s->model, err) : TW_OK;
    return st == TW_OK ? vector_file_add(s->file, id, vec, dim, err) : st;
}

static tw_status write_named(backend *b, sink *s, const tw_embed_query *q, const char *id,
                             tw_error *err)
{
    static float vec[TW_ENGINE_MAX_DIM];
    int dim;
    tw_status st = backend_embed(b, q, vec, &dim, &s->model, err);
    return st == TW_OK ? write_vector(s, id, vec, dim, err) : st;
}

/* Rows that an export of everything lacks are told, not filled with zeros. */
static tw_status tell_left_out(backend *b, tw_error *err)
{
    tw_engine_stats s;
    tw_status st = backend_stats(b, &s, err);
    if (st == TW_OK && s.unread > 0)
        (void) fprintf(stderr, "twindex: %lld items left out, of which the towers read nothing\n",
                       (long long) s.unread);
    return st;
}

static int write_file(backend *b, const embed_flags *f, const tw_embed_query *shown, int n,
                      char **items)
{
    tw_status st = TW_OK;
    tw_error error = {0}, *err = &error;
    sink s = {.path = f->out};

    if (f->all)
        TW_TRY(tw_engine_each_vector(b->engine, &s.model, write_vector, &s, err));
    for (int i = 0; i < n; i++)
        TW_TRY(write_named(b, &s, &(tw_embed_query){.item = items[i]}, items[i], err));
    if (shown->item == NULL && asking_shows(&f->shown))
        TW_TRY(write_named(b, &s, shown, "", err));
    if (s.file == NULL) {
        TW_TRY(tw_fail(err, TW_ESTATE,
                       "there is no vector to write: the catalogue is empty, or the "
                       "towers read nothing of it"));
    }
    const int64_t rows = vector_file_rows(s.file);
    vector_file *closing = s.file;
    s.file = NULL;
    TW_TRY(vector_file_close(closing, err));
    (void) printf("wrote %lld vectors of model %d to %s\n", (long long) rows, s.model, f->out);
    if (f->all)
        TW_TRY(tell_left_out(b, err));
done:
    vector_file_abort(s.file);
    return st == TW_OK ? EXIT_SUCCESS : failed(err);
}

/* Returns -1, or the exit code. */
static int check_flags(const usage *u, const embed_flags *f, int items)
{
    tw_error err = {0};
    const int ways = (items > 0) + asking_shows(&f->shown) + f->all;
    if (ways != 1)
        return wrong_usage(u, "give ITEMs, or --text, --image, --audio, or --all");
    if (f->all && f->at.at.dir == NULL)
        return wrong_usage(u, "--all reads a data directory, not a server");
    if ((f->all || items > 1) && f->out == NULL)
        return wrong_usage(u, "several vectors go into a file: give --out FILE");
    if (f->out != NULL && vector_file_check(f->out, &err) != TW_OK)
        return wrong_usage(u, "%s", err.msg);
    return -1;
}

int cmd_embed(int argc, char **argv)
{
    embed_flags f = {.at = {.timeout_ms = TW_CLIENT_TIMEOUT_MS}};
    const flag flags[] = {
        BACKEND_FLAGS(f.at),
        ASKING_FLAGS(f.shown),
        {"all", 0, FLAG_BOOL, &f.all, NULL, "every item of the directory", 0, 0},
        {"out", 'o', FLAG_TEXT, &f.out, "FILE", "write a .npy, .fvecs or .jsonl", 0, 0},
        {"json", 0, FLAG_BOOL, &f.json, NULL, "answer as JSON", 0, 0},
        {0}};
    const usage u = {
        .synopsis = "embed DIR|URL (ITEM... | --text T | --image F | --audio F "
                    "| --all) [--out FILE]",
        .about =
            "Prints the tower's unit vector, numbers separated by blanks; or writes vectors for\n"
            "other tools, float32. The ids of .npy and .fvecs stand in FILE.ids, one a line. "
            "--all\n"
            "leaves out items of which the towers read nothing, and says how many.",
        .example = "  twindex embed films --text \"space adventure\"\n"
                   "  twindex embed films --all --out films.npy",
        .flags = flags,
        .at = &f.at.at,
    };
    tw_embed_query shown;
    backend b = {0};
    int rc = parse_args(&u, &argc, argv, 0, INT_MAX);
    if (rc < 0)
        rc = check_flags(&u, &f, argc);
    if (rc >= 0)
        return rc;
    rc = asking_read(&f.shown, argc == 1 ? argv[0] : NULL, &shown);
    if (rc == 0)
        rc = backend_open(&b, &u, &f.at);
    if (rc == 0)
        rc = f.out != NULL ? write_file(&b, &f, &shown, argc, argv)
                           : print_vector(&b, &shown, f.json);
    backend_close(&b);
    asking_fini(&f.shown);
    return rc;
}
