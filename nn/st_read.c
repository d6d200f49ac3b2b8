/* Reading safetensors files: nothing in them is believed before it is checked.
 *
 *   u64 H (little-endian) | H bytes of JSON | the tensors, back to back
 *
 * Every entry is checked alone (type, shape, its bytes = shape * type); then, in
 * the order of their offsets, the entries must tile the data exactly. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/size.h"
#include "nn/safetensors.h"
#include "nn/st_internal.h"

typedef struct entry {
    tw_st_tensor tensor;
    size_t begin, end; /* bytes in the data */
} entry;

struct tw_st_file {
    char *block;    /* owned, the whole file; NULL when parsed from memory of the caller */
    json_t *header; /* owned; names and metadata point into it */
    entry *entries; /* owned, by offset */
    size_t n;
};

void tw_st_close(tw_st_file *f)
{
    if (f == NULL)
        return;
    json_decref(f->header);
    tw_free(f->entries);
    tw_free(f->block);
    tw_free(f);
}

/* A size of the header: an integer in [0, INT64_MAX]. */
static bool take_size(const json_t *j, size_t *out)
{
    if (!json_is_integer(j) || json_integer_value(j) < 0)
        return false;
    *out = (size_t) json_integer_value(j);
    return true;
}

static tw_status read_dtype(const json_t *j, const char *name, tw_dtype *out, tw_error *err)
{
    const char *s = json_string_value(j);
    if (s == NULL)
        return tw_fail(err, TW_ECORRUPT, "tensor '%.80s' has no dtype", name);
    for (tw_dtype t = TW_F32; t <= TW_BF16; t++) {
        if (strcmp(s, twi_dtype_name(t)) == 0) {
            *out = t;
            return TW_OK;
        }
    }
    return tw_fail(err, TW_ECORRUPT, "tensor '%.80s' has dtype '%.20s', which is not one of ours",
                   name, s);
}

/* rows is the first dimension, cols the product of the others (0 where there is none). */
static tw_status read_shape(const json_t *j, entry *e, tw_error *err)
{
    const char *name = e->tensor.name;
    size_t dims = json_array_size(j), cols = 1, rows = 1, bytes;
    if (!json_is_array(j) || dims > TW_ST_DIMS_MAX)
        return tw_fail(err, TW_ECORRUPT, "tensor '%.80s' has no shape of 0..%d dimensions", name,
                       TW_ST_DIMS_MAX);
    for (size_t i = 0; i < dims; i++) {
        size_t dim;
        if (!take_size(json_array_get(j, i), &dim) || (dim == 0 && i > 0) ||
            (i > 0 && !tw_size_mul(cols, dim, &cols)))
            return tw_fail(err, TW_ECORRUPT, "tensor '%.80s': dimension %zu is no size", name, i);
        if (i == 0)
            rows = dim;
    }
    if (!tw_size_mul(rows, cols, &bytes) ||
        !tw_size_mul(bytes, tw_dtype_size(e->tensor.type), &bytes) || cols > INT64_MAX)
        return tw_fail(err, TW_ECORRUPT, "tensor '%.80s' is larger than any memory", name);
    if (bytes != e->end - e->begin)
        return tw_fail(err, TW_ECORRUPT, "tensor '%.80s' has %zu bytes, its shape says %zu", name,
                       e->end - e->begin, bytes);
    e->tensor.rows = (int64_t) rows;
    e->tensor.cols = dims < 2 ? 0 : (int64_t) cols;
    return TW_OK;
}

static tw_status read_entry(entry *e, const char *name, const json_t *j, size_t data_len,
                            tw_error *err)
{
    const json_t *at = json_object_get(j, "data_offsets");
    *e = (entry){.tensor = {.name = name}};
    if (name[0] == '\0' || !json_is_object(j) || json_object_size(j) != 3)
        return tw_fail(err, TW_ECORRUPT, "entry '%.80s' is not {dtype, shape, data_offsets}", name);
    if (json_array_size(at) != 2 || !take_size(json_array_get(at, 0), &e->begin) ||
        !take_size(json_array_get(at, 1), &e->end) || e->begin > e->end)
        return tw_fail(err, TW_ECORRUPT, "tensor '%.80s' has no data_offsets [begin, end]", name);
    if (e->end > data_len)
        return tw_fail(err, TW_ECORRUPT, "tensor '%.80s' ends at byte %zu of %zu", name, e->end,
                       data_len);
    tw_status st = read_dtype(json_object_get(j, "dtype"), name, &e->tensor.type, err);
    return st != TW_OK ? st : read_shape(json_object_get(j, "shape"), e, err);
}

static tw_status check_meta(json_t *meta, tw_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(meta))
        return tw_fail(err, TW_ECORRUPT, "%s is no object", TWI_ST_META);
    json_object_foreach(meta, key, value)
    {
        if (!json_is_string(value))
            return tw_fail(err, TW_ECORRUPT, "metadata '%.80s' is no string", key);
    }
    return TW_OK;
}

static int by_offset(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end); /* an empty tensor before the one at its place */
}

/* The entries tile [0, len): no gap, no overlap, nothing left over. */
static tw_status check_tiling(const tw_st_file *f, size_t len, tw_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < f->n; i++) {
        const entry *e = &f->entries[i];
        if (e->begin != at)
            return tw_fail(err, TW_ECORRUPT, "tensor '%.80s' begins at byte %zu, expected %zu",
                           e->tensor.name, e->begin, at);
        at = e->end;
    }
    if (at != len)
        return tw_fail(err, TW_ECORRUPT, "%zu bytes after the last tensor", len - at);
    return TW_OK;
}

