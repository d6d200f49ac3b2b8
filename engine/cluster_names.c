/* Terms are numbered as they come; each item's are kept, once each, so that counting needs no
 * second reading. */
#include "engine/cluster_names.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/text.h"
#include "towers/text_case.h"

enum { MAX_TERM = 48 };        /* bytes; what is longer is no name */
enum { MAX_ITEM_TERMS = 512 }; /* of one item; the rest of a long text says little more */
enum { MAX_TERMS = 1 << 24 };
enum { NAME_TERMS = 3, CANDIDATES = 32 };
enum { LEAST_ITEMS = 3 }; /* that have a word before it names their group */
#define FORMS_CAP ((size_t) MAX_TERMS * MAX_TERM)

/* Chosen by looking at names of films (MovieLens-100K) and groceries; none is delicate. */
#define PRIOR       10.0 /* items that the whole catalogue's shares count as */
#define LEAST_Z     2.0  /* a difference that chance seldom makes ... */
#define LEAST_PART  0.3  /* ... and this part of the best one's */
#define WORD_SHARE  0.08 /* of the group's items must have the word ... */
#define VALUE_SHARE 0.2  /* ... or the attribute's value */
#define PAIR_PART   0.6  /* two words stand for one that is with the other so often */

typedef enum term_kind { WORD, PAIR, VALUE } term_kind;

typedef struct term {
    uint64_t key;
    size_t form;    /* in forms: the spelling that leads */
    int32_t votes;  /* by how much it leads (Boyer and Moore 1981) */
    int32_t items;  /* that have it, in any group */
    int32_t newest; /* the last of these, plus 1 */
    term_kind kind;
} term;

struct twi_names {
    const int32_t *cluster;
    int64_t n;
    int k;
    tw_text forms;  /* NUL-terminated spellings, one after the other */
    term *terms;    /* (room) */
    int32_t *slots; /* (2 * room) term + 1; 0: free; linear probing */
    int32_t n_terms, room;
    int64_t *begin; /* (n+1) into list: terms of each item */
    int64_t read;   /* items up to here have their begin */
    int32_t *list;  /* (list_room) */
    int64_t list_n, list_room;
};

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
    tw_free(nm->terms);
    tw_free(nm->slots);
    tw_free(nm->begin);
    tw_free(nm->list);
    tw_free(nm);
}

/* ---- terms ------------------------------------------------------------------------------------
 */

static const char *form_of(const twi_names *nm, const term *t)
{
    return tw_text_cstr(&nm->forms) + t->form;
}

/* Where key is or would be. */
static size_t slot_of(const twi_names *nm, uint64_t key)
{
    const size_t mask = 2 * (size_t) nm->room - 1;
    size_t at = (size_t) (key ^ key >> 32) & mask;
    while (nm->slots[at] != 0 && nm->terms[nm->slots[at] - 1].key != key)
        at = (at + 1) & mask;
    return at;
}

static tw_status grow_terms(twi_names *nm, tw_error *err)
{
    const int32_t room = nm->room == 0 ? 1024 : nm->room * 2;
    term *terms = tw_realloc(nm->terms, (size_t) room, sizeof *terms);
    if (terms != NULL)
        nm->terms = terms;
    int32_t *slots = terms == NULL ? NULL : tw_alloc((size_t) room, 2 * sizeof *slots);
    if (slots == NULL)
        return tw_fail(err, TW_ENOMEM, "%d terms", room);
    tw_free(nm->slots);
    nm->slots = slots;
    nm->room = room;
    for (int32_t t = 0; t < nm->n_terms; t++)
        nm->slots[slot_of(nm, nm->terms[t].key)] = t + 1;
    return TW_OK;
}

