/* cli/cli.h — what the subcommands share: arguments, output, progress, and the
 * one place where a directory and a server look the same.
 *
 * The only code of the project that prints or decides an exit code.
 */
#ifndef TW_CLI_CLI_H
#define TW_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/types.h"
#include "cli/meter.h"
#include "cli/place.h"
#include "cli/print.h"
#include "engine/engine.h"
#include "nn/settings.h"
#include "rpc/client.h"

enum { EXIT_USAGE = 2, EXIT_CORRUPT = 3 };

/* One subcommand. run gets the arguments behind its name and returns the exit code. */
typedef struct command {
    const char *name;
    const char *summary; /* one line for `twindex help` */
    int (*run)(int argc, char **argv);
} command;

int cmd_init(int argc, char **argv);
int cmd_ingest(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int eval_events(int argc, char **argv); /* eval seq --events FILE */
int eval_cold(int argc, char **argv);   /* eval seq --hold-out-...; likewise */
int eval_towers(int argc, char **argv); /* eval towers DIR; likewise */
int cmd_similar(int argc, char **argv);
int cmd_next(int argc, char **argv);
int cmd_embed(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_pairs(int argc, char **argv);
int cmd_put(int argc, char **argv);
int cmd_delete(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_models(int argc, char **argv);
int cmd_activate(int argc, char **argv); /* in cmd_models.c, as the next */
int cmd_rollback(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_attention(int argc, char **argv);
int cmd_cluster(int argc, char **argv);

/* ---- args.c ---------------------------------------------------------------------------------- */

typedef enum flag_kind { FLAG_BOOL, FLAG_INT, FLAG_REAL, FLAG_TEXT } flag_kind;

typedef struct flag {
    const char *name; /* "json" for --json */
    char letter;      /* 'k' for -k; 0: none */
    flag_kind kind;
    void *value;          /* bool *, int64_t *, double * or const char ** */
    const char *argument; /* name shown in --help; NULL for FLAG_BOOL */
    const char *help;
    int64_t least, most; /* FLAG_INT, FLAG_REAL */
} flag;

/* A flag that the table does not list: returns 1 when it was taken (its value used), 0 when it is
 * unknown, -1 when it was wrong (and said so). value is NULL when none follows. */
typedef int (*other_flag_fn)(void *ctx, const char *name, const char *value);

typedef struct usage {
    const char *synopsis;    /* behind "twindex " */
    const char *about;       /* a paragraph */
    const char *example;     /* lines, each indented by two */
    const flag *flags;       /* ends with a NULL name */
    place *at;               /* not NULL: the first argument may be the place, where no flag is */
    void (*more)(FILE *out); /* more of --help; NULL: none */
    other_flag_fn other;     /* NULL: none */
    void *other_ctx;
    const tw_settings *settings; /* that `other` takes, to offer the nearest of; NULL: none */
} usage;

/* Sets the flags and leaves in argv[0..*argc) what is no flag, of which there must be between least
 * and most. Returns -1 to go on, else the exit code to end with (help was printed, or the usage was
 * wrong and it was said). */
int parse_args(const usage *u, int *argc, char **argv, int least, int most);

/* "twindex similar: SENTENCE" on stderr, with where to look; returns EXIT_USAGE. */
int wrong_usage(const usage *u, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "A,B,C", cut in place, as a list of *n items that tw_free frees; "\," stands for a comma inside a
 * title. NULL: no memory. In cmd_query.c. */
const char **split_history(char *list, int *n);

/* ---- output.c -------------------------------------------------------------------------------- */

/* Prints the error as one line on stderr; returns the exit code that belongs to it. */
int failed(const tw_error *err);

void print_answer(const tw_answer *a, const char *what, bool json);
int64_t display_width(const char *utf8);

/* ---- query_args.c ---------------------------------------------------------------------------- */

/* What a query shows instead of naming an item, as flags. */
typedef struct asking {
    const char *text, *image, *audio; /* the flags: a text, and paths */
    char *image_data, *audio_data;    /* owned: what the files hold */
} asking;

#define ASKING_FLAGS(a)                                                                             \
    {"text", 't', FLAG_TEXT, &(a).text, "T", "this text instead of an item", 0, 0},                 \
        {"image", 0, FLAG_TEXT, &(a).image, "FILE", "this image; with --text: both at once", 0, 0}, \
    {                                                                                               \
        "audio", 0, FLAG_TEXT, &(a).audio, "FILE", "this sound, likewise", 0, 0                     \
    }

/* Anything at all is shown. */
bool asking_shows(const asking *a);
/* Reads the files; *q borrows from a. Returns 0, or the exit code after saying what is wrong. */
int asking_read(asking *a, const char *item, tw_embed_query *q);
void asking_fini(asking *a);

/* ---- vector_file.c --------------------------------------------------------------------------- */

/* A file of vectors that grows row by row, of the kind that its name ends in. */
typedef struct vector_file vector_file;

/* TW_EINVAL: the name ends in none of .npy, .fvecs, .jsonl. */
TW_NODISCARD tw_status vector_file_check(const char *path, tw_error *err);
/* Nothing is at `path` until it is closed. */
TW_NODISCARD tw_status vector_file_open(vector_file **out, const char *path, int model,
                                        tw_error *err);
TW_NODISCARD tw_status vector_file_add(vector_file *f, const char *id, const float *vec, int dim,
                                       tw_error *err);
int64_t vector_file_rows(const vector_file *f);
/* Puts the file (and for .npy and .fvecs PATH.ids, an id a line) in place. */
TW_NODISCARD tw_status vector_file_close(vector_file *f, tw_error *err);
void vector_file_abort(vector_file *f); /* instead of close; accepts NULL */

/* ---- backend.c ------------------------------------------------------------------------------- */

/* A directory or a server: the same calls, the same answers. */
typedef struct backend {
    tw_engine *engine; /* one of the two */
    tw_client *client;
} backend;

typedef struct backend_options {
    place at;
    const char *api_key;
    int64_t timeout_ms;
    bool write;
} backend_options;

#define BACKEND_FLAGS(opt)                                                                           \
    {                                                                                                \
        "dir", 'd', FLAG_TEXT, &(opt).at.dir, "DIR", "the directory, where no argument says it",     \
        0,     0},                                                                                   \
        {"connect", 'c', FLAG_TEXT, &(opt).at.connect, "URL", "the server, likewise", 0, 0},         \
        {"api-key", 0, FLAG_TEXT, &(opt).api_key, "KEY", "the server's key (or in TWINDEX_API_KEY)", \
         0,         0},                                                                              \
    {                                                                                                \
        "timeout", 0, FLAG_INT, &(opt).timeout_ms, "MS", "give up on the server after (10000)", 1,   \
            3600000                                                                                  \
    }

/* Returns 0, or the exit code after saying what is wrong. */
int backend_open(backend *b, const usage *u, const backend_options *opt);
void backend_close(backend *b);

TW_NODISCARD tw_status backend_similar(backend *b, const tw_similar_query *q, tw_answer *out,
                                       tw_error *err);
TW_NODISCARD tw_status backend_next(backend *b, const tw_next_query *q, tw_answer *out,
                                    tw_error *err);
TW_NODISCARD tw_status backend_embed(backend *b, const tw_embed_query *q, float *vec, int *dim,
                                     int *model, tw_error *err);
TW_NODISCARD tw_status backend_get(backend *b, const char *item, tw_item *out,
                                   char also[TW_ALSO_MAX], tw_error *err);
TW_NODISCARD tw_status backend_put(backend *b, const tw_item *item, tw_put_kind *kind,
                                   tw_error *err);
TW_NODISCARD tw_status backend_delete(backend *b, const char *id, tw_error *err);
TW_NODISCARD tw_status backend_record(backend *b, const char *user, const char *item, int64_t time,
                                      bool *added, tw_error *err);
TW_NODISCARD tw_status backend_stats(backend *b, tw_engine_stats *out, tw_error *err);

#endif
