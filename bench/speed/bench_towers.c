/* bench/speed/bench_towers.c — one tower at work, for bench/speed/tower_speed.sh to set beside its
 * peer.
 *
 *     bench_towers prepare FOLDER [KEY=VALUE...]     writes what the peer needs to build the same
 *     bench_towers train [KEY=VALUE...]              training steps
 *     bench_towers embed [KEY=VALUE...]              embeds all items
 *     bench_towers bert FOLDER TEXTS OUT [KEY=VALUE...]   embeds the lines of TEXTS by a
 *                                                    sentence-transformers folder, vectors to OUT
 *
 * Keys are those of the tower's recipe, and `items`, how many to invent. Items have what the tower
 * reads: titles of words as frequent as Zipf says, random images, audio files of noise.
 *
 * All but prepare take orders from stdin, one a line: a number N means so many steps, or passes
 * over all items; the answer is "SECONDS CPU_SECONDS". So both sides can take turns, both warm, and
 * neither computes while the other is timed. The end of stdin ends the program.
 *
 * FOLDER gets `samples` (what the encoder reads: for each item its length in bytes as int64, then
 * these), `tower.safetensors` (untrained) and `vectors` (float, items by dim) of that tower.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "bench/speed/tower_world.h"
#include "nn/blas.h"
#include "towers/encoder.h"
#include "towers/encoder_table.h"
#include "towers/towers.h"

enum {
    MAX_ITEMS = 1 << 20,
    STEPS = 3000, /* more than anybody asks for */
};

/* ---- for the peer ---------------------------------------------------------------------------- */

/* The one thing that the tower reads. */
static tw_modality modality_of(const tw_tower *t)
{
    return (tw_modality) __builtin_ctz(tw_tower_modalities(t));
}

/* Prepares all items once more, by an encoder of our own: a tower's samples are private. */
static tw_status write_samples(world *w, FILE *f, tw_error *err)
{
    const tw_modality m = modality_of(w->tower);
    tw_status st = TW_OK;
    tw_params *ps = NULL;
    twi_encoder *e = NULL;
    void *reader = NULL;
    twi_bytes bytes = {0};

    TW_TRY(tw_params_create(&ps, err));
    tw_params_defer(ps);
    TW_TRY(twi_encoder_create(&e, m, &w->s->recipe.tower, &(twi_texts){.vocabulary = w->vocabulary},
                              ps, err));
    if (e->class->open != NULL)
        TW_TRY(e->class->open(&reader, e, err));
    for (int64_t i = 0; i < w->s->items; i++) {
        tw_tower_item item = {0};
        TW_TRY(load_item(w, 0, i, &item, err));
        bytes.len = 0;
        TW_TRY(e->class->prepare(e, reader, &item, &bytes, err));
        const int64_t len = (int64_t) bytes.len;
        if (fwrite(&len, sizeof len, 1, f) != 1 ||
            fwrite(bytes.data, 1, bytes.len, f) != bytes.len) {
            st = tw_fail(err, TW_EIO, "cannot write the samples");
            goto done;
        }
    }
done:
    if (reader != NULL)
        e->class->close(reader);
    twi_bytes_fini(&bytes);
    twi_encoder_destroy(e);
    tw_params_destroy(ps);
    return st;
}

static tw_status open_in(FILE **f, const char *folder, const char *name, tw_error *err)
{
    char path[4096];
    (void) snprintf(path, sizeof path, "%s/%s", folder, name);
    *f = fopen(path, "we");
    return *f != NULL ? TW_OK : tw_fail(err, TW_EIO, "cannot write %s", path);
}

static tw_status write_vectors(FILE *f, const float *v, int64_t n, int D, tw_error *err)
{
    const size_t all = (size_t) n * (size_t) D;
    if (fwrite(v, sizeof *v, all, f) != all || fflush(f) != 0)
        return tw_fail(err, TW_EIO, "cannot write the vectors");
    return TW_OK;
}