static tw_status check_crc(const tw_st_file *f, const char *data, size_t len, tw_error *err)
{
    const char *hex = tw_st_meta(f, TWI_ST_CRC);
    if (hex == NULL)
        return TW_OK;
    unsigned long want = strtoul(hex, NULL, 16);
    if (strlen(hex) != 8 || strspn(hex, "0123456789abcdef") != 8)
        return tw_fail(err, TW_ECORRUPT, "checksum '%.20s' is not 8 hexadecimal digits", hex);
    uint32_t got = tw_crc32(0, data, len);
    if (got != want)
        return tw_fail(err, TW_ECORRUPT, "checksum of the data is %08x, the header says %s",
                       (unsigned) got, hex);
    return TW_OK;
}

static tw_status read_entries(tw_st_file *f, const char *data, size_t len, tw_error *err)
{
    const char *name;
    json_t *value;
    f->entries = tw_alloc(json_object_size(f->header), sizeof *f->entries);
    if (f->entries == NULL)
        return tw_fail(err, TW_ENOMEM, "%zu header entries", json_object_size(f->header));
    json_object_foreach(f->header, name, value)
    {
        bool meta = strcmp(name, TWI_ST_META) == 0;
        tw_status st =
            meta ? check_meta(value, err) : read_entry(&f->entries[f->n], name, value, len, err);
        if (st != TW_OK)
            return st;
        f->n += meta ? 0 : 1;
    }
    qsort(f->entries, f->n, sizeof *f->entries, by_offset);
    for (size_t i = 0; i < f->n; i++)
        f->entries[i].tensor.data = data + f->entries[i].begin;
    tw_status st = check_tiling(f, len, err);
    return st != TW_OK ? st : check_crc(f, data, len, err);
}

tw_status tw_st_parse(tw_st_file **out, const void *data, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_file *f = NULL;
    uint64_t header_len;
    json_error_t why;

    *out = NULL;
    if (len < sizeof header_len)
        return tw_fail(err, TW_ECORRUPT, "%zu bytes are too few for a header", len);
    memcpy(&header_len, data, sizeof header_len);
    if (header_len > TW_ST_HEADER_MAX || header_len > len - sizeof header_len)
        return tw_fail(err, TW_ECORRUPT, "header of %llu bytes in a file of %zu",
                       (unsigned long long) header_len, len);
    const char *json = (const char *) data + sizeof header_len;
    const size_t json_len = (size_t) header_len;

    f = tw_alloc(1, sizeof *f);
    if (f == NULL)
        return tw_fail(err, TW_ENOMEM, "checkpoint handle");
    if (json_len == 0 || json[0] != '{') {
        st = tw_fail(err, TW_ECORRUPT, "the header does not begin with '{'");
        goto done;
    }
    f->header = json_loadb(json, json_len, JSON_REJECT_DUPLICATES, &why);
    if (f->header == NULL) {
        bool memory = json_error_code(&why) == json_error_out_of_memory;
        st = tw_fail(err, memory ? TW_ENOMEM : TW_ECORRUPT, "header: %s at byte %d", why.text,
                     why.position);
        goto done;
    }
    TW_TRY(read_entries(f, json + json_len, len - sizeof header_len - json_len, err));
    *out = f;
    f = NULL;
done:
    tw_st_close(f);
    return st;
}

tw_status tw_st_open(tw_st_file **out, const char *path, tw_error *err)
{
    char *block;
    size_t len;
    tw_st_file *f = NULL;
    tw_error why = {0};

    *out = NULL;
    tw_status st = tw_file_read(path, TW_ST_FILE_MAX, &block, &len, err);
    if (st != TW_OK)
        return st;
    st = tw_st_parse(&f, block, len, &why);
    if (f == NULL) {
        tw_free(block);
        return tw_fail(err, st, "'%.200s': %.250s", path, why.msg);
    }
    f->block = block;
    *out = f;
    return TW_OK;
}

const char *tw_st_meta(const tw_st_file *f, const char *key)
{
    return json_string_value(json_object_get(json_object_get(f->header, TWI_ST_META), key));
}

int tw_st_count(const tw_st_file *f)
{
    return (int) f->n; /* a header of TW_ST_HEADER_MAX bytes holds fewer than INT_MAX */
}

tw_st_tensor tw_st_at(const tw_st_file *f, int index) { return f->entries[index].tensor; }

bool twi_st_lookup(const tw_st_file *f, const char *name, tw_st_tensor *out)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->entries[i].tensor.name, name) == 0) {
            *out = f->entries[i].tensor;
            return true;
        }
    }
    return false;
}

tw_status tw_st_find(const tw_st_file *f, const char *name, tw_dtype type, tw_st_tensor *out,
                     tw_error *err)
{
    tw_st_tensor t;
    if (!twi_st_lookup(f, name, &t))
        return tw_fail(err, TW_ECORRUPT, "no tensor '%.80s' in the file", name);
    if (t.type != type)
        return tw_fail(err, TW_ECORRUPT, "tensor '%.80s' is %s, expected %s", name,
                       twi_dtype_name(t.type), twi_dtype_name(type));
    *out = t;
    return TW_OK;
}
