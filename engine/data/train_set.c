/* What towers learn from: pairs, triplets or classes, from events, files or attributes. */
#include "engine/data/train_set.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/rng.h"
#include "engine/engine_state.h"
#include "engine/json_text.h"
#include "engine/training.h"
#include "ingest/ingest.h"

#define ATTRIBUTE_PARTNERS 5  /* pairs made per item with others of the same attribute value */
#define HELD_SHARE         10 /* one item in so many is held out of training on classes */
#define HELD_STREAM        7  /* of the random numbers that choose it; an arbitrary name */
#define HELD_FINE          32 /* bits below that, by which values are distinguished */

const char *const twi_source_names[TW_PAIRS_SELF + 1] = {"events",    "pairs",   "triplets",
                                                         "attribute", "classes", "self"};

typedef struct job {
    tw_engine *e;
    const tw_train_options *opt;
    const twi_catalogue *c;
    twi_train_set *out;
    size_t room_pairs, room_triplets;
} job;

/* ---- pairs and triplets from a file ---------------------------------------------------------- */

static tw_status position_of(job *j, const char *id, int32_t *out, tw_error *err)
{
    int64_t row;
    tw_error why = {0};
    tw_status st = tw_store_row_by_id(j->e->store, id, &row, &why);
    if (st == TW_OK && row <= j->c->max_row && j->c->position[row] >= 0) {
        *out = j->c->position[row];
        return TW_OK;
    }
    if (st == TW_OK || st == TW_ENOTFOUND)
        return tw_fail(err, TW_ENOTFOUND, "item '%.60s' is not in the catalogue", id);
    return tw_fail(err, st, "item '%.60s': %s", id, why.msg);
}

static tw_status add_pair(job *j, tw_item_pair pair, tw_error *err)
{
    twi_tower_split *s = &j->out->split;
    tw_status st = tw_grow(&s->pairs, &j->room_pairs, (size_t) s->n + 1, "pairs", err);
    if (st == TW_OK)
        s->pairs[s->n++] = pair;
    return st;
}

static tw_status add_triplet(job *j, tw_item_triplet t, tw_error *err)
{
    twi_train_set *s = j->out;
    tw_status st =
        tw_grow(&s->triplets, &j->room_triplets, (size_t) s->n_triplets + 1, "triplets", err);
    if (st == TW_OK)
        s->triplets[s->n_triplets++] = t;
    return st;
}

static tw_status add_row(job *j, const tw_row *r, bool triplets, int64_t line, tw_error *err)
{
    if (triplets) {
        tw_item_triplet t = {0};
        tw_status st = position_of(j, r->anchor, &t.anchor, err);
        if (st == TW_OK)
            st = position_of(j, r->positive, &t.positive, err);
        if (st == TW_OK)
            st = position_of(j, r->negative, &t.negative, err);
        if (st != TW_OK)
            return st;
        const char *fault = tw_triplet_fault(t.anchor, t.positive, t.negative);
        return fault == NULL ? add_triplet(j, t, err)
                             : tw_fail(err, TW_EINVAL, "line %lld: %s", (long long) line, fault);
    }
    tw_item_pair p = {.label = (float) r->label, .weight = 1};
    tw_status st = position_of(j, r->a, &p.a, err);
    if (st == TW_OK)
        st = position_of(j, r->b, &p.b, err);
    if (st == TW_OK && p.a == p.b)
        return tw_fail(err, TW_EINVAL, "line %lld pairs an item with itself", (long long) line);
    return st == TW_OK ? add_pair(j, p, err) : st;
}

/* Rows that name items the catalogue lacks, are malformed, or name an item twice where two are
 * meant, are counted and left out. */
static tw_status read_examples(job *j, bool triplets, tw_error *err)
{
    tw_status st = TW_OK;
    tw_reader *r = NULL;
    tw_row row;
    bool got = true;
    tw_error why = {0}, first = {0};
    const int64_t before = j->out->split.n + j->out->n_triplets;

    TW_TRY(tw_reader_open(&r, j->opt->path, triplets ? TW_INGEST_TRIPLETS : TW_INGEST_PAIRS, NULL,
                          err));
    while (got) {
        st = tw_reader_next(r, &row, &got, &why);
        if (st == TW_OK && got)
            st = add_row(j, &row, triplets, tw_reader_line(r), &why);
        if (st == TW_OK)
            continue;
        if (st != TW_EINVAL && st != TW_ENOTFOUND) {
            st = tw_fail(err, st, "%s", why.msg);
            goto done;
        }
        if (st == TW_ENOTFOUND)
            (void) tw_fail(&first, st, "line %lld: %.200s", (long long) tw_reader_line(r), why.msg);
        if (j->out->skipped++ == 0)
            (void) snprintf(j->out->first_skipped, sizeof j->out->first_skipped, "'%.150s', %.300s",
                            j->opt->path, st == TW_ENOTFOUND ? first.msg : why.msg);
        st = TW_OK;
    }
    if (j->out->split.n + j->out->n_triplets == before) {
        st = j->out->first_skipped[0] != '\0'
                 ? tw_fail(err, TW_ESTATE, "no row can be used; the first trouble: %.400s",
                           j->out->first_skipped)
                 : tw_fail(err, TW_ESTATE, "'%.200s' is empty", j->opt->path);
    }
done:
    tw_reader_close(r);
    return st;
}

