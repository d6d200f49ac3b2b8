#include "towers/train/tower_checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "nn/safetensors.h"

#define KIND       "tower-checkpoint"
#define RUN_MAX    16384 /* bytes */
#define CHEAP      0.5   /* seconds of writing that do not matter */
#define MOST_SHARE 0.1   /* of the time, else */

#ifdef TW_REAL_DOUBLE
#define REAL_DTYPE TW_F64
#else
#define REAL_DTYPE TW_F32
#endif

enum { BEST_NAME_MAX = TW_PARAM_NAME_MAX + 8 };

/* ---- whose file it is ------------------------------------------------------------------------ */

static uint64_t hash_array(uint64_t h, const void *data, int64_t n, size_t size)
{
    const int64_t there = data != NULL ? n : -1;
    h = tw_fnv1a(h, &there, sizeof there);
    return data != NULL ? tw_fnv1a(h, data, (size_t) n * size) : h;
}

static uint64_t hash_samples(uint64_t h, const tw_tower_samples *s)
{
    for (int m = 0; m < TW_MODALITIES; m++) {
        const twi_lane *lane = &s->lanes[m];
        h = hash_array(h, lane->lengths, s->n, sizeof *lane->lengths);
        h = hash_array(h, lane->bytes.data, (int64_t) lane->bytes.len, 1);
    }
    return h;
}

static uint64_t hash_data(uint64_t h, const tw_tower_data *d)
{
    const unsigned char flags[] = {d->self, d->valid_apart, d->search != NULL};
    h = hash_array(h, d->pairs, d->n_pairs, sizeof *d->pairs);
    h = hash_array(h, d->triplets, d->n_triplets, sizeof *d->triplets);
    h = hash_array(h, d->classes, d->n_items, sizeof *d->classes);
    h = hash_array(h, d->groups, d->n_items, sizeof *d->groups);
    h = hash_array(h, d->held, d->n_items, sizeof *d->held);
    h = hash_array(h, d->valid, d->n_valid, sizeof *d->valid);
    return tw_fnv1a(h, flags, sizeof flags);
}

static tw_status describe(tw_text *out, const twi_resume_about *a, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_tower_recipe recipe = {a->tower->cfg, *a->cfg, TW_MINE_DEFAULT};
    const int dim = a->tower->cfg.dim;
    uint64_t h = hash_data(hash_samples(TW_FNV_START, a->samples), a->data);

    h = hash_array(h, a->vecs, a->n_vecs * dim, sizeof *a->vecs);
    TW_TRY(tw_tower_recipe_format(&recipe, out, err));
    TW_TRY(tw_text_addf(out, err, " seed %lld by %d on %016llx", (long long) a->cfg->seed,
                        a->workers, (unsigned long long) h));
done:
    return st;
}

tw_status twi_resume_begin(twi_resume *r, const char *path, const twi_resume_about *about,
                           tw_error *err)
{
    *r = (twi_resume){.path = path, .last = tw_clock_monotonic()};
    tw_text_init(&r->run, RUN_MAX);
    return path != NULL ? describe(&r->run, about, err) : TW_OK;
}

void twi_resume_fini(twi_resume *r)
{
    tw_text_fini(&r->run);
    tw_free(r->lines);
    *r = (twi_resume){0};
}

