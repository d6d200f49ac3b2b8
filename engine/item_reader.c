/* An item as its towers read it: text put together, attributes, media decoded. */
#include "engine/item_reader.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "engine/engine_state.h"
#include "ingest/audio.h"
#include "ingest/image.h"

/* ---- what could not be read ------------------------------------------------------------------ */

void twi_unreadable_init(twi_unreadable *u)
{
    *u = (twi_unreadable){0};
    (void) pthread_mutex_init(&u->lock, NULL);
}

void twi_unreadable_fini(twi_unreadable *u) { (void) pthread_mutex_destroy(&u->lock); }

static void count_unreadable(twi_unreadable *u, const tw_error *why)
{
    if (u == NULL)
        return;
    (void) pthread_mutex_lock(&u->lock);
    if (u->n++ == 0)
        (void) snprintf(u->first, sizeof u->first, "%s", why->msg);
    (void) pthread_mutex_unlock(&u->lock);
}

void twi_unreadable_log(const twi_unreadable *u, const char *during)
{
    if (u->n > 0)
        tw_log(TW_LOG_WARN, "MEDIA-UNREADABLE", "during=%s files=%lld first=\"%s\"", during,
               (long long) u->n, u->first);
}

/* ---- media ----------------------------------------------------------------------------------- */

static bool given(const char *path) { return path != NULL && path[0] != '\0'; }

/* Nothing is ever fetched: a catalogue must not make the program call addresses of its author's
 * choice. */
static tw_status check_path(const char *what, const char *path, tw_error *err)
{
    if (strstr(path, "://") == NULL)
        return TW_OK;
    return tw_fail(err, TW_EINVAL,
                   "the %s '%.200s' is an address, and only files are read: fetch it and give the "
                   "file's path",
                   what, path);
}

static tw_image_options image_options(const twi_item_reader *r)
{
    tw_image_options opt = TW_IMAGE_DEFAULT;
    opt.deadline = r->deadline;
    return opt;
}

static tw_status load_image(twi_item_reader *r, const char *path, tw_error *err)
{
    const tw_image_options opt = image_options(r);
    tw_status st = check_path("image", path, err);
    return st == TW_OK ? tw_image_load(&r->image, path, &opt, err) : st;
}

static tw_status load_audio(twi_item_reader *r, const char *path, double seconds, tw_error *err)
{
    const tw_audio_options opt = {.seconds = seconds, .deadline = r->deadline};
    tw_status st = check_path("audio", path, err);
    return st == TW_OK ? tw_audio_load(&r->audio, path, &opt, NULL, err) : st;
}

tw_status twi_invalid_media(tw_status st, const tw_error *why, tw_error *err)
{
    if (st == TW_OK)
        return TW_OK;
    return tw_fail(err, st == TW_ENOMEM || st == TW_ETIMEOUT ? st : TW_EINVAL, "%s", why->msg);
}

static void drop_media(twi_item_reader *r)
{
    tw_free(r->image.px);
    tw_free(r->audio.samples);
    r->image = (tw_image){0};
    r->audio = (tw_audio){0};
}

static bool reads(const twi_item_reader *r, tw_modality m) { return (r->modalities >> m & 1) != 0; }

/* A file that cannot be read is counted and left out; only a lack of memory fails. */
static tw_status load_media(twi_item_reader *r, const char *image, const char *audio, tw_error *err)
{
    tw_status st = TW_OK;
    tw_error why = {0};

    drop_media(r);
    if (reads(r, TW_MODALITY_IMAGE) && given(image))
        st = load_image(r, image, &why);
    if (st != TW_OK && st != TW_ENOMEM)
        count_unreadable(r->unread, &why);
    if (st != TW_ENOMEM && reads(r, TW_MODALITY_AUDIO) && given(audio)) {
        st = load_audio(r, audio, r->seconds, &why);
        if (st != TW_OK && st != TW_ENOMEM)
            count_unreadable(r->unread, &why);
    }
    return st == TW_ENOMEM ? tw_fail(err, st, "%s", why.msg) : TW_OK;
}

/* ---- one item -------------------------------------------------------------------------------- */

