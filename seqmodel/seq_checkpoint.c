/* seqmodel/seq_checkpoint.c — what of a training outlives a step: the averaged weights, the best
 * ones, and the file from which an interrupted training goes on.
 *
 * The file holds the weights, Adam's moments, both copies and the counters as they were after an
 * epoch, next to the configuration and a hash of the data: of another run's file nothing is used.
 * Everything that is drawn depends on (seed, epoch, ...), so the rest of the training is the same,
 * bit for bit, as if it had never been interrupted.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "nn/safetensors.h"
#include "seqmodel/internal.h"

#define KIND       "seqmodel-checkpoint"
#define CONFIG_MAX 8192 /* bytes */
#define LINES_MAX  ((size_t) 64 << 20)

#ifdef TW_REAL_DOUBLE
#define REAL_DTYPE TW_F64
#else
#define REAL_DTYPE TW_F32
#endif

static size_t numbers(const tw_param *p) { return (size_t) p->rows * (size_t) p->cols; }

void twi_keep_copy(const tw_seq_model *m, tw_real *block)
{
    for (int i = 0; i < tw_params_count(m->params); i++) {
        const tw_param *p = tw_params_at(m->params, i);
        memcpy(block, p->value, numbers(p) * sizeof *block);
        block += numbers(p);
    }
}

void twi_keep_restore(tw_seq_model *m, const tw_real *block)
{
    for (int i = 0; i < tw_params_count(m->params); i++) {
        tw_param *p = tw_params_at(m->params, i);
        memcpy(p->value, block, numbers(p) * sizeof *block);
        block += numbers(p);
    }
}

void twi_keep_swap(tw_seq_model *m, tw_real *block)
{
    for (int i = 0; i < tw_params_count(m->params); i++) {
        tw_param *p = tw_params_at(m->params, i);
        for (size_t j = 0; j < numbers(p); j++, block++) {
            tw_real keep = p->value[j];
            p->value[j] = *block;
            *block = keep;
        }
    }
}

tw_status twi_keep_init(twi_keep *k, const tw_seq_model *m, tw_error *err)
{
    size_t n = (size_t) tw_params_size(m->params);
    bool averaged = m->cfg.average > 0;

    *k = (twi_keep){.n = (int64_t) n};
    tw_text_init(&k->lines, LINES_MAX);
    k->best = tw_alloc(n, sizeof *k->best);
    if (averaged)
        k->average = tw_alloc(n, sizeof *k->average);
    if (k->best == NULL || (averaged && k->average == NULL))
        return tw_fail(err, TW_ENOMEM, "copies of the parameters");
    if (averaged)
        twi_keep_copy(m, k->average);
    return TW_OK;
}

void twi_keep_fini(twi_keep *k)
{
    tw_free(k->average);
    tw_free(k->best);
    tw_text_fini(&k->lines);
    *k = (twi_keep){0};
}

/* average += (1 - decay) (value - average). Early steps, when random weights would weigh most, use
 * the smaller decay (1 + n) / (10 + n). Costs one pass over all parameters a step. */
void twi_keep_average(twi_keep *k, const tw_seq_model *m, int64_t steps)
{
    double n = (double) steps;
    tw_real share = (tw_real) (1 - fmin(m->cfg.average, (1 + n) / (10 + n))), *a = k->average;

    for (int i = 0; a != NULL && i < tw_params_count(m->params); i++) {
        const tw_param *p = tw_params_at(m->params, i);
        for (size_t j = 0; j < numbers(p) && !p->frozen; j++)
            a[j] += share * (p->value[j] - a[j]);
        a += numbers(p);
    }
}

/* ---- the file -------------------------------------------------------------------------------- */

/* The configuration without what may change between two sittings: when to stop. Of another twindex
 * the state may have another form. */
static tw_status describe(const tw_seq_model *m, const tw_seq_data *data, tw_text *out,
                          tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_config c = m->cfg;
    uint64_t h = TW_FNV_START;

    c.max_seconds = 0;
    if (c.lr_end >= 1) /* else the number of epochs is part of every learning rate */
        c.epochs = 1;
    h = tw_fnv1a(h, data->offsets, ((size_t) data->n_users + 1) * sizeof *data->offsets);
    h = tw_fnv1a(h, data->items, (size_t) data->offsets[data->n_users] * sizeof *data->items);
    if (m->features != NULL)
        h = tw_fnv1a(h, m->features->value, numbers(m->features) * sizeof *m->features->value);
    TW_TRY(tw_seq_config_to_json(&c, out, err));
    TW_TRY(tw_text_addf(out, err, " on %016llx", (unsigned long long) h));
    TW_TRY(tw_text_addf(out, err, ", %zu bytes of state", sizeof(twi_train_state)));
done:
    return st;
}