/* ---- pairs and classes from an attribute ----------------------------------------------------- */

/* Groups of items that share a value: for each value, the items in catalogue order. */
static tw_status group_value(json_t *groups, const json_t *value, int32_t at, tw_error *err)
{
    char *key = NULL;
    tw_status st = twi_json_dump(value, &key, err);
    if (st != TW_OK)
        return st;
    json_t *group = json_object_get(groups, key);
    if (group == NULL) {
        group = json_array();
        (void) json_object_set_new(groups, key, group);
    }
    if (json_array_append_new(group, json_integer(at)) != 0)
        st = tw_fail(err, TW_ENOMEM, "groups of items");
    tw_free(key);
    return st;
}

static tw_status group_item(job *j, json_t *groups, const char *attributes, int32_t at,
                            tw_error *err)
{
    json_t *root = json_loads(attributes, 0, NULL);
    json_t *value = json_object_get(root, j->opt->path);
    size_t n = json_is_array(value) ? json_array_size(value) : value != NULL;
    tw_status st = TW_OK;
    for (size_t i = 0; i < n && st == TW_OK; i++)
        st = group_value(groups, json_is_array(value) ? json_array_get(value, i) : value, at, err);
    json_decref(root);
    return st;
}

typedef struct grouping {
    job *j;
    json_t *groups;
    int32_t at;
} grouping;

static tw_status group_each(void *ctx, const tw_item *item, tw_error *err)
{
    grouping *g = ctx;
    if (item->row > g->j->c->max_row || g->j->c->position[item->row] < 0)
        return TW_OK;
    return group_item(g->j, g->groups, item->attributes, g->j->c->position[item->row], err);
}

/* Partners at distances 1, 2, 4, ... in the group: few pairs, yet all of it is connected. */
static tw_status pairs_of_group(job *j, const json_t *group, tw_error *err)
{
    size_t n = json_array_size(group);
    for (size_t i = 0; i < n; i++) {
        for (size_t step = 1, made = 0; i + step < n && made < ATTRIBUTE_PARTNERS;
             step *= 2, made++) {
            const tw_item_pair p = {(int32_t) json_integer_value(json_array_get(group, i)),
                                    (int32_t) json_integer_value(json_array_get(group, i + step)),
                                    1, 1};
            tw_status st = add_pair(j, p, err);
            if (st != TW_OK)
                return st;
        }
    }
    return TW_OK;
}

static tw_status from_attribute(job *j, tw_error *err)
{
    tw_status st = TW_OK;
    const char *key;
    json_t *group;
    grouping g = {.j = j, .groups = json_object()};

    TW_TRY(tw_store_each_item(j->e->store, 0, group_each, &g, err));
    json_object_foreach(g.groups, key, group) TW_TRY(pairs_of_group(j, group, err));
    if (j->out->split.n == 0)
        st = tw_fail(err, TW_ESTATE, "no two items share a value of the attribute '%.60s'",
                     j->opt->path);
done:
    json_decref(g.groups);
    return st;
}

/* A number for each value that items have, in order of appearance. */
typedef struct labeller {
    const twi_catalogue *c;
    const char *name;
    json_t *numbers; /* by value */
    int32_t *labels; /* (c->n) */
    int64_t labelled;
} labeller;

/* Of a list the first entry counts: an item is of one class. */
static tw_status label_item(void *ctx, const tw_item *item, tw_error *err)
{
    labeller *l = ctx;
    char *key = NULL;
    tw_status st = TW_OK;
    const int32_t at = item->row <= l->c->max_row ? l->c->position[item->row] : -1;
    json_t *root = at >= 0 ? json_loads(item->attributes, 0, NULL) : NULL;
    const json_t *value = json_object_get(root, l->name);

    if (json_is_array(value))
        value = json_array_get(value, 0);
    if (value == NULL || json_is_null(value))
        goto done;
    TW_TRY(twi_json_dump(value, &key, err));
    json_t *number = json_object_get(l->numbers, key);
    if (number == NULL) {
        number = json_integer((json_int_t) json_object_size(l->numbers));
        if (json_object_set_new(l->numbers, key, number) != 0)
            TW_TRY(tw_fail(err, TW_ENOMEM, "values of '%.60s'", l->name));
    }
    l->labels[at] = (int32_t) json_integer_value(number);
    l->labelled++;
done:
    tw_free(key);
    json_decref(root);
    return st;
}

