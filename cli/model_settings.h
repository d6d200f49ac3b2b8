/* cli/model_settings.h — a model's settings as flags, from a config file, or both. */
#ifndef TW_CLI_MODEL_SETTINGS_H
#define TW_CLI_MODEL_SETTINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "nn/settings.h"

#define MAX_CONFIG ((size_t) 1 << 20) /* bytes of a config file, and of the settings as JSON */

/* Flags that named a setting, to be set after the config file was read. */
typedef struct settings {
    struct {
        char key[64];
        const char *value; /* of argv */
    } set[64];
    int n;
    const tw_settings *of;
} settings;

/* An other_flag_fn whose ctx is a settings: takes --item_dim or --item-dim. */
int settings_take(void *ctx, const char *name, const char *value);

/* Lists for --help, with the defaults. */
void print_seq_settings(FILE *out);
void print_tower_settings(FILE *out);

/* Says on stderr which settings in a config file have another name now. */
void note_renamed_settings(const tw_settings *of, const char *json, size_t len);

/* The sequential model's settings as JSON, complete and checked: the defaults, then the member of
 * the family (NULL: SSE-PT), then the file (NULL: none), then the flags; threads 0 leaves those. */
TW_NODISCARD tw_status seq_settings(const char *config_path, const settings *flags,
                                    const char *model, int threads, tw_text *out, tw_error *err);

#endif
