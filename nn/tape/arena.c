#include "nn/tape/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/size.h"

#define ALIGN     64u
#define BLOCK_MIN ((size_t) 1 << 20)

typedef struct tw_arena_block block;

struct tw_arena_block {
    block *next;
    size_t size, used;
    unsigned char *data; /* owned, aligned to ALIGN */
};

void tw_arena_init(tw_arena *a) { *a = (tw_arena){0}; }

void tw_arena_fini(tw_arena *a)
{
    for (block *b = a->first; b != NULL;) {
        block *next = b->next;
        tw_free(b->data);
        tw_free(b);
        b = next;
    }
    *a = (tw_arena){0};
}

void tw_arena_reset(tw_arena *a)
{
    for (block *b = a->first; b != NULL; b = b->next)
        b->used = 0;
    a->at = a->first;
}

/* Each new block is as large as all before it, so their number grows with the logarithm of the
 * largest step, and what a step skips at the end of a block is soon a small part. */
static block *grow(tw_arena *a, size_t bytes)
{
    size_t size = tw_arena_bytes(a);
    if (size < BLOCK_MIN)
        size = BLOCK_MIN;
    if (size < bytes)
        size = bytes;

    block *b = tw_alloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->data = tw_alloc_aligned(size, 1);
    if (b->data == NULL) {
        tw_free(b);
        return NULL;
    }
    b->size = size;
    if (a->at == NULL) {
        a->first = b;
    } else {
        b->next = a->at->next;
        a->at->next = b;
    }
    return b;
}

void *tw_arena_take(tw_arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (!tw_size_mul(n, size, &bytes) || !tw_size_add(bytes, ALIGN - 1, &bytes))
        return NULL;
    bytes = bytes / ALIGN * ALIGN;
    if (bytes == 0)
        bytes = ALIGN;

    block *b = a->at;
    while (b != NULL && b->size - b->used < bytes) {
        b = b->next;
        if (b != NULL)
            a->at = b;
    }
    if (b == NULL)
        b = grow(a, bytes);
    if (b == NULL)
        return NULL;
    a->at = b;
    void *p = b->data + b->used;
    b->used += bytes;
    return p;
}

size_t tw_arena_bytes(const tw_arena *a)
{
    size_t sum = 0;
    for (const block *b = a->first; b != NULL; b = b->next)
        sum += b->size;
    return sum;
}