/* What each item's attribute is. */
typedef struct labels {
    int32_t *of;      /* (n) -1 where it has none */
    json_t *numbers;  /* by value */
    int64_t distinct; /* values */
} labels;

static void labels_fini(labels *x)
{
    tw_free(x->of);
    json_decref(x->numbers);
    *x = (labels){0};
}

static tw_status label_items(job *j, const char *name, labels *out, tw_error *err)
{
    tw_status st = TW_OK;
    labeller l = {.c = j->c, .name = name, .numbers = json_object()};
    *out = (labels){0};

    l.labels = tw_alloc((size_t) j->c->n, sizeof *l.labels);
    if (l.labels == NULL || l.numbers == NULL) {
        st = tw_fail(err, TW_ENOMEM, "classes of %lld items", (long long) j->c->n);
        goto done;
    }
    for (int64_t i = 0; i < j->c->n; i++)
        l.labels[i] = -1;
    TW_TRY(tw_store_each_item(j->e->store, 0, label_item, &l, err));
    if (l.labelled == 0) {
        st = tw_fail(err, TW_ESTATE, "no item has the attribute '%.60s'", name);
        goto done;
    }
    *out = (labels){l.labels, json_incref(l.numbers), (int64_t) json_object_size(l.numbers)};
    l.labels = NULL;
done:
    tw_free(l.labels);
    json_decref(l.numbers);
    return st;
}

/* A hash of (seed, what) chooses, so that adding items moves none. */
static uint64_t draw(uint64_t seed, uint64_t what)
{
    tw_rng rng;
    tw_rng_seed3(&rng, seed, HELD_STREAM, what);
    return tw_rng_below(&rng, (uint64_t) HELD_SHARE << HELD_FINE);
}

/* Whether each of the values is held out: one in HELD_SHARE, but one at least, and never all. */
static tw_status hold_values(const labels *x, uint64_t seed, const char *name, bool *held,
                             tw_error *err)
{
    uint64_t least = UINT64_MAX, most = 0;
    int64_t first = 0, last = 0;
    const char *value;
    json_t *number;

    if (x->distinct < 2) {
        return tw_fail(err, TW_ESTATE,
                       "all items have the same '%.60s', of which none can be held out then", name);
    }
    json_object_foreach(x->numbers, value, number)
    {
        const int64_t at = json_integer_value(number);
        const uint64_t d = draw(seed, tw_fnv1a(TW_FNV_START, value, strlen(value)));
        held[at] = d >> HELD_FINE == 0;
        if (d < least) {
            least = d;
            first = at;
        }
        if (d >= most) {
            most = d;
            last = at;
        }
    }
    held[first] = true;
    held[last] = false;
    return TW_OK;
}

/* Items without the value are held out one by one, as all are where no attribute is given. */
static tw_status hold_out(job *j, uint64_t seed, tw_error *err)
{
    tw_status st = TW_OK;
    twi_train_set *x = j->out;
    labels of = {0};
    bool *held = NULL;

    x->held = tw_alloc((size_t) j->c->n, sizeof *x->held);
    if (j->opt->hold_out != NULL) {
        TW_TRY(label_items(j, j->opt->hold_out, &of, err));
        held = tw_alloc((size_t) of.distinct, sizeof *held);
    }
    if (x->held == NULL || (of.of != NULL && held == NULL)) {
        st = tw_fail(err, TW_ENOMEM, "validation of %lld items", (long long) j->c->n);
        goto done;
    }
    if (held != NULL)
        TW_TRY(hold_values(&of, seed, j->opt->hold_out, held, err));
    for (int64_t i = 0; i < j->c->n; i++) {
        const bool out = held != NULL && of.of != NULL && of.of[i] >= 0
                             ? held[of.of[i]]
                             : draw(seed, (uint64_t) j->c->rows[i]) >> HELD_FINE == 0;
        x->held[i] = x->classes[i] >= 0 && out;
    }
done:
    tw_free(held);
    labels_fini(&of);
    return st;
}

static tw_status from_classes(job *j, uint64_t seed, tw_error *err)
{
    tw_status st = TW_OK;
    twi_train_set *x = j->out;
    labels classes = {0}, groups = {0};

    TW_TRY(label_items(j, j->opt->path, &classes, err));
    x->classes = classes.of;
    x->n_classes = classes.distinct;
    classes.of = NULL;
    if (x->n_classes < 2) {
        st = tw_fail(err, TW_ESTATE,
                     "every item has the same '%.60s', and there is nothing to distinguish",
                     j->opt->path);
        goto done;
    }
    TW_TRY(hold_out(j, seed, err));
    if (j->opt->groups != NULL) {
        TW_TRY(label_items(j, j->opt->groups, &groups, err));
        x->groups = groups.of;
        groups.of = NULL;
    }
done:
    labels_fini(&classes);
    labels_fini(&groups);
    return st;
}

