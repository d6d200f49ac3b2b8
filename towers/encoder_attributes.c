/* An item's attributes as an encoder: one hidden layer over hashed words and
 * standardised numbers.
 *
 *   {"price": 9.5, "brand": "Acme", "new": true, "tags": ["a", "b"]}
 *   -> price: 9.5   brand=Acme: 1   new=true: 1   tags=a: 1   tags=b: 1
 *
 * Every name has a bucket with an embedding, as in the bag of words; a word
 * counts 1 (composed and case-folded by text_rules 2, as it stands by 1), a number how many
 * standard deviations it lies from the mean of its key. Keys need no declaration: a new one is a
 * new bucket.
 *
 * Sample: int32 n, int32 pad, then n of {int32 bucket, int32 is_number, double
 * value}. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/unicode.h"
#include "towers/encoder.h"
#include "towers/encoder_attributes.h"

#define BITS        12 /* of the hash: attribute values are few beside words of texts */
#define BUCKETS     (1 << BITS)
#define MAX_ENTRIES 256 /* of one item that are read */
#define FARTHEST    5.0 /* standard deviations: an outlier must not outweigh all else */

typedef struct entry {
    int32_t bucket, is_number;
    double value;
} entry;

typedef struct attributes {
    twi_encoder base;
    tw_param *table;                          /* (BUCKETS, H) */
    tw_param *in_b, *out_w, *out_b;           /* (1, H), (H, H), (1, H) */
    int rules;                                /* text_rules */
    float mean[BUCKETS], inverse_sd[BUCKETS]; /* of numbers; 0 and 1 before fit */
} attributes;

static void destroy(twi_encoder *e) { tw_free(e); }

static void init(twi_encoder *e, tw_rng *rng)
{
    attributes *a = (attributes *) e;
    tw_param_init_normal(a->table, 1 / sqrt(e->width), rng);
    tw_param_init_glorot(a->out_w, rng);
}

/* ---- preparing ------------------------------------------------------------------------------- */

typedef struct list {
    entry at[MAX_ENTRIES];
    int n;
    bool spelt;   /* names composed, words folded */
    tw_text text; /* what is being hashed */
} list;

/* One entry: `name`, or "name=word". */
static tw_status add(list *l, const char *key, const char *word, double value, tw_error *err)
{
    tw_status st = TW_OK;
    if (l->n == MAX_ENTRIES)
        return TW_OK;
    tw_text_clear(&l->text);
    TW_TRY(l->spelt ? tw_unicode_nfc(&l->text, key, strlen(key), err)
                    : tw_text_adds(&l->text, key, err));
    if (word != NULL) {
        TW_TRY(tw_text_adds(&l->text, "=", err));
        TW_TRY(l->spelt ? tw_unicode_fold(&l->text, word, strlen(word), err)
                        : tw_text_adds(&l->text, word, err));
    }
    const uint64_t h = tw_fnv1a(TW_FNV_START, tw_text_cstr(&l->text), l->text.len);
    l->at[l->n++] = (entry){.bucket = (int32_t) ((h ^ (h >> 32)) & (BUCKETS - 1)),
                            .is_number = word == NULL,
                            .value = value};
done:
    return st;
}

static tw_status add_value(list *l, const char *key, const json_t *v, tw_error *err)
{
    tw_status st = TW_OK;
    if (json_is_string(v))
        return add(l, key, json_string_value(v), 1, err);
    if (json_is_boolean(v))
        return add(l, key, json_is_true(v) ? "true" : "false", 1, err);
    if (json_is_number(v) && isfinite(json_number_value(v)))
        return add(l, key, NULL, json_number_value(v), err);
    for (size_t i = 0; i < json_array_size(v) && st == TW_OK; i++) /* 0 where it is no array */
        if (!json_is_array(json_array_get(v, i)))
            st = add_value(l, key, json_array_get(v, i), err);
    return st;
}

