/* towers/text/text_keys.h — 64-bit keys numbered in the order in which they were first met.
 *
 * Internal to towers/: the learning of vocabularies counts words, letters and
 * pairs by such numbers, kept in arrays beside.
 */
#ifndef TW_TOWERS_TEXT_TEXT_KEYS_H
#define TW_TOWERS_TEXT_TEXT_KEYS_H

#include <stdint.h>

/* Starts zeroed. */
typedef struct twi_keys {
    uint64_t *key;  /* owned (room): by number */
    int32_t *slots; /* owned (2 * room): number + 1, 0 for free; linear probing */
    int32_t n, room;
} twi_keys;

void twi_keys_fini(twi_keys *t); /* accepts a zeroed one */

/* The number of a key, new (then it is the n before) or old; -1: no memory, or 2^30 keys. */
int32_t twi_keys_put(twi_keys *t, uint64_t key);

int32_t twi_keys_find(const twi_keys *t, uint64_t key); /* -1: none */

#endif
