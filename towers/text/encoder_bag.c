/* The bag of hashed words and character n-grams as an encoder.
 *
 * Sample: int32 n, int32 ids[n] rising, int32 counts[n]. Weights are made from
 * them in forward, by what the tower's idf is then. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/kernels/bag.h"
#include "towers/encoder.h"
#include "towers/text/encoder_bag.h"
#include "towers/text/text_features.h"

#define IDF_MAX 1e6F

static void bag_destroy(twi_encoder *e)
{
    twi_bag *bag = (twi_bag *) e;
    tw_free(bag->idf);
    tw_free(bag);
}

static void bag_init(twi_encoder *e, tw_rng *rng)
{
    twi_bag *bag = (twi_bag *) e;
    tw_param_init_normal(bag->table, 1 / sqrt(e->width), rng);
}

/* ---- preparing ------------------------------------------------------------------------------- */

static tw_status bag_open(void **out, const twi_encoder *e, tw_error *err)
{
    twi_features *f = tw_alloc(1, sizeof *f);
    tw_status st = f != NULL ? twi_features_init(f, &((const twi_bag *) e)->cfg, err)
                             : tw_fail(err, TW_ENOMEM, "reader of texts");
    if (st != TW_OK) {
        tw_free(f);
        f = NULL;
    }
    *out = f;
    return st;
}

static void bag_close(void *reader)
{
    if (reader != NULL)
        twi_features_fini(reader);
    tw_free(reader);
}

static tw_status bag_prepare(const twi_encoder *e, void *reader, const tw_tower_item *item,
                             twi_bytes *out, tw_error *err)
{
    twi_features *f = reader;
    (void) e;
    if (item->text == NULL)
        return TW_OK;
    tw_status st = twi_features_count(f, item->text, item->text_len, err);
    if (st != TW_OK || f->n == 0)
        return st;
    const size_t n = (size_t) f->n;
    int32_t *at = twi_bytes_more(out, (1 + 2 * n) * sizeof *at);
    if (at == NULL)
        return tw_fail(err, TW_ENOMEM, "%d features of a text", f->n);
    at[0] = f->n;
    memcpy(at + 1, f->ids, n * sizeof *at);
    memcpy(at + 1 + n, f->counts, n * sizeof *at);
    return TW_OK;
}

typedef struct counted {
    int32_t n;
    const int32_t *ids, *counts;
} counted;

static counted read_sample(twi_sample s)
{
    const int32_t *at = (const int32_t *) (const void *) s.data;
    return (counted){at[0], at + 1, at + 1 + at[0]};
}

/* ---- idf ------------------------------------------------------------------------------------- */

static tw_status bag_fit(twi_encoder *e, const twi_sample *samples, int64_t n, tw_error *err)
{
    twi_bag *bag = (twi_bag *) e;
    const size_t V = (size_t) 1 << bag->cfg.bits;
    int64_t *df = tw_alloc(V, sizeof *df); /* texts that hold a feature */

    if (df == NULL)
        return tw_fail(err, TW_ENOMEM, "document frequencies of 2^%d features", bag->cfg.bits);
    for (int64_t i = 0; i < n; i++) {
        if (samples[i].len == 0)
            continue;
        const counted v = read_sample(samples[i]);
        for (int32_t k = 0; k < v.n; k++)
            df[v.ids[k]]++;
    }
    for (size_t v = 0; v < V; v++) {
        const double idf = 1 + log((1.0 + (double) n) / (1.0 + (double) df[v]));
        bag->idf[v] = (float) fmin(pow(idf, bag->cfg.idf_power), (double) IDF_MAX);
    }
    tw_free(df);
    return TW_OK;
}

static void bag_copy_fit(twi_encoder *to, const twi_encoder *from)
{
    const twi_bag *source = (const twi_bag *) from;
    memcpy(((twi_bag *) to)->idf, source->idf, ((size_t) 1 << source->cfg.bits) * sizeof(float));
}

/* ---- forward --------------------------------------------------------------------------------- */

/* Leaves some features out, in place; at least one stays. Returns how many. */
static int32_t drop(int32_t *ids, tw_real *weights, int32_t n, double dropout, tw_rng *rng)
{
    const int32_t always = (int32_t) tw_rng_below(rng, (uint64_t) n);
    int32_t kept = 0;

    for (int32_t k = 0; k < n; k++) {
        if (k != always && tw_rng_uniform(rng) < dropout)
            continue;
        ids[kept] = ids[k];
        weights[kept++] = weights[k];
    }
    /* As long as before on average, so that the bias keeps its weight. */
    const tw_real scale = (tw_real) (1 / (1 - dropout));
    for (int32_t k = 0; k < kept; k++)
        weights[k] *= scale;
    return kept;
}

