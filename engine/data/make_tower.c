/* Which tower suits a catalogue, where the recipe leaves it open. */
#include "engine/data/make_tower.h"

#include "base/alloc.h"
#include "base/file.h"

/* A kind of media takes part when one item in so many has it. For fewer, its encoder would be
 * trained on next to nothing and slow everything down. */
#define MEDIA_SHARE 10

#define MAX_VOCABULARY ((size_t) 64 << 20) /* bytes of a vocabulary file */

/* How many items have what. */
typedef struct inventory {
    int64_t texts, images, audio;
} inventory;

static inventory take_inventory(const twi_catalogue *c)
{
    inventory v = {0};
    for (int64_t i = 0; i < c->n; i++) {
        v.texts += c->items[i].text != NULL;
        v.images += c->items[i].image != NULL;
        v.audio += c->items[i].audio != NULL;
    }
    return v;
}

static bool enough(int64_t with, int64_t of) { return with > 0 && with * MEDIA_SHARE >= of; }

/* Text by its bag, images by conv4, audio by the CNN: the encoders that train in minutes on two
 * cores. Attributes only when asked for: items of one price or date need not be alike. */
static void settle(tw_tower_config *cfg, const inventory *v, int64_t n)
{
    if (cfg->text == TW_TEXT_AUTO)
        cfg->text = v->texts > 0 ? TW_TEXT_BAG : TW_TEXT_NONE;
    if (cfg->image == TW_IMAGE_AUTO)
        cfg->image = enough(v->images, n) ? TW_IMAGE_CONV4 : TW_IMAGE_NONE;
    if (cfg->audio == TW_AUDIO_AUTO)
        cfg->audio = enough(v->audio, n) ? TW_AUDIO_CNN : TW_AUDIO_NONE;
    if (cfg->attributes == TW_ATTRIBUTES_AUTO)
        cfg->attributes = TW_ATTRIBUTES_NONE;
}

static tw_status learn_vocabulary(const twi_catalogue *c, int size, char **out, tw_error *err)
{
    tw_status st = TW_OK;
    int64_t n = 0;
    const char **texts = tw_alloc((size_t) c->n, sizeof *texts);

    if (texts == NULL)
        return tw_fail(err, TW_ENOMEM, "texts of %lld items", (long long) c->n);
    for (int64_t i = 0; i < c->n; i++)
        if (c->items[i].text != NULL)
            texts[n++] = c->items[i].text;
    if (n == 0)
        st = tw_fail(err, TW_ESTATE, "no item has a text to learn a vocabulary from");
    else
        st = tw_tower_learn_vocabulary(out, texts, NULL, n, size, err);
    tw_free(texts);
    return st;
}

tw_status twi_make_tower(tw_tower_config *cfg, const twi_catalogue *c, const char *vocabulary,
                         tw_tower **out, tw_error *err)
{
    tw_status st = TW_OK;
    const inventory v = take_inventory(c);
    char *lines = NULL;
    size_t len;

    *out = NULL;
    settle(cfg, &v, c->n);
    if (cfg->text == TW_TEXT_NONE && cfg->image == TW_IMAGE_NONE && cfg->audio == TW_AUDIO_NONE &&
        cfg->attributes == TW_ATTRIBUTES_NONE) {
        st = tw_fail(err, TW_ESTATE,
                     "no item has a text, and fewer than one in %d an image or audio: there is "
                     "nothing for towers to read",
                     MEDIA_SHARE);
        goto done;
    }
    if (cfg->text > TW_TEXT_BAG && vocabulary != NULL)
        TW_TRY(tw_file_read(vocabulary, MAX_VOCABULARY, &lines, &len, err));
    else if (cfg->text > TW_TEXT_BAG)
        TW_TRY(learn_vocabulary(c, cfg->vocabulary, &lines, err));
    TW_TRY(tw_tower_create(out, cfg, lines, err));
done:
    tw_free(lines);
    return st;
}
