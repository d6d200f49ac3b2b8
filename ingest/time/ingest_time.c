/* One time as it is written: a number, or a date in the forms that programs and people write.
 *
 * 2024-05-01, 2024/5/1, 20240501, 01.05.2024, 10/31/24, 31-Oct-2024, 31/Oct/2024, Oct 31, 2024,
 * Thu, 31 Oct 2024; behind it a clock (21:30, 9:30:00.25 PM, T213000) and a zone (Z, UTC, -05,
 * +0000, GMT+01:00, EST). The year may stand last, as ctime writes it. What day and month are in
 * 01/05/2024 the value does not say: that is left to its column.
 */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "ingest/time/ingest_time.h"

/* ---- characters ------------------------------------------------------------------------------ */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static size_t count_digits(const char *s)
{
    size_t n = 0;
    while (is_digit(s[n]))
        n++;
    return n;
}

/* A number of least to most digits at *s, stepping behind it; -1 where there is none. */
static int64_t take_number(const char **s, size_t least, size_t most)
{
    const size_t n = count_digits(*s);
    int64_t value = 0;
    if (n < least || n > most)
        return -1;
    for (size_t i = 0; i < n; i++, (*s)++)
        value = value * 10 + (**s - '0');
    return value;
}

/* The number that the next n characters are, which were seen to be digits. */
static int64_t take_digits(const char **s, size_t n)
{
    int64_t value = 0;
    for (size_t i = 0; i < n; i++, (*s)++)
        value = value * 10 + (**s - '0');
    return value;
}

static bool take_char(const char **s, const char *set)
{
    if (**s == '\0' || strchr(set, **s) == NULL)
        return false;
    (*s)++;
    return true;
}

/* Spaces, also the narrow one that browsers put before PM. */
static bool take_spaces(const char **s)
{
    const char *from = *s;
    for (;;) {
        if (**s == ' ' || **s == '\t')
            (*s)++;
        else if (strncmp(*s, "\xe2\x80\xaf", 3) == 0)
            *s += 3;
        else if (strncmp(*s, "\xc2\xa0", 2) == 0)
            *s += 2;
        else
            return *s != from;
    }
}

/* Steps over the word where the letters at *s are exactly it, whatever their case. */
static bool take_word(const char **s, const char *word)
{
    size_t n = 0;
    for (; word[n] != '\0'; n++) {
        if (((*s)[n] | 0x20) != word[n])
            return false;
    }
    if (is_letter((*s)[n]))
        return false;
    *s += n;
    return true;
}

/* The word at *s as an index into names that are known by three letters or more; -1: none. */
static int take_name(const char **s, const char *const *names, int n)
{
    size_t len = 0;
    while (is_letter((*s)[len]))
        len++;
    for (int i = 0; i < n && len >= 3; i++) {
        size_t same = 0;
        while (same < len && names[i][same] == ((*s)[same] | 0x20))
            same++;
        if (same == len) {
            *s += len;
            return i;
        }
    }
    return -1;
}

static int64_t take_month(const char **s)
{
    static const char *const months[] = {"january",   "february", "march",    "april",
                                         "may",       "june",     "july",     "august",
                                         "september", "october",  "november", "december"};
    const char *at = *s;
    int i = take_name(&at, months, 12);
    if (i < 0 && take_word(&at, "sept"))
        i = 8;
    if (i < 0)
        return -1;
    (void) take_char(&at, ".");
    *s = at;
    return i + 1;
}

static void skip_weekday(const char **s)
{
    static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
    if (take_name(s, days, 7) < 0)
        return;
    (void) take_char(s, ".");
    (void) take_char(s, ",");
    (void) take_spaces(s);
}

/* ---- dates ----------------------------------------------------------------------------------- */

/* Two digits are 1969 to 2068, as POSIX reads them. */
static int64_t take_year(const char **s)
{
    const size_t n = count_digits(*s);
    if (n == 4)
        return take_digits(s, 4);
    if (n != 2)
        return -1;
    const int64_t year = take_digits(s, 2);
    return year + (year < 69 ? 2000 : 1900);
}

/* "2024-05-01", "2024/5/1", "2024.05.01", "2024-May-01" */
static bool year_first(const char **s, twi_time_value *v)
{
    v->year = take_digits(s, 4);
    const char sep[2] = {**s, '\0'};
    if (!take_char(s, "-/."))
        return false;
    v->a = is_letter(**s) ? take_month(s) : take_number(s, 1, 2);
    if (!take_char(s, sep))
        return false;
    v->b = take_number(s, 1, 2);
    return v->a >= 0 && v->b >= 0;
}

/* "20240501" of a value with a clock, for without one it is a number. */
static bool year_digits(const char **s, twi_time_value *v)
{
    v->year = take_digits(s, 4);
    v->a = take_digits(s, 2);
    v->b = take_digits(s, 2);
    return **s == 'T' || **s == 't' || **s == ' ';
}

