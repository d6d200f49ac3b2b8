/* cli/query_args.h — what a query shows instead of naming an item, and a history in a flag. */
#ifndef TW_CLI_QUERY_ARGS_H
#define TW_CLI_QUERY_ARGS_H

#include <stdbool.h>

#include "base/error.h"
#include "engine/engine.h"

typedef struct shown_query {
    const char *text, *image, *audio; /* the flags: a text, and paths */
    char *image_data, *audio_data;    /* owned: what the files hold */
} shown_query;

/* clang-format off */
/* `at`: the offset of a shown_query in the values. */
#define SHOWN_FLAGS(at) \
    {"text", 't', FLAG_TEXT, (at) + offsetof(shown_query, text), "T", "this text instead of an item", 0, 0}, \
    {"image", 0, FLAG_TEXT, (at) + offsetof(shown_query, image), "FILE", "this image; with --text: both at once", 0, 0}, \
    {"audio", 0, FLAG_TEXT, (at) + offsetof(shown_query, audio), "FILE", "this audio file, likewise", 0, 0}
/* clang-format on */

/* Anything at all is shown. */
bool shown_any(const shown_query *s);
/* Reads the files; *q borrows from s. */
TW_NODISCARD tw_status shown_read(shown_query *s, const char *item, tw_embed_query *q,
                                  tw_error *err);
/* Who answers knows what a file holds, not its name: puts the paths where the sentence of a failed
 * query speaks of "the image of the query" or its audio. Gives st back. */
TW_NODISCARD tw_status shown_named(const shown_query *s, tw_status st, tw_error *err);
void shown_fini(shown_query *s);

typedef struct history {
    const char **items; /* (n) */
    int n;
    char *list; /* owned, as items */
} history;

/* "A,B,C"; "\," stands for a comma inside a title. text NULL: an empty one. TW_ENOMEM. */
TW_NODISCARD tw_status history_split(history *h, const char *text, tw_error *err);
void history_fini(history *h);

#endif
