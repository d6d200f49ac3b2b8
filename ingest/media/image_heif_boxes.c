/* A HEIC's or AVIF's boxes, walked before libheif decodes: no picture in it, and no number of them
 * that make one, may need more memory or time than a picture of TW_IMAGE_MAX_WHOLE. What is not
 * understood is refused, for libheif might understand it.
 *
 * Sources: ISO/IEC 14496-12, 8.11 (meta, iloc, iinf, iref), 14496-15, 8.3.3 (hvcC), 23008-12, 6.6
 * (derived pictures) and 9.3 (properties); AV1 Image File Format, 2. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "ingest/media/image_internal.h"

#ifdef TW_HAVE_HEIF

typedef struct span {
    const unsigned char *p;
    size_t len;
} span;

typedef struct item {
    uint32_t id;
    char type[4];
    int64_t area;  /* of what is coded, or of the canvas of what is put together */
    int64_t parts; /* the area of those that it is put together of */
} item;

/* All that a survey owns, and the parts of the file. */
typedef struct job {
    span file, iinf, iloc, iref, idat, ipco, ipma;
    item *items;
    size_t n, room;
    int64_t *properties; /* the area that one's headers say; 0: no such property */
    size_t n_properties, properties_room;
    unsigned char *joined; /* an item of several extents */
    size_t joined_room;
    size_t read; /* bytes of items so far, which may overlap */
    const char *name;
    tw_error *err;
} job;