/* "01/05/2024", "1.5.2024", "10-31-24", "09 13, 2009"; "31 Oct 2024", "31-Oct-2024" */
static bool year_last(const char **s, twi_time_value *v)
{
    const int64_t first = take_number(s, 1, 2);
    const char sep[2] = {**s, '\0'};
    if (!take_char(s, "-/. "))
        return false;
    (void) take_spaces(s);
    if (is_letter(**s)) {
        v->a = take_month(s);
        v->b = first;
        (void) take_char(s, ",");
        if (!take_char(s, sep) || v->a < 0)
            return false;
    } else {
        v->a = first;
        v->b = take_number(s, 1, 2);
        v->open = true;
        if (v->b < 0 || (sep[0] == ' ' && !take_char(s, ",")) || !take_char(s, sep))
            return false;
        if (sep[0] == '.') { /* nobody writes the month first with dots */
            v->a = v->b;
            v->b = first;
            v->open = false;
        }
    }
    v->year = take_year(s);
    return v->year >= 0;
}

/* "Oct 31, 2024", "October 31 2024"; "Oct 31" of ctime, whose year stands last */
static bool month_first(const char **s, twi_time_value *v)
{
    v->a = take_month(s);
    if (v->a < 0 || !take_spaces(s))
        return false;
    v->b = take_number(s, 1, 2);
    if (v->b < 0)
        return false;
    const char *at = *s;
    (void) take_char(&at, ",");
    (void) take_spaces(&at);
    if (count_digits(at) != 4)
        return true;
    v->year = take_digits(&at, 4);
    *s = at;
    return true;
}

static bool take_date(const char **s, twi_time_value *v)
{
    const size_t n = count_digits(*s);
    v->year = -1;
    if (n == 8)
        return year_digits(s, v);
    if (n == 4)
        return year_first(s, v);
    return n > 0 ? n <= 2 && year_last(s, v) : month_first(s, v);
}

/* ---- clock and zone -------------------------------------------------------------------------- */

/* ".25", ",250000000": microseconds, the rest being cut off. */
static bool take_fraction(const char **s, int64_t *micros)
{
    const size_t n = count_digits(*s);
    *micros = 0;
    for (size_t i = 0; i < 6; i++)
        *micros = *micros * 10 + (i < n ? (*s)[i] - '0' : 0);
    *s += n;
    return n > 0;
}

/* "", " PM", "am", "p.m." */
static bool take_half(const char **s, int64_t *hour)
{
    const char *at = *s;
    (void) take_spaces(&at);
    const bool pm = *at == 'p' || *at == 'P';
    if (!take_char(&at, "aApP"))
        return true;
    (void) take_char(&at, ".");
    if (!take_char(&at, "mM"))
        return true; /* another word, perhaps a zone */
    (void) take_char(&at, ".");
    if (is_letter(*at))
        return true;
    if (*hour < 1 || *hour > 12)
        return false;
    *hour = *hour % 12 + (pm ? 12 : 0);
    *s = at;
    return true;
}

/* "12:30", "9:30:05.25 PM", "123005" */
static bool take_clock(const char **s, twi_time_value *v)
{
    const size_t n = count_digits(*s);
    const bool compact = n == 4 || n == 6;
    int64_t second = 0, micros = 0;

    if (!compact && (n < 1 || n > 2))
        return false;
    int64_t hour = take_digits(s, compact ? 2 : n);
    if (!compact && !take_char(s, ":"))
        return false;
    const int64_t minute = compact ? take_digits(s, 2) : take_number(s, 2, 2);
    const bool seconds = compact ? n == 6 : take_char(s, ":");
    if (seconds) {
        second = compact ? take_digits(s, 2) : take_number(s, 2, 2);
        if (take_char(s, ".,") && !take_fraction(s, &micros))
            return false;
    }
    if (hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 || !take_half(s, &hour))
        return false;
    v->clock = ((hour * 60 + minute) * 60 + second) * 1000000 + micros;
    return true;
}

