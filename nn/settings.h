/* nn/settings.h — what can be set of a model or a training, as one table: ranges, help, flags, JSON
 * in and out all follow from it, so a new setting is one new line.
 *
 *     static const char *const losses[] = {"ce", "bce", NULL};
 *     static const tw_setting list[] = {
 *         TW_WHOLE(config, dim, 1, 4096, "width of a vector"),
 *         TW_NUMBER(config, lr, 1e-9, 10, "learning rate"),
 *         TW_CHOICE(config, loss, losses, "ce (softmax) or bce"),
 *     };
 *     static const tw_settings settings = {"a model", list, sizeof list / sizeof list[0], NULL, 0};
 *
 *     TW_TRY(tw_settings_parse(&settings, &cfg, json, len, err));
 *     TW_TRY(tw_settings_set(&settings, &cfg, "lr", "0.01", err));
 *
 * Earlier names of settings stay understood: files and flags that hold one mean the same as before,
 * and tw_settings_renamed has the present name for callers that report it. In the config a whole
 * number is an int, a yes or no a bool, a choice an enum of an int's size.
 */
#ifndef TW_NN_SETTINGS_H
#define TW_NN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/decls.h"
#include "base/error.h"
#include "base/text.h"

TW_BEGIN_DECLS

typedef enum tw_setting_kind {
    TW_SETTING_INT,
    TW_SETTING_INT64,
    TW_SETTING_DOUBLE,
    TW_SETTING_BOOL,
    TW_SETTING_CHOICE,
} tw_setting_kind;

typedef struct tw_setting {
    const char *key;
    const char *help; /* one line */
    tw_setting_kind kind;
    size_t offset; /* in the config */
    double least, most;
    const char *const *choices; /* CHOICE: the names of 0, 1, ...; ends with NULL */
    int group;                  /* the owner's: what the setting belongs to */
} tw_setting;

/* A name that a setting had. */
typedef struct tw_setting_rename {
    const char *old, *key;
    double add; /* to a value that comes under the old name */
} tw_setting_rename;

/* 2^53 - 1: the whole numbers that every JSON reader keeps. */
#define TW_SETTING_MAX_INT64 9007199254740991.0

#define TW_SETTING_AT(knd, type, field, lo, hi, text)                                              \
    .key = #field, .help = (text), .kind = (knd), .offset = offsetof(type, field), .least = (lo),  \
    .most = (hi)

/* The number of the last name in an array that ends with NULL. */
#define TW_LAST_CHOICE(names) ((int) (sizeof(names) / sizeof((names)[0])) - 2)

#define TW_WHOLE(type, field, lo, hi, text)                                                        \
    {                                                                                              \
        TW_SETTING_AT(TW_SETTING_INT, type, field, lo, hi, text)                                   \
    }
#define TW_NUMBER(type, field, lo, hi, text)                                                       \
    {                                                                                              \
        TW_SETTING_AT(TW_SETTING_DOUBLE, type, field, lo, hi, text)                                \
    }
#define TW_YES_NO(type, field, text)                                                               \
    {                                                                                              \
        TW_SETTING_AT(TW_SETTING_BOOL, type, field, 0, 1, text)                                    \
    }
#define TW_CHOICE(type, field, names, text)                                                        \
    {                                                                                              \
        TW_SETTING_AT(TW_SETTING_CHOICE, type, field, 0, TW_LAST_CHOICE(names), text),             \
            .choices = (names)                                                                     \
    }

typedef struct tw_settings {
    const char *what;       /* "a sequential model": whose they are, for messages */
    const tw_setting *list; /* (n) */
    int n;
    const tw_setting_rename *renamed; /* (n_renamed) */
    int n_renamed;
} tw_settings;

/* By its name or an earlier one; NULL: there is none. */
const tw_setting *tw_settings_find(const tw_settings *s, const char *key);

/* The present name of a setting that was called `key` earlier; NULL: it was not renamed. */
const char *tw_settings_renamed(const tw_settings *s, const char *key);

double tw_setting_get(const tw_setting *of, const void *config);

/* TW_EINVAL: out of its range, or not whole. The config is then as it was. */
TW_NODISCARD tw_status tw_setting_put(const tw_setting *of, void *config, double value,
                                      tw_error *err);
TW_NODISCARD tw_status tw_setting_check(const tw_setting *of, const void *config, tw_error *err);

/* Sets one from its written form. TW_EINVAL: no such setting, not a value of it, or out of range;
 * the sentence says what it may be. The config is then as it was. */
TW_NODISCARD tw_status tw_settings_set(const tw_settings *s, void *config, const char *key,
                                       const char *value, tw_error *err);

/* Overwrites what a JSON object names. TW_EINVAL: no JSON, no object, or as tw_settings_set, for a
 * type too; TW_ENOMEM. The config may then be changed in part: parse into a copy. */
TW_NODISCARD tw_status tw_settings_parse(const tw_settings *s, void *config, const char *json,
                                         size_t len, tw_error *err);

/* Appends `"key": value`; a number that is no whole one by the fewest digits that read back as it.
 */
TW_NODISCARD tw_status tw_setting_format(const tw_setting *of, const void *config, tw_text *out,
                                         tw_error *err);

/* Appends the object of all settings, or of those that `wanted` says yes to. */
typedef bool (*tw_setting_wanted_fn)(const tw_setting *of, const void *config);
TW_NODISCARD tw_status tw_settings_format(const tw_settings *s, const void *config,
                                          tw_setting_wanted_fn wanted, tw_text *out, tw_error *err);

/* All settings as an object of jansson's, numbers that are whole as integers: a new reference,
 * NULL without memory. */
struct json_t *tw_settings_json(const tw_settings *s, const void *config);

/* Appends `a, b or c`: the names a choice has. */
TW_NODISCARD tw_status tw_choices_list(const char *const *names, tw_text *out, tw_error *err);

/* TW_EINVAL with the one sentence for a value that is none of these: "WHAT is 'VALUE'; give a, b or
 * c". */
tw_status tw_choices_refuse(const char *what, const char *value, const char *const *names,
                            tw_error *err);

/* The number of a name in a list that ends with NULL; -1: it is none of them. */
int tw_choices_find(const char *const *names, const char *name);

TW_END_DECLS

#endif
