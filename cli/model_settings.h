/* cli/model_settings.h — a model's settings as flags, from a config file, or both. */
#ifndef TW_CLI_MODEL_SETTINGS_H
#define TW_CLI_MODEL_SETTINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/command.h"
#include "nn/settings.h"

#define MAX_CONFIG ((size_t) 1 << 20) /* bytes of a config file, and of the settings as JSON */

/* Flags that named a setting, to be set after the config file was read. */
typedef struct settings {
    struct {
        char key[64];
        const char *value; /* of argv */
    } set[64];
    int n;
} settings;

/* command.take of commands that have settings: takes --item_dim or --item-dim. */
int settings_take(const command *c, void *values, const char *name, const char *value);

/* Lists for --help, with the defaults. */
void print_seq_settings(FILE *out);
void print_tower_settings(FILE *out);

/* Says on stderr which settings in a config file have another name now. */
void note_renamed_settings(const tw_settings *of, const char *json, size_t len);

/* What says how a sequential model shall be. */
typedef struct seq_model_flags {
    const char *config, *model, *preset;
    settings set;
    tw_text json; /* owned */
} seq_model_flags;

/* clang-format off */
/* `at`: the offset of a seq_model_flags in the values. */
#define SEQ_MODEL_FLAGS(at) \
    {"model", 0, FLAG_TEXT, (at) + offsetof(seq_model_flags, model), "NAME", \
     "sse-pt (default), sasrec (no user vector), pt (no replacement)", 0, 0}, \
    {"preset", 0, FLAG_TEXT, (at) + offsetof(seq_model_flags, preset), "NAME", \
     "settings for a kind of data: small, short, fast or long; auto (default): by users, items and events", 0, 0}, \
    {"config", 0, FLAG_TEXT, (at) + offsetof(seq_model_flags, config), "FILE", "settings as a JSON object", 0, 0}
/* clang-format on */

/* For a command's check: *json (borrowed from f) is what shall differ from the preset, checked: the
 * member of the family, then the file, then the flags; --threads unless it is 0. Returns -1, or the
 * exit code after saying what is wrong. */
int seq_settings_check(call *c, seq_model_flags *f, const char **json, const char **preset);
void seq_model_flags_fini(seq_model_flags *f);

#endif
