/* Queries that show something (a text, an image, an audio file), and histories in a flag. */
#include "cli/query_args.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "ingest/image.h"

/* ---- what is shown --------------------------------------------------------------------------- */

bool shown_any(const shown_query *s)
{
    return s->text != NULL || s->image != NULL || s->audio != NULL;
}

/* A larger file would be refused by the engine or the server, too. */
static tw_status read_file(const char *path, char **data, tw_bytes *out, tw_error *err)
{
    size_t len = 0;
    if (path == NULL)
        return TW_OK;
    tw_status st = tw_file_read(path, TW_IMAGE_MAX_BYTES, data, &len, err);
    if (st == TW_OK && len == 0)
        st = tw_fail(err, TW_EINVAL, "'%s' is empty", path);
    *out = (tw_bytes){*data, len};
    return st;
}

tw_status shown_read(shown_query *s, const char *item, tw_embed_query *q, tw_error *err)
{
    *q = (tw_embed_query){.item = item, .text = s->text};
    tw_status st = read_file(s->image, &s->image_data, &q->image, err);
    return st == TW_OK ? read_file(s->audio, &s->audio_data, &q->audio, err) : st;
}

static void put_path(tw_error *err, const char *phrase, const char *path)
{
    const char *at = path != NULL ? strstr(err->msg, phrase) : NULL;
    tw_error named = {0};
    if (at == NULL)
        return;
    const char *behind = at + strlen(phrase);
    const bool quoted = at > err->msg && at[-1] == '\'' && *behind == '\'';
    const int before = (int) (at - err->msg) - quoted;
    if (tw_fail(&named, err->code, "%.*s'%.300s'%s", before, err->msg, path, behind + quoted) !=
        TW_OK)
        memcpy(err->msg, named.msg, sizeof err->msg);
}

tw_status shown_named(const shown_query *s, tw_status st, tw_error *err)
{
    if (st != TW_OK && err != NULL) {
        put_path(err, "the image of the query", s->image);
        put_path(err, "the audio of the query", s->audio);
    }
    return st;
}

void shown_fini(shown_query *s)
{
    tw_free(s->image_data);
    tw_free(s->audio_data);
    s->image_data = s->audio_data = NULL;
}

/* ---- histories ------------------------------------------------------------------------------- */

tw_status history_split(history *h, const char *text, tw_error *err)
{
    size_t commas = 1;
    *h = (history){0};
    if (text == NULL)
        return TW_OK;
    for (const char *s = text; *s != '\0'; s++)
        commas += *s == ',';
    h->list = tw_strdup(text);
    h->items = tw_alloc(commas, sizeof *h->items);
    if (h->list == NULL || h->items == NULL) {
        history_fini(h);
        return tw_fail(err, TW_ENOMEM, "a history of %zu items", commas);
    }
    char *to = h->list;
    h->items[h->n++] = h->list;
    for (const char *s = text; *s != '\0'; s++) {
        if (*s == '\\' && s[1] == ',') {
            *to++ = *++s;
        } else if (*s == ',') {
            *to++ = '\0';
            h->items[h->n++] = to;
        } else {
            *to++ = *s;
        }
    }
    *to = '\0';
    return TW_OK;
}

void history_fini(history *h)
{
    tw_free(h->items);
    tw_free(h->list);
    *h = (history){0};
}
