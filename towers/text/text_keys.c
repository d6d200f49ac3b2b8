#include "towers/text/text_keys.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"

void twi_keys_fini(twi_keys *t)
{
    tw_free(t->key);
    tw_free(t->slots);
}

static size_t spread(uint64_t key) { return (size_t) ((key * 0x9e3779b97f4a7c15u) >> 20); }

static size_t slot_of(const twi_keys *t, uint64_t key)
{
    size_t mask = 2 * (size_t) t->room - 1, s = spread(key) & mask;
    while (t->slots[s] != 0 && t->key[t->slots[s] - 1] != key)
        s = (s + 1) & mask;
    return s;
}

static bool grow(twi_keys *t)
{
    int32_t room = t->room > 0 ? 2 * t->room : 1024;
    uint64_t *key = tw_realloc(t->key, (size_t) room, sizeof *key);
    if (key == NULL)
        return false;
    t->key = key;
    int32_t *slots = tw_alloc(2 * (size_t) room, sizeof *slots);
    if (slots == NULL)
        return false;
    tw_free(t->slots);
    t->slots = slots;
    t->room = room;
    for (int32_t i = 0; i < t->n; i++)
        slots[slot_of(t, t->key[i])] = i + 1;
    return true;
}

int32_t twi_keys_put(twi_keys *t, uint64_t key)
{
    if (t->n == t->room && (t->room == INT32_MAX / 2 + 1 || !grow(t)))
        return -1;
    size_t s = slot_of(t, key);
    if (t->slots[s] == 0) {
        t->key[t->n] = key;
        t->slots[s] = ++t->n;
    }
    return t->slots[s] - 1;
}

int32_t twi_keys_find(const twi_keys *t, uint64_t key)
{
    return t->room > 0 ? t->slots[slot_of(t, key)] - 1 : -1;
}
