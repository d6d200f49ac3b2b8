/* The plan of an epoch: classes in turn. */
#include "towers/train/tower_batches.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

void twi_batch_plan_fini(twi_batch_plan *p)
{
    tw_free(p->rows);
    tw_free(p->offsets);
    *p = (twi_batch_plan){0};
}

typedef struct member {
    int32_t cls, item;
} member;

typedef struct range {
    int32_t begin, end, next; /* next: the one that comes next */
} range;

typedef struct planner {
    const twi_class_how *how;
    tw_rng rng;
    member *members;   /* (n_members) by class */
    int32_t *items;    /* (n_members) the same items, each class in its order of turns */
    range *classes;    /* (n_classes) of items */
    int32_t *turns;    /* (n_classes) the order in which classes come */
    member *grouped;   /* (n_classes) classes by group: .cls is the group, .item the class */
    int32_t *of_group; /* (n_classes) the same classes, each group in its order */
    range *groups;     /* (n_groups) of of_group */
    int32_t *group_turns;
    int64_t *taken; /* (n_classes) the last batch that has it, + 1 */
    int64_t n_members;
    int32_t n_classes, n_groups, turn;
} planner;

static int compare_members(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->cls != y->cls)
        return x->cls < y->cls ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* Runs of equal cls as ranges; returns how many. */
static int32_t find_runs(range *out, int32_t *items, const member *m, int64_t n)
{
    int32_t runs = 0;
    for (int64_t k = 0; k < n; k++) {
        items[k] = m[k].item;
        if (k == 0 || m[k].cls != m[k - 1].cls) {
            out[runs++] = (range){(int32_t) k, (int32_t) k, (int32_t) k};
        }
        out[runs - 1].end = (int32_t) k + 1;
    }
    return runs;
}

static void planner_fini(planner *p)
{
    tw_free(p->members);
    tw_free(p->items);
    tw_free(p->classes);
    tw_free(p->turns);
    tw_free(p->grouped);
    tw_free(p->of_group);
    tw_free(p->groups);
    tw_free(p->group_turns);
    tw_free(p->taken);
}

static tw_status find_classes(planner *p, const int32_t *cls, int64_t n, tw_error *err)
{
    p->members = tw_alloc((size_t) n, sizeof *p->members);
    p->items = tw_alloc((size_t) n, sizeof *p->items);
    p->classes = tw_alloc((size_t) n, sizeof *p->classes);
    if (p->members == NULL || p->items == NULL || p->classes == NULL)
        return tw_fail(err, TW_ENOMEM, "classes of %lld items", (long long) n);
    for (int64_t i = 0; i < n; i++)
        if (cls[i] >= 0)
            p->members[p->n_members++] = (member){cls[i], (int32_t) i};
    qsort(p->members, (size_t) p->n_members, sizeof *p->members, compare_members);
    p->n_classes = find_runs(p->classes, p->items, p->members, p->n_members);
    if (p->n_classes < 2)
        return tw_fail(err, TW_EINVAL, "%d classes: at least 2 are needed", p->n_classes);
    return TW_OK;
}

static tw_status find_groups(planner *p, const int32_t *group, tw_error *err)
{
    const size_t n = (size_t) p->n_classes;

    p->turns = tw_alloc(n, sizeof *p->turns);
    p->grouped = tw_alloc(n, sizeof *p->grouped);
    p->of_group = tw_alloc(n, sizeof *p->of_group);
    p->groups = tw_alloc(n, sizeof *p->groups);
    p->group_turns = tw_alloc(n, sizeof *p->group_turns);
    p->taken = tw_alloc(n, sizeof *p->taken);
    if (p->turns == NULL || p->grouped == NULL || p->of_group == NULL || p->groups == NULL ||
        p->group_turns == NULL || p->taken == NULL)
        return tw_fail(err, TW_ENOMEM, "batches of %zu classes", n);
    for (int32_t c = 0; c < p->n_classes; c++) {
        const int32_t first = p->items[p->classes[c].begin];
        p->turns[c] = c;
        p->grouped[c] = (member){group != NULL ? group[first] : 0, c};
    }
    qsort(p->grouped, n, sizeof *p->grouped, compare_members);
    p->n_groups = find_runs(p->groups, p->of_group, p->grouped, p->n_classes);
    for (int32_t g = 0; g < p->n_groups; g++)
        p->group_turns[g] = g;
    return TW_OK;
}