static tw_status prepare(world *w, const char *folder, tw_error *err)
{
    tw_status st = TW_OK;
    char path[4096];
    const int D = tw_tower_dim(w->tower);
    float *v = tw_alloc((size_t) w->s->items * (size_t) D, sizeof *v);
    FILE *f = NULL;

    if (v == NULL)
        return tw_fail(err, TW_ENOMEM, "vectors");
    TW_TRY(open_in(&f, folder, "samples", err));
    TW_TRY(write_samples(w, f, err));
    (void) fclose(f);
    TW_TRY(open_in(&f, folder, "vectors", err));
    TW_TRY(tw_tower_embed_samples(w->tower, w->pool, w->samples, v, NULL, NULL, err));
    TW_TRY(write_vectors(f, v, w->s->items, D, err));
    (void) snprintf(path, sizeof path, "%s/tower.safetensors", folder);
    TW_TRY(tw_tower_save(w->tower, path, err));
done:
    if (f != NULL)
        (void) fclose(f);
    tw_free(v);
    return st;
}

/* ---- orders ---------------------------------------------------------------------------------- */

typedef struct clerk {
    long left; /* steps of this order */
    double start, cpu;
} clerk;

static double cpu_seconds(void)
{
    struct rusage u;
    (void) getrusage(RUSAGE_SELF, &u);
    return (double) (u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double) (u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Waits for the next order; false: there is none. */
static bool take_order(clerk *c)
{
    char line[64];
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    c->left = strtol(line, NULL, 10);
    c->cpu = cpu_seconds();
    c->start = tw_clock_monotonic();
    return c->left > 0;
}

static void answer(const clerk *c)
{
    const double end = tw_clock_monotonic();
    (void) printf("%.6f %.6f\n", end - c->start, cpu_seconds() - c->cpu);
    (void) fflush(stdout);
}

/* A tw_progress_fn: called after every step. */
static int after_step(void *ctx, const tw_progress *p)
{
    clerk *c = ctx;
    (void) p;
    if (--c->left > 0)
        return 0;
    answer(c);
    return take_order(c) ? 0 : 1;
}

/* Items 2j and 2j + 1 are alike; a pair recurs, but rarely within a batch. */
static tw_status train(world *w, tw_error *err)
{
    const tw_tower_train_config *cfg = &w->s->recipe.train;
    const int64_t n = (int64_t) cfg->batch * STEPS;
    tw_status st = TW_OK;
    clerk c = {0};
    tw_item_pair *pairs = tw_alloc((size_t) n, sizeof *pairs);
    const tw_tower_watch watch = {.progress = after_step, .progress_ctx = &c};
    const tw_tower_data data = {
        .samples = w->samples, .n_items = w->s->items, .pairs = pairs, .n_pairs = n};

    if (pairs == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld pairs", (long long) n);
    for (int64_t k = 0; k < n; k++) {
        const int32_t a = (int32_t) (2 * (k % (w->s->items / 2)));
        pairs[k] = (tw_item_pair){.a = a, .b = a + 1, .label = 1, .weight = 1};
    }
    if (take_order(&c))
        st = tw_tower_train(w->tower, &data, cfg, &watch, NULL, err);
    tw_free(pairs);
    return st == TW_ECANCELLED ? TW_OK : st; /* so it ends when no order comes */
}

static tw_status embed(world *w, tw_error *err)
{
    tw_status st = TW_OK;
    clerk c = {0};
    float *v = tw_alloc((size_t) w->s->items * (size_t) tw_tower_dim(w->tower), sizeof *v);

    if (v == NULL)
        return tw_fail(err, TW_ENOMEM, "vectors");
    while (take_order(&c)) {
        for (; c.left > 0; c.left--)
            TW_TRY(tw_tower_embed_samples(w->tower, w->pool, w->samples, v, NULL, NULL, err));
        answer(&c);
    }
done:
    tw_free(v);
    return st;
}

/* ---- a sentence-transformers folder ---------------------------------------------------------- */

typedef struct lines {
    char *data;
    const char **texts;
    size_t *lens;
    int64_t n;
} lines;

static tw_status read_lines(lines *l, const char *path, tw_error *err)
{
    size_t len = 0;
    tw_status st = tw_file_read(path, (size_t) 1 << 28, &l->data, &len, err);
    if (st != TW_OK)
        return st;
    for (size_t i = 0; i < len; i++)
        l->n += l->data[i] == '\n';
    l->texts = tw_alloc((size_t) l->n + 1, sizeof *l->texts);
    l->lens = tw_alloc((size_t) l->n + 1, sizeof *l->lens);
    if (l->texts == NULL || l->lens == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld lines", (long long) l->n);
    const char *at = l->data;
    for (int64_t i = 0; i < l->n; i++) {
        const char *end = strchr(at, '\n');
        l->texts[i] = at;
        l->lens[i] = (size_t) (end - at);
        at = end + 1;
    }
    return TW_OK;
}

/* From text to vectors: tokens are part of it, as they are of the peer's. */
static tw_status bert(const setting *s, char **args, tw_error *err)
{
    tw_status st = TW_OK;
    clerk c = {0};
    lines l = {0};
    tw_tower *t = NULL;
    tw_pool *pool = NULL;
    float *v = NULL;
    FILE *f = fopen(args[2], "we");

    if (f == NULL)
        return tw_fail(err, TW_EIO, "cannot write %s", args[2]);
    TW_TRY(read_lines(&l, args[1], err));
    TW_TRY(tw_tower_import_bert(&t, args[0], err));
    TW_TRY(tw_pool_create(&pool, s->recipe.train.threads, err));
    v = tw_alloc((size_t) l.n * (size_t) tw_tower_dim(t), sizeof *v);
    if (v == NULL) {
        st = tw_fail(err, TW_ENOMEM, "vectors");
        goto done;
    }
    while (take_order(&c)) {
        for (; c.left > 0; c.left--)
            TW_TRY(tw_tower_embed_texts(t, pool, l.texts, l.lens, l.n, v, NULL, NULL, err));
        answer(&c);
        rewind(f);
        TW_TRY(write_vectors(f, v, l.n, tw_tower_dim(t), err));
    }
done:
    (void) fclose(f);
    tw_free(l.data);
    tw_free(l.texts);
    tw_free(l.lens);
    tw_free(v);
    tw_tower_destroy(t);
    tw_pool_destroy(pool);
    return st;
}

/* ---- main ------------------------------------------------------------------------------------ */

static tw_status take_setting(setting *s, char *arg, tw_error *err)
{
    char *equals = strchr(arg, '=');
    if (equals == NULL)
        return tw_fail(err, TW_EINVAL, "'%.60s' is not KEY=VALUE", arg);
    *equals = '\0';
    if (strcmp(arg, "items") != 0)
        return tw_tower_recipe_set(&s->recipe, arg, equals + 1, err);
    s->items = strtol(equals + 1, NULL, 10);
    if (s->items < 2 || s->items > MAX_ITEMS)
        return tw_fail(err, TW_EINVAL, "items=%s is outside 2..%d", equals + 1, MAX_ITEMS);
    return TW_OK;
}

static tw_status run(const setting *s, const char *what, char **args, tw_error *err)
{
    world *w = tw_alloc(1, sizeof *w);
    tw_status st = TW_OK;

    if (w == NULL)
        return tw_fail(err, TW_ENOMEM, "items");
    if (strcmp(what, "bert") == 0)
        TW_TRY(bert(s, args, err));
    else
        TW_TRY(make_world(w, s, err));
    if (strcmp(what, "prepare") == 0)
        TW_TRY(prepare(w, args[0], err));
    else if (strcmp(what, "train") == 0)
        TW_TRY(train(w, err));
    else if (strcmp(what, "embed") == 0)
        TW_TRY(embed(w, err));
done:
    fini_world(w);
    tw_free(w);
    return st;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int args;
    } orders[] = {{"prepare", 1}, {"train", 0}, {"embed", 0}, {"bert", 3}};
    tw_error err = {0};
    tw_status st = TW_OK;
    setting s = {.recipe = TW_TOWER_RECIPE_DEFAULT, .items = 2048};
    int args = -1;

    tw_blas_reexec(argv);
    for (size_t k = 0; argc > 1 && k < sizeof orders / sizeof orders[0]; k++)
        if (strcmp(argv[1], orders[k].name) == 0)
            args = orders[k].args;
    if (args < 0 || argc < 2 + args) {
        (void) fprintf(stderr, "usage: bench_towers prepare|train|embed|bert [FILES] "
                               "[KEY=VALUE...]\n");
        return 2;
    }
    s.recipe.train.epochs = 1;
    s.recipe.train.logq = false;
    s.recipe.train.dropout = 0;
    s.recipe.train.strength = 0;
    for (int i = 2 + args; i < argc; i++)
        TW_TRY(take_setting(&s, argv[i], &err));
    TW_TRY(run(&s, argv[1], argv + 2, &err));
done:
    if (st != TW_OK)
        (void) fprintf(stderr, "bench_towers: %s\n", err.msg);
    return st == TW_OK ? 0 : 1;
}