static tw_status add_tensors(tw_st_writer *w, const twi_keep *k, const tw_seq_model *m,
                             tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(tw_st_add_params(w, m->params, true, err));
    TW_TRY(tw_st_add(w, "best", REAL_DTYPE, k->n, 0, k->best, err));
    if (k->average != NULL)
        TW_TRY(tw_st_add(w, "average", REAL_DTYPE, k->n, 0, k->average, err));
    if (k->lines.len > 0)
        TW_TRY(
            tw_st_add(w, "lines", TW_U8, (int64_t) k->lines.len, 0, tw_text_cstr(&k->lines), err));
    TW_TRY(tw_st_add(w, "state", TW_U8, (int64_t) sizeof k->state, 0, &k->state, err));
done:
    return st;
}

tw_status twi_keep_save(const twi_keep *k, const tw_seq_model *m, const tw_seq_data *data,
                        const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_writer *w = NULL;
    tw_text run;

    tw_text_init(&run, CONFIG_MAX);
    TW_TRY(describe(m, data, &run, err));
    TW_TRY(tw_st_writer_create(&w, err));
    TW_TRY(tw_st_add_meta(w, "twindex.kind", KIND, err));
    TW_TRY(tw_st_add_meta(w, "twindex.run", tw_text_cstr(&run), err));
    TW_TRY(add_tensors(w, k, m, err));
    TW_TRY(tw_st_save(w, path, err));
done:
    tw_st_writer_destroy(w);
    tw_text_fini(&run);
    return st;
}

static tw_status read_tensor(const tw_st_file *f, const char *name, tw_dtype type, void *out,
                             size_t bytes, tw_error *err)
{
    tw_st_tensor t;
    tw_status st = tw_st_find(f, name, type, &t, err);
    if (st != TW_OK)
        return st;
    if (t.cols != 0 || (size_t) t.rows * tw_dtype_size(type) != bytes)
        return tw_fail(err, TW_ECORRUPT, "'%s' has %lld numbers", name, (long long) t.rows);
    memcpy(out, t.data, bytes);
    return TW_OK;
}

static tw_status read_lines(tw_text *out, const tw_st_file *f, tw_error *err)
{
    tw_st_tensor t;
    tw_text_clear(out);
    if (tw_st_find(f, "lines", TW_U8, &t, NULL) != TW_OK)
        return TW_OK; /* nothing was logged yet */
    return tw_text_add(out, t.data, (size_t) t.rows, err);
}

static tw_status read_all(twi_keep *k, tw_seq_model *m, const tw_st_file *f, tw_error *err)
{
    tw_status st = TW_OK;
    size_t bytes = (size_t) k->n * sizeof *k->best;

    TW_TRY(read_tensor(f, "state", TW_U8, &k->state, sizeof k->state, err));
    TW_TRY(read_lines(&k->lines, f, err));
    TW_TRY(read_tensor(f, "best", REAL_DTYPE, k->best, bytes, err));
    if (k->average != NULL)
        TW_TRY(read_tensor(f, "average", REAL_DTYPE, k->average, bytes, err));
    TW_TRY(tw_st_load_params(f, m->params, true, err));
done:
    return st;
}

/* A file that cannot be used is no reason not to train: say why, and begin at the start. */
static void tell_unused(const char *path, const char *why)
{
    tw_log(TW_LOG_WARN, "SEQ-RESUME", "path=\"%s\" reason=\"%s\"", path, why);
}

tw_status twi_keep_load(twi_keep *k, tw_seq_model *m, const tw_seq_data *data, const char *path,
                        bool *loaded, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_file *f = NULL;
    tw_error why = {0};
    tw_text run;

    *loaded = false;
    tw_text_init(&run, CONFIG_MAX);
    if (!tw_file_exists(path))
        goto done;
    TW_TRY(describe(m, data, &run, err));
    if (tw_st_open(&f, path, &why) != TW_OK) {
        tell_unused(path, why.msg);
        goto done;
    }
    const char *kind = tw_st_meta(f, "twindex.kind"), *of = tw_st_meta(f, "twindex.run");
    if (kind == NULL || strcmp(kind, KIND) != 0 || of == NULL ||
        strcmp(of, tw_text_cstr(&run)) != 0) {
        tell_unused(path, "it belongs to other data or settings");
        goto done;
    }
    TW_TRY(read_all(k, m, f, err)); /* the same run's, and yet broken: the model is half filled */
    *loaded = true;
done:
    tw_st_close(f);
    tw_text_fini(&run);
    return st;
}
