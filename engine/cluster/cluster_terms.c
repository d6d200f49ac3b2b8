/* Terms are numbered as they come; each item's are kept, once each, so that counting needs no
 * second reading. */
#include "engine/cluster/cluster_terms.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/letters.h"
#include "base/unicode.h"
#include "base/utf8.h"

enum { MAX_ITEM_TERMS = 512 }; /* of one item; the rest of a long text says little more */
enum { MAX_TERMS = 1 << 24 };
#define FORMS_CAP ((size_t) MAX_TERMS * TWI_MAX_TERM)

tw_status twi_names_begin(twi_names **out, const int32_t *cluster, int64_t n, int k, tw_error *err)
{
    twi_names *nm = tw_alloc(1, sizeof *nm);
    *out = NULL;
    if (nm == NULL)
        return tw_fail(err, TW_ENOMEM, "names of %d clusters", k);
    nm->cluster = cluster;
    nm->n = n;
    nm->k = k;
    tw_text_init(&nm->forms, FORMS_CAP);
    tw_text_init(&nm->spelt, SIZE_MAX / 4);
    tw_text_init(&nm->key, SIZE_MAX / 4);
    nm->begin = tw_alloc((size_t) n + 1, sizeof *nm->begin);
    if (nm->begin == NULL) {
        twi_names_end(nm);
        return tw_fail(err, TW_ENOMEM, "names of %lld items", (long long) n);
    }
    *out = nm;
    return TW_OK;
}

void twi_names_end(twi_names *nm)
{
    if (nm == NULL)
        return;
    tw_text_fini(&nm->forms);
    tw_text_fini(&nm->spelt);
    tw_text_fini(&nm->key);
    tw_free(nm->terms);
    tw_numbering_fini(&nm->keys);
    tw_free(nm->begin);
    tw_free(nm->list);
    tw_free(nm);
}

/* ---- terms ----------------------------------------------------------------------------------- */

const char *twi_term_form(const twi_names *nm, int32_t t)
{
    return tw_text_cstr(&nm->forms) + nm->terms[t].form;
}

/* The spelling that more than half of the items use wins for certain. */
static tw_status vote(twi_names *nm, twi_term *t, const char *form, size_t len, tw_error *err)
{
    const char *leads = tw_text_cstr(&nm->forms) + t->form;
    if (t->votes > 0 && strlen(leads) == len && memcmp(leads, form, len) == 0) {
        t->votes++;
        return TW_OK;
    }
    if (t->votes > 0) {
        t->votes--;
        return TW_OK;
    }
    const size_t at = nm->forms.len;
    tw_status st = tw_text_add(&nm->forms, form, len, err);
    if (st == TW_OK)
        st = tw_text_add(&nm->forms, "", 1, err);
    if (st == TW_OK) {
        t->form = at;
        t->votes = 1;
    }
    return st;
}

