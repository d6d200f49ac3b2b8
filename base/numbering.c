#include "base/numbering.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"

enum { FIRST_BITS = 6 };

/* ---- keys ------------------------------------------------------------------------------------ */

void tw_numbering_fini(tw_numbering *t)
{
    tw_free(t->keys);
    tw_free(t->slots);
    *t = (tw_numbering){0};
}

/* Fibonacci hashing (Knuth, volume 3, section 6.4): the upper bits of the product depend on all
 * bits of the key, so keys may be hashes, code points or packed pairs. bits: 1..63. */
static size_t first_slot(uint64_t key, int bits)
{
    return (size_t) ((key * 0x9e3779b97f4a7c15u) >> ((64 - bits) & 63));
}

/* Where the key is, or the free slot that it would take. There are slots. */
static inline size_t slot_of(const tw_numbering *t, uint64_t key, tw_numbering_same_fn same,
                             const void *ctx)
{
    const size_t mask = ((size_t) 1 << t->bits) - 1;
    size_t at = first_slot(key, t->bits);
    for (; t->slots[at] != 0; at = (at + 1) & mask) {
        const int32_t number = t->slots[at] - 1;
        if (t->keys[number] == key && (same == NULL || same(ctx, number)))
            break;
    }
    return at;
}

/* Twice the slots, at most half of them taken. Equal hashes are of different things here, so
 * nothing is compared. */
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

static inline tw_status put(tw_numbering *t, uint64_t key, tw_numbering_same_fn same,
                            const void *ctx, int32_t *number, tw_error *err)
{
    tw_status st = TW_OK;
    if (t->bits == 0 || 2 * ((size_t) t->n + 1) > (size_t) 1 << t->bits)
        TW_TRY(more_slots(t, err));
    const size_t at = slot_of(t, key, same, ctx);
    if (t->slots[at] == 0)
        TW_TRY(add(t, key, at, err));
    *number = t->slots[at] - 1;
done:
    return st;
}

static inline int32_t find(const tw_numbering *t, uint64_t key, tw_numbering_same_fn same,
                           const void *ctx)
{
    return t->bits > 0 ? t->slots[slot_of(t, key, same, ctx)] - 1 : -1;
}

tw_status tw_numbering_put(tw_numbering *t, uint64_t key, int32_t *number, tw_error *err)
{
    return put(t, key, NULL, NULL, number, err);
}

int32_t tw_numbering_find(const tw_numbering *t, uint64_t key) { return find(t, key, NULL, NULL); }

tw_status tw_numbering_put_by(tw_numbering *t, uint64_t hash, tw_numbering_same_fn same,
                              const void *ctx, int32_t *number, tw_error *err)
{
    return put(t, hash, same, ctx, number, err);
}

/* ---- texts ----------------------------------------------------------------------------------- */

void tw_string_numbering_init(tw_string_numbering *t, size_t cap)
{
    *t = (tw_string_numbering){0};
    tw_text_init(&t->bytes, cap);
}

void tw_string_numbering_fini(tw_string_numbering *t)
{
    tw_numbering_fini(&t->hashes);
    tw_free(t->begins);
    tw_text_fini(&t->bytes);
    *t = (tw_string_numbering){.bytes = t->bytes};
}

typedef struct query {
    const tw_string_numbering *t;
    const char *s;
    size_t len;
} query;

static bool same_text(const void *ctx, int32_t number)
{
    const query *q = ctx;
    const size_t begin = q->t->begins[number], end = q->t->begins[number + 1] - 1;
    return end - begin == q->len && memcmp(q->t->bytes.data + begin, q->s, q->len) == 0;
}

/* The text is there before its number is, so that a failure leaves no number without a text. */
static tw_status add_text(tw_string_numbering *t, uint64_t hash, const char *s, size_t len,
                          int32_t *number, tw_error *err)
{
    tw_status st = TW_OK;
    const query q = {t, s, len};
    const size_t begin = t->bytes.len;
    TW_TRY(tw_grow(&t->begins, &t->room, (size_t) t->hashes.n + 2, "texts", err));
    TW_TRY(tw_text_add(&t->bytes, s, len, err));
    TW_TRY(tw_text_add(&t->bytes, "", 1, err));
    t->begins[t->hashes.n] = begin;
    t->begins[t->hashes.n + 1] = t->bytes.len;
    TW_TRY(put(&t->hashes, hash, same_text, &q, number, err));
done:
    if (st != TW_OK)
        t->bytes.len = begin;
    return st;
}

tw_status tw_string_numbering_put(tw_string_numbering *t, const char *s, size_t len,
                                  int32_t *number, tw_error *err)
{
    const uint64_t hash = tw_fnv1a(TW_FNV_START, s, len);
    *number = tw_string_numbering_find(t, hash, s, len);
    return *number >= 0 ? TW_OK : add_text(t, hash, s, len, number, err);
}

int32_t tw_string_numbering_find(const tw_string_numbering *t, uint64_t hash, const char *s,
                                 size_t len)
{
    const query q = {t, s, len};
    return find(&t->hashes, hash, same_text, &q);
}
