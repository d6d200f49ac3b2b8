/* seqmodel/seq_checkpoint.c — what of a training outlives a step: the averaged weights, the best
 * ones, and the file from which an interrupted training goes on.
 *
 * The file holds the weights, Adam's moments, both copies and the counters as they were after a
 * step, next to the configuration and a hash of the data: of another run's file nothing is used.
 * Everything that is drawn depends on (seed, epoch, ...), so the rest of the training is the same,
 * bit for bit, as if it had never been interrupted.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "nn/checkpoint.h"
#include "seqmodel/seq_checkpoint.h"
#include "seqmodel/seq_model.h"

#define KIND       "seqmodel-checkpoint"
#define EVENT      "SEQ-RESUME"
#define CONFIG_MAX 8192 /* bytes */
#define LINES_MAX  ((size_t) 64 << 20)

static size_t numbers(const tw_param *p) { return (size_t) p->rows * (size_t) p->cols; }

void twi_params_copy(const tw_seq_model *m, tw_real *block)
{
    for (int i = 0; i < tw_params_count(m->params); i++) {
        const tw_param *p = tw_params_at(m->params, i);
        memcpy(block, p->value, numbers(p) * sizeof *block);
        block += numbers(p);
    }
}

void twi_params_restore(tw_seq_model *m, const tw_real *block)
{
    for (int i = 0; i < tw_params_count(m->params); i++) {
        tw_param *p = tw_params_at(m->params, i);
        memcpy(p->value, block, numbers(p) * sizeof *block);
        block += numbers(p);
    }
}

void twi_params_swap(tw_seq_model *m, tw_real *block)
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

tw_status twi_seq_checkpoint_init(twi_seq_checkpoint *k, const tw_seq_model *m, tw_error *err)
{
    size_t n = (size_t) tw_params_size(m->params);
    bool averaged = m->cfg.average > 0;

    *k = (twi_seq_checkpoint){.n = (int64_t) n};
    tw_text_init(&k->lines, LINES_MAX);
    k->best = tw_alloc(n, sizeof *k->best);
    if (averaged)
        k->average = tw_alloc(n, sizeof *k->average);
    if (k->best == NULL || (averaged && k->average == NULL))
        return tw_fail(err, TW_ENOMEM, "copies of the parameters");
    if (averaged)
        twi_params_copy(m, k->average);
    return TW_OK;
}

void twi_seq_checkpoint_fini(twi_seq_checkpoint *k)
{
    tw_free(k->average);
    tw_free(k->best);
    tw_text_fini(&k->lines);
    *k = (twi_seq_checkpoint){0};
}

/* average += (1 - decay) (value - average). Early steps, when random weights would weigh most, use
 * the smaller decay (1 + n) / (10 + n). Costs one pass over all parameters a step. */
void twi_seq_checkpoint_average(twi_seq_checkpoint *k, const tw_seq_model *m, int64_t steps)
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

/* The blocks beside the parameters, all but the lines; returns how many. */
static int blocks_of(twi_seq_checkpoint *k, tw_checkpoint_block out[3])
{
    int n = 0;
    out[n++] = (tw_checkpoint_block){"state", TW_U8, (int64_t) sizeof k->state, 0, &k->state};
    out[n++] = (tw_checkpoint_block){"best", TW_REAL_DTYPE, k->n, 0, k->best};
    if (k->average != NULL)
        out[n++] = (tw_checkpoint_block){"average", TW_REAL_DTYPE, k->n, 0, k->average};
    return n;
}

tw_status twi_seq_checkpoint_save(twi_seq_checkpoint *k, const tw_seq_model *m,
                                  const tw_seq_data *data, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    tw_checkpoint_block blocks[4];
    const tw_params *const sets[] = {m->params};
    int n = blocks_of(k, blocks);
    tw_text run;

    tw_text_init(&run, CONFIG_MAX);
    TW_TRY(describe(m, data, &run, err));
    if (k->lines.len > 0)
        blocks[n++] =
            (tw_checkpoint_block){"lines", TW_U8, (int64_t) k->lines.len, 0, k->lines.data};
    const tw_checkpoint at = {path, KIND, tw_text_cstr(&run), EVENT};
    TW_TRY(tw_checkpoint_save(&at, sets, 1, blocks, n, err));
done:
    tw_text_fini(&run);
    return st;
}

static tw_status read_lines(tw_text *out, const tw_st_file *f, tw_error *err)
{
    tw_st_tensor t;
    tw_text_clear(out);
    if (tw_st_find(f, "lines", TW_U8, &t, NULL) != TW_OK)
        return TW_OK; /* nothing was logged yet */
    return tw_text_add(out, t.data, (size_t) t.rows, err);
}

tw_status twi_seq_checkpoint_load(twi_seq_checkpoint *k, tw_seq_model *m, const tw_seq_data *data,
                                  const char *path, bool *loaded, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_file *f = NULL;
    tw_checkpoint_block blocks[3];
    tw_text run;

    *loaded = false;
    tw_text_init(&run, CONFIG_MAX);
    TW_TRY(describe(m, data, &run, err));
    const tw_checkpoint at = {path, KIND, tw_text_cstr(&run), EVENT};
    TW_TRY(tw_checkpoint_open(&at, &f, err));
    if (f == NULL)
        goto done;
    TW_TRY(tw_checkpoint_read(f, blocks, blocks_of(k, blocks), err));
    TW_TRY(read_lines(&k->lines, f, err));
    TW_TRY(tw_st_load_params(f, m->params, true, err)); /* else the model is half filled */
    *loaded = true;
done:
    tw_st_close(f);
    tw_text_fini(&run);
    return st;
}
