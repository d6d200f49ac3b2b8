/* Which terms of a group are its name: engine/cluster/cluster_names.h has the measure. */
#include "engine/cluster/cluster_names.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "engine/cluster/cluster_terms.h"

enum { NAME_TERMS = 3, CANDIDATES = 32 };
enum { LEAST_ITEMS = 3 }; /* that have a word before it names their group */

/* Chosen by looking at names of films (MovieLens-100K). */
#define PRIOR       10.0      /* items that the whole catalogue's shares count as */
#define LEAST_Z     2.0       /* a difference that chance seldom makes ... */
#define LEAST_PART  0.3       /* ... and this part of the best one's */
#define WORD_SHARE  0.08      /* of the group's items must have the word ... */
#define VALUE_SHARE 0.2       /* ... or the attribute's value */
#define MOST_DECADE (1.0 / 3) /* a decade of more of the catalogue is the usual one: no name */
#define PAIR_PART   0.6       /* two words stand for one that is with the other so often */

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

/* How often each term is met in one group; returns the group's size. */
static int64_t count_terms(const twi_names *nm, int group, int32_t *count)
{
    int64_t size = 0;
    for (int64_t i = 0; i < nm->n; i++) {
        if (nm->cluster[i] != group)
            continue;
        size++;
        for (int64_t e = nm->begin[i]; e < nm->begin[i + 1]; e++)
            count[nm->list[e]]++;
    }
    return size;
}

/* The best of one group's terms, most telling first. count (n_terms) is zero before and after. */
static int find_best(const twi_names *nm, int group, int64_t named, int32_t *count, candidate *best)
{
    const int64_t size = count_terms(nm, group, count);
    int n = 0;
    for (int64_t i = 0; i < nm->n; i++) {
        if (nm->cluster[i] != group)
            continue;
        for (int64_t e = nm->begin[i]; e < nm->begin[i + 1]; e++) {
            const twi_term *t = &nm->terms[nm->list[e]];
            candidate c = {.term = nm->list[e], .here = count[nm->list[e]]};
            const double least = (t->kind == TWI_VALUE ? VALUE_SHARE : WORD_SHARE) * (double) size;
            count[c.term] = 0;
            if (c.here < (size < LEAST_ITEMS ? size : LEAST_ITEMS) || c.here < least)
                continue;
            if (t->kind == TWI_DECADE && t->items > MOST_DECADE * (double) named)
                continue;
            c.z = telling(c.here, (double) size, t->items - c.here, (double) (named - size));
            if (c.z >= LEAST_Z)
                keep_best(best, &n, c);
        }
    }
    return n;
}

/* Whether two words say the same, in lower case: a year says what its decade says. */
static bool same_word(const twi_word *a, const twi_word *b)
{
    const bool number = a->folded[0] >= '0' && a->folded[0] <= '9' && a->folded_len >= 4;
    if (number && b->folded_len >= 4 && a->folded_len != b->folded_len)
        return memcmp(a->folded, b->folded, 3) == 0;
    return a->folded_len == b->folded_len && memcmp(a->folded, b->folded, a->folded_len) == 0;
}

/* Whether a and b have a word in common. */
static bool share_word(const char *a, const char *b)
{
    const char *at = a, *end = a + strlen(a);
    twi_word x, y;
    bool gap;
    while (twi_next_word(&at, end, &x, &gap)) {
        for (const char *bt = b, *bend = b + strlen(b); twi_next_word(&bt, bend, &y, &gap);)
            if (same_word(&x, &y))
                return true;
    }
    return false;
}

/* "Trek" is said as "Star Trek" where most have both. */
static const candidate *said_in_full(const twi_names *nm, const candidate *best, int n,
                                     const candidate *c)
{
    if (nm->terms[c->term].kind != TWI_WORD)
        return c;
    for (int i = 0; i < n; i++) {
        if (nm->terms[best[i].term].kind == TWI_PAIR && best[i].here >= PAIR_PART * c->here &&
            share_word(twi_term_form(nm, c->term), twi_term_form(nm, best[i].term)))
            return &best[i];
    }
    return c;
}

static bool is_year(const char *form) { return form[0] >= '0' && form[0] <= '9'; }

/* Words before years, years in order, words as they came. */
static bool comes_first(const char *form, const char *before)
{
    return is_year(before) && (!is_year(form) || strcmp(form, before) < 0);
}

/* Writes up to `most` terms, none of which repeats a word of another, years last and in order;
 * returns how many. */
static int join(const twi_names *nm, const candidate *best, int n, int most,
                char name[TWI_NAME_MAX])
{
    const char *said[NAME_TERMS + 1];
    int terms = 0;
    size_t len = 0;
    for (int i = 0; i < n && terms < most && best[i].z >= LEAST_PART * best[0].z; i++) {
        const char *form = twi_term_form(nm, said_in_full(nm, best, n, &best[i])->term);
        bool again = false;
        for (int s = 0; s < terms; s++)
            again = again || share_word(said[s], form);
        if (again)
            continue;
        int at = terms++;
        for (; at > 0 && comes_first(form, said[at - 1]); at--)
            said[at] = said[at - 1];
        said[at] = form;
    }
    name[0] = '\0';
    for (int s = 0; s < terms; s++)
        len +=
            (size_t) snprintf(name + len, TWI_NAME_MAX - len, "%s%s", s > 0 ? ", " : "", said[s]);
    return terms;
}

_Static_assert((NAME_TERMS + 1) * (TWI_MAX_TERM + 2) <= TWI_NAME_MAX, "a name fits");

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
    int32_t *count = tw_alloc((size_t) nm->keys.n, sizeof *count);
    if (count == NULL)
        return tw_fail(err, TW_ENOMEM, "%d terms", nm->keys.n);
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