static tw_tensor *bag_forward(const twi_encoder *e, tw_tape *tape, const twi_sample *samples, int n,
                              const twi_augment *augment)
{
    const twi_bag *bag = (const twi_bag *) e;
    const double dropout = augment != NULL ? augment->dropout : 0;
    size_t room = 0;

    for (int i = 0; i < n; i++)
        room += (size_t) read_sample(samples[i]).n;
    int32_t *ids = tw_tape_take(tape, room, sizeof *ids);
    tw_real *weights = tw_tape_take(tape, room, sizeof *weights);
    int32_t *offsets = tw_tape_take(tape, (size_t) n + 1, sizeof *offsets);
    if (ids == NULL || weights == NULL || offsets == NULL)
        return NULL;
    offsets[0] = 0;
    for (int i = 0; i < n; i++) {
        const counted v = read_sample(samples[i]);
        const int32_t at = offsets[i];
        memcpy(ids + at, v.ids, (size_t) v.n * sizeof *ids);
        twi_weigh(weights + at, v.ids, v.counts, v.n, bag->idf);
        offsets[i + 1] =
            at +
            (dropout > 0 ? drop(ids + at, weights + at, v.n, dropout, tw_tape_rng(tape)) : v.n);
    }
    return tw_op_bag(tape, bag->table, ids, weights, offsets, n);
}

static void bag_embed(const twi_encoder *e, void *reader, twi_sample s, tw_real *x)
{
    const twi_bag *bag = (const twi_bag *) e;
    twi_features *f = reader;
    const counted v = read_sample(s);
    const int32_t offsets[2] = {0, v.n};

    twi_weigh(f->weights, v.ids, v.counts, v.n, bag->idf);
    tw_bag_forward(x, bag->table->value, v.ids, f->weights, offsets, 1, e->width);
}

/* ---- the file -------------------------------------------------------------------------------- */

static tw_status bag_save(const twi_encoder *e, tw_st_writer *w, tw_error *err)
{
    const twi_bag *bag = (const twi_bag *) e;
    return tw_st_add(w, "text.idf", TW_F32, (int64_t) 1 << bag->cfg.bits, 0, bag->idf, err);
}

static tw_status bag_load(twi_encoder *e, const tw_st_file *f, tw_error *err)
{
    twi_bag *bag = (twi_bag *) e;
    const size_t V = (size_t) 1 << bag->cfg.bits;
    tw_st_tensor idf;
    tw_status st = tw_st_find(f, "text.idf", TW_F32, &idf, err);

    if (st != TW_OK)
        return st;
    if (idf.rows != (int64_t) V || idf.cols != 0)
        return tw_fail(err, TW_ECORRUPT, "'text.idf' is %lld by %lld, its settings say %zu",
                       (long long) idf.rows, (long long) idf.cols, V);
    memcpy(bag->idf, idf.data, V * sizeof *bag->idf);
    for (size_t v = 0; v < V; v++)
        if (!(bag->idf[v] >= 0 && bag->idf[v] <= IDF_MAX))
            return tw_fail(err, TW_ECORRUPT, "idf %g is outside 0..1e6", (double) bag->idf[v]);
    return TW_OK;
}

/* ---- making ---------------------------------------------------------------------------------- */

static const twi_encoder_class bag_class = {
    .name = "bag",
    .destroy = bag_destroy,
    .init = bag_init,
    .open = bag_open,
    .close = bag_close,
    .prepare = bag_prepare,
    .fit = bag_fit,
    .copy_fit = bag_copy_fit,
    .forward = bag_forward,
    .embed = bag_embed,
    .save = bag_save,
    .load = bag_load,
};

tw_status twi_bag_create(twi_encoder **out, const tw_tower_config *cfg, tw_params *ps,
                         tw_error *err)
{
    tw_status st = TW_OK;
    const size_t V = (size_t) 1 << cfg->bits;
    twi_bag *bag = tw_alloc(1, sizeof *bag);

    *out = NULL;
    if (bag == NULL)
        return tw_fail(err, TW_ENOMEM, "text encoder");
    bag->base = (twi_encoder){.class = &bag_class, .width = cfg->embed_dim};
    bag->cfg = *cfg;
    TW_TRY(
        tw_params_add(ps, &bag->table, "text.table", (int64_t) V, cfg->embed_dim, TW_TABLE, err));
    bag->table->no_decay = true;
    bag->idf = tw_alloc(V, sizeof *bag->idf);
    if (bag->idf == NULL) {
        st = tw_fail(err, TW_ENOMEM, "idf of 2^%d buckets", cfg->bits);
        goto done;
    }
    for (size_t v = 0; v < V; v++)
        bag->idf[v] = 1;
    *out = &bag->base;
    bag = NULL;
done:
    if (bag != NULL)
        bag_destroy(&bag->base);
    return st;
}
