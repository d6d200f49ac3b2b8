/* GIF in: the first picture. The only file that includes gif_lib.h; without it, a sentence.
 *
 * Source: GIF89a specification. As browsers do, and unlike it, the background colour is taken for
 * transparent, and a canvas smaller than the first picture grows to hold it. */
#include "ingest/media/image_internal.h"

#ifndef TW_HAVE_GIF

tw_status twi_gif_parse(tw_image *out, const unsigned char *data, size_t len, const char *name,
                        const tw_image_options *opt, tw_error *err)
{
    (void) out;
    (void) opt;
    return twi_image_refuse(name, data, len, err);
}

#else

#include <gif_lib.h>
#include <string.h>

#include "base/alloc.h"

/* All that a reading owns. */
typedef struct job {
    GifFileType *gif;
    const unsigned char *data;
    size_t len, at;
    bool in_pixels;  /* what is read is blocks of them: a length, and as many bytes */
    size_t block;    /* bytes of the present block that are still to come */
    bool ended;      /* giflib has asked for bytes behind the last one */
    int transparent; /* the colour's number; -1: none */
    twi_canvas canvas;
    unsigned char *row;    /* (picture width, 3) */
    GifPixelType *numbers; /* (picture width) of colours */
    const char *name;
    const tw_image_options *opt;
    tw_error *err;
} job;

/* Behind the end of the file come empty blocks, and one that is cut off is as long as what is there
 * of it: where no pixel lacks, what else lacks is of no account. */
static int give_bytes(GifFileType *gif, GifByteType *out, int want)
{
    job *j = gif->UserData;
    const size_t room = j->len - j->at, n = (size_t) want < room ? (size_t) want : room;
    const bool length = j->in_pixels && j->block == 0 && want == 1;
    memcpy(out, j->data + j->at, n);
    j->at += n;
    j->ended = j->ended || (int) n < want;
    if (!j->in_pixels)
        return (int) n;
    memset(out + n, 0, (size_t) want - n);
    if (length && out[0] > room - n) {
        out[0] = (GifByteType) (room - n);
        j->ended = true;
    }
    j->block = length ? out[0] : j->block - (size_t) want;
    return want;
}

static tw_status damaged(const job *j, const char *what)
{
    if (j->ended)
        return tw_fail(j->err, TW_ECORRUPT, "'%s' is truncated: it ends after %zu bytes", j->name,
                       j->len);
    return tw_fail(j->err, TW_ECORRUPT, "'%s' is a damaged GIF: %s", j->name, what);
}

/* giflib's reason. */
static tw_status explain(const job *j)
{
    const char *what = GifErrorString(j->gif->Error);
    if (j->gif->Error == D_GIF_ERR_NOT_ENOUGH_MEM)
        return tw_fail(j->err, TW_ENOMEM, "memory for '%s'", j->name);
    return damaged(j, what != NULL ? what : "giflib does not say why");
}

static tw_status open_reading(job *j)
{
    int code = 0;
    j->gif = DGifOpen(j, give_bytes, &code);
    if (j->gif != NULL)
        return TW_OK;
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM)
        return tw_fail(j->err, TW_ENOMEM, "memory for '%s'", j->name);
    const char *what = GifErrorString(code);
    return damaged(j, what != NULL ? what : "its header cannot be read");
}

