/* Writing safetensors files. The header is made and the checksum taken before
 * the first byte goes out, so the file is written in one pass. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/size.h"
#include "base/text.h"
#include "base/utf8.h"
#include "nn/safetensors.h"
#include "nn/st_internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian");

typedef struct part {
    const void *data; /* borrowed */
    size_t bytes;
} part;

struct tw_st_writer {
    json_t *header; /* owned; in the order of adding */
    json_t *meta;   /* owned */
    part *parts;    /* owned */
    size_t n, room;
    size_t bytes; /* of all parts */
};

size_t tw_dtype_size(tw_dtype type)
{
    static const size_t sizes[] = {[TW_F32] = 4, [TW_F64] = 8, [TW_I32] = 4, [TW_I64] = 8,
                                   [TW_U8] = 1,  [TW_F16] = 2, [TW_BF16] = 2};
    return sizes[type];
}

const char *twi_dtype_name(tw_dtype type)
{
    static const char *const names[] = {
        [TW_F32] = "F32", [TW_F64] = "F64", [TW_I32] = "I32",  [TW_I64] = "I64",
        [TW_U8] = "U8",   [TW_F16] = "F16", [TW_BF16] = "BF16"};
    return names[type];
}

tw_status tw_st_writer_create(tw_st_writer **out, tw_error *err)
{
    *out = NULL;
    tw_st_writer *w = tw_alloc(1, sizeof *w);
    if (w != NULL) {
        w->header = json_object();
        w->meta = json_object();
    }
    if (w == NULL || w->header == NULL || w->meta == NULL) {
        tw_st_writer_destroy(w);
        return tw_fail(err, TW_ENOMEM, "checkpoint writer");
    }
    *out = w;
    return TW_OK;
}

void tw_st_writer_destroy(tw_st_writer *w)
{
    if (w == NULL)
        return;
    json_decref(w->header);
    json_decref(w->meta);
    tw_free(w->parts);
    tw_free(w);
}

static tw_status keep_part(tw_st_writer *w, const void *data, size_t bytes, tw_error *err)
{
    const tw_status st = tw_grow(&w->parts, &w->room, w->n + 1, "tensors", err);
    if (st == TW_OK)
        w->parts[w->n++] = (part){.data = data, .bytes = bytes};
    return st;
}

tw_status tw_st_add(tw_st_writer *w, const char *name, tw_dtype type, int64_t rows, int64_t cols,
                    const void *data, tw_error *err)
{
    size_t bytes, end;
    if (name[0] == '\0' || strcmp(name, TWI_ST_META) == 0 || !tw_utf8_valid(name, strlen(name)))
        return tw_fail(err, TW_EINVAL, "tensor name '%.80s' is not allowed", name);
    if (json_object_get(w->header, name) != NULL)
        return tw_fail(err, TW_EINVAL, "tensor '%.80s' is in the file already", name);
    if (rows < 0 || cols < 0)
        return tw_fail(err, TW_EINVAL, "tensor '%.80s' has a negative size", name);
    if (!tw_size_mul((size_t) rows, cols > 0 ? (size_t) cols : 1, &bytes) ||
        !tw_size_mul(bytes, tw_dtype_size(type), &bytes) || !tw_size_add(w->bytes, bytes, &end) ||
        end > INT64_MAX)
        return tw_fail(err, TW_ENOMEM, "tensor '%.80s' of %lld x %lld is too large", name,
                       (long long) rows, (long long) cols);
    tw_status st = keep_part(w, data, bytes, err);
    if (st != TW_OK)
        return st;

    json_t *shape = cols > 0 ? json_pack("[II]", (json_int_t) rows, (json_int_t) cols)
                             : json_pack("[I]", (json_int_t) rows);
    json_t *entry = shape == NULL
                        ? NULL
                        : json_pack("{s:s, s:o, s:[II]}", "dtype", twi_dtype_name(type), "shape",
                                    shape, "data_offsets", (json_int_t) w->bytes, (json_int_t) end);
    if (entry == NULL || json_object_set_new(w->header, name, entry) != 0) {
        w->n--;
        return tw_fail(err, TW_ENOMEM, "header entry of '%.80s'", name);
    }
    w->bytes = end;
    return TW_OK;
}

tw_status tw_st_add_meta(tw_st_writer *w, const char *key, const char *value, tw_error *err)
{
    if (!tw_utf8_valid(key, strlen(key)) || !tw_utf8_valid(value, strlen(value)))
        return tw_fail(err, TW_EINVAL, "metadata '%.80s' is not UTF-8", key);
    if (json_object_set_new(w->meta, key, json_string(value)) != 0)
        return tw_fail(err, TW_ENOMEM, "metadata '%.80s'", key);
    return TW_OK;
}

typedef struct dump {
    tw_text *out;
    tw_status status; /* the first failure: jansson 2.14 does not look at what a key's dump says */
    tw_error *err;
} dump;

static int add_to_text(const char *data, size_t len, void *ctx)
{
    dump *d = ctx;
    if (d->status == TW_OK)
        d->status = tw_text_add(d->out, data, len, d->err);
    return d->status == TW_OK ? 0 : -1;
}

/* The JSON, padded with spaces so that the data begins at a multiple of 8. */
static tw_status make_header(tw_text *out, tw_st_writer *w, tw_error *err)
{
    char hex[16];
    uint32_t crc = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->parts[i].bytes > 0) /* zlib starts anew at data == NULL */
            crc = tw_crc32(crc, w->parts[i].data, w->parts[i].bytes);
    (void) snprintf(hex, sizeof hex, "%08x", (unsigned) crc);

    tw_status st = tw_st_add_meta(w, TWI_ST_CRC, hex, err);
    if (st != TW_OK)
        return st;
    dump d = {.out = out, .err = err};
    int failed = json_object_set(w->header, TWI_ST_META, w->meta) != 0 ||
                 json_dump_callback(w->header, add_to_text, &d, JSON_COMPACT) != 0;
    if (d.status != TW_OK)
        return d.status;
    if (failed)
        return tw_fail(err, TW_ENOMEM, "header of %zu tensors", w->n);
    while (out->len % 8 != 0) {
        st = tw_text_adds(out, " ", err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

tw_status tw_st_save(tw_st_writer *w, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    FILE *f = NULL;
    tw_text header;

    tw_text_init(&header, TW_ST_HEADER_MAX);
    TW_TRY(make_header(&header, w, err));
    TW_TRY(tw_file_begin(&f, path, err));
    uint64_t len = header.len;
    bool ok =
        fwrite(&len, sizeof len, 1, f) == 1 && fwrite(header.data, 1, header.len, f) == header.len;
    for (size_t i = 0; ok && i < w->n; i++)
        ok = w->parts[i].bytes == 0 ||
             fwrite(w->parts[i].data, 1, w->parts[i].bytes, f) == w->parts[i].bytes;
    if (!ok) {
        st = tw_fail_errno(err, "cannot write '%s'", path);
        goto done;
    }
    FILE *full = f;
    f = NULL; /* commit ends it, whatever it returns */
    TW_TRY(tw_file_commit(full, path, err));
done:
    tw_file_abort(f, path);
    tw_text_fini(&header);
    return st;
}