/* The spelling that more than half of the items use wins for certain. */
static tw_status vote(twi_names *nm, term *t, const char *form, size_t len, tw_error *err)
{
    const char *leads = form_of(nm, t);
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
static tw_status note(twi_names *nm, int64_t i, term_kind kind, uint64_t key, const char *form,
                      size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    if (nm->list_n - nm->begin[i] >= MAX_ITEM_TERMS || nm->n_terms >= MAX_TERMS)
        return TW_OK;
    if (nm->n_terms == nm->room)
        TW_TRY(grow_terms(nm, err));
    if (nm->list_n == nm->list_room) {
        int64_t room = nm->list_room == 0 ? 4096 : nm->list_room * 2;
        int32_t *list = tw_realloc(nm->list, (size_t) room, sizeof *list);
        if (list == NULL)
            return tw_fail(err, TW_ENOMEM, "%lld terms", (long long) room);
        nm->list = list;
        nm->list_room = room;
    }
    size_t at = slot_of(nm, key);
    if (nm->slots[at] == 0) {
        nm->terms[nm->n_terms++] = (term){.key = key, .kind = kind};
        nm->slots[at] = nm->n_terms;
    }
    term *t = &nm->terms[nm->slots[at] - 1];
    if (t->newest == (int32_t) i + 1)
        return TW_OK;
    TW_TRY(vote(nm, t, form, len, err));
    t->newest = (int32_t) i + 1;
    t->items++;
    nm->list[nm->list_n++] = nm->slots[at] - 1;
done:
    return st;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Words that tell nothing by themselves in the languages that catalogues mix with every other; in
 * a catalogue of another language they are merely rare. In lower case. */
static bool tells_nothing(const char *word, size_t len)
{
    static const char *const all = " a an and are as at be but by for from her his how in into is "
                                   "it its my no not of on or our "
                                   "she he so that the their them they this to was we were what "
                                   "when where which who will with "
                                   "you your vs der die das und ein eine im mit von zu le la les "
                                   "de des du et un une en el los "
                                   "las y del con para por il di ";
    char padded[MAX_TERM + 3];
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
    return len > 1 && !tells_nothing(folded, len);
}

typedef struct word {
    const char *form; /* where it stands in the text */
    size_t len;
    char folded[MAX_TERM];
    size_t folded_len;
    bool told; /* worth reading */
} word;

static bool is_apostrophe(uint32_t cp) { return cp == '\'' || cp == 0x2019; }

/* The next word at or behind s; *gap: more than one blank or a sign lay between. */
static bool next_word(const char **s, const char *end, word *out, bool *gap)
{
    size_t used, blanks = 0;
    *gap = false;
    *out = (word){0};
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
        if (out->folded_len + 4 < MAX_TERM)
            out->folded_len += tw_utf8_put(out->folded + out->folded_len, tw_letter_fold(cp));
    }
    out->len = (size_t) (*s - out->form);
    out->told = out->len > 0 && out->len < MAX_TERM && worth_reading(out->folded, out->folded_len);
    return out->len > 0;
}

static uint64_t key_of(term_kind kind, const char *folded, size_t len)
{
    const unsigned char type = kind == VALUE; /* a word and a pair differ by their blank */
    return tw_fnv1a(tw_fnv1a(TW_FNV_START, &type, 1), folded, len);
}

static tw_status read_text(twi_names *nm, int64_t i, const char *text, tw_error *err)
{
    tw_status st = TW_OK;
    const char *at = text, *end = text + strlen(text);
    word before = {0}, now;
    bool gap;
    while (next_word(&at, end, &now, &gap)) {
        if (now.told)
            TW_TRY(note(nm, i, WORD, key_of(WORD, now.folded, now.folded_len), now.form, now.len,
                        err));
        const size_t both = (size_t) (now.form + now.len - before.form);
        if (now.told && before.told && !gap && both < MAX_TERM) {
            uint64_t key = key_of(PAIR, before.folded, before.folded_len);
            key = tw_fnv1a(tw_fnv1a(key, " ", 1), now.folded, now.folded_len);
            TW_TRY(note(nm, i, PAIR, key, before.form, both, err));
        }
        before = now;
    }
done:
    return st;
}

/* Dates, links and prose are no names. */
static tw_status read_value(twi_names *nm, int64_t i, const char *value, tw_error *err)
{
    char folded[MAX_TERM + 4];
    size_t to = 0;
    const size_t len = value != NULL ? strlen(value) : 0;
    if (len == 0 || len >= MAX_TERM || strstr(value, "://") != NULL ||
        (value[0] >= '0' && value[0] <= '9'))
        return TW_OK;
    for (size_t at = 0, used; at < len && to + 4 < sizeof folded; at += used)
        to += tw_utf8_put(folded + to, tw_letter_fold(tw_utf8_next(value + at, len - at, &used)));
    return note(nm, i, VALUE, key_of(VALUE, folded, to), value, len, err);
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

/* ---- choosing ---------------------------------------------------------------------------------
 */

typedef struct candidate {
    int32_t term;
    int32_t here; /* items of the group that have it */
    double z;
} candidate;

/* A term in `here` of `size` items of the group and in `there` of the `rest`. */
static double telling(double here, double size, double there, double rest)
{
    const double alpha = PRIOR * (here + there) / (size + rest);
    const double in = log((here + alpha) / (size + PRIOR - here - alpha));
    const double out = log((there + alpha) / (rest + PRIOR - there - alpha));
    return (in - out) / sqrt(1 / (here + alpha) + 1 / (there + alpha));
}

static bool better(const candidate *a, const candidate *b)
{
    return a->z > b->z || (a->z >= b->z && a->term < b->term);
}

static void keep_best(candidate *best, int *n, candidate c)
{
    int at = CANDIDATES - 1;
    if (*n < CANDIDATES)
        at = (*n)++;
    else if (!better(&c, &best[at]))
        return;
    for (; at > 0 && better(&c, &best[at - 1]); at--)
        best[at] = best[at - 1];
    best[at] = c;
}

/* The best of one group's terms, most telling first. count (n_terms) is zero before and after. */
static int find_best(const twi_names *nm, int group, int64_t named, int32_t *count, candidate *best)
{
    int64_t size = 0;
    int n = 0;
    for (int64_t i = 0; i < nm->n; i++) {
        if (nm->cluster[i] != group)
            continue;
        size++;
        for (int64_t e = nm->begin[i]; e < nm->begin[i + 1]; e++)
            count[nm->list[e]]++;
    }
    for (int64_t i = 0; i < nm->n; i++) {
        if (nm->cluster[i] != group)
            continue;
        for (int64_t e = nm->begin[i]; e < nm->begin[i + 1]; e++) {
            const term *t = &nm->terms[nm->list[e]];
            candidate c = {.term = nm->list[e], .here = count[nm->list[e]]};
            const double least = (t->kind == VALUE ? VALUE_SHARE : WORD_SHARE) * (double) size;
            count[c.term] = 0;
            if (c.here < (size < LEAST_ITEMS ? size : LEAST_ITEMS) || c.here < least)
                continue;
            c.z = telling(c.here, (double) size, t->items - c.here, (double) (named - size));
            if (c.z >= LEAST_Z)
                keep_best(best, &n, c);
        }
    }
    return n;
}

/* Whether a and b have a word in common, in lower case. */
static bool share_word(const char *a, const char *b)
{
    const char *at = a, *end = a + strlen(a);
    word x, y;
    bool gap;
    while (next_word(&at, end, &x, &gap))
        for (const char *bt = b, *bend = b + strlen(b); next_word(&bt, bend, &y, &gap);)
            if (x.folded_len == y.folded_len && memcmp(x.folded, y.folded, x.folded_len) == 0)
                return true;
    return false;
}

/* "Trek" is said as "Star Trek" where most have both. */
static const candidate *said_in_full(const twi_names *nm, const candidate *best, int n,
                                     const candidate *c)
{
    if (nm->terms[c->term].kind != WORD)
        return c;
    for (int i = 0; i < n; i++)
        if (nm->terms[best[i].term].kind == PAIR && best[i].here >= PAIR_PART * c->here &&
            share_word(form_of(nm, &nm->terms[c->term]), form_of(nm, &nm->terms[best[i].term])))
            return &best[i];
    return c;
}

/* Writes up to `most` terms, none of which repeats a word of another, years last; returns how many.
 */
static int join(const twi_names *nm, const candidate *best, int n, int most,
                char name[TWI_NAME_MAX])
{
    const char *said[NAME_TERMS + 1];
    int terms = 0;
    size_t len = 0;
    for (int i = 0; i < n && terms < most && best[i].z >= LEAST_PART * best[0].z; i++) {
        const char *form = form_of(nm, &nm->terms[said_in_full(nm, best, n, &best[i])->term]);
        bool again = false;
        for (int s = 0; s < terms; s++)
            again = again || share_word(said[s], form);
        if (!again)
            said[terms++] = form;
    }
    name[0] = '\0';
    for (int years = 0; years < 2; years++)
        for (int s = 0; s < terms; s++)
            if ((said[s][0] >= '0' && said[s][0] <= '9') == (years == 1))
                len += (size_t) snprintf(name + len, TWI_NAME_MAX - len, "%s%s",
                                         len > 0 ? ", " : "", said[s]);
    return terms;
}

_Static_assert((NAME_TERMS + 1) * (MAX_TERM + 2) <= TWI_NAME_MAX, "a name fits");

static bool is_taken(char (*names)[TWI_NAME_MAX], int group)
{
    for (int c = 0; c < group; c++)
        if (strcmp(names[c], names[group]) == 0)
            return true;
    return false;
}

/* At least the number differs, should two groups be like the same title. */
static void name_group(const twi_names *nm, const candidate *best, int n, int group,
                       const char *like, char (*names)[TWI_NAME_MAX])
{
    char *name = names[group], plain[TWI_NAME_MAX];
    int terms = join(nm, best, n, NAME_TERMS, name);
    if (terms > 0 && is_taken(names, group))
        terms = join(nm, best, n, NAME_TERMS + 1, name);
    if (terms > 0 && !is_taken(names, group))
        return;
    (void) snprintf(plain, sizeof plain, "%.90s", name);
    (void) snprintf(name, TWI_NAME_MAX, terms > 0 ? "%s (like %.80s)" : "%slike %.80s", plain,
                    like);
    /* A title may be cut inside a character. */
    for (size_t len = strlen(name); len > 0 && !tw_utf8_valid(name, len); len--)
        name[len - 1] = '\0';
    if (is_taken(names, group))
        (void) snprintf(name, TWI_NAME_MAX, "%.90s (%d)", plain[0] != '\0' ? plain : "group",
                        group + 1);
}

tw_status twi_names_finish(twi_names *nm, const char *const *like, char (*names)[TWI_NAME_MAX],
                           tw_error *err)
{
    candidate best[CANDIDATES];
    int64_t named = 0;
    int32_t *count = tw_alloc((size_t) nm->n_terms, sizeof *count);
    if (count == NULL)
        return tw_fail(err, TW_ENOMEM, "%d terms", nm->n_terms);
    while (nm->read < nm->n)
        nm->begin[++nm->read] = nm->list_n;
    for (int64_t i = 0; i < nm->n; i++)
        named += nm->cluster[i] >= 0;
    for (int c = 0; c < nm->k; c++) {
        int n = find_best(nm, c, named, count, best);
        name_group(nm, best, n, c, like[c], names);
    }
    tw_free(count);
    return TW_OK;
}
