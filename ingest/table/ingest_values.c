/* One cell's text as a value. */
#include "ingest/table/ingest_values.h"

#include <string.h>
#include <strings.h>

#include "ingest/internal.h"

#define LIST_PART_MAX 64 /* "a|b" is a list only if its parts are short, like genres and tags */

static size_t digits(const char *s) { return strspn(s, "0123456789"); }

int twi_boolean(const char *s)
{
    return strcasecmp(s, "true") == 0 ? 1 : strcasecmp(s, "false") == 0 ? 0 : -1;
}

static bool is_word(const char *const *words, const char *s)
{
    while (*words != NULL && strcmp(*words, s) != 0)
        words++;
    return *words != NULL;
}

bool twi_is_missing(const char *s)
{
    static const char *const words[] = {"NULL", "null", "NaN", "nan",  "<NA>",   "<na>",   "#N/A",
                                        "\\N",  "NaT",  "#NA", "-nan", "(null)", "[NULL]", NULL};
    return is_word(words, s);
}

bool twi_may_be_missing(const char *s)
{
    static const char *const words[] = {
        "NA", "N/A", "n/a", "na",        "None",         "none",         "Null", "-",
        "--", "?",   ".",   "undefined", "\xe2\x80\x93", "\xe2\x80\x94", NULL};
    return twi_is_missing(s) || is_word(words, s);
}

bool twi_is_bar_list(const char *s)
{
    if (strchr(s, '|') == NULL)
        return false;
    for (;;) {
        size_t n = strcspn(s, "|");
        if (n == 0 || n > LIST_PART_MAX || s[0] == ' ' || s[n - 1] == ' ')
            return false;
        if (s[n] == '\0')
            return true;
        s += n + 1;
    }
}

bool twi_is_list_text(const char *s, size_t len)
{
    if (len < 2 || s[0] != '[' || s[len - 1] != ']')
        return false;
    json_t *list = json_loadb(s, len, JSON_REJECT_DUPLICATES, NULL);
    const bool good = json_is_array(list);
    json_decref(list);
    return good || twi_python_list(s, len, NULL, NULL) == TW_OK;
}

/* ---- the column ------------------------------------------------------------------------------ */

/* Digits in groups of three between `group`, as 1,234 and 1,234,567; *groups: how many marks. */
static size_t grouped(const char *s, char group, int *groups)
{
    size_t n = digits(s);
    *groups = 0;
    if (n == 0 || n > 3)
        return 0;
    while (s[n] == group && digits(s + n + 1) == 3) {
        n += 4;
        (*groups)++;
    }
    return *groups > 0 ? n : 0;
}

/* Whether s is digits and nothing behind them. */
static bool ends_in_digits(const char *s) { return s[digits(s)] == '\0'; }

/* 4,5, 1.234,56 or 1.234.567; s has no sign. */
static bool has_decimal_comma(const char *s)
{
    int points;
    const size_t n = grouped(s, '.', &points), whole = n > 0 ? n : digits(s);
    if (n > 0 && s[n] == '\0')
        return points > 1;
    return whole > 0 && s[whole] == ',' && s[whole + 1] != '\0' && ends_in_digits(s + whole + 1);
}

/* Counts a number that JSON would not take; false: it is none. */
static bool add_marked(twi_type_sample *t, const char *s)
{
    int marks;
    s += *s == '-' || *s == '+';
    const size_t n = grouped(s, ',', &marks);
    if (n > 0 && s[n] == '\0') {
        t->groups += marks > 1;
        t->either += marks == 1;
        return true;
    }
    const bool group = n > 0 && s[n] == '.' && ends_in_digits(s + n + 1);
    const bool comma = !group && has_decimal_comma(s);
    t->groups += group;
    t->commas += comma;
    return group || comma;
}

static bool add_number(twi_type_sample *t, const char *s)
{
    const char *number = s + (*s == '-'), *point = strchr(s, '.');
    const size_t n = digits(number);
    if (twi_is_json_number(s)) {
        t->plain++;
        t->points += point != NULL && strcspn(point + 1, "eE") != 3;
        return true;
    }
    if (n > 0 && number[n] == '\0') {
        t->codes++;
        return true;
    }
    return add_marked(t, s);
}

