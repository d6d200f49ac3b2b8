/* Queries that show something: a text, an image, an audio file. */
#include "base/alloc.h"
#include "base/file.h"
#include "cli/cli.h"
#include "ingest/image.h"

bool asking_shows(const asking *a)
{
    return a->text != NULL || a->image != NULL || a->audio != NULL;
}

/* A larger file would be refused by whoever answers, too. */
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

int asking_read(asking *a, const char *item, tw_embed_query *q)
{
    tw_error err = {0};
    *q = (tw_embed_query){.item = item, .text = a->text};
    tw_status st = read_file(a->image, &a->image_data, &q->image, &err);
    if (st == TW_OK)
        st = read_file(a->audio, &a->audio_data, &q->audio, &err);
    return st == TW_OK ? 0 : failed(&err);
}

void asking_fini(asking *a)
{
    tw_free(a->image_data);
    tw_free(a->audio_data);
    a->image_data = a->audio_data = NULL;
}