/* Notes that item i has a term: key is of its lower case, form its spelling there. */
static tw_status note(twi_names *nm, int64_t i, twi_term_kind kind, uint64_t key, const char *form,
                      size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    if (nm->list_n - nm->begin[i] >= MAX_ITEM_TERMS || nm->keys.n >= MAX_TERMS)
        return TW_OK;
    const int32_t known = nm->keys.n;
    int32_t at = 0;
    TW_TRY(tw_grow(&nm->list, &nm->list_room, (size_t) nm->list_n + 1, "terms", err));
    TW_TRY(tw_grow(&nm->terms, &nm->room, (size_t) known + 1, "terms", err));
    TW_TRY(tw_numbering_put(&nm->keys, key, &at, err));
    if (at == known)
        nm->terms[at] = (twi_term){.kind = kind};
    twi_term *t = &nm->terms[at];
    if (t->newest == (int32_t) i + 1)
        return TW_OK;
    TW_TRY(vote(nm, t, form, len, err));
    t->newest = (int32_t) i + 1;
    t->items++;
    nm->list[nm->list_n++] = at;
done:
    return st;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Words that tell nothing by themselves in the languages that catalogues mix with every other; in
 * a catalogue of another language they are merely rare. In lower case. */
static bool says_nothing(const char *word, size_t len)
{
    static const char *const all = " a an and are as at be but by for from her his how in into is "
                                   "it its my no not of on or our "
                                   "she he so that the their them they this to was we were what "
                                   "when where which who will with "
                                   "you your vs der die das und ein eine im mit von zu le la les "
                                   "de des du et un une en el los "
                                   "las y del con para por il di ";
    char padded[TWI_MAX_TERM + 3];
    (void) snprintf(padded, sizeof padded, " %.*s ", (int) len, word);
    return strstr(all, padded) != NULL;
}

/* A number is a name only where it may be a year. */
static bool worth_reading(const char *folded, size_t len)
{
    size_t digits = 0;
    while (digits < len && folded[digits] >= '0' && folded[digits] <= '9')
        digits++;
    if (digits == len)
        return len == 4 && (memcmp(folded, "18", 2) == 0 || memcmp(folded, "19", 2) == 0 ||
                            memcmp(folded, "20", 2) == 0);
    return len > 1 && !says_nothing(folded, len);
}

static bool is_apostrophe(uint32_t cp) { return cp == '\'' || cp == 0x2019; }

/* The next word at or behind s; *gap: more than one blank or a sign lay between. */
bool twi_next_word(const char **s, const char *end, twi_word *out, bool *gap)
{
    size_t used, blanks = 0;
    *gap = false;
    *out = (twi_word){0};
    for (; *s < end; *s += used, blanks++) {
        uint32_t cp = tw_utf8_next(*s, (size_t) (end - *s), &used);
        if (tw_letter_is(cp))
            break;
        *gap = *gap || cp != ' ' || blanks > 0;
    }
    out->form = *s;
    for (; *s < end; *s += used) {
        uint32_t cp = tw_utf8_next(*s, (size_t) (end - *s), &used);
        size_t after;
        const bool inside =
            is_apostrophe(cp) && *s + used < end &&
            tw_letter_is(tw_utf8_next(*s + used, (size_t) (end - *s) - used, &after));
        if (!tw_letter_is(cp) && !inside)
            break;
        if (out->folded_len + 4 < TWI_MAX_TERM)
            out->folded_len += tw_utf8_put(out->folded + out->folded_len, tw_letter_fold(cp));
    }
    out->len = (size_t) (*s - out->form);
    out->counted =
        out->len > 0 && out->len < TWI_MAX_TERM && worth_reading(out->folded, out->folded_len);
    return out->len > 0;
}

/* *key <- of `before`, where there is one, a blank and `word`: a word and a pair differ by it. */
static tw_status key_of(twi_names *nm, twi_term_kind kind, const twi_word *before, const char *word,
                        size_t len, uint64_t *key, tw_error *err)
{
    tw_status st = TW_OK;
    const unsigned char type = kind == TWI_VALUE;
    tw_text_clear(&nm->key);
    if (before != NULL) {
        TW_TRY(tw_unicode_fold(&nm->key, before->form, before->len, err));
        TW_TRY(tw_text_adds(&nm->key, " ", err));
    }
    TW_TRY(tw_unicode_fold(&nm->key, word, len, err));
    *key = tw_fnv1a(tw_fnv1a(TW_FNV_START, &type, 1), tw_text_cstr(&nm->key), nm->key.len);
done:
    return st;
}

static tw_status note_term(twi_names *nm, int64_t i, twi_term_kind kind, const twi_word *before,
                           const char *word, size_t len, tw_error *err)
{
    uint64_t key = 0;
    const char *form = before != NULL ? before->form : word;
    tw_status st = key_of(nm, kind, before, word, len, &key, err);
    return st == TW_OK ? note(nm, i, kind, key, form, (size_t) (word + len - form), err) : st;
}

static bool is_year(const twi_word *w)
{
    return w->folded_len == 4 && w->folded[0] >= '0' && w->folded[0] <= '9';
}

/* A year speaks for its decade, too: old films are alike whatever their year. */
static tw_status read_decade(twi_names *nm, int64_t i, const twi_word *w, tw_error *err)
{
    char decade[8];
    if (!is_year(w))
        return TW_OK;
    (void) snprintf(decade, sizeof decade, "%.3s0s", w->folded);
    return note_term(nm, i, TWI_DECADE, NULL, decade, 5, err);
}

static tw_status read_text(twi_names *nm, int64_t i, const char *text, tw_error *err)
{
    tw_status st = TW_OK;
    twi_word before = {0}, now;
    bool gap;
    tw_text_clear(&nm->spelt);
    TW_TRY(tw_unicode_nfc(&nm->spelt, text, strlen(text), err));
    const char *at = tw_text_cstr(&nm->spelt), *end = at + nm->spelt.len;
    while (twi_next_word(&at, end, &now, &gap)) {
        if (now.counted) {
            TW_TRY(note_term(nm, i, TWI_WORD, NULL, now.form, now.len, err));
            TW_TRY(read_decade(nm, i, &now, err));
        }
        const size_t both = (size_t) (now.form + now.len - before.form);
        if (now.counted && before.counted && !is_year(&before) && !gap && both < TWI_MAX_TERM)
            TW_TRY(note_term(nm, i, TWI_PAIR, &before, now.form, now.len, err));
        before = now;
    }
done:
    return st;
}

/* Dates, links and prose are no names. */
static tw_status read_value(twi_names *nm, int64_t i, const char *value, tw_error *err)
{
    const size_t len = value != NULL ? strlen(value) : 0;
    if (len == 0 || len >= TWI_MAX_TERM || strstr(value, "://") != NULL ||
        (value[0] >= '0' && value[0] <= '9'))
        return TW_OK;
    return note_term(nm, i, TWI_VALUE, NULL, value, len, err);
}

static tw_status read_attributes(twi_names *nm, int64_t i, const char *attributes, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *root = json_loads(attributes, 0, NULL);
    const char *key;
    json_t *value, *one;
    size_t at;
    json_object_foreach(root, key, value)
    {
        TW_TRY(read_value(nm, i, json_string_value(value), err));
        json_array_foreach(value, at, one) TW_TRY(read_value(nm, i, json_string_value(one), err));
    }
done:
    json_decref(root);
    return st;
}

tw_status twi_names_read(twi_names *nm, int64_t i, const tw_item *item, tw_error *err)
{
    tw_status st = TW_OK;
    while (nm->read < i) /* items that were not read have no terms */
        nm->begin[++nm->read] = nm->list_n;
    if (nm->cluster[i] < 0)
        goto done;
    if (item->attributes != NULL)
        TW_TRY(read_attributes(nm, i, item->attributes, err));
    if (item->title != NULL)
        TW_TRY(read_text(nm, i, item->title, err));
    if (item->text != NULL)
        TW_TRY(read_text(nm, i, item->text, err));
done:
    return st;
}