void twi_item_reader_use(twi_item_reader *r, const tw_tower *tower)
{
    r->modalities = tower != NULL ? tw_tower_modalities(tower) : 0;
    r->seconds = tower != NULL ? tw_tower_config_of(tower).audio_seconds : TWI_AUDIO_SECONDS;
}

void twi_item_reader_init(twi_item_reader *r, const tw_tower *tower, twi_unreadable *unread)
{
    *r = (twi_item_reader){.unread = unread};
    twi_item_reader_use(r, tower);
    tw_text_init(&r->text, TW_STORE_MAX_TITLE + TW_STORE_MAX_TEXT + TW_STORE_MAX_ATTRIBUTES);
}

void twi_item_reader_fini(twi_item_reader *r)
{
    drop_media(r);
    tw_text_fini(&r->text);
}

tw_status twi_item_check(twi_item_reader *r, const tw_item *item, tw_error *err)
{
    tw_status st = TW_OK;
    tw_error why = {0};
    drop_media(r);
    if (given(item->image))
        st = load_image(r, item->image, &why);
    if (st == TW_OK && given(item->audio))
        st = load_audio(r, item->audio, TWI_AUDIO_SECONDS, &why);
    return twi_invalid_media(st, &why, err);
}

/* ---- what a client names --------------------------------------------------------------------- */

typedef enum medium { IMAGE, AUDIO } medium;

/* One sentence for all that may be wrong, so that nothing is revealed of files outside the root:
 * not that they are there, not what they hold. */
static tw_status refuse(medium m, const tw_media_root *root, const tw_error *why, tw_error *err)
{
    static tw_log_gate gate;
    int dropped;
    if (tw_log_allowed(&gate, 5, &dropped))
        tw_log(TW_LOG_WARN, "MEDIA-REFUSED", "dropped=%d reason=\"%s\"", dropped, why->msg);
    if (root == NULL)
        return tw_fail(err, TW_EINVAL,
                       "this server has no media root, so it takes no paths of media files");
    return tw_fail(err, TW_EINVAL,
                   m == IMAGE ? "the image is not the path of an image file below the "
                                "server's media root, without '..' and links"
                              : "the audio is not the path of an audio file below the server's "
                                "media root, without '..' and links");
}

static tw_status decode(twi_item_reader *r, medium m, const void *data, size_t len,
                        const char *name, tw_error *err)
{
    const tw_image_options image = image_options(r);
    const tw_audio_options audio = {.seconds = TWI_AUDIO_SECONDS, .deadline = r->deadline};
    return m == IMAGE ? tw_image_parse(&r->image, data, len, name, &image, err)
                      : tw_audio_parse(&r->audio, data, len, name, &audio, NULL, err);
}

enum { MOST_BYTES = 64 << 20 }; /* as decoding allows: TW_IMAGE_MAX_BYTES, TW_AUDIO_MAX_BYTES */

static tw_status load_below(twi_item_reader *r, medium m, const tw_media_root *root,
                            const char *path, char full[TW_PATH_MAX], tw_error *err)
{
    tw_status st = TW_OK;
    char *data = NULL;
    size_t len;
    int fd = -1;

    if (root == NULL)
        return tw_fail(err, TW_EINVAL, "there is no media root for '%.300s'", path);
    TW_TRY(tw_media_root_file(root, path, &fd, full, err));
    TW_TRY(tw_file_read_open(fd, full, MOST_BYTES, &data, &len, err));
    TW_TRY(decode(r, m, data, len, full, err));
done:
    tw_free(data);
    if (fd >= 0)
        (void) close(fd);
    return st;
}

/* path (*out, in full) <- what is to be stored for what was given. `old` is what the item has: it
 * was checked when it came, perhaps from this server's own disk, and reveals nothing to a client
 * that sends it back. */
