/* cli/nearest.h — did you mean? The name that is nearest to a word that is none. */
#ifndef TW_CLI_NEAREST_H
#define TW_CLI_NEAREST_H

#include <stddef.h>

#define NEAREST_MAX 48 /* bytes; longer words are near to nothing */

/* Begin with {.word = ..., .len = ...}, offer every name, then read `name`. */
typedef struct nearest {
    const char *word;
    size_t len;
    const char *name; /* the nearest so far, the first of equals; NULL: none is near */
    int distance;
} nearest;

/* Near: at most a third of the word's letters, and at least one, must be put in, taken out,
 * replaced or exchanged with a neighbour (Damerau 1964). */
void nearest_offer(nearest *n, const char *name);

/* The distance of two words, each below NEAREST_MAX; NEAREST_MAX of longer ones. */
int word_distance(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