tw_status twi_resume_add(twi_resume *r, const tw_tower_epoch *line, tw_error *err)
{
    if (r->path == NULL)
        return TW_OK;
    tw_tower_epoch *more = tw_realloc(r->lines, (size_t) r->n_lines + 1, sizeof *more);
    if (more == NULL)
        return tw_fail(err, TW_ENOMEM, "lines of %lld epochs", (long long) r->n_lines + 1);
    r->lines = more;
    r->lines[r->n_lines++] = *line;
    return TW_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void best_name(char out[BEST_NAME_MAX], const tw_param *p)
{
    (void) snprintf(out, BEST_NAME_MAX, "%s.best", p->name);
}

static tw_status add_tensors(tw_st_writer *w, const twi_resume *r, const tw_params *params,
                             tw_real *const *best, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(tw_st_add_params(w, params, true, err));
    if (r->proxies != NULL)
        TW_TRY(tw_st_add_params(w, r->proxies, true, err));
    for (int i = 0; i < tw_params_count(params); i++) {
        const tw_param *p = tw_params_at(params, i);
        char name[BEST_NAME_MAX];
        best_name(name, p);
        TW_TRY(tw_st_add(w, name, REAL_DTYPE, p->rows, p->cols, best[i], err));
    }
    TW_TRY(tw_st_add(w, "lines", TW_U8, r->n_lines * (int64_t) sizeof *r->lines, 0, r->lines, err));
    TW_TRY(tw_st_add(w, "state", TW_U8, (int64_t) sizeof r->state, 0, &r->state, err));
done:
    return st;
}

tw_status twi_resume_save(twi_resume *r, const tw_params *params, tw_real *const *best,
                          tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_writer *w = NULL;
    const double start = tw_clock_monotonic();

    if (r->path == NULL || (r->cost > CHEAP && r->cost > MOST_SHARE * (start - r->last)))
        return TW_OK;
    TW_TRY(tw_st_writer_create(&w, err));
    TW_TRY(tw_st_add_meta(w, "twindex.kind", KIND, err));
    TW_TRY(tw_st_add_meta(w, "twindex.run", tw_text_cstr(&r->run), err));
    TW_TRY(add_tensors(w, r, params, best, err));
    TW_TRY(tw_st_save(w, r->path, err));
    r->last = tw_clock_monotonic();
    r->cost = r->last - start;
done:
    tw_st_writer_destroy(w);
    return st;
}

/* ---- reading --------------------------------------------------------------------------------- */

static tw_status read_state(twi_resume *r, const tw_st_file *f, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_tensor state, lines;
    twi_resume_state s;

    TW_TRY(tw_st_find(f, "state", TW_U8, &state, err));
    TW_TRY(tw_st_find(f, "lines", TW_U8, &lines, err));
    if (state.cols != 0 || state.rows != (int64_t) sizeof s) {
        st = tw_fail(err, TW_ECORRUPT, "'state' has %lld bytes", (long long) state.rows);
        goto done;
    }
    memcpy(&s, state.data, sizeof s);
    const int64_t n = s.report.epochs;
    if (n < 1 || s.report.best_epoch < 0 || s.report.best_epoch > n || lines.cols != 0 ||
        lines.rows != n * (int64_t) sizeof *r->lines) {
        st = tw_fail(err, TW_ECORRUPT, "%lld epochs have %lld bytes of lines", (long long) n,
                     (long long) lines.rows);
        goto done;
    }
    r->lines = tw_alloc((size_t) n, sizeof *r->lines);
    if (r->lines == NULL) {
        st = tw_fail(err, TW_ENOMEM, "lines of %lld epochs", (long long) n);
        goto done;
    }
    memcpy(r->lines, lines.data, (size_t) n * sizeof *r->lines);
    r->n_lines = n;
    r->state = s;
done:
    return st;
}

/* Looks at everything before it fills anything. */
static tw_status read_best(tw_real **best, const tw_params *params, const tw_st_file *f,
                           tw_error *err)
{
    tw_status st = TW_OK;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < tw_params_count(params); i++) {
            const tw_param *p = tw_params_at(params, i);
            char name[BEST_NAME_MAX];
            tw_st_tensor t;
            best_name(name, p);
            TW_TRY(tw_st_find(f, name, REAL_DTYPE, &t, err));
            if (t.rows != p->rows || t.cols != p->cols) {
                st = tw_fail(err, TW_ECORRUPT, "'%s' is %lld by %lld", name, (long long) t.rows,
                             (long long) t.cols);
                goto done;
            }
            if (pass == 1)
                memcpy(best[i], t.data, (size_t) p->rows * (size_t) p->cols * sizeof **best);
        }
    }
done:
    return st;
}

/* A file that cannot be used is no reason not to train: say why, and begin at the start. */
static void tell_unused(const char *path, const char *why)
{
    tw_log(TW_LOG_WARN, "TOWERS-RESUME", "path=\"%s\" reason=\"%s\"", path, why);
}

tw_status twi_resume_load(twi_resume *r, tw_params *params, tw_real **best, bool *loaded,
                          tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_file *f = NULL;
    tw_error why = {0};

    *loaded = false;
    if (r->path == NULL || !tw_file_exists(r->path))
        goto done;
    if (tw_st_open(&f, r->path, &why) != TW_OK) {
        tell_unused(r->path, why.msg);
        goto done;
    }
    const char *kind = tw_st_meta(f, "twindex.kind"), *of = tw_st_meta(f, "twindex.run");
    if (kind == NULL || strcmp(kind, KIND) != 0 || of == NULL ||
        strcmp(of, tw_text_cstr(&r->run)) != 0) {
        tell_unused(r->path, "it belongs to other data or settings");
        goto done;
    }
    TW_TRY(read_state(r, f, err));
    TW_TRY(tw_st_load_params(f, params, true, err));
    if (r->proxies != NULL)
        TW_TRY(tw_st_load_params(f, r->proxies, true, err));
    TW_TRY(read_best(best, params, f, err));
    *loaded = true;
done:
    tw_st_close(f);
    return st;
}