static tw_status load_client(twi_item_reader *r, medium m, const tw_media_root *root,
                             const char *path, const char *old, char full[TW_PATH_MAX],
                             const char **out, tw_error *err)
{
    tw_error why = {0};
    tw_status st;

    *out = path;
    if (!given(path))
        return TW_OK;
    if (old != NULL && strcmp(path, old) == 0 && tw_media_root_name(root, old) == old) {
        st = m == IMAGE ? load_image(r, path, &why) : load_audio(r, path, TWI_AUDIO_SECONDS, &why);
    } else {
        st = load_below(r, m, root, path, full, &why);
        *out = full;
    }
    if (st == TW_OK)
        return st;
    const char *name = m == IMAGE ? "image" : "audio";
    if (st == TW_ENOMEM)
        return tw_fail(err, st, "no memory for the %s", name);
    if (st == TW_ETIMEOUT)
        return tw_fail(err, st, "the deadline passed before the %s was decoded", name);
    return refuse(m, root, &why, err);
}

tw_status twi_item_check_client(tw_engine *e, twi_item_reader *r, const tw_item *item,
                                const tw_media_root *root, twi_client_item *stored, tw_error *err)
{
    tw_status st = TW_OK;
    tw_item old = {0};

    stored->item = *item;
    drop_media(r);
    if (!given(item->image) && !given(item->audio))
        return TW_OK;
    st = tw_store_item_by_id(e->store, item->id, &old, err);
    if (st != TW_OK && st != TW_ENOTFOUND) /* such an id, or the disk */
        return st;
    TW_TRY(load_client(r, IMAGE, root, item->image, old.image, stored->image, &stored->item.image,
                       err));
    TW_TRY(load_client(r, AUDIO, root, item->audio, old.audio, stored->audio, &stored->item.audio,
                       err));
done:
    tw_item_fini(&old);
    return st;
}

/* ---- what towers read of it ------------------------------------------------------------------ */

static tw_status add_word(tw_text *out, const char *word, tw_error *err)
{
    if (word == NULL || word[0] == '\0')
        return TW_OK;
    tw_status st = out->len > 0 ? tw_text_add(out, " ", 1, err) : TW_OK;
    return st == TW_OK ? tw_text_adds(out, word, err) : st;
}

/* Numbers, dates and links mean little as words, so of the attributes only lists of strings
 * (genres, tags) count. */
tw_status twi_item_text(const tw_item *item, tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *root = NULL;

    TW_TRY(add_word(out, item->title, err));
    TW_TRY(add_word(out, item->text, err));
    if (item->attributes == NULL || strchr(item->attributes, '[') == NULL)
        goto done;
    root = json_loads(item->attributes, 0, NULL);
    const char *key;
    json_t *value, *word;
    size_t i;
    json_object_foreach(root, key, value) json_array_foreach(value, i, word)
        TW_TRY(add_word(out, json_string_value(word), err));
done:
    json_decref(root);
    return st;
}

/* A recording that was decoded for longer than the towers read ends for them where it would have
 * been cut, so that putting, ingesting and training see the same samples. */
static void fill(twi_item_reader *r, const char *text, size_t len, const char *attributes,
                 tw_tower_item *out)
{
    const double most = ceil(r->seconds * r->audio.rate);
    if (reads(r, TW_MODALITY_AUDIO) && (double) r->audio.frames > most)
        r->audio.frames = (int64_t) most;
    *out = (tw_tower_item){.text = text,
                           .text_len = len,
                           .image = r->image.px != NULL ? &r->image : NULL,
                           .audio = r->audio.samples != NULL ? &r->audio : NULL,
                           .attributes = attributes};
}

tw_status twi_described_read(twi_item_reader *r, const twi_described *d, tw_tower_item *out,
                             tw_error *err)
{
    tw_status st = load_media(r, d->image, d->audio, err);
    fill(r, d->text, d->text != NULL ? strlen(d->text) : 0, d->attributes, out);
    return st;
}

tw_status twi_item_compose(twi_item_reader *r, const tw_item *item, tw_tower_item *out,
                           tw_error *err)
{
    tw_text_clear(&r->text);
    tw_status st = twi_item_text(item, &r->text, err);
    fill(r, tw_text_cstr(&r->text), r->text.len, item->attributes, out);
    return st;
}

tw_status twi_item_read(twi_item_reader *r, const tw_item *item, tw_tower_item *out, tw_error *err)
{
    tw_status st = load_media(r, item->image, item->audio, err);
    return st == TW_OK ? twi_item_compose(r, item, out, err) : st;
}
