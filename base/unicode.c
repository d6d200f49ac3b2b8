/* The only file that sees utf8proc. Of the library we take its tables, the decomposition of a
 * single character and the composition: utf8proc_map allocates by itself and refuses malformed
 * bytes, and its ordering of combining marks takes quadratic time when a text piles up a
 * hundred thousand of them. */
#include "base/unicode.h"

#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/utf8.h"

enum {
    FEW = 256,
    PARTS_MAX = 32, /* characters that one becomes; 18 is the most in Unicode */
    SHORT_RUN = 32, /* of combining marks: sorted by insertion */
    CLASSES = 256,  /* of combining marks; 0: no mark */
    /* Below it no character decomposes under composition, combines or is ordered. */
    FIRST_MARK = 0x300
};

/* Code points that grow. */
typedef struct codes {
    utf8proc_int32_t *data; /* its own few, or owned */
    size_t n, room;
    utf8proc_int32_t few[FEW]; /* so that a title needs no memory */
} codes;

static void codes_init(codes *c)
{
    c->data = c->few;
    c->n = 0;
    c->room = FEW;
}

static void codes_fini(codes *c)
{
    if (c->data != c->few)
        tw_free(c->data);
}

static tw_status push(codes *c, utf8proc_int32_t cp, tw_error *err)
{
    if (c->n == c->room) {
        const size_t room = 2 * c->room;
        const bool few = c->data == c->few;
        utf8proc_int32_t *data = tw_realloc(few ? NULL : c->data, room, sizeof *data);
        if (data == NULL)
            return tw_fail(err, TW_ENOMEM, "%zu characters of text", room);
        if (few)
            memcpy(data, c->few, sizeof c->few);
        c->data = data;
        c->room = room;
    }
    c->data[c->n++] = cp;
    return TW_OK;
}

/* Appends what cp decomposes to. */
static tw_status push_parts(codes *c, utf8proc_int32_t cp, utf8proc_option_t how, tw_error *err)
{
    utf8proc_int32_t parts[PARTS_MAX];
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(cp, parts, PARTS_MAX, how, &boundary);
    tw_status st = TW_OK;

    if (n < 0 || n > PARTS_MAX) /* no Unicode so far has such a one */
        return push(c, cp, err);
    for (utf8proc_ssize_t i = 0; i < n && st == TW_OK; i++)
        st = push(c, parts[i], err);
    return st;
}

static int class_of(utf8proc_int32_t cp)
{
    return cp < FIRST_MARK ? 0 : (int) utf8proc_get_property(cp)->combining_class;
}

static void sort_short(utf8proc_int32_t *run, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const utf8proc_int32_t cp = run[i];
        const int class = class_of(cp);
        size_t j = i;
        for (; j > 0 && class_of(run[j - 1]) > class; j--)
            run[j] = run[j - 1];
        run[j] = cp;
    }
}

static tw_status sort_long(utf8proc_int32_t *run, size_t n, tw_error *err)
{
    size_t next[CLASSES + 1] = {0};
    utf8proc_int32_t *sorted = tw_alloc(n, sizeof *sorted);
    if (sorted == NULL)
        return tw_fail(err, TW_ENOMEM, "a run of %zu combining marks", n);
    for (size_t i = 0; i < n; i++)
        next[class_of(run[i]) + 1]++;
    for (int k = 1; k < CLASSES; k++)
        next[k] += next[k - 1];
    for (size_t i = 0; i < n; i++)
        sorted[next[class_of(run[i])]++] = run[i];
    memcpy(run, sorted, n * sizeof *run);
    tw_free(sorted);
    return TW_OK;
}

/* Canonical order: each run of combining marks by class, those of one class as they were. */
static tw_status order_marks(codes *c, tw_error *err)
{
    tw_status st = TW_OK;
    for (size_t i = 0; i < c->n && st == TW_OK; i++) {
        const size_t start = i;
        while (i < c->n && class_of(c->data[i]) > 0)
            i++;
        if (i - start > SHORT_RUN)
            st = sort_long(c->data + start, i - start, err);
        else if (i - start > 1)
            sort_short(c->data + start, i - start);
    }
    return st;
}

