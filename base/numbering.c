#include "base/numbering.h"

#include "base/alloc.h"
#include "base/grow.h"

enum { FIRST_BITS = 6 };

void tw_numbering_fini(tw_numbering *t)
{
    tw_free(t->keys);
    tw_free(t->slots);
    *t = (tw_numbering){0};
}

/* Fibonacci hashing (Knuth, volume 3, section 6.4): the upper bits of the product depend on all
 * bits of the key, so keys may be hashes, code points or packed pairs. */
static size_t first_slot(uint64_t key, int bits)
{
    return (size_t) ((key * 0x9e3779b97f4a7c15u) >> (64 - bits));
}

/* Where the key is, or the free slot that it would take. There are slots. */
static size_t slot_of(const tw_numbering *t, uint64_t key)
{
    const size_t mask = ((size_t) 1 << t->bits) - 1;
    size_t at = first_slot(key, t->bits);
    while (t->slots[at] != 0 && t->keys[t->slots[at] - 1] != key)
        at = (at + 1) & mask;
    return at;
}

/* Twice the slots, at most half of them taken. */
static tw_status more_slots(tw_numbering *t, tw_error *err)
{
    const int bits = t->bits > 0 ? t->bits + 1 : FIRST_BITS;
    const size_t n = (size_t) 1 << bits, mask = n - 1;
    int32_t *slots = tw_alloc(n, sizeof *slots);
    if (slots == NULL)
        return tw_fail(err, TW_ENOMEM, "no memory for a table of %zu keys", n / 2);
    for (int32_t i = 0; i < t->n; i++) {
        size_t at = first_slot(t->keys[i], bits);
        while (slots[at] != 0)
            at = (at + 1) & mask;
        slots[at] = i + 1;
    }
    tw_free(t->slots);
    t->slots = slots;
    t->bits = bits;
    return TW_OK;
}

static tw_status add(tw_numbering *t, uint64_t key, size_t at, tw_error *err)
{
    if (t->n == TW_NUMBERING_MAX)
        return tw_fail(err, TW_EINVAL, "more than %d different keys", TW_NUMBERING_MAX);
    const tw_status st = tw_grow(&t->keys, &t->room, (size_t) t->n + 1, "keys", err);
    if (st == TW_OK) {
        t->keys[t->n] = key;
        t->slots[at] = ++t->n;
    }
    return st;
}

tw_status tw_numbering_put(tw_numbering *t, uint64_t key, int32_t *number, tw_error *err)
{
    tw_status st = TW_OK;
    if (t->bits == 0 || 2 * ((size_t) t->n + 1) > (size_t) 1 << t->bits)
        TW_TRY(more_slots(t, err));
    const size_t at = slot_of(t, key);
    if (t->slots[at] == 0)
        TW_TRY(add(t, key, at, err));
    *number = t->slots[at] - 1;
done:
    return st;
}

int32_t tw_numbering_find(const tw_numbering *t, uint64_t key)
{
    return t->bits > 0 ? t->slots[slot_of(t, key)] - 1 : -1;
}
