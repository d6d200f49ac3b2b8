/* Which column is what: explicit mapping first, then the best name by ingest_names.c. What has no
 * role becomes an attribute of an item and is ignored elsewhere. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "ingest/internal.h"

#define FOR_FIELD "column for the field "
#define NAMES_MAX ((size_t) TW_INGEST_MAX_LINE * 2)

static const char *const role_names[TWI_ROLES] = {
    "id",     "title", "text", "image", "audio",  "user",     "item",     "time",
    "rating", "a",     "b",    "label", "anchor", "positive", "negative",
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

void twi_roles_of(tw_ingest_kind kind, twi_role *first, twi_role *last)
{
    *first = kinds[kind].first;
    *last = kinds[kind].last;
}

twi_role twi_last_needed(tw_ingest_kind kind) { return kinds[kind].needed_until; }

static tw_status find_field(tw_ingest_kind kind, const char *field, twi_role *out, tw_error *err)
{
    for (twi_role r = kinds[kind].first; r <= kinds[kind].last; r++) {
        if (strcmp(field, role_names[r]) == 0) {
            *out = r;
            return TW_OK;
        }
    }
    char q[TWI_QUOTE_MAX], list[80];
    size_t len = 0;
    for (twi_role r = kinds[kind].first; r <= kinds[kind].last; r++)
        len += (size_t) snprintf(list + len, sizeof list - len, "%s%s", len > 0 ? ", " : "",
                                 role_names[r]); /* all of a kind's fit */
    return tw_fail(err, TW_EINVAL, "%s have no field %s; they have %s", tw_ingest_kind_name(kind),
                   twi_quote(q, field, strlen(field)), list);
}

tw_status twi_plan_init(twi_plan *p, tw_ingest_kind kind, const tw_reader_options *opt,
                        tw_error *err)
{
    tw_status st = TW_OK;

    *p = (twi_plan){.kind = kind, .guess_time = true};
    for (int r = 0; r < TWI_ROLES; r++)
        p->at[r] = -1;
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
    p->columns[p->n++] =
        (twi_column){.name = p->names.data + at, .role = TWI_IGNORED, .type = type};
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
            tw_status st = twi_plan_add(p, name, len - n - 1, types[i].type, err);
            if (st == TW_OK)
                p->columns[p->n - 1].typed = true;
            return st;
        }
    }
    return twi_plan_add(p, name, len, TWI_GUESS, err);
}

static int find_exact(const twi_plan *p, const char *name)
{
    for (int i = 0; i < p->n; i++) {
        if (strcmp(p->columns[i].name, name) == 0)
            return i;
    }
    return -1;
}