static tw_status prepare(const twi_encoder *e, void *reader, const tw_tower_item *item,
                         twi_bytes *out, tw_error *err)
{
    tw_status st = TW_OK;
    list l = {.spelt = ((const attributes *) e)->rules > 1};
    const char *key;
    json_t *value;
    (void) reader;
    if (item->attributes == NULL)
        return TW_OK;
    tw_text_init(&l.text, SIZE_MAX / 4);
    json_t *root = json_loads(item->attributes, 0, NULL);
    json_object_foreach(root, key, value) TW_TRY(add_value(&l, key, value, err));
    if (l.n == 0)
        goto done;
    int32_t *at = twi_bytes_more(out, 8 + (size_t) l.n * sizeof(entry));
    if (at == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%d attributes of an item", l.n);
        goto done;
    }
    at[0] = l.n;
    memcpy(at + 2, l.at, (size_t) l.n * sizeof(entry));
done:
    json_decref(root);
    tw_text_fini(&l.text);
    return st;
}

static const entry *entries(twi_sample s, int *n)
{
    const int32_t *at = (const int32_t *) (const void *) s.data;
    *n = at[0];
    return (const entry *) (const void *) (at + 2);
}

/* ---- fitting --------------------------------------------------------------------------------- */

typedef struct moments {
    double n, sum, square;
} moments;

static tw_status fit(twi_encoder *e, const twi_sample *samples, int64_t n, tw_error *err)
{
    attributes *a = (attributes *) e;
    moments *m = tw_alloc(BUCKETS, sizeof *m);
    if (m == NULL)
        return tw_fail(err, TW_ENOMEM, "means of attributes");
    for (int64_t i = 0; i < n; i++) {
        int count = 0;
        const entry *at = samples[i].len > 0 ? entries(samples[i], &count) : NULL;
        for (int k = 0; k < count; k++) {
            if (!at[k].is_number)
                continue;
            m[at[k].bucket].n += 1;
            m[at[k].bucket].sum += at[k].value;
            m[at[k].bucket].square += at[k].value * at[k].value;
        }
    }
    for (int b = 0; b < BUCKETS; b++) {
        const double mean = m[b].n > 0 ? m[b].sum / m[b].n : 0;
        const double variance = m[b].n > 0 ? m[b].square / m[b].n - mean * mean : 0;
        a->mean[b] = (float) mean;
        a->inverse_sd[b] = variance > 1e-12 ? (float) (1 / sqrt(variance)) : 1;
    }
    tw_free(m);
    return TW_OK;
}

static void copy_fit(twi_encoder *to, const twi_encoder *from)
{
    attributes *a = (attributes *) to;
    const attributes *b = (const attributes *) from;
    memcpy(a->mean, b->mean, sizeof a->mean);
    memcpy(a->inverse_sd, b->inverse_sd, sizeof a->inverse_sd);
}

/* ---- forward --------------------------------------------------------------------------------- */

static double weight_of(const attributes *a, const entry *x)
{
    if (!x->is_number)
        return x->value;
    const double z = (x->value - (double) a->mean[x->bucket]) * (double) a->inverse_sd[x->bucket];
    return z > FARTHEST ? FARTHEST : z < -FARTHEST ? -FARTHEST : z;
}

static tw_tensor *forward(const twi_encoder *e, tw_tape *tape, const twi_sample *samples, int n,
                          const twi_augment *augment)
{
    const attributes *a = (const attributes *) e;
    const double dropout = augment != NULL ? augment->dropout : 0;
    size_t room = 0;
    int count;

    for (int i = 0; i < n; i++) {
        (void) entries(samples[i], &count);
        room += (size_t) count;
    }
    int32_t *ids = tw_tape_take(tape, room, sizeof *ids);
    tw_real *weights = tw_tape_take(tape, room, sizeof *weights);
    int32_t *offsets = tw_tape_take(tape, (size_t) n + 1, sizeof *offsets);
    if (ids == NULL || weights == NULL || offsets == NULL)
        return NULL;
    offsets[0] = 0;
    for (int i = 0; i < n; i++) {
        const entry *at = entries(samples[i], &count);
        int32_t k = offsets[i];
        for (int j = 0; j < count; j++) {
            if (dropout > 0 && tw_rng_uniform(tw_tape_rng(tape)) < dropout)
                continue;
            ids[k] = at[j].bucket;
            weights[k++] = (tw_real) weight_of(a, &at[j]);
        }
        offsets[i + 1] = k;
    }
    tw_tensor *h = tw_op_bag(tape, a->table, ids, weights, offsets, n);
    /* The bias by way of a gather of its one row: a layer without weights has no op of its own. */
    int32_t *zeros = tw_tape_take(tape, (size_t) n, sizeof *zeros);
    if (zeros == NULL)
        return NULL;
    memset(zeros, 0, (size_t) n * sizeof *zeros);
    h = tw_op_relu(tape, tw_op_add(tape, h, tw_op_gather(tape, a->in_b, zeros, n, 1)));
    return tw_op_linear(tape, h, a->out_w, a->out_b);
}