static tw_status decompose(codes *c, const char *s, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    for (size_t i = 0, used; i < len && st == TW_OK; i += used) {
        const utf8proc_int32_t cp = (utf8proc_int32_t) tw_utf8_next(s + i, len - i, &used);
        st = cp < 0x80 ? push(c, cp, err) : push_parts(c, cp, UTF8PROC_DECOMPOSE, err);
    }
    return st == TW_OK ? order_marks(c, err) : st;
}

static tw_status fold_parts(codes *to, const codes *from, tw_error *err)
{
    const utf8proc_option_t how =
        UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
    tw_status st = TW_OK;
    for (size_t i = 0; i < from->n && st == TW_OK; i++)
        st = push_parts(to, from->data[i], how, err);
    return st == TW_OK ? order_marks(to, err) : st;
}

/* Composes in place and appends. */
static tw_status append_composed(tw_text *out, codes *c, tw_error *err)
{
    const size_t before = out->len;
    tw_status st = TW_OK;
    utf8proc_ssize_t n = 0;

    if (c->n > 0)
        n = utf8proc_normalize_utf32(c->data, (utf8proc_ssize_t) c->n,
                                     UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    for (utf8proc_ssize_t i = 0; i < n && st == TW_OK; i++) {
        char bytes[4];
        st = tw_text_add(out, bytes, tw_utf8_put(bytes, (uint32_t) c->data[i]), err);
    }
    if (st == TW_OK)
        return tw_text_add(out, "", 0, err); /* NUL-terminated, even if empty */
    out->len = before;
    if (out->data != NULL)
        out->data[before] = '\0';
    return st;
}

/* True when s is composed already because it has nothing but simple characters. */
static bool is_plain(const char *s, size_t len)
{
    for (size_t i = 0, used; i < len; i += used) {
        const uint32_t cp = tw_utf8_next(s + i, len - i, &used);
        if (cp >= FIRST_MARK)
            return false;
    }
    return true;
}

tw_status tw_unicode_nfc(tw_text *out, const char *s, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    codes c;

    if (is_plain(s, len))
        return tw_text_add(out, s, len, err);
    codes_init(&c);
    TW_TRY(decompose(&c, s, len, err));
    TW_TRY(append_composed(out, &c, err));
done:
    codes_fini(&c);
    return st;
}

static bool is_ascii(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char) s[i] >= 0x80)
            return false;
    return true;
}

static tw_status fold_ascii(tw_text *out, const char *s, size_t len, tw_error *err)
{
    const size_t before = out->len;
    tw_status st = tw_text_add(out, s, len, err);
    for (size_t i = before; i < out->len && st == TW_OK; i++)
        if (out->data[i] >= 'A' && out->data[i] <= 'Z')
            out->data[i] = (char) (out->data[i] + ('a' - 'A'));
    return st;
}

tw_status tw_unicode_fold(tw_text *out, const char *s, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    codes parts, folded;

    if (is_ascii(s, len))
        return fold_ascii(out, s, len, err);
    codes_init(&parts);
    codes_init(&folded);
    /* First apart and in order, then folded: an iota below may be written before or after an
     * accent, and folding makes a letter of it that no ordering would move any more. */
    TW_TRY(decompose(&parts, s, len, err));
    TW_TRY(fold_parts(&folded, &parts, err));
    TW_TRY(append_composed(out, &folded, err));
done:
    codes_fini(&parts);
    codes_fini(&folded);
    return st;
}

tw_unicode_kind tw_unicode_kind_of(uint32_t cp)
{
    switch (utf8proc_category((utf8proc_int32_t) cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN: return TW_UNICODE_LETTER;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC: return TW_UNICODE_MARK;
    case UTF8PROC_CATEGORY_ME: return TW_UNICODE_FRAME;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO: return TW_UNICODE_SIGN;
    default: return TW_UNICODE_OTHER;
    }
}