/* The column whose name says best that it is the role; *tie is another that says it as well. */
static int find_best(const twi_plan *p, twi_role role, int *score, int *tie)
{
    int at = -1;
    *score = 0;
    *tie = -1;
    for (int i = 0; i < p->n; i++) {
        if (p->columns[i].role < TWI_ROLES)
            continue;
        int one = twi_name_score(role, p->columns[i].name);
        if (role == TWI_TIME && !p->guess_time && one < TWI_SCORE_GUESSED)
            one = 0;
        if (one > *score) {
            *score = one;
            *tie = -1;
            at = i;
        } else if (one > 0 && one == *score) {
            *tie = i;
        }
    }
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

/* Names of columns are neither numbers nor times. */
static bool is_value(const char *name)
{
    double number;
    int64_t us;
    return tw_parse_f64(name, &number) || tw_ingest_parse_time(name, true, &us, NULL) == TW_OK;
}

static tw_status missing(const twi_plan *p, const char *whose, const char *what, const char *name,
                         tw_error *err)
{
    char q[TWI_QUOTE_MAX], list[300], hint[80] = "";
    const bool field = strcmp(what, FOR_FIELD) == 0 && strcmp(whose, TWI_A_ROW) != 0 &&
                       (p->kind == TW_INGEST_ITEMS || p->kind == TW_INGEST_EVENTS);
    bool number = false;
    list_columns(p, list);
    for (int i = 0; i < p->n; i++)
        number = number || is_value(p->columns[i].name);
    if (number) {
        (void) snprintf(hint, sizeof hint, "%s",
                        "; is the header line missing? then name its columns with --header");
    } else if (field) {
        (void) snprintf(hint, sizeof hint, "; if one of them is, say --columns %s=NAME", name);
    }
    return tw_fail(err, TW_EINVAL, "%.110s has no %s%s; it has %s%s", whose, what,
                   twi_quote(q, name, strlen(name)), list, hint);
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
    int score, tie;
    for (int i = 0; i < p->n; i++) {
        const char *name = p->columns[i].name;
        if (name[0] != '\0' && find_exact(p, name) != i) {
            char q[TWI_QUOTE_MAX];
            return tw_fail(err, TW_EINVAL, "%.200s has the column %s twice", whose,
                           twi_quote(q, name, strlen(name)));
        }
    }
    /* A catalogue has no users: a file of user ids and item ids is a log of events. */
    const int user = find_best(p, TWI_USER, &score, &tie);
    if (p->kind != TW_INGEST_ITEMS || id < 0 || p->mapped[TWI_ID] != NULL ||
        score < TWI_SCORE_SURE || strcasecmp(p->columns[id].name, "id") == 0)
        return TW_OK;
    return tw_fail(err, TW_EINVAL,
                   "%.200s has the columns '%.60s' and '%.60s', so these are events, not items",
                   whose, p->columns[user].name, p->columns[id].name);
}

/* What the caller mapped is taken first, so that no alias claims it. */
static tw_status resolve_mapped(twi_plan *p, bool strict, const char *whose, tw_error *err)
{
    for (twi_role r = kinds[p->kind].first; r <= kinds[p->kind].last; r++) {
        if (p->mapped[r] == NULL || (p->mapped[r][0] == '\0' && r > kinds[p->kind].needed_until))
            continue; /* not mapped, or switched off */
        p->at[r] = find_exact(p, p->mapped[r]);
        p->score[r] = TWI_SCORE_KNOWN;
        if (p->at[r] >= 0)
            p->columns[p->at[r]].role = r;
        else if (strict || r <= kinds[p->kind].needed_until)
            return missing(p, whose, "column ", p->mapped[r], err);
    }
    return TW_OK;
}

static tw_status two_fit(const twi_plan *p, const char *whose, twi_role role, int a, int b,
                         tw_error *err)
{
    char q[TWI_QUOTE_MAX], q2[TWI_QUOTE_MAX];
    const char *name = p->columns[a].name, *other = p->columns[b].name;
    return tw_fail(err, TW_EINVAL,
                   "%.110s has two columns that could be the %s, %s and %s; say "
                   "--columns %s=%.60s or %s=%.60s",
                   whose, role_names[role], twi_quote(q, name, strlen(name)),
                   twi_quote(q2, other, strlen(other)), role_names[role], name, role_names[role],
                   other);
}

static tw_status resolve_role(twi_plan *p, twi_role r, const char *whose, tw_error *err)
{
    int tie;
    p->at[r] = find_best(p, r, &p->score[r], &tie);
    if (r <= kinds[p->kind].needed_until && p->at[r] < 0)
        return missing(p, whose, FOR_FIELD, role_names[r], err);
    if (p->at[r] < 0)
        return TW_OK;
    if (tie >= 0 && (r <= kinds[p->kind].needed_until || r == TWI_TIME))
        return two_fit(p, whose, r, p->at[r], tie, err);
    p->columns[p->at[r]].role = r;
    return TW_OK;
}

static tw_status resolve_names(twi_plan *p, const char *whose, tw_error *err)
{
    tw_status st = TW_OK;
    for (twi_role r = kinds[p->kind].first; r <= kinds[p->kind].last && st == TW_OK; r++) {
        if (p->mapped[r] == NULL)
            st = resolve_role(p, r, whose, err);
    }
    return st;
}

bool twi_plan_other_time(twi_plan *p, int *before)
{
    int tie, score;
    const int at = p->mapped[TWI_TIME] == NULL ? find_best(p, TWI_TIME, &score, &tie) : -1;
    *before = p->at[TWI_TIME];
    if (at < 0 || tie >= 0)
        return false;
    p->columns[*before].role = TWI_IGNORED;
    p->columns[at].role = TWI_TIME;
    p->at[TWI_TIME] = at;
    p->score[TWI_TIME] = score;
    return true;
}

tw_status twi_plan_resolve(twi_plan *p, bool strict, const char *whose, tw_error *err)
{
    for (int i = 0; i < p->n; i++)
        p->columns[i].role = p->columns[i].name[0] == '\0' ? TWI_IGNORED : TWI_ATTRIBUTE;
    for (int r = 0; r < TWI_ROLES; r++)
        p->at[r] = -1;
    tw_status st = resolve_mapped(p, strict, whose, err);
    if (st == TW_OK)
        st = resolve_names(p, whose, err);
    if (st == TW_OK && strict)
        st = check_columns(p, whose, err);
    if (st == TW_OK)
        st = resolve_template(p, &p->title, strict, whose, err);
    return st == TW_OK ? resolve_template(p, &p->text, strict, whose, err) : st;
}
