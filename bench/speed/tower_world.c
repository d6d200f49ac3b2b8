#include "bench/speed/tower_world.h"

#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "towers/encoder.h"
#include "towers/tower_config.h"

enum {
    WORDS = 5000, /* of the language */
    RATE = 16000, /* of an audio file */
};

/* Word w of the language, with a space behind it. Returns its length. */
static int spell(char *to, int w)
{
    static const char onset[] = "bdfghklmnprstvz", nucleus[] = "aeiou";
    int len = 0;
    tw_rng r;

    tw_rng_seed3(&r, 7, 1, (uint64_t) w);
    for (uint64_t syllables = 1 + tw_rng_below(&r, 4); syllables > 0; syllables--) {
        to[len++] = onset[tw_rng_below(&r, sizeof onset - 1)];
        to[len++] = nucleus[tw_rng_below(&r, sizeof nucleus - 1)];
        if (tw_rng_below(&r, 3) == 0)
            to[len++] = onset[tw_rng_below(&r, sizeof onset - 1)];
    }
    to[len++] = ' ';
    return len;
}

static size_t write_title(char *to, int64_t i)
{
    size_t len = 0;
    tw_rng r;

    tw_rng_seed3(&r, 7, 2, (uint64_t) i);
    for (uint64_t n = MIN_WORDS + tw_rng_below(&r, MAX_WORDS - MIN_WORDS); n > 0; n--)
        len += (size_t) spell(to + len, (int) exp(tw_rng_uniform(&r) * log(WORDS)));
    return len;
}

static void fill_image(tw_image *p, int64_t i)
{
    tw_rng r;
    tw_rng_seed3(&r, 7, 3, (uint64_t) i);
    for (int k = 0; k < p->width * p->height * p->channels; k++)
        p->px[k] = (unsigned char) tw_rng_below(&r, 256);
}

static void fill_sound(tw_audio *s, int64_t i)
{
    double last = 0;
    tw_rng r;
    tw_rng_seed3(&r, 7, 4, (uint64_t) i);
    for (int64_t k = 0; k < s->frames; k++) {
        last = 0.9 * last + 0.1 * tw_rng_normal(&r);
        s->samples[k] = (float) last;
    }
}

tw_status load_item(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err)
{
    world *w = ctx;
    ws *at = &w->workspaces[worker];
    (void) err;
    out->text = at->text;
    out->text_len = write_title(at->text, i);
    if (at->image.px != NULL) {
        fill_image(&at->image, i);
        out->image = &at->image;
    }
    if (at->audio.samples != NULL) {
        fill_sound(&at->audio, i);
        out->audio = &at->audio;
    }
    return TW_OK;
}

static tw_status make_workspaces(world *w, tw_error *err)
{
    const tw_tower_config *c = &w->s->recipe.tower;
    for (int k = 0; k < tw_pool_size(w->pool); k++) {
        ws *s = &w->workspaces[k];
        if (c->image > TW_IMAGE_NONE) {
            const int side = c->image_size;
            s->image = (tw_image){.width = side, .height = side, .channels = c->image_channels};
            s->image.px = tw_alloc((size_t) side * (size_t) side, (size_t) c->image_channels);
            if (s->image.px == NULL)
                return tw_fail(err, TW_ENOMEM, "an image");
        }
        if (c->audio > TW_AUDIO_NONE) {
            s->audio = (tw_audio){.rate = RATE, .frames = (int64_t) (c->audio_seconds * RATE)};
            s->audio.samples = tw_alloc((size_t) s->audio.frames, sizeof *s->audio.samples);
            if (s->audio.samples == NULL)
                return tw_fail(err, TW_ENOMEM, "an audio file");
        }
    }
    return TW_OK;
}

static tw_status learn_words(world *w, tw_error *err)
{
    const tw_tower_config *c = &w->s->recipe.tower;
    const int64_t n = w->s->items;
    tw_status st = TW_OK;

    if (!twi_reads_tokens(c))
        return TW_OK;
    char *room = tw_alloc((size_t) n, sizeof w->workspaces[0].text);
    const char **texts = tw_alloc((size_t) n, sizeof *texts);
    size_t *lens = tw_alloc((size_t) n, sizeof *lens);
    if (room == NULL || texts == NULL || lens == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld titles", (long long) n);
        goto done;
    }
    for (int64_t i = 0; i < n; i++) {
        char *at = room + (size_t) i * sizeof w->workspaces[0].text;
        lens[i] = write_title(at, i);
        texts[i] = at;
    }
    st = tw_tower_learn_vocabulary(&w->vocabulary, texts, lens, n, c->vocabulary, err);
done:
    tw_free(room);
    tw_free(texts);
    tw_free(lens);
    return st;
}

tw_status make_world(world *w, const setting *s, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_tower_source source = {.n = s->items, .load = load_item, .ctx = w};

    w->s = s;
    TW_TRY(tw_pool_create(&w->pool, s->recipe.train.threads, err));
    TW_TRY(make_workspaces(w, err));
    TW_TRY(learn_words(w, err));
    TW_TRY(tw_tower_create(&w->tower, &s->recipe.tower, w->vocabulary, err));
    TW_TRY(tw_tower_prepare(&w->samples, w->tower, w->pool, &source, NULL, NULL, err));
    TW_TRY(tw_tower_fit(w->tower, w->samples, err));
done:
    return st;
}

void fini_world(world *w)
{
    for (int k = 0; k < TW_POOL_MAX; k++) {
        tw_free(w->workspaces[k].image.px);
        tw_free(w->workspaces[k].audio.samples);
    }
    tw_free(w->vocabulary);
    tw_tower_samples_destroy(w->samples);
    tw_tower_destroy(w->tower);
    tw_pool_destroy(w->pool);
}