/* Each item beside itself: what two of its modalities, or two disturbed views of it, have in common
 * is all that there is to learn from. */
static tw_status from_self(job *j, tw_error *err)
{
    tw_status st = TW_OK;
    for (int32_t i = 0; i < j->c->n && st == TW_OK; i++)
        st = add_pair(j, (tw_item_pair){i, i, 1, 1}, err);
    return st;
}

/* ---- the choice ------------------------------------------------------------------------------ */

static tw_status mine_events(job *j, const tw_tower_recipe *recipe, const twi_events *log,
                             tw_error *err)
{
    tw_status st = twi_mine(j->c, log, &recipe->mine, recipe->train.seed, &j->out->split, err);
    if (st == TW_OK && j->out->split.parts.train == 0) {
        st = tw_fail(err, TW_ESTATE,
                     "no two items were consumed together often enough in %lld events; load an "
                     "interaction log with: twindex events %s FILE, or train with --pairs FILE",
                     (long long) log->n, j->e->dir);
    }
    return st;
}

static tw_status check_options(const tw_train_options *opt, tw_error *err)
{
    const bool named = opt->source != TW_PAIRS_EVENTS && opt->source != TW_PAIRS_SELF;
    if (named && opt->path == NULL)
        return tw_fail(err, TW_EINVAL, "the file or attribute to train from is missing");
    if (opt->groups != NULL && opt->source != TW_PAIRS_CLASSES)
        return tw_fail(err, TW_EINVAL, "groups are of classes: name the classes, too");
    if (opt->hold_out != NULL && opt->source != TW_PAIRS_CLASSES)
        return tw_fail(err, TW_EINVAL, "what is held out whole is of classes: name them, too");
    return TW_OK;
}

tw_status twi_train_set_gather(tw_engine *e, const tw_train_options *opt,
                               const tw_tower_recipe *recipe, const twi_catalogue *c,
                               const twi_events *log, twi_train_set *out, tw_error *err)
{
    tw_split_config split = TW_SPLIT_DEFAULT;
    job j = {.e = e, .opt = opt, .c = c, .out = out};

    *out = (twi_train_set){0};
    split.seed = recipe->train.seed;
    tw_status st = check_options(opt, err);
    if (st != TW_OK)
        return st;
    switch (opt->source) {
    case TW_PAIRS_EVENTS: return mine_events(&j, recipe, log, err);
    case TW_PAIRS_CLASSES: return from_classes(&j, (uint64_t) split.seed, err);
    case TW_PAIRS_SELF:
        st = from_self(&j, err);
        out->split.parts.train = out->split.n;
        out->self = true;
        return st;
    case TW_PAIRS_TRIPLETS:
        st = read_examples(&j, true, err);
        return st == TW_OK ? tw_triplets_split(out->triplets, out->n_triplets, &split,
                                               &out->triplet_parts, err)
                           : st;
    case TW_PAIRS_FILE: st = read_examples(&j, false, err); break;
    case TW_PAIRS_ATTRIBUTE: st = from_attribute(&j, err); break;
    }
    return st == TW_OK
               ? tw_pairs_split(out->split.pairs, out->split.n, &split, &out->split.parts, err)
               : st;
}

tw_status twi_test_set_gather(tw_engine *e, const char *path, const char *valid, int64_t seed,
                              const twi_catalogue *c, twi_train_set *out, tw_error *err)
{
    tw_status st = TW_OK;
    bool labelled = false;
    twi_tower_split *s = &out->split;
    const tw_split_config halves = {.valid = 0.5, .test = 0.5, .seed = seed};
    const tw_train_options of_valid = {.path = valid}, of_test = {.path = path};
    job j = {.e = e, .opt = &of_valid, .c = c, .out = out};

    *out = (twi_train_set){0};
    if (valid != NULL)
        TW_TRY(read_examples(&j, false, err));
    s->parts.valid = s->n;
    j.opt = &of_test;
    TW_TRY(read_examples(&j, false, err));
    s->parts.test = s->n - s->parts.valid;
    for (int64_t k = 0; k < s->n; k++)
        labelled |= s->pairs[k].label < 1;
    if (valid == NULL && labelled)
        TW_TRY(tw_pairs_split(s->pairs, s->n, &halves, &s->parts, err));
done:
    return st;
}

void twi_train_set_fini(twi_train_set *x)
{
    tw_free(x->split.pairs);
    tw_free(x->triplets);
    tw_free(x->classes);
    tw_free(x->groups);
    tw_free(x->held);
    *x = (twi_train_set){0};
}
