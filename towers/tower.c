/* A tower from its making to its end: encoders, projections, head, the forward pass. */
#include "towers/towers.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pieces.h"
#include "base/rng.h"
#include "towers/encoder_table.h"
#include "towers/tower.h"
#include "towers/tower_config.h"
#include "towers/tower_samples.h"

/* Of its tensors in the file, by the words that the first files had. */
static const char *tensor_prefix(tw_modality m)
{
    static const char *const prefixes[] = {"text", "picture", "sound", "attributes"};
    return prefixes[m];
}

static tw_status add_projection(tw_tower *t, tw_modality m, tw_error *err)
{
    tw_status st = TW_OK;
    twi_projection *p = &t->proj[m];
    const int D = t->cfg.dim, E = t->encoders[m]->width;
    char name[TW_PARAM_NAME_MAX];

    (void) snprintf(name, sizeof name, "%s.proj.w", tensor_prefix(m));
    TW_TRY(tw_params_add(t->params, &p->w, name, D, E, TW_DENSE, err));
    (void) snprintf(name, sizeof name, "%s.proj.b", tensor_prefix(m));
    TW_TRY(tw_params_add(t->params, &p->b, name, 1, D, TW_DENSE, err));
    p->b->no_decay = true;
done:
    return st;
}

static tw_status add_head(tw_tower *t, tw_error *err)
{
    tw_status st = TW_OK;
    const int D = t->cfg.dim, H = t->cfg.head;

    if (H == 0)
        return TW_OK;
    TW_TRY(tw_params_add(t->params, &t->head_in, "head.in.w", H, D, TW_DENSE, err));
    TW_TRY(tw_params_add(t->params, &t->head_in_b, "head.in.b", 1, H, TW_DENSE, err));
    TW_TRY(tw_params_add(t->params, &t->head_out, "head.out.w", D, H, TW_DENSE, err));
    TW_TRY(tw_params_add(t->params, &t->head_out_b, "head.out.b", 1, D, TW_DENSE, err));
    t->head_in_b->no_decay = t->head_out_b->no_decay = true;
done:
    return st;
}

/* A copy of what may be NULL. */
static tw_status copy_text(char **out, const char *text, const char *what, tw_error *err)
{
    if (text == NULL)
        return TW_OK;
    *out = tw_strdup(text);
    return *out != NULL ? TW_OK : tw_fail(err, TW_ENOMEM, "the tower's %s", what);
}

static tw_status copy_texts(tw_tower *t, const twi_texts *texts, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(copy_text(&t->vocabulary, texts->vocabulary, "vocabulary", err));
    TW_TRY(copy_text(&t->added, texts->added, "added tokens", err));
    TW_TRY(copy_text(&t->prompt, texts->prompt, "prompt", err));
done:
    return st;
}

static twi_texts texts_of(const tw_tower *t)
{
    return (twi_texts){.vocabulary = t->vocabulary, .added = t->added, .prompt = t->prompt};
}

tw_status twi_tower_shape(tw_tower **out, const tw_tower_config *cfg, const twi_texts *texts,
                          tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower *t = NULL;

    *out = NULL;
    TW_TRY(twi_tower_config_check(cfg, err));
    t = tw_alloc(1, sizeof *t);
    if (t == NULL) {
        st = tw_fail(err, TW_ENOMEM, "tower");
        goto done;
    }
    t->cfg = *cfg;
    if (t->cfg.text_rules == 0)
        t->cfg.text_rules = TW_PIECES_RULES;
    if (twi_reads_tokens(cfg))
        TW_TRY(copy_texts(t, texts, err));
    const twi_texts own = texts_of(t);
    TW_TRY(tw_params_create(&t->params, err));
    tw_params_defer(t->params);
    for (tw_modality m = 0; m < TW_MODALITIES; m++) {
        TW_TRY(twi_encoder_create(&t->encoders[m], m, &t->cfg, &own, t->params, err));
        if (t->encoders[m] != NULL)
            TW_TRY(add_projection(t, m, err));
        t->modalities += t->encoders[m] != NULL;
    }
    if (t->modalities == 0) {
        st = tw_fail(err, TW_EINVAL, "a tower needs an encoder: text, image, audio or attributes");
        goto done;
    }
    TW_TRY(add_head(t, err));
    *out = t;
    t = NULL;
done:
    tw_tower_destroy(t);
    return st;
}

tw_status twi_tower_allocate(tw_tower *t, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(tw_params_allocate(t->params, err));
    for (int m = 0; m < TW_MODALITIES; m++) {
        if (t->encoders[m] == NULL)
            continue;
        twi_projection *p = &t->proj[m];
        p->wt = tw_alloc_aligned((size_t) p->w->rows * (size_t) p->w->cols, sizeof *p->wt);
        if (p->wt == NULL) {
            st = tw_fail(err, TW_ENOMEM, "projection of %lld by %d", (long long) p->w->rows,
                         p->w->cols);
            goto done;
        }
    }
done:
    return st;
}

