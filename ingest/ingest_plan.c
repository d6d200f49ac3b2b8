/* Which column is what: explicit mapping first, then well-known names, then (for titles) any name
 * that holds "title". What has no role becomes an attribute of an item and is ignored elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "ingest/internal.h"

#define NAMES_MAX ((size_t) TW_INGEST_MAX_LINE * 2)

static const char *const role_names[TWI_ROLES] = {
    "id",     "title", "text", "image", "audio",  "user",     "item",     "time",
    "rating", "a",     "b",    "label", "anchor", "positive", "negative",
};

/* The names that say what a column is, best first, without case, '_', '-', '.' and spaces. */
static const char *const aliases[TWI_ROLES] = {
    [TWI_ID] =
        "id itemid movieid productid asin parentasin sku trackid songid bookid isbn item iid",
    [TWI_TITLE] = "title name movietitle itemtitle producttitle productname",
    [TWI_TEXT] = "text description overview summary abstract plot body",
    [TWI_IMAGE] = "image imagepath imagefile image",
    [TWI_AUDIO] = "audio audiopath audiofile audio",
    [TWI_USER] = "user userid uid customerid reviewerid visitorid sessionid",
    [TWI_ITEM] =
        "item iid itemid movieid productid asin parentasin sku trackid songid bookid isbn id",
    [TWI_TIME] = "timestamp time ts datetime date unixtime eventtime unixreviewtime",
    [TWI_RATING] = "rating stars score overall",
    [TWI_A] = "a itema ida item1 id1 left first leftid ltableid",
    [TWI_B] = "b itemb idb item2 id2 right second rightid rtableid",
    [TWI_LABEL] = "label score similar similarity match",
    [TWI_ANCHOR] = "anchor anchorid a query",
    [TWI_POSITIVE] = "positive positiveid pos p",
    [TWI_NEGATIVE] = "negative negativeid neg n",
};

static const struct {
    twi_role first, last, needed_until;
} kinds[] = {
    [TW_INGEST_ITEMS] = {TWI_ID, TWI_AUDIO, TWI_ID},
    [TW_INGEST_EVENTS] = {TWI_USER, TWI_RATING, TWI_ITEM},
    [TW_INGEST_PAIRS] = {TWI_A, TWI_LABEL, TWI_B},
    [TW_INGEST_TRIPLETS] = {TWI_ANCHOR, TWI_NEGATIVE, TWI_NEGATIVE},
};

static const struct {
    const char *suffix;
    twi_type type;
} types[] = {
    {"token", TWI_TOKEN},     {"token_seq", TWI_LIST_SPACE},  {"float", TWI_NUMBER},
    {"string", TWI_STRING},   {"float_seq", TWI_LIST_NUMBER}, {"number", TWI_NUMBER},
    {"boolean", TWI_BOOLEAN}, {"list", TWI_LIST_BAR},
};

const char *twi_role_name(twi_role role) { return role_names[role]; }

static tw_status find_field(tw_ingest_kind kind, const char *field, twi_role *out, tw_error *err)
{
    for (twi_role r = kinds[kind].first; r <= kinds[kind].last; r++) {
        if (strcmp(field, role_names[r]) == 0) {
            *out = r;
            return TW_OK;
        }
    }
    char q[TWI_QUOTE_MAX];
    return tw_fail(err, TW_EINVAL, "%s have no field %s (they have %s to %s)",
                   tw_ingest_kind_name(kind), twi_quote(q, field, strlen(field)),
                   role_names[kinds[kind].first], role_names[kinds[kind].last]);
}

tw_status twi_plan_init(twi_plan *p, tw_ingest_kind kind, const tw_reader_options *opt,
                        tw_error *err)
{
    tw_status st = TW_OK;

    *p = (twi_plan){.kind = kind};
    tw_text_init(&p->names, NAMES_MAX);
    if ((opt->title_template != NULL || opt->text_template != NULL) && kind != TW_INGEST_ITEMS)
        return tw_fail(err, TW_EINVAL, "%s have no title and text to make from a template",
                       tw_ingest_kind_name(kind));
    if (opt->title_template != NULL)
        TW_TRY(twi_template_parse(&p->title, opt->title_template, err));
    if (opt->text_template != NULL)
        TW_TRY(twi_template_parse(&p->text, opt->text_template, err));
    for (int i = 0; i < opt->n_columns; i++) {
        twi_role role = TWI_ID;
        TW_TRY(find_field(kind, opt->columns[i].field, &role, err));
        tw_free(p->mapped[role]);
        p->mapped[role] = tw_strdup(opt->columns[i].column);
        if (p->mapped[role] == NULL)
            TW_TRY(tw_fail(err, TW_ENOMEM, "no memory for a column name"));
    }
done:
    if (st != TW_OK)
        twi_plan_fini(p);
    return st;
}

