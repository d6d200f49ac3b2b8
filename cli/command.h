/* cli/command.h — what a command is: its words and flags as data, what it needs open, and a
 * function. A command is declared in commands.h, defined in a file cmd_*.c, and listed in main.c:
 *
 *     typedef struct values { basics b; int64_t k; } values;
 *
 *     static tw_status run(call *c, tw_error *err) { ... }
 *
 *     static const flag flags[] = {BACKEND_FLAGS, ..., END_OF_FLAGS};
 *
 *     const command show_command = {.name = "show", .flags = flags, .run = run, ...};
 *
 * run finds its values (whose first member is `basics`), its words and what is open in the call.
 * command_run does what all have in common: flags and words, help, opening, the meter, the report,
 * the exit code, closing.
 */
#ifndef TW_CLI_COMMAND_H
#define TW_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "cli/backend.h"
#include "cli/meter.h"
#include "cli/output.h"
#include "cli/print.h"
#include "engine/engine.h"
#include "nn/settings.h"

/* ---- flags ----------------------------------------------------------------------------------- */

typedef enum flag_kind { FLAG_BOOL, FLAG_INT, FLAG_REAL, FLAG_TEXT } flag_kind;

typedef struct flag {
    const char *name; /* "json" for --json */
    char letter;      /* 'k' for -k; 0: none */
    flag_kind kind;
    size_t at;            /* in the values: a bool, int64_t, double or const char * */
    const char *argument; /* name shown in --help; NULL for FLAG_BOOL */
    const char *help;
    int64_t least, most; /* FLAG_INT, FLAG_REAL */
} flag;

/* What the values of every command begin with. */
typedef struct basics {
    backend_options at; /* of commands that ask or change */
    int64_t threads;
    bool json, quiet;
} basics;

/* clang-format off */
#define END_OF_FLAGS {0}
#define JSON_FLAG    {"json", 0, FLAG_BOOL, offsetof(basics, json), NULL, "answer as JSON", 0, 0}
#define QUIET_FLAG   {"quiet", 'q', FLAG_BOOL, offsetof(basics, quiet), NULL, "no progress", 0, 0}
#define THREADS_FLAG {"threads", 0, FLAG_INT, offsetof(basics, threads), "N", "0: one per core", 0, 64}
#define BACKEND_FLAGS \
    {"dir", 'd', FLAG_TEXT, offsetof(basics, at.at.dir), "DIR", "the directory, where no argument says it", 0, 0}, \
    {"connect", 'c', FLAG_TEXT, offsetof(basics, at.at.connect), "URL", "the server, likewise", 0, 0}, \
    {"api-key", 0, FLAG_TEXT, offsetof(basics, at.api_key), "KEY", "the server's key (or in TWINDEX_API_KEY)", 0, 0}, \
    {"timeout", 0, FLAG_INT, offsetof(basics, at.timeout_ms), "MS", "give up on the server after (10000)", 1, 3600000}
/* clang-format on */

/* ---- commands -------------------------------------------------------------------------------- */

/* What is open while a command runs. */
typedef enum opens {
    OPENS_NOTHING,
    OPENS_TO_READ,  /* the first word is a directory, and becomes call.dir and call.engine */
    OPENS_TO_WRITE, /* likewise */
    OPENS_TO_ASK,   /* a directory or a server, by BACKEND_FLAGS or the first word: call.backend */
    OPENS_TO_CHANGE,
} opens;

typedef struct call call;

typedef struct command {
    const char *name;     /* all words of it: "train towers" */
    const char *summary;  /* one line for lists of commands */
    const char *synopsis; /* behind "twindex " */
    const char *about;    /* a paragraph */
    const char *example;  /* lines, each indented by two */

    /* Either: what the next word chooses from, NULL at the end. */
    const struct command *const *subs;

    /* Or: flags, the values they set, and words. */
    const flag *flags;    /* END_OF_FLAGS ends them; NULL: none */
    size_t size;          /* of the values; 0: basics alone */
    const void *defaults; /* values before any flag; NULL: zeros */
    int least, most;      /* words beside the place */
    /* A flag that the table does not list: 1 when it was taken (its value used), 0 when it is
     * unknown, -1 when it was wrong (and said so). value is NULL when none follows. NULL: none. */
    int (*take)(const struct command *c, void *values, const char *name, const char *value);
    const tw_settings *settings; /* that `take` knows, to offer the nearest of; NULL: none */
    size_t settings_at;          /* of them in the values */
    void (*more)(FILE *out);     /* more of --help; NULL: none */
    /* Another command in its place, by what stands in the arguments; NULL: never. */
    const struct command *(*variant)(int argc, char **argv);

    opens opens;
    const char *meter;     /* label of its line of progress; NULL: it has none */
    const char *stopping;  /* said on Ctrl-C; NULL: STOP_WORK */
    int (*check)(call *c); /* what flags alone cannot say: -1 to go on, else an exit code */
    tw_status (*run)(call *c, tw_error *err);
    void (*print)(const char *report);          /* call.report, unless --json wants it as it is */
    tw_status (*after)(call *c, tw_error *err); /* what is said and done behind the report */
    void (*fini)(call *c);                      /* of the values */
} command;

struct call {
    const command *of;
    void *values; /* of->size bytes, beginning with basics */
    int n;
    char **words;
    const char *dir;   /* OPENS_TO_READ, OPENS_TO_WRITE */
    tw_engine *engine; /* likewise */
    backend backend;   /* OPENS_TO_ASK, OPENS_TO_CHANGE */
    meter meter;       /* with meter_show, where the command has a label */
    char *report;      /* by run, freed by the frame; JSON */
    int exit_code;     /* on TW_OK */
};

/* Runs a command with the arguments behind its name; returns the exit code. */
int command_run(const command *c, int argc, char **argv);

/* In args.c. Sets the flags and leaves in argv[0..*argc) what is no flag, of which there must be
 * between least and most. Returns -1 to go on, else the exit code to end with (help was printed, or
 * the usage was wrong and it was said). */
int parse_args(const command *c, void *values, int *argc, char **argv, int least, int most);

void print_help(const command *c); /* in args.c, as the next */
/* A line of --help, wrapped at 80 columns. */
void print_entry(FILE *out, const char *left, const char *text);

/* "twindex similar: SENTENCE" on stderr, with where to look; returns EXIT_USAGE. */
int wrong_usage(const command *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