/* Whether all parts between marks are short; *several tells that there is more than one. */
static bool has_short_parts(const char *s, char mark, bool *several)
{
    const char marks[2] = {mark, '\0'};
    *several = false;
    for (;;) {
        size_t n = strcspn(s, marks);
        if (n == 0 || n > LIST_PART_MAX)
            return false;
        if (s[n] == '\0')
            return true;
        *several = true;
        s += n + 1;
    }
}

static void add_parts(twi_type_sample *t, const char *s, size_t len)
{
    bool commas, semis;
    const bool bars = twi_is_bar_list(s), by_comma = has_short_parts(s, ',', &commas),
               by_semi = has_short_parts(s, ';', &semis);
    t->bars += bars;
    t->parts += bars || (len <= LIST_PART_MAX && strchr(s, '|') == NULL);
    t->comma_lists += by_comma && commas;
    t->semi_lists += by_semi && semis;
    t->shorts += by_comma || by_semi;
}

void twi_type_add(twi_type_sample *t, const char *s, size_t len)
{
    if (len == 0 || twi_is_missing(s))
        return;
    t->filled++;
    if (twi_may_be_missing(s))
        t->none++;
    else if (!add_number(t, s))
        t->booleans += twi_boolean(s) >= 0;
    if (s[0] == '[')
        t->texts += twi_is_list_text(s, len);
    add_parts(t, s, len);
}

twi_number_style twi_number_style_of(const twi_type_sample *t)
{
    if (t->commas > 0)
        return TWI_NUMBER_COMMA;
    return t->groups > 0 || (t->either > 0 && t->points > 0) ? TWI_NUMBER_GROUPED
                                                             : TWI_NUMBER_POINT;
}

/* All that are values are numbers of one style, but for one in twenty. */
static bool are_numbers(const twi_type_sample *t)
{
    const int64_t marked = t->commas + t->groups + t->either;
    const bool two = (t->commas > 0 && (t->groups > 0 || t->points > 0)) ||
                     (t->either > 0 && twi_number_style_of(t) == TWI_NUMBER_POINT);
    return !two && t->codes == 0 && t->plain + marked > 0 &&
           (t->plain + marked) * 20 >= (t->filled - t->none) * 19;
}

/* Names of columns whose cells are lists even where each has one part. */
static bool is_list_name(const char *name)
{
    static const char *const names[] = {"genres",     "genre",  "tags",   "keywords",
                                        "categories", "topics", "themes", "subjects",
                                        "styles",     "moods",  NULL};
    for (int i = 0; names[i] != NULL; i++) {
        if (strcasecmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

twi_type twi_list_by_name(const char *name, const char *s)
{
    const size_t n = strlen(name);
    bool several;
    if (!is_list_name(name) || (name[n - 1] != 's' && name[n - 1] != 'S'))
        return TWI_STRING;
    if (twi_is_bar_list(s))
        return TWI_LIST_BAR;
    if (has_short_parts(s, ';', &several) && several)
        return TWI_LIST_SEMI;
    return has_short_parts(s, ',', &several) ? TWI_LIST_COMMA : TWI_STRING;
}

/* One list in fifty is enough, where all others can be one part of such. */
static bool are_lists(const twi_type_sample *t, int64_t lists, int64_t parts)
{
    return lists > 0 && lists * 50 >= t->filled && parts == t->filled;
}

twi_type twi_type_decide(const twi_type_sample *t, const char *name, twi_number_style *style)
{
    *style = TWI_NUMBER_POINT;
    if (t->filled == 0)
        return TWI_GUESS;
    if (are_numbers(t)) {
        *style = twi_number_style_of(t);
        return TWI_NUMBER;
    }
    if (t->booleans > 0 && t->booleans + t->none == t->filled)
        return TWI_BOOLEAN;
    if (t->texts == t->filled)
        return TWI_LIST_JSON;
    if (are_lists(t, t->bars, t->parts))
        return TWI_LIST_BAR;
    if (!is_list_name(name))
        return TWI_STRING;
    if (are_lists(t, t->semi_lists, t->shorts))
        return TWI_LIST_SEMI;
    if (are_lists(t, t->comma_lists, t->shorts))
        return TWI_LIST_COMMA;
    return t->parts == t->filled && name[strlen(name) - 1] == 's' ? TWI_LIST_BAR : TWI_STRING;
}