static void shuffle_all(planner *p)
{
    for (int32_t c = 0; c < p->n_classes; c++)
        tw_rng_shuffle(&p->rng, p->items + p->classes[c].begin,
                       p->classes[c].end - p->classes[c].begin);
    tw_rng_shuffle(&p->rng, p->turns, p->n_classes);
    tw_rng_shuffle(&p->rng, p->group_turns, p->n_groups);
}

/* The next of r's numbers; after the last they are shuffled and come again. */
static int32_t take_turn(planner *p, int32_t *numbers, range *r)
{
    if (r->next == r->end) {
        tw_rng_shuffle(&p->rng, numbers + r->begin, r->end - r->begin);
        r->next = r->begin;
    }
    return numbers[r->next++];
}

static void put_class(planner *p, int32_t c, int64_t batch, int32_t *rows)
{
    p->taken[c] = batch + 1;
    for (int k = 0; k < p->how->items; k++)
        rows[k] = take_turn(p, p->items, &p->classes[c]);
}

/* Up to `wanted` classes out of the groups whose turn it is, whole groups first. */
static int put_groups(planner *p, int64_t batch, int wanted, int32_t *rows)
{
    int n = 0;
    for (int32_t visited = 0; n < wanted && visited < p->n_groups; visited++) {
        /* Each batch begins one group further, so that all come first, in whole, equally often. */
        range *g = &p->groups[p->group_turns[(batch + visited) % p->n_groups]];
        /* Two rounds: one that begins between turns may meet some twice before it has met all. */
        for (int32_t k = 2 * (g->end - g->begin); k > 0 && n < wanted; k--) {
            const int32_t c = take_turn(p, p->of_group, g);
            if (p->taken[c] != batch + 1)
                put_class(p, c, batch, rows + (size_t) n++ * (size_t) p->how->items);
        }
    }
    return n;
}

static void put_batch(planner *p, int64_t batch, int classes, int32_t *rows)
{
    range all = {0, p->n_classes, p->turn};
    int n = put_groups(p, batch, (int) (p->how->grouped * classes + 0.5), rows);

    while (n < classes) {
        const int32_t c = take_turn(p, p->turns, &all);
        if (p->taken[c] != batch + 1)
            put_class(p, c, batch, rows + (size_t) n++ * (size_t) p->how->items);
    }
    p->turn = all.next;
}

tw_status twi_batch_plan_classes(twi_batch_plan *out, const int32_t *cls, const int32_t *group,
                                 int64_t n, const twi_class_how *how, uint64_t epoch, tw_error *err)
{
    tw_status st = TW_OK;
    planner p = {.how = how};
    twi_batch_plan plan = {0};

    *out = (twi_batch_plan){0};
    if (how->classes < 2 || how->items < 2 || !(how->grouped >= 0 && how->grouped <= 1) ||
        n > INT32_MAX) {
        st = tw_fail(err, TW_EINVAL, "batches of %d classes x %d items, %g grouped", how->classes,
                     how->items, how->grouped);
        goto done;
    }
    TW_TRY(find_classes(&p, cls, n, err));
    TW_TRY(find_groups(&p, group, err));
    const int classes = how->classes < p.n_classes ? how->classes : p.n_classes;
    const int64_t size = (int64_t) classes * how->items;
    plan.n = p.n_members / size > 0 ? p.n_members / size : 1;
    plan.rows = tw_alloc((size_t) (plan.n * size), sizeof *plan.rows);
    plan.offsets = tw_alloc((size_t) plan.n + 1, sizeof *plan.offsets);
    if (plan.rows == NULL || plan.offsets == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld batches", (long long) plan.n);
        goto done;
    }
    tw_rng_seed3(&p.rng, how->seed, epoch, 0);
    shuffle_all(&p);
    for (int64_t b = 0; b < plan.n; b++) {
        put_batch(&p, b, classes, plan.rows + b * size);
        plan.offsets[b + 1] = (b + 1) * size;
    }
    plan.left_out = n - p.n_members;
    *out = plan;
    plan = (twi_batch_plan){0};
done:
    twi_batch_plan_fini(&plan);
    planner_fini(&p);
    return st;
}