/* ---- the file -------------------------------------------------------------------------------- */

static tw_status save(const twi_encoder *e, tw_st_writer *w, tw_error *err)
{
    const attributes *a = (const attributes *) e;
    tw_status st = tw_st_add(w, "attributes.mean", TW_F32, BUCKETS, 0, a->mean, err);
    return st == TW_OK
               ? tw_st_add(w, "attributes.inverse_sd", TW_F32, BUCKETS, 0, a->inverse_sd, err)
               : st;
}

static tw_status load_one(float *out, const tw_st_file *f, const char *name, tw_error *err)
{
    tw_st_tensor t;
    tw_status st = tw_st_find(f, name, TW_F32, &t, err);
    if (st != TW_OK)
        return st;
    if (t.rows != BUCKETS || t.cols != 0)
        return tw_fail(err, TW_ECORRUPT, "'%s' is %lld by %lld, expected %d", name,
                       (long long) t.rows, (long long) t.cols, BUCKETS);
    memcpy(out, t.data, BUCKETS * sizeof *out);
    for (int b = 0; b < BUCKETS; b++)
        if (!isfinite(out[b]))
            return tw_fail(err, TW_ECORRUPT, "'%s' holds a number that is not finite", name);
    return TW_OK;
}

static tw_status load(twi_encoder *e, const tw_st_file *f, tw_error *err)
{
    attributes *a = (attributes *) e;
    tw_status st = load_one(a->mean, f, "attributes.mean", err);
    return st == TW_OK ? load_one(a->inverse_sd, f, "attributes.inverse_sd", err) : st;
}

/* ---- making ---------------------------------------------------------------------------------- */

static const twi_encoder_class class = {
    .name = "mlp",
    .destroy = destroy,
    .init = init,
    .prepare = prepare,
    .fit = fit,
    .copy_fit = copy_fit,
    .forward = forward,
    .save = save,
    .load = load,
};

tw_status twi_attributes_create(twi_encoder **out, const tw_tower_config *cfg, tw_params *ps,
                                tw_error *err)
{
    tw_status st = TW_OK;
    const int H = cfg->attribute_width;
    attributes *a = tw_alloc(1, sizeof *a);

    *out = NULL;
    if (a == NULL)
        return tw_fail(err, TW_ENOMEM, "attribute encoder");
    a->base = (twi_encoder){.class = &class, .width = H};
    a->rules = cfg->text_rules;
    for (int b = 0; b < BUCKETS; b++)
        a->inverse_sd[b] = 1;
    TW_TRY(tw_params_add(ps, &a->table, "attributes.table", BUCKETS, H, TW_TABLE, err));
    TW_TRY(tw_params_add(ps, &a->in_b, "attributes.in.b", 1, H, TW_DENSE, err));
    TW_TRY(tw_params_add(ps, &a->out_w, "attributes.out.w", H, H, TW_DENSE, err));
    TW_TRY(tw_params_add(ps, &a->out_b, "attributes.out.b", 1, H, TW_DENSE, err));
    a->table->no_decay = a->in_b->no_decay = a->out_b->no_decay = true;
    *out = &a->base;
    a = NULL;
done:
    tw_free(a);
    return st;
}
