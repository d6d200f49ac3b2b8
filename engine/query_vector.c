/* What a query holds instead of naming an item: a text, an image, audio, or several of them. */
#include "engine/query_vector.h"

#include <stdio.h>
#include <string.h>

#include "engine/engine_state.h"
#include "engine/item_reader.h"
#include "engine/vectors.h"
#include "ingest/audio.h"
#include "ingest/image.h"

/* What the query holds, as bits 1 << tw_modality. */
static unsigned modalities_of(const tw_embed_query *q)
{
    return (unsigned) (q->text != NULL) << TW_MODALITY_TEXT |
           (unsigned) (q->image.len > 0) << TW_MODALITY_IMAGE |
           (unsigned) (q->audio.len > 0) << TW_MODALITY_AUDIO;
}

tw_status twi_query_check(const tw_embed_query *q, tw_error *err)
{
    if ((q->item != NULL) != (modalities_of(q) != 0))
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "give either an item, or any of text, image and audio%s",
                   q->item != NULL ? ", not both" : "");
}

const char *twi_query_basis(const tw_embed_query *q)
{
    switch (modalities_of(q)) {
    case 0: return "item";
    case 1U << TW_MODALITY_TEXT: return "text";
    case 1U << TW_MODALITY_IMAGE: return "image";
    case 1U << TW_MODALITY_AUDIO: return "audio";
    default: return "mixed";
    }
}

/* "text and picture" */
static void name_modalities(char *out, size_t size, unsigned modalities)
{
    size_t len = 0;
    out[0] = '\0';
    for (tw_modality m = 0; m < TW_MODALITIES; m++) {
        if ((modalities >> m & 1) == 0)
            continue;
        const bool last = modalities >> m == 1;
        const char *between = len == 0 ? "" : last ? " and " : ", ";
        const int n = snprintf(out + len, size - len, "%s%s", between, tw_modality_name(m));
        len += n > 0 && (size_t) n < size - len ? (size_t) n : 0;
    }
}

static tw_status check_readable(const tw_tower *t, unsigned asked, tw_error *err)
{
    char reads[64], missing[64];
    const unsigned can = tw_tower_modalities(t);
    if ((asked & ~can) == 0)
        return TW_OK;
    name_modalities(reads, sizeof reads, can);
    name_modalities(missing, sizeof missing, asked & ~can);
    return tw_fail(err, TW_EINVAL, "the towers read %s, not %s", reads, missing);
}

/* "they read text (of a text its words, numbers and signs) and picture" */
static tw_status nothing_read(const tw_tower *t, const char *what, tw_error *err)
{
    char reads[64];
    const unsigned can = tw_tower_modalities(t);
    name_modalities(reads, sizeof reads, can);
    return tw_fail(
        err, TW_EINVAL, "the towers read nothing of %s: they read %s%s", what, reads,
        (can >> TW_MODALITY_TEXT & 1) != 0 ? ", and of a text its words, numbers and emoji" : "");
}

static tw_status decode(twi_item_reader *r, const tw_embed_query *q, tw_error *err)
{
    tw_status st = TW_OK;
    tw_error why = {0};
    tw_image_options image = TW_IMAGE_DEFAULT;
    const tw_audio_options audio = {.seconds = r->seconds, .deadline = q->deadline};
    image.deadline = q->deadline;
    image.max_source = TW_ENGINE_SHOWN_PIXELS;
    if (q->image.len > 0)
        st = tw_image_parse(&r->image, q->image.data, q->image.len, "the image of the query",
                            &image, &why);
    if (st == TW_OK && q->audio.len > 0)
        st = tw_audio_parse(&r->audio, q->audio.data, q->audio.len, "the audio of the query",
                            &audio, NULL, &why);
    return twi_invalid_media(st, &why, err);
}

static tw_status embed_query(const twi_generation *g, twi_workspace *ws, const tw_embed_query *q,
                             tw_error *err)
{
    tw_status st = TW_OK;
    twi_item_reader r;
    const size_t len = q->text != NULL ? strlen(q->text) : 0;
    int found = 0;
    char kinds[48], what[64];

    TW_TRY(check_readable(g->tower, modalities_of(q), err));
    twi_item_reader_init(&r, g->tower, NULL);
    st = decode(&r, q, err);
    const tw_tower_item item = {.text = q->text,
                                .text_len = len,
                                .image = r.image.px != NULL ? &r.image : NULL,
                                .audio = r.audio.samples != NULL ? &r.audio : NULL};
    if (st == TW_OK)
        st = tw_deadline_check(q->deadline, "it was embedded", err);
    if (st == TW_OK)
        st = tw_tower_embed(ws->tower, &item, ws->vec, &found, err);
    twi_item_reader_fini(&r);
    TW_TRY(st);
    name_modalities(kinds, sizeof kinds, modalities_of(q));
    (void) snprintf(what, sizeof what, "this %s", kinds);
    if (found == 0)
        st = nothing_read(g->tower, what, err);
done:
    return st;
}

tw_status twi_query_vector(tw_engine *e, const twi_generation *g, twi_workspace *ws,
                           const tw_embed_query *q, int64_t row, tw_error *err)
{
    tw_status st = tw_deadline_check(q->deadline, "it was embedded", err);
    if (st != TW_OK)
        return st;
    if (q->item == NULL)
        return embed_query(g, ws, q, err);
    st = tw_index_get(g->items, row, ws->vec, err);
    if (st == TW_ENOTFOUND) /* embedded after the index was searched, or by another process */
        st =
            tw_store_vector(e->store, row, g->towers_version, ws->vec, tw_tower_dim(g->tower), err);
    if (st == TW_EDIM || (st == TW_OK && !twi_vector_valid(ws->vec, tw_tower_dim(g->tower)))) {
        st = tw_fail(err, TW_ECORRUPT,
                     "the stored vector of '%.100s' is damaged; put the item again, or open the "
                     "directory for writing, which embeds it anew",
                     q->item);
    }
    if (st == TW_OK && twi_vector_is_zero(ws->vec, tw_tower_dim(g->tower))) {
        char named[160];
        (void) snprintf(named, sizeof named, "the item '%.120s'", q->item);
        st = nothing_read(g->tower, named, err);
    }
    return st;
}
