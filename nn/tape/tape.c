#include "nn/tape/tape.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "nn/internal.h"
#include "nn/tape/arena.h"

typedef struct record {
    void (*back)(tw_tape *t, void *saved);
    void *saved; /* in the arena */
} record;

struct tw_tape {
    tw_arena arena;
    tw_rng rng;
    tw_grads *grads; /* borrowed; NULL when inferring */
    record *records; /* owned */
    size_t n, room;
    tw_real *work; /* owned, (work_room) */
    size_t work_room;
    bool failed; /* out of memory since the reset */
};

tw_status tw_tape_create(tw_tape **out, tw_grads *grads, tw_error *err)
{
    *out = tw_alloc(1, sizeof **out);
    if (*out == NULL)
        return tw_fail(err, TW_ENOMEM, "tape");
    tw_arena_init(&(*out)->arena);
    (*out)->grads = grads;
    tw_rng_seed(&(*out)->rng, 0);
    return TW_OK;
}

void tw_tape_destroy(tw_tape *t)
{
    if (t == NULL)
        return;
    tw_arena_fini(&t->arena);
    tw_free(t->records);
    tw_free(t->work);
    tw_free(t);
}

void tw_tape_reset(tw_tape *t, uint64_t seed, uint64_t step, uint64_t worker)
{
    tw_tape_next(t);
    tw_rng_seed3(&t->rng, seed, step, worker);
}

void tw_tape_next(tw_tape *t)
{
    tw_arena_reset(&t->arena);
    t->n = 0;
    t->failed = false;
}

tw_status tw_tape_status(const tw_tape *t, tw_error *err)
{
    if (t->failed)
        return tw_fail(err, TW_ENOMEM, "a step that holds %zu bytes needs more memory",
                       tw_arena_bytes(&t->arena));
    return TW_OK;
}

tw_status tw_tape_backward(tw_tape *t, tw_error *err)
{
    if (t->grads == NULL)
        return tw_fail(err, TW_ESTATE, "a tape without gradients cannot run backward");
    while (!t->failed && t->n > 0) {
        record r = t->records[--t->n];
        r.back(t, r.saved);
    }
    return tw_tape_status(t, err);
}

void tw_tape_seed(tw_tape *t, tw_tensor *x, const tw_real *dx)
{
    if (x == NULL) {
        (void) twi_tape_lost(t);
        return;
    }
    size_t n = (size_t) x->rows * (size_t) x->cols;
    for (size_t j = 0; x->d != NULL && j < n; j++)
        x->d[j] += dx[j];
}

bool tw_tape_records(const tw_tape *t) { return t->grads != NULL; }

tw_rng *tw_tape_rng(tw_tape *t) { return &t->rng; }

tw_grads *tw_tape_grads(tw_tape *t) { return t->grads; }

tw_tensor *twi_tape_lost(tw_tape *t)
{
    t->failed = true;
    return NULL;
}

void *tw_tape_take(tw_tape *t, size_t n, size_t size)
{
    void *p = tw_arena_take(&t->arena, n, size);
    if (p == NULL)
        t->failed = true;
    return p;
}

tw_real *tw_tape_work(tw_tape *t, size_t n)
{
    if (n > t->work_room) {
        tw_free(t->work);
        t->work = tw_alloc_aligned(n, sizeof *t->work);
        t->work_room = t->work != NULL ? n : 0;
        t->failed = t->failed || t->work == NULL;
    }
    return t->work;
}

tw_tensor *tw_tape_tensor(tw_tape *t, int rows, int cols)
{
    size_t n = (size_t) rows * (size_t) cols;
    tw_tensor *x = tw_tape_take(t, 1, sizeof *x);
    if (x == NULL)
        return NULL;
    *x = (tw_tensor){.rows = rows, .cols = cols};
    x->v = tw_tape_take(t, n, sizeof *x->v);
    if (x->v == NULL)
        return NULL;
    if (t->grads == NULL)
        return x;
    x->d = tw_tape_take(t, n, sizeof *x->d);
    if (x->d == NULL)
        return NULL;
    memset(x->d, 0, n * sizeof *x->d);
    return x;
}

void tw_tape_record(tw_tape *t, void (*back)(tw_tape *t, void *saved), void *saved)
{
    if (t->grads == NULL)
        return;
    if (tw_grow(&t->records, &t->room, t->n + 1, "records", NULL) != TW_OK) {
        t->failed = true;
        return;
    }
    t->records[t->n++] = (record){.back = back, .saved = saved};
}