void tw_tower_destroy(tw_tower *t)
{
    if (t == NULL)
        return;
    for (int m = 0; m < TW_MODALITIES; m++) {
        twi_encoder_destroy(t->encoders[m]);
        tw_free(t->proj[m].wt);
    }
    tw_params_destroy(t->params);
    tw_free(t->vocabulary);
    tw_free(t->added);
    tw_free(t->prompt);
    tw_free(t);
}

void twi_tower_refresh(tw_tower *t)
{
    const int D = t->cfg.dim;
    for (int m = 0; m < TW_MODALITIES; m++) {
        const twi_projection *p = &t->proj[m];
        const int E = t->encoders[m] != NULL ? t->encoders[m]->width : 0;
        for (int o = 0; o < D && E > 0; o++) {
            const tw_real *row = p->w->value + (size_t) o * (size_t) E;
            for (int i = 0; i < E; i++)
                p->wt[(size_t) i * (size_t) D + (size_t) o] = row[i];
        }
    }
}

void twi_tower_freeze(tw_tower *t, bool projections)
{
    for (int m = 0; m < TW_MODALITIES; m++)
        if (t->encoders[m] != NULL)
            t->proj[m].w->frozen = t->proj[m].b->frozen = projections;
}

static double dot(const tw_real *a, const tw_real *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double) a[i] * (double) b[i];
    return sum;
}

/* Random orthonormal rows in m (rows, cols), rows <= cols: Gram-Schmidt, each row twice, which is
 * enough for float. */
static void orthonormal_rows(tw_real *m, int rows, int cols, tw_rng *rng)
{
    for (int r = 0; r < rows; r++) {
        tw_real *row = m + (size_t) r * (size_t) cols;
        for (int i = 0; i < cols; i++)
            row[i] = (tw_real) tw_rng_normal(rng);
        for (int k = 0; k < 2 * r; k++) {
            const tw_real *other = m + (size_t) (k % r) * (size_t) cols;
            tw_real along = (tw_real) dot(row, other, cols);
            for (int i = 0; i < cols; i++)
                row[i] -= along * other[i];
        }
        tw_real scale = (tw_real) (1 / sqrt(dot(row, row, cols)));
        for (int i = 0; i < cols; i++)
            row[i] *= scale;
    }
}

/* w keeps inner products as well as its shape allows: the identity, or orthonormal rows or columns.
 */
static tw_status init_projection(const twi_projection *p, tw_rng *rng, tw_error *err)
{
    const int D = (int) p->w->rows, E = p->w->cols;
    tw_real *w = p->w->value;

    if (D == E) {
        for (int i = 0; i < D; i++)
            w[(size_t) i * (size_t) E + (size_t) i] = 1;
        return TW_OK;
    }
    if (D < E) {
        orthonormal_rows(w, D, E, rng);
        return TW_OK;
    }
    tw_real *m = tw_alloc((size_t) E * (size_t) D, sizeof *m);
    if (m == NULL)
        return tw_fail(err, TW_ENOMEM, "projection of %d by %d", D, E);
    orthonormal_rows(m, E, D, rng);
    for (int o = 0; o < D; o++)
        for (int i = 0; i < E; i++)
            w[(size_t) o * (size_t) E + (size_t) i] = m[(size_t) i * (size_t) D + (size_t) o];
    tw_free(m);
    return TW_OK;
}

/* Each modality draws from a stream of its own, so that adding an image encoder leaves the text's
 * first weights as they were. The head begins as nothing: its residual is 0. */
static tw_status init_weights(tw_tower *t, tw_error *err)
{
    tw_status st = TW_OK;
    const uint64_t seed = (uint64_t) t->cfg.seed;
    tw_rng rng;

    for (int m = 0; m < TW_MODALITIES; m++) {
        if (t->encoders[m] == NULL)
            continue;
        tw_rng_seed3(&rng, seed, 1, (uint64_t) m);
        t->encoders[m]->class->init(t->encoders[m], &rng);
        tw_rng_seed3(&rng, seed, 2, (uint64_t) m);
        TW_TRY(init_projection(&t->proj[m], &rng, err));
    }
    tw_rng_seed3(&rng, seed, 5, 0);
    if (t->head_in != NULL)
        tw_param_init_glorot(t->head_in, &rng);
    twi_tower_refresh(t);
done:
    return st;
}

tw_status twi_tower_create(tw_tower **out, const tw_tower_config *cfg, const twi_texts *texts,
                           tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower *t = NULL;

    *out = NULL;
    TW_TRY(twi_tower_shape(&t, cfg, texts, err));
    assert(t != NULL);
    TW_TRY(twi_tower_allocate(t, err));
    TW_TRY(init_weights(t, err));
    *out = t;
    t = NULL;
done:
    tw_tower_destroy(t);
    return st;
}

tw_status tw_tower_create(tw_tower **out, const tw_tower_config *cfg, const char *vocabulary,
                          tw_error *err)
{
    return twi_tower_create(out, cfg, &(twi_texts){.vocabulary = vocabulary}, err);
}

