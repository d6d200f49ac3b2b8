#include "towers/train/tower_checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "nn/checkpoint.h"
#include "towers/tower.h"
#include "towers/tower_samples.h"

#define KIND       "tower-checkpoint"
#define RUN_MAX    16384 /* bytes */
#define CHEAP      0.5   /* seconds of writing that do not matter */
#define MOST_SHARE 0.1   /* of the time, else */

enum { BEST_NAME_MAX = TW_PARAM_NAME_MAX + 8, MOST_EPOCHS = 10000 };

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

static tw_status describe(tw_text *out, const twi_tower_checkpoint_about *a, tw_error *err)
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

tw_status twi_tower_checkpoint_begin(twi_tower_checkpoint *r, const char *path,
                                     const twi_tower_checkpoint_about *about, tw_error *err)
{
    *r = (twi_tower_checkpoint){.path = path, .last = tw_clock_monotonic()};
    tw_text_init(&r->run, RUN_MAX);
    return path != NULL ? describe(&r->run, about, err) : TW_OK;
}

void twi_tower_checkpoint_fini(twi_tower_checkpoint *r)
{
    tw_text_fini(&r->run);
    tw_free(r->lines);
    *r = (twi_tower_checkpoint){0};
}

tw_status twi_tower_checkpoint_add(twi_tower_checkpoint *r, const tw_tower_epoch *line,
                                   tw_error *err)
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

/* ---- the file -------------------------------------------------------------------------------- */

typedef struct best_blocks {
    char (*names)[BEST_NAME_MAX];
    tw_checkpoint_block *list; /* (n) a copy of each tensor, and room for two more */
    int n;
} best_blocks;

static void best_fini(best_blocks *b)
{
    tw_free(b->names);
    tw_free(b->list);
}

static tw_status best_init(best_blocks *b, const tw_params *params, tw_real *const *best,
                           tw_error *err)
{
    const int n = tw_params_count(params);
    *b = (best_blocks){.n = n};
    b->names = tw_alloc((size_t) n, sizeof *b->names);
    b->list = tw_alloc((size_t) n + 2, sizeof *b->list);
    if (b->names == NULL || b->list == NULL)
        return tw_fail(err, TW_ENOMEM, "the names of %d tensors", n);
    for (int i = 0; i < n; i++) {
        const tw_param *p = tw_params_at(params, i);
        (void) snprintf(b->names[i], sizeof b->names[i], "%s.best", p->name);
        b->list[i] = (tw_checkpoint_block){b->names[i], TW_REAL_DTYPE, p->rows, p->cols, best[i]};
    }
    return TW_OK;
}

static tw_checkpoint place_of(const twi_tower_checkpoint *r)
{
    return (tw_checkpoint){r->path, KIND, tw_text_cstr(&r->run), "TOWERS-RESUME"};
}

tw_status twi_tower_checkpoint_save(twi_tower_checkpoint *r, const tw_params *params,
                                    tw_real *const *best, tw_error *err)
{
    tw_status st = TW_OK;
    best_blocks b = {0};
    const double start = tw_clock_monotonic();

    if (r->path == NULL || (r->cost > CHEAP && r->cost > MOST_SHARE * (start - r->last)))
        return TW_OK;
    TW_TRY(best_init(&b, params, best, err));
    b.list[b.n++] =
        (tw_checkpoint_block){"lines", TW_U8, r->n_lines * (int64_t) sizeof *r->lines, 0, r->lines};
    b.list[b.n++] = (tw_checkpoint_block){"state", TW_U8, (int64_t) sizeof r->state, 0, &r->state};
    const tw_params *const sets[] = {params, r->proxies};
    const tw_checkpoint at = place_of(r);
    TW_TRY(tw_checkpoint_save(&at, sets, r->proxies != NULL ? 2 : 1, b.list, b.n, err));
    r->last = tw_clock_monotonic();
    r->cost = r->last - start;
done:
    best_fini(&b);
    return st;
}

/* The counters say how many lines there are. */
static tw_status read_state(twi_tower_checkpoint *r, const tw_st_file *f, tw_error *err)
{
    tw_status st = TW_OK;
    twi_tower_checkpoint_state s;
    const tw_checkpoint_block state = {"state", TW_U8, (int64_t) sizeof s, 0, &s};

    TW_TRY(tw_checkpoint_read(f, &state, 1, err));
    const int64_t n = s.report.epochs;
    if (n < 1 || n > MOST_EPOCHS || s.report.best_epoch < 0 || s.report.best_epoch > n) {
        st = tw_fail(err, TW_ECORRUPT, "the best of %lld epochs is %lld", (long long) n,
                     (long long) s.report.best_epoch);
        goto done;
    }
    r->lines = tw_alloc((size_t) n, sizeof *r->lines);
    if (r->lines == NULL) {
        st = tw_fail(err, TW_ENOMEM, "lines of %lld epochs", (long long) n);
        goto done;
    }
    const tw_checkpoint_block lines = {"lines", TW_U8, n * (int64_t) sizeof *r->lines, 0, r->lines};
    TW_TRY(tw_checkpoint_read(f, &lines, 1, err));
    r->n_lines = n;
    r->state = s;
done:
    return st;
}

tw_status twi_tower_checkpoint_load(twi_tower_checkpoint *r, tw_params *params, tw_real **best,
                                    bool *loaded, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_file *f = NULL;
    best_blocks b = {0};

    *loaded = false;
    if (r->path == NULL)
        return TW_OK;
    const tw_checkpoint at = place_of(r);
    TW_TRY(tw_checkpoint_open(&at, &f, err));
    if (f == NULL)
        goto done;
    TW_TRY(read_state(r, f, err));
    TW_TRY(tw_st_load_params(f, params, true, err));
    if (r->proxies != NULL)
        TW_TRY(tw_st_load_params(f, r->proxies, true, err));
    TW_TRY(best_init(&b, params, best, err));
    TW_TRY(tw_checkpoint_read(f, b.list, b.n, err));
    *loaded = true;
done:
    best_fini(&b);
    tw_st_close(f);
    return st;
}