void twi_plan_fini(twi_plan *p)
{
    for (int i = 0; i < TWI_ROLES; i++)
        tw_free(p->mapped[i]);
    tw_text_fini(&p->names);
    tw_free(p->columns);
    twi_template_fini(&p->title);
    twi_template_fini(&p->text);
    *p = (twi_plan){.n = 0};
}

tw_status twi_plan_reserve(twi_plan *p, int n, tw_error *err)
{
    if (n > TW_INGEST_MAX_COLUMNS)
        return tw_fail(err, TW_EINVAL, "there are more than %d columns", TW_INGEST_MAX_COLUMNS);
    return tw_grow(&p->columns, &p->room, (size_t) n, "columns", err);
}

/* The names move when their text grows, so they are placed again from the first. */
static void place_names(twi_plan *p)
{
    const char *name = tw_text_cstr(&p->names);
    for (int i = 0; i < p->n; i++) {
        p->columns[i].name = name;
        name += strlen(name) + 1;
    }
}

tw_status twi_plan_add(twi_plan *p, const char *name, size_t len, twi_type type, tw_error *err)
{
    const char *before = p->names.data;
    const size_t at = p->names.len;

    tw_status st = twi_plan_reserve(p, p->n + 1, err);
    if (st == TW_OK)
        st = tw_text_add(&p->names, name, len, err);
    if (st == TW_OK)
        st = tw_text_add(&p->names, "", 1, err);
    if (st != TW_OK)
        return st;
    p->columns[p->n++] = (twi_column){p->names.data + at, TWI_IGNORED, type};
    if (p->names.data != before)
        place_names(p);
    return TW_OK;
}

tw_status twi_plan_add_typed(twi_plan *p, const char *name, size_t len, bool *typed, tw_error *err)
{
    *typed = false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const size_t n = strlen(types[i].suffix);
        if (len > n && name[len - n - 1] == ':' &&
            memcmp(name + len - n, types[i].suffix, n) == 0) {
            *typed = true;
            return twi_plan_add(p, name, len - n - 1, types[i].type, err);
        }
    }
    return twi_plan_add(p, name, len, TWI_GUESS, err);
}

/* True when name, without case and separators, is key[0, len) (or holds it). */
static bool is_called(const char *name, const char *key, size_t len, bool anywhere)
{
    char plain[64];
    size_t n = 0;
    for (; *name != '\0'; name++) {
        if (strchr("_-. ", *name) != NULL)
            continue;
        if (n + 1 == sizeof plain)
            return false; /* no key is so long */
        plain[n++] = (char) (*name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name);
    }
    plain[n] = '\0';
    if (anywhere)
        return strstr(plain, key) != NULL;
    return n == len && memcmp(plain, key, len) == 0;
}

static int find_exact(const twi_plan *p, const char *name)
{
    for (int i = 0; i < p->n; i++) {
        if (strcmp(p->columns[i].name, name) == 0)
            return i;
    }
    return -1;
}

static int find_free(const twi_plan *p, const char *key, size_t len, bool anywhere)
{
    for (int i = 0; i < p->n; i++) {
        if (p->columns[i].role >= TWI_ROLES && is_called(p->columns[i].name, key, len, anywhere))
            return i;
    }
    return -1;
}

static int find_alias(const twi_plan *p, twi_role role)
{
    int at = -1;
    const char *key = aliases[role];
    while (at < 0 && *key != '\0') {
        size_t len = strcspn(key, " ");
        at = find_free(p, key, len, false);
        key += len + (key[len] == ' ');
    }
    if (at < 0 && role == TWI_TITLE)
        at = find_free(p, "title", 5, true);
    return at;
}

/* "a, b, c and 4 more": what a message says a file has. */
static void list_columns(const twi_plan *p, char out[300])
{
    size_t len = 0;
    (void) snprintf(out, 300, "%s", p->n > 0 ? "" : "nothing");
    for (int i = 0; i < p->n; i++) {
        char q[TWI_QUOTE_MAX];
        const char *name = twi_quote(q, p->columns[i].name, strlen(p->columns[i].name));
        int left = p->n - i;
        int n = len + strlen(name) + 24 < 300
                    ? snprintf(out + len, 300 - len, "%s%s", i > 0 ? ", " : "", name)
                    : snprintf(out + len, 300 - len, " and %d more", left);
        if (n < 0 || len + strlen(name) + 24 >= 300)
            return;
        len += (size_t) n;
    }
}