static tw_status refuse(const job *j, const char *what)
{
    return tw_fail(j->err, TW_ECORRUPT, "'%s' is a damaged HEIC or AVIF: %s", j->name, what);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* A number of n bytes at the front; bytes that are not there are zeros, and then s is empty. */
static uint64_t take(span *s, size_t n)
{
    uint64_t v = 0;
    if (n == 0 || n > s->len) {
        *s = n == 0 ? *s : (span){0};
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        v = v << 8 | s->p[i];
    s->p += n;
    s->len -= n;
    return v;
}

/* The next box of s; false: there is none, or one that is longer than what is left. */
static bool take_box(span *s, char type[4], span *body)
{
    enum { HEADER = 8 };
    span at = *s;
    if (s->len < HEADER)
        return false;
    uint64_t size = take(&at, 4), header = HEADER;
    memcpy(type, at.p, 4);
    (void) take(&at, 4);
    if (size == 1) {
        size = take(&at, 8);
        header += 8;
    }
    size = size == 0 ? s->len : size;
    if (size < header || size > s->len)
        return false;
    *body = (span){s->p + header, (size_t) size - header};
    *s = (span){s->p + size, s->len - (size_t) size};
    return true;
}

/* Nothing is left of a box's content that may be a box to another reader. */
static tw_status check_end(const job *j, span rest)
{
    enum { HEADER = 8 };
    return rest.len < HEADER ? TW_OK : refuse(j, "a box is longer than what it lies in");
}

static bool is(const char type[4], const char *name) { return memcmp(type, name, 4) == 0; }

/* ---- items ----------------------------------------------------------------------------------- */

/* Boxes of one name may come once, so that no two readers choose differently. */
static tw_status keep(const job *j, span *to, span body)
{
    if (to->p != NULL)
        return refuse(j, "a box comes twice");
    *to = body;
    return TW_OK;
}

static span *place_of(job *j, const char type[4])
{
    const struct {
        const char *name;
        span *place;
    } known[] = {{"iinf", &j->iinf}, {"iloc", &j->iloc}, {"iref", &j->iref},
                 {"idat", &j->idat}, {"ipco", &j->ipco}, {"ipma", &j->ipma}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (is(type, known[i].name))
            return known[i].place;
    }
    return NULL;
}

/* What is in the box "meta", and in "iprp" within that. */
static tw_status find_boxes(job *j, span in)
{
    char type[4];
    span body;
    tw_status st = TW_OK;
    while (st == TW_OK && take_box(&in, type, &body)) {
        span *place = place_of(j, type);
        if (is(type, "iprp"))
            st = find_boxes(j, body);
        else if (place != NULL)
            st = keep(j, place, body);
    }
    return st == TW_OK ? check_end(j, in) : st;
}

/* Behind "meta" the file may end early: the pixels lack then, and libheif says so. */
static tw_status find_meta(job *j)
{
    char type[4];
    span in = j->file, body;
    tw_status st = TW_OK;
    while (st == TW_OK && take_box(&in, type, &body)) {
        if (!is(type, "meta"))
            continue;
        (void) take(&body, 4);
        st = find_boxes(j, body);
    }
    if (st != TW_OK || (j->iinf.p != NULL && (in.len < 8 || !is((const char *) in.p + 4, "meta"))))
        return st;
    return tw_fail(j->err, TW_ECORRUPT, "'%s' is truncated: it ends after %zu bytes", j->name,
                   j->file.len);
}

static int by_id(const void *a, const void *b)
{
    const item *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static item *find(const job *j, uint64_t id)
{
    const item key = {.id = (uint32_t) id};
    return j->n > 0 ? bsearch(&key, j->items, j->n, sizeof key, by_id) : NULL;
}

static tw_status sort_items(job *j)
{
    if (j->n > 0)
        qsort(j->items, j->n, sizeof *j->items, by_id);
    for (size_t i = 1; i < j->n; i++) {
        if (j->items[i].id == j->items[i - 1].id)
            return refuse(j, "an item comes twice");
    }
    return TW_OK;
}

static tw_status read_items(job *j)
{
    span in = j->iinf, body;
    char type[4];
    const uint64_t version = take(&in, 4) >> 24;
    (void) take(&in, version == 0 ? 2 : 4);
    while (take_box(&in, type, &body)) {
        const uint64_t form = take(&body, 4) >> 24;
        if (!is(type, "infe") || form < 2)
            continue;
        tw_status st = tw_grow(&j->items, &j->room, j->n + 1, "pictures of a file", j->err);
        if (st != TW_OK)
            return st;
        item *i = &j->items[j->n++];
        *i = (item){.id = (uint32_t) take(&body, form == 2 ? 2 : 4)};
        (void) take(&body, 2);
        if (body.len < 4)
            return refuse(j, "an item has no type");
        memcpy(i->type, body.p, 4);
    }
    const tw_status st = check_end(j, in);
    return st == TW_OK ? sort_items(j) : st;
}

/* ---- properties ------------------------------------------------------------------------------ */

/* The units that an hvcC holds, in arrays of one kind each. */
static int64_t config_area(span in)
{
    enum { BEFORE = 22 };
    int64_t most = 0;
    span rest = in;
    for (int i = 0; i < BEFORE; i++)
        (void) take(&rest, 1);
    for (uint64_t arrays = take(&rest, 1); arrays > 0; arrays--) {
        (void) take(&rest, 1);
        for (uint64_t units = take(&rest, 2); units > 0 && rest.len > 2; units--) {
            const uint64_t size = take(&rest, 2);
            const size_t n = size < rest.len ? (size_t) size : rest.len;
            const int64_t area = twi_hevc_unit_area(rest.p, n);
            most = area > most ? area : most;
            rest = (span){rest.p + n, rest.len - n};
        }
    }
    return most;
}

static tw_status read_properties(job *j)
{
    span in = j->ipco, body;
    char type[4];
    while (take_box(&in, type, &body)) {
        tw_status st =
            tw_grow(&j->properties, &j->properties_room, j->n_properties + 1, "properties", j->err);
        if (st != TW_OK)
            return st;
        int64_t *area = &j->properties[j->n_properties++];
        *area = is(type, "hvcC") ? config_area(body) : 0;
        if (is(type, "av1C") && body.len > 4)
            *area = twi_av1_area(body.p + 4, body.len - 4);
    }
    return check_end(j, in);
}

static void join_properties(const job *j)
{
    span in = j->ipma;
    const uint64_t head = take(&in, 4), wide = head & 1, version = head >> 24;
    for (uint64_t n = take(&in, 4); n > 0 && in.len > 0; n--) {
        item *i = find(j, take(&in, version == 0 ? 2 : 4));
        for (uint64_t k = take(&in, 1); k > 0 && in.len > 0; k--) {
            const uint64_t index = wide ? take(&in, 2) & 0x7fff : take(&in, 1) & 0x7f;
            if (i != NULL && index >= 1 && index <= j->n_properties &&
                j->properties[index - 1] > i->area)
                i->area = j->properties[index - 1];
        }
    }
}

/* ---- what items hold ------------------------------------------------------------------------- */

/* The canvas of a grid or an overlay. */
static void read_canvas(item *i, span in)
{
    const size_t bytes = (take(&in, 2) & 1) != 0 ? 4 : 2;
    (void) take(&in, is(i->type, "grid") ? 2 : 8); /* rows and columns, or its colour */
    const uint64_t width = take(&in, bytes), height = take(&in, bytes);
    i->area = width > 0 && height > INT64_MAX / width ? INT64_MAX : (int64_t) (width * height);
}

static void read_item(item *i, span in)
{
    int64_t area = 0;
    if (is(i->type, "hvc1"))
        area = twi_hevc_area(in.p, in.len);
    else if (is(i->type, "av01"))
        area = twi_av1_area(in.p, in.len);
    else if (is(i->type, "grid") || is(i->type, "iovl"))
        read_canvas(i, in);
    i->area = area > i->area ? area : i->area;
}

/* How numbers are written in the box of places. */
typedef struct form {
    uint64_t version;
    size_t offset, length, base, index; /* bytes */
} form;

/* Where an item's extents are, one behind the other. Of several a copy is made. */
static tw_status read_extents(job *j, span *in, const form *f, uint64_t base, span source,
                              span *out)
{
    const uint64_t n = take(in, 2);
    size_t len = 0;
    for (uint64_t k = 0; k < n; k++) {
        (void) take(in, f->version > 0 ? f->index : 0);
        const uint64_t at = base + take(in, f->offset), size = take(in, f->length);
        if (at > source.len || at < base)
            return refuse(j, "an item lies behind its end");
        const size_t room = source.len - (size_t) at;
        const size_t part = size == 0 || size > room ? room : (size_t) size;
        j->read += part;
        if (j->read > (size_t) 2 * TW_IMAGE_MAX_BYTES)
            return refuse(j, "its items are longer than the file");
        if (part > 0)
            *out = (span){source.p + at, part};
        if (n == 1 || part == 0)
            continue;
        tw_status st = tw_grow(&j->joined, &j->joined_room, len + part, "bytes of an item", j->err);
        if (st != TW_OK)
            return st;
        memcpy(j->joined + len, source.p + at, part);
        len += part;
        *out = (span){j->joined, len};
    }
    return TW_OK;
}

static tw_status read_places(job *j)
{
    span in = j->iloc;
    const uint64_t version = take(&in, 4) >> 24, sizes = take(&in, 2);
    const form f = {.version = version,
                    .offset = sizes >> 12,
                    .length = sizes >> 8 & 15,
                    .base = sizes >> 4 & 15,
                    .index = sizes & 15};
    tw_status st = TW_OK;
    if (version > 2 || f.offset % 4 > 0 || f.length % 4 > 0 || f.base % 4 > 0 || f.index % 4 > 0 ||
        f.offset > 8 || f.length > 8 || f.base > 8 || f.index > 8)
        return refuse(j, "places of items are of an unknown form");
    for (uint64_t n = take(&in, version < 2 ? 2 : 4); n > 0 && in.len > 0; n--) {
        item *i = find(j, take(&in, version < 2 ? 2 : 4));
        const uint64_t method = version > 0 ? take(&in, 2) & 15 : 0;
        span data = {0};
        (void) take(&in, 2);
        const uint64_t base = take(&in, f.base);
        if (method > 1)
            return refuse(j, "an item lies within another");
        TW_TRY(read_extents(j, &in, &f, base, method == 1 ? j->idat : j->file, &data));
        if (i != NULL)
            read_item(i, data);
    }
done:
    return st;
}

/* ---- the law --------------------------------------------------------------------------------- */

/* Types that libheif decodes here, or never does. */
static bool is_coded(const item *i) { return is(i->type, "hvc1") || is(i->type, "av01"); }

static bool is_derived(const item *i)
{
    return is(i->type, "grid") || is(i->type, "iovl") || is(i->type, "iden");
}

static bool is_no_picture(const item *i)
{
    return is(i->type, "Exif") || is(i->type, "mime") || is(i->type, "uri ") || is(i->type, "tmap");
}

static tw_status check_item(const job *j, const item *i)
{
    if (!is_coded(i) && !is_derived(i) && !is_no_picture(i)) {
        return tw_fail(j->err, TW_EUNSUPPORTED,
                       "'%s' holds pictures of the type '%.4s', which are not supported; convert "
                       "it to PNG or JPEG",
                       j->name, i->type);
    }
    if (is_coded(i) && i->area == 0)
        return refuse(j, "a picture has no header");
    if (i->area > TW_IMAGE_MAX_WHOLE) {
        return tw_fail(j->err, TW_EINVAL,
                       "'%s' holds a picture of %lld pixels, which is decoded as a whole: the most "
                       "allowed is %d; scale it down first",
                       j->name, (long long) i->area, TW_IMAGE_MAX_WHOLE);
    }
    return TW_OK;
}

/* What is put together, is so of coded pictures that are not much larger in all. */
static tw_status check_parts(const job *j, span in, size_t id_bytes)
{
    enum { TIMES = 4 };
    item *whole = find(j, take(&in, id_bytes));
    if (whole == NULL || !is_derived(whole))
        return TW_OK;
    for (uint64_t n = take(&in, 2); n > 0 && in.len > 0; n--) {
        const item *part = find(j, take(&in, id_bytes));
        if (part == NULL || (!is_coded(part) && !is(whole->type, "iden")) || is(part->type, "iden"))
            return refuse(j, "a picture is put together of others that are");
        whole->parts += part->area;
        if (whole->parts > (int64_t) TIMES * TW_IMAGE_MAX_WHOLE) {
            return tw_fail(j->err, TW_EINVAL,
                           "'%s' is put together of pictures with more than %lld pixels in all",
                           j->name, (long long) TIMES * TW_IMAGE_MAX_WHOLE);
        }
    }
    return TW_OK;
}

static tw_status check_references(const job *j)
{
    span in = j->iref, body;
    char type[4];
    const size_t id_bytes = take(&in, 4) >> 24 == 0 ? 2 : 4;
    tw_status st = TW_OK;
    while (st == TW_OK && take_box(&in, type, &body)) {
        if (is(type, "dimg"))
            st = check_parts(j, body, id_bytes);
    }
    return st == TW_OK ? check_end(j, in) : st;
}

static tw_status survey(job *j)
{
    tw_status st = TW_OK;
    TW_TRY(find_meta(j));
    TW_TRY(read_items(j));
    TW_TRY(read_properties(j));
    join_properties(j);
    TW_TRY(read_places(j));
    for (size_t i = 0; i < j->n; i++)
        TW_TRY(check_item(j, &j->items[i]));
    TW_TRY(check_references(j));
done:
    return st;
}

tw_status twi_heif_check(const unsigned char *data, size_t len, const char *name, tw_error *err)
{
    job j = {.file = {data, len}, .name = name, .err = err};
    const tw_status st = survey(&j);
    tw_free(j.items);
    tw_free(j.properties);
    tw_free(j.joined);
    return st;
}

#endif