/* The last transparent colour named before a picture is that picture's. */
static tw_status read_extension(job *j)
{
    int code = 0;
    GifByteType *block = NULL;
    GraphicsControlBlock control;
    int status = DGifGetExtension(j->gif, &code, &block);
    while (status == GIF_OK && block != NULL) {
        if (code == GRAPHICS_EXT_FUNC_CODE &&
            DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
            j->transparent = control.TransparentColor;
        status = DGifGetExtensionNext(j->gif, &block);
    }
    return status == GIF_OK ? TW_OK : explain(j);
}

/* On to the first picture, whose place and colours giflib then knows. */
static tw_status find_picture(job *j)
{
    tw_status st = TW_OK;
    while (st == TW_OK) {
        GifRecordType type = UNDEFINED_RECORD_TYPE;
        st = twi_image_in_time(j->name, j->opt->deadline, j->err);
        if (st == TW_OK && DGifGetRecordType(j->gif, &type) != GIF_OK)
            st = explain(j);
        else if (type == IMAGE_DESC_RECORD_TYPE)
            return DGifGetImageDesc(j->gif) == GIF_OK ? TW_OK : explain(j);
        else if (type == EXTENSION_RECORD_TYPE)
            st = read_extension(j);
        else if (type == TERMINATE_RECORD_TYPE)
            st = damaged(j, "it holds no picture");
    }
    return st;
}

/* Numbers of colours become colours. */
static void colour(job *j, const ColorMapObject *map)
{
    const GifImageDesc *p = &j->gif->Image;
    unsigned char *px = j->row;
    for (int i = 0; i < p->Width; i++, px += 3) {
        const int n = j->numbers[i];
        const bool seen = n != j->transparent && n < map->ColorCount;
        px[0] = seen ? map->Colors[n].Red : j->opt->background[0];
        px[1] = seen ? map->Colors[n].Green : j->opt->background[1];
        px[2] = seen ? map->Colors[n].Blue : j->opt->background[2];
    }
}

static tw_status read_row(job *j, const ColorMapObject *map, int y)
{
    const tw_status st = twi_image_in_time(j->name, j->opt->deadline, j->err);
    if (st != TW_OK)
        return st;
    if (DGifGetLine(j->gif, j->numbers, j->gif->Image.Width) != GIF_OK)
        return explain(j);
    colour(j, map);
    twi_canvas_add(&j->canvas, y, j->gif->Image.Left, 1, j->gif->Image.Width, j->row);
    return TW_OK;
}

/* Interlaced rows come in four passes: every 8th, those between, ... */
static tw_status read_rows(job *j, const ColorMapObject *map)
{
    static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    const GifImageDesc *p = &j->gif->Image;
    tw_status st = TW_OK;
    for (int pass = 0; pass < (p->Interlace ? 4 : 1); pass++) {
        const int by = p->Interlace ? step[pass] : 1;
        for (int y = first[pass]; st == TW_OK && y < p->Height; y += by)
            st = read_row(j, map, p->Top + y);
    }
    return st;
}

static int larger(int a, int b) { return a > b ? a : b; }

static tw_status read_picture(job *j)
{
    const GifImageDesc *p = &j->gif->Image;
    const ColorMapObject *map = p->ColorMap != NULL ? p->ColorMap : j->gif->SColorMap;
    const int width = larger(j->gif->SWidth, p->Left + p->Width);
    const int height = larger(j->gif->SHeight, p->Top + p->Height);
    if (map == NULL || p->Width < 1 || p->Height < 1)
        return damaged(j, map == NULL ? "it has no colours" : "its first picture has no pixels");
    tw_status st = twi_image_check_size(j->name, width, height, j->opt->max_source, j->err);
    if (st == TW_OK)
        st = twi_canvas_init(&j->canvas, width, height, 3, j->opt->max_pixels, j->err);
    if (st != TW_OK)
        return st;
    j->row = tw_alloc((size_t) p->Width, 3);
    j->numbers = tw_alloc((size_t) p->Width, sizeof *j->numbers);
    if (j->row == NULL || j->numbers == NULL)
        return tw_fail(j->err, TW_ENOMEM, "a row of '%s'", j->name);
    twi_canvas_paint(&j->canvas, j->opt->background);
    return read_rows(j, map);
}

tw_status twi_gif_parse(tw_image *out, const unsigned char *data, size_t len, const char *name,
                        const tw_image_options *opt, tw_error *err)
{
    tw_status st = TW_OK;
    job j = {.data = data, .len = len, .name = name, .opt = opt, .err = err};
    j.transparent = NO_TRANSPARENT_COLOR;
    TW_TRY(open_reading(&j));
    TW_TRY(find_picture(&j));
    j.in_pixels = true;
    TW_TRY(read_picture(&j));
    twi_canvas_finish(&j.canvas, out);
done:
    if (j.gif != NULL)
        (void) DGifCloseFile(j.gif, NULL);
    twi_canvas_fini(&j.canvas);
    tw_free(j.row);
    tw_free(j.numbers);
    return st;
}

#endif
