/* cli/place.h — the first argument of a command as the place it works on: a directory or a URL. */
#ifndef TW_CLI_PLACE_H
#define TW_CLI_PLACE_H

#include <stdbool.h>

/* Where a command that reads a directory or asks a server does so. */
typedef struct place {
    const char *dir, *connect; /* one of the two */
} place;

/* A URL, or a folder that holds a store: `word` is one, and *p is set. False: it is neither. */
bool place_take(place *p, const char *word);

#endif