/* "+02:00", "-0530", "-05": seconds east of Greenwich. */
static bool take_offset(const char **s, int64_t *seconds)
{
    const int sign = **s == '-' ? -1 : 1;
    if (!take_char(s, "+-"))
        return true;
    const size_t n = count_digits(*s);
    if (n < 1 || n == 3 || n > 4)
        return false;
    const int64_t hour = take_digits(s, n < 2 ? 1 : 2);
    int64_t minute = 0;
    int64_t second = 0;
    if (n == 4)
        minute = take_digits(s, 2);
    else if (take_char(s, ":"))
        minute = take_number(s, 2, 2);
    if (take_char(s, ":"))
        second = take_number(s, 2, 2);
    if (hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    *seconds = sign * ((hour * 60 + minute) * 60 + second);
    return true;
}

/* "", "Z", " UTC", "GMT+0100", "+02:00", " EST" */
static bool take_zone(const char **s, int64_t *seconds)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"z", 0},    {"utc", 0},  {"gmt", 0},  {"ut", 0},   {"est", -5}, {"edt", -4},
                 {"cst", -6}, {"cdt", -5}, {"mst", -7}, {"mdt", -6}, {"pst", -8}, {"pdt", -7}};
    (void) take_spaces(s);
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        if (take_word(s, zones[i].name)) {
            *seconds = (int64_t) zones[i].hours * 3600;
            break;
        }
    }
    if (!take_offset(s, seconds))
        return false;
    const char *at = *s;
    if (take_spaces(&at) && *at == '(' && strchr(at, ')') != NULL) /* "(Central European Time)" */
        *s = strchr(at, ')') + 1;
    return true;
}

/* What stands between a date and its clock. */
static bool take_between(const char **s)
{
    if (take_char(s, "Tt:"))
        return true;
    const bool comma = take_char(s, ",");
    const bool space = take_spaces(s);
    if (take_word(s, "at"))
        (void) take_spaces(s);
    return comma || space;
}

bool twi_time_is_clock(const char *s)
{
    twi_time_value v;
    int64_t zone = 0;
    (void) take_spaces(&s);
    const size_t n = count_digits(s);
    return n > 0 && s[n] == ':' && take_clock(&s, &v) && take_zone(&s, &zone) && *s == '\0';
}

static bool parse_date(const char *s, twi_time_value *v)
{
    *v = (twi_time_value){.date = true};
    skip_weekday(&s);
    if (!take_date(&s, v))
        return false;
    if (*s == 'Z' || *s == 'z' || *s == '+') { /* "2024-05-01Z" */
        if (!take_zone(&s, &v->offset))
            return false;
    } else if (*s != '\0') {
        if (!take_between(&s) || !take_clock(&s, v) || !take_zone(&s, &v->offset))
            return false;
    }
    if (v->year < 0) { /* "Thu Oct 31 21:30:00 2024" */
        (void) take_spaces(&s);
        v->year = take_number(&s, 4, 4);
    }
    return *s == '\0' && v->year >= 0;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static bool could_be_digits(const char *s, size_t n)
{
    if (n != 8 && n != 14)
        return false;
    const int64_t year = take_digits(&s, 4), month = take_digits(&s, 2), day = take_digits(&s, 2);
    if (year < 1900 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    if (n == 8)
        return true;
    const int64_t hour = take_digits(&s, 2), minute = take_digits(&s, 2);
    return hour < 24 && minute < 60 && take_digits(&s, 2) <= 60;
}

/* "1588687728", "-5", "1588687728.923" without the rounding of a double; else through one. */
static bool parse_number(const char *s, twi_time_value *v)
{
    const char *at = s + (*s == '-' || *s == '+');
    const size_t n = count_digits(at), sign = (size_t) (at - s);
    double real;

    *v = (twi_time_value){.digits = sign == 0 && s[n] == '\0' && could_be_digits(s, n)};
    if (n > 0 && at[n] == '\0')
        return tw_parse_i64(*s == '+' ? at : s, &v->whole);
    if (n > 0 && n < 18 && at[n] == '.' && at[n + 1 + count_digits(at + n + 1)] == '\0') {
        const char *rest = at + n + 1;
        v->whole = take_digits(&at, n);
        for (int i = 0; i < 9; i++)
            v->nanos = v->nanos * 10 + (is_digit(*rest) ? *rest++ - '0' : 0);
        if (*s == '-') {
            v->whole = -v->whole - (v->nanos > 0);
            v->nanos = v->nanos > 0 ? 1000000000 - v->nanos : 0;
        }
        return true;
    }
    if (s[strspn(s, "0123456789+-.eE")] != '\0' || !tw_parse_f64(s, &real) ||
        !(real > -9.2e18 && real < 9.2e18))
        return false;
    v->whole = (int64_t) floor(real);
    v->nanos = (int64_t) ((real - floor(real)) * 1e9);
    return true;
}

bool twi_time_parse(const char *s, twi_time_value *out)
{
    char trimmed[TWI_TIME_LONGEST + 1];
    (void) take_spaces(&s);
    const size_t len = strlen(s);
    size_t n = len;
    while (n > 0 && s[n - 1] == ' ')
        n--;
    if (n == 0 || n > TWI_TIME_LONGEST)
        return false;
    if (n < len) {
        memcpy(trimmed, s, n);
        trimmed[n] = '\0';
        s = trimmed;
    }
    return parse_number(s, out) || parse_date(s, out);
}