static tw_status missing(const twi_plan *p, const char *whose, const char *what, const char *name,
                         tw_error *err)
{
    char q[TWI_QUOTE_MAX], list[300];
    bool number = false;
    double value;
    list_columns(p, list);
    for (int i = 0; i < p->n; i++)
        number = number || tw_parse_f64(p->columns[i].name, &value);
    return tw_fail(err, TW_EINVAL, "%.110s has no %s%s; it has %s%s", whose, what,
                   twi_quote(q, name, strlen(name)), list,
                   number ? "; is the header line missing?" : "");
}

static tw_status resolve_template(twi_plan *p, twi_template *t, bool strict, const char *whose,
                                  tw_error *err)
{
    int known = 0, wanted = 0;
    const char *first = NULL;

    for (int i = 0; i < t->n; i++) {
        twi_part *part = &t->parts[i];
        if (part->column == TWI_LITERAL)
            continue;
        const char *name = t->text.data + part->from; /* NUL-terminated by the parser */
        part->column = find_exact(p, name);
        known += part->column >= 0;
        wanted++;
        if (part->column < 0 && first == NULL)
            first = name;
    }
    if (first != NULL && (strict || (known == 0 && wanted > 0)))
        return missing(p, whose, "column for the template's part ", first, err);
    return TW_OK;
}

static tw_status check_columns(const twi_plan *p, const char *whose, tw_error *err)
{
    const int id = p->at[TWI_ID];
    for (int i = 0; i < p->n; i++) {
        const char *name = p->columns[i].name;
        if (name[0] != '\0' && find_exact(p, name) != i) {
            char q[TWI_QUOTE_MAX];
            return tw_fail(err, TW_EINVAL, "%.200s has the column %s twice", whose,
                           twi_quote(q, name, strlen(name)));
        }
    }
    /* A catalogue has no users: a file of user ids and item ids is a log of events. */
    if (p->kind != TW_INGEST_ITEMS || id < 0 || p->mapped[TWI_ID] != NULL ||
        is_called(p->columns[id].name, "id", 2, false) || find_alias(p, TWI_USER) < 0)
        return TW_OK;
    return tw_fail(err, TW_EINVAL,
                   "%.200s has the columns '%.60s' and '%.60s', so these are events, not items",
                   whose, p->columns[find_alias(p, TWI_USER)].name, p->columns[id].name);
}

/* What the caller mapped is taken first, so that no alias claims it. */
static tw_status resolve_mapped(twi_plan *p, bool strict, const char *whose, tw_error *err)
{
    for (twi_role r = kinds[p->kind].first; r <= kinds[p->kind].last; r++) {
        if (p->mapped[r] == NULL)
            continue;
        p->at[r] = find_exact(p, p->mapped[r]);
        if (p->at[r] >= 0)
            p->columns[p->at[r]].role = r;
        else if (strict || r <= kinds[p->kind].needed_until)
            return missing(p, whose, "column ", p->mapped[r], err);
    }
    return TW_OK;
}

static tw_status resolve_aliases(twi_plan *p, const char *whose, tw_error *err)
{
    for (twi_role r = kinds[p->kind].first; r <= kinds[p->kind].last; r++) {
        if (p->mapped[r] != NULL)
            continue;
        p->at[r] = find_alias(p, r);
        if (p->at[r] >= 0)
            p->columns[p->at[r]].role = r;
        else if (r <= kinds[p->kind].needed_until)
            return missing(p, whose, "column for the field ", role_names[r], err);
    }
    return TW_OK;
}

tw_status twi_plan_resolve(twi_plan *p, bool strict, const char *whose, tw_error *err)
{
    for (int i = 0; i < p->n; i++)
        p->columns[i].role = p->columns[i].name[0] == '\0' ? TWI_IGNORED : TWI_ATTRIBUTE;
    for (int r = 0; r < TWI_ROLES; r++)
        p->at[r] = -1;
    tw_status st = resolve_mapped(p, strict, whose, err);
    if (st == TW_OK)
        st = resolve_aliases(p, whose, err);
    if (st == TW_OK && strict)
        st = check_columns(p, whose, err);
    if (st == TW_OK)
        st = resolve_template(p, &p->title, strict, whose, err);
    return st == TW_OK ? resolve_template(p, &p->text, strict, whose, err) : st;
}
