/* embed: vectors, to look at or for other tools. */
#include <limits.h>

#include "cli/commands.h"
#include "cli/query_args.h"
#include "cli/vector_file.h"

typedef struct values {
    basics b;
    shown_query shown;
    const char *out;
    bool all;
} values;

/* One vector on stdout. */
static tw_status print_vector(backend *b, const tw_embed_query *q, bool json, tw_error *err)
{
    static float vec[TW_ENGINE_MAX_DIM];
    int dim, model;
    const tw_status st = backend_embed(b, q, vec, &dim, &model, err);
    if (st != TW_OK)
        return st;
    if (json)
        (void) printf("{\"model\": %d, \"dim\": %d, \"vector\": [", model, dim);
    for (int i = 0; i < dim; i++)
        (void) printf("%s%.9g", i == 0 ? "" : json ? ", " : " ", (double) vec[i]);
    (void) printf(json ? "]}\n" : "\n");
    return TW_OK;
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

/* Rows that an export of everything lacks are counted, not filled with zeros. */
static tw_status report_left_out(backend *b, tw_error *err)
{
    tw_engine_stats s;
    tw_status st = backend_stats(b, &s, err);
    if (st == TW_OK && s.unread > 0)
        (void) fprintf(stderr, "twindex: %lld items left out, of which the towers read nothing\n",
                       (long long) s.unread);
    return st;
}

static tw_status write_file(call *c, const tw_embed_query *q, tw_error *err)
{
    tw_status st = TW_OK;
    const values *v = c->values;
    backend *b = &c->backend;
    sink s = {.path = v->out};

    if (v->all)
        TW_TRY(tw_engine_each_vector(b->engine, &s.model, write_vector, &s, err));
    for (int i = 0; i < c->n; i++)
        TW_TRY(write_named(b, &s, &(tw_embed_query){.item = c->words[i]}, c->words[i], err));
    if (q->item == NULL && shown_any(&v->shown))
        TW_TRY(write_named(b, &s, q, "", err));
    if (s.file == NULL) {
        TW_TRY(tw_fail(err, TW_ESTATE,
                       "there is no vector to write: the catalogue is empty, or the "
                       "towers read nothing of it"));
    }
    const int64_t rows = vector_file_rows(s.file);
    vector_file *closing = s.file;
    s.file = NULL;
    TW_TRY(vector_file_close(closing, err));
    (void) printf("wrote %lld vectors of model %d to %s\n", (long long) rows, s.model, v->out);
    if (v->all)
        TW_TRY(report_left_out(b, err));
done:
    vector_file_abort(s.file);
    return st;
}

static int check(call *c)
{
    const values *v = c->values;
    tw_error err = {0};
    const int ways = (c->n > 0) + shown_any(&v->shown) + v->all;
    if (ways != 1)
        return wrong_usage(c->of, "give ITEMs, or --text, --image, --audio, or --all");
    if (v->all && v->b.at.at.dir == NULL)
        return wrong_usage(c->of, "--all reads a data directory, not a server");
    if ((v->all || c->n > 1) && v->out == NULL)
        return wrong_usage(c->of, "several vectors go into a file: give --out FILE");
    if (v->out != NULL && vector_file_check(v->out, &err) != TW_OK)
        return wrong_usage(c->of, "%s", err.msg);
    return -1;
}

static tw_status run(call *c, tw_error *err)
{
    values *v = c->values;
    tw_embed_query q;
    tw_status st = shown_read(&v->shown, c->n == 1 ? c->words[0] : NULL, &q, err);
    if (st != TW_OK)
        return st;
    st = v->out != NULL ? write_file(c, &q, err) : print_vector(&c->backend, &q, v->b.json, err);
    return shown_named(&v->shown, st, err);
}

static void forget(call *c) { shown_fini(&((values *) c->values)->shown); }

static const flag flags[] = {
    BACKEND_FLAGS,
    SHOWN_FLAGS(offsetof(values, shown)),
    {"all", 0, FLAG_BOOL, offsetof(values, all), NULL, "every item of the directory", 0, 0},
    {"out", 'o', FLAG_TEXT, offsetof(values, out), "FILE", "write a .npy, .fvecs or .jsonl", 0, 0},
    JSON_FLAG,
    END_OF_FLAGS};

const command embed_command = {
    .name = "embed",
    .summary = "vectors, to look at or for other tools",
    .synopsis = "embed DIR|URL (ITEM... | --text T | --image F | --audio F | --all)\n"
                "                     [--out FILE]",
    .about = "Prints the tower's unit vector, numbers separated by blanks; or writes vectors\n"
             "for other tools, float32. The ids of .npy and .fvecs stand in FILE.ids, one a\n"
             "line. --all leaves out items of which the towers read nothing, and counts them.",
    .example = "  twindex embed films --text \"space adventure\"\n"
               "  twindex embed films --all --out films.npy",
    .flags = flags,
    .size = sizeof(values),
    .most = INT_MAX,
    .opens = OPENS_TO_ASK,
    .check = check,
    .run = run,
    .fini = forget,
};