tw_status tw_tower_untrained(tw_tower **out, const tw_tower *t, tw_error *err)
{
    const twi_texts texts = texts_of(t);
    tw_status st = twi_tower_create(out, &t->cfg, &texts, err);
    for (int m = 0; m < TW_MODALITIES && st == TW_OK; m++)
        if (t->encoders[m] != NULL && t->encoders[m]->class->copy_fit != NULL)
            t->encoders[m]->class->copy_fit((*out)->encoders[m], t->encoders[m]);
    return st;
}

tw_status tw_tower_fit(tw_tower *t, const tw_tower_samples *s, tw_error *err)
{
    tw_status st = TW_OK;
    twi_sample *samples = tw_alloc((size_t) s->n, sizeof *samples);

    if (samples == NULL) {
        st = tw_fail(err, TW_ENOMEM, "samples of %lld items", (long long) s->n);
        goto done;
    }
    for (int m = 0; m < TW_MODALITIES; m++) {
        twi_encoder *e = t->encoders[m];
        if (e == NULL || e->class->fit == NULL)
            continue;
        for (int64_t i = 0; i < s->n; i++)
            samples[i] = twi_sample_of(s, m, i);
        TW_TRY(e->class->fit(e, samples, s->n, err));
    }
done:
    tw_free(samples);
    return st;
}

tw_status tw_tower_fit_texts(tw_tower *t, const char *const *texts, const size_t *lens, int64_t n,
                             tw_error *err)
{
    const tw_tower_texts list = {texts, lens};
    const tw_tower_source source = tw_source_of_texts(&list, n);
    tw_tower_samples *s = NULL;
    tw_status st = tw_tower_prepare(&s, t, NULL, &source, NULL, NULL, err);
    if (st == TW_OK)
        st = tw_tower_fit(t, s, err);
    tw_tower_samples_destroy(s);
    return st;
}

int tw_tower_dim(const tw_tower *t) { return t->cfg.dim; }

const char *tw_tower_prompt(const tw_tower *t) { return t->prompt; }

unsigned tw_tower_modalities(const tw_tower *t)
{
    unsigned bits = 0;
    for (int m = 0; m < TW_MODALITIES; m++)
        bits |= (unsigned) (t->encoders[m] != NULL) << m;
    return bits;
}

tw_tower_config tw_tower_config_of(const tw_tower *t) { return t->cfg; }

/* ---- forward --------------------------------------------------------------------------------- */

/* One modality's unit vectors for the rows that show it, laid out to n rows with zeros between;
 * NULL with *none set: no row shows it. */
static tw_tensor *one_modality(tw_tape *tape, const tw_tower *t, int m, const twi_input *in,
                               bool *none)
{
    const twi_encoder *e = t->encoders[m];
    twi_sample *samples = tw_tape_take(tape, (size_t) in->n, sizeof *samples);
    int32_t *place = tw_tape_take(tape, (size_t) in->n, sizeof *place);
    int n = 0;

    *none = false;
    if (samples == NULL || place == NULL)
        return NULL;
    for (int r = 0; r < in->n; r++) {
        const twi_sample s = twi_sample_of(in->samples, m, in->items[r]);
        const bool shown = in->shown == NULL || (in->shown[r] >> m & 1) != 0;
        place[r] = s.len > 0 && shown ? n : -1;
        if (place[r] >= 0)
            samples[n++] = s;
    }
    *none = n == 0;
    if (n == 0)
        return NULL;
    tw_tensor *x = e->class->forward(e, tape, samples, n, in->augment);
    tw_tensor *z = tw_op_l2norm(tape, tw_op_linear(tape, x, t->proj[m].w, t->proj[m].b));
    return n == in->n ? z : tw_op_rows(tape, z, place, in->n);
}

static tw_tensor *nothing(tw_tape *tape, int rows, int cols)
{
    tw_tensor *z = tw_tape_tensor(tape, rows, cols);
    if (z != NULL)
        memset(z->v, 0, (size_t) rows * (size_t) cols * sizeof *z->v);
    return z;
}

tw_tensor *twi_tower_forward(tw_tape *tape, const tw_tower *t, const twi_input *in)
{
    tw_tensor *sum = NULL;
    int parts = 0;

    for (int m = 0; m < TW_MODALITIES; m++) {
        bool none;
        if (t->encoders[m] == NULL)
            continue;
        tw_tensor *z = one_modality(tape, t, m, in, &none);
        if (none)
            continue;
        sum = parts++ == 0 ? z : tw_op_add(tape, sum, z);
    }
    if (parts == 0)
        return nothing(tape, in->n, t->cfg.dim);
    if (parts > 1)
        sum = tw_op_l2norm(tape, sum);
    if (t->head_in == NULL)
        return sum;
    tw_tensor *h = tw_op_relu(tape, tw_op_linear(tape, sum, t->head_in, t->head_in_b));
    return tw_op_l2norm(tape,
                        tw_op_add(tape, sum, tw_op_linear(tape, h, t->head_out, t->head_out_b)));
}
