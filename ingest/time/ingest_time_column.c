/* What a column of times means, decided from a sample of it, and its values by that rule. */
#include "ingest/time/ingest_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/event_time.h"
#include "ingest/internal.h"

static const struct {
    const char *name;
    twi_time_rule rule;
} names[] = {
    {"seconds", {TWI_TIME_SECONDS, TWI_DAY_OPEN}},
    {"milliseconds", {TWI_TIME_MILLISECONDS, TWI_DAY_OPEN}},
    {"microseconds", {TWI_TIME_MICROSECONDS, TWI_DAY_OPEN}},
    {"nanoseconds", {TWI_TIME_NANOSECONDS, TWI_DAY_OPEN}},
    {"digits", {TWI_TIME_DIGITS, TWI_DAY_OPEN}},
    {"dates", {TWI_TIME_DATES, TWI_DAY_OPEN}},
    {"day-first", {TWI_TIME_DATES, TWI_DAY_FIRST}},
    {"month-first", {TWI_TIME_DATES, TWI_MONTH_FIRST}},
    {"numbers", {TWI_TIME_NUMBERS, TWI_DAY_OPEN}},
};
#define NAMES (sizeof names / sizeof names[0])
#define ALL_NAMES                                                                                  \
    "seconds, milliseconds, microseconds, nanoseconds, digits, dates, day-first, month-first, "    \
    "numbers"

const char *twi_time_rule_name(const twi_time_rule *rule)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (names[i].rule.unit == rule->unit && names[i].rule.order == rule->order)
            return names[i].name;
    }
    return "?";
}

tw_status twi_time_rule_parse(const char *name, twi_time_rule *out, tw_error *err)
{
    char q[TWI_QUOTE_MAX];
    for (size_t i = 0; i < NAMES; i++) {
        if (strcmp(name, names[i].name) == 0) {
            *out = names[i].rule;
            return TW_OK;
        }
    }
    return tw_fail(err, TW_EINVAL, "there is no time format %s; there are " ALL_NAMES,
                   twi_quote(q, name, strlen(name)));
}

/* ---- the sample ------------------------------------------------------------------------------ */

/* The unit in which a number is a date between 1973 and 5138. */
static twi_time_unit unit_of(int64_t whole)
{
    static const int64_t ends[] = {100000000, 100000000000, 100000000000000, 100000000000000000};
    const int64_t size = whole == INT64_MIN ? INT64_MAX : whole < 0 ? -whole : whole;
    for (int i = 0; i < 4; i++) {
        if (size < ends[i])
            return (twi_time_unit) i;
    }
    return TWI_TIME_NANOSECONDS;
}

bool twi_time_is_stamp(const char *s)
{
    twi_time_value v;
    return twi_time_parse(s, &v) && !v.date && unit_of(v.whole) != TWI_TIME_NUMBERS;
}

/* What a value of the unit is, for messages. */
static const char *const said[TWI_TIME_UNITS] = {
    "a small number",        "in seconds", "in milliseconds", "in microseconds", "in nanoseconds",
    "a date of digits only", "a date",
};

static void see(twi_time_seen *seen, const char *text, int64_t line)
{
    if (seen->n++ > 0)
        return;
    seen->line = line;
    (void) snprintf(seen->text, sizeof seen->text, "%.47s", text);
}

void twi_time_add(twi_time_sample *s, const char *text, int64_t line)
{
    twi_time_value v;
    if (!twi_time_parse(text, &v)) {
        s->unreadable++;
    } else if (!v.date) {
        see(&s->units[unit_of(v.whole)], text, line);
        if (!v.digits)
            see(&s->not_digits, text, line);
    } else {
        see(&s->units[TWI_TIME_DATES], text, line);
        s->same += v.open && v.a == v.b;
        if (v.open && v.a != v.b)
            see(v.a > 12 ? &s->day_first : v.b > 12 ? &s->month_first : &s->open, text, line);
    }
}

bool twi_time_is_open(const twi_time_sample *s)
{
    return s->open.n + s->same > 0 && s->day_first.n == 0 && s->month_first.n == 0;
}

/* ---- the decision ---------------------------------------------------------------------------- */

static tw_status contradiction(const twi_time_seen *a, const char *what_a, const twi_time_seen *b,
                               const char *what_b, tw_error *err)
{
    return tw_fail(err, TW_EINVAL,
                   "the times are of two kinds: '%s' in line %" PRId64 " is %s, '%s' in line "
                   "%" PRId64 " is %s; name one with --time-format, and the others are rejected",
                   a->text, a->line, what_a, b->text, b->line, what_b);
}

static tw_status decide_order(const twi_time_sample *s, twi_time_rule *out, tw_error *err)
{
    const int64_t day = s->day_first.n, month = s->month_first.n;
    if (day > 0 && month > 0)
        return contradiction(&s->day_first, "day-first", &s->month_first, "month-first", err);
    if (day > 0)
        out->order = TWI_DAY_FIRST;
    if (month > 0)
        out->order = TWI_MONTH_FIRST;
    if (s->open.n == 0 || day > 0 || month > 0)
        return TW_OK;
    return tw_fail(err, TW_EINVAL,
                   "no value of the column tells whether '%s' in line %" PRId64 " has the day or "
                   "the month first; say --time-format day-first or month-first",
                   s->open.text, s->open.line);
}

/* Small numbers decide nothing: 0 is a time of any unit. */
tw_status twi_time_decide(const twi_time_sample *s, twi_time_rule *out, tw_error *err)
{
    twi_time_unit best = TWI_TIME_NUMBERS;
    int64_t n = 0, numbers = 0;
    *out = (twi_time_rule){TWI_TIME_NUMBERS, TWI_DAY_OPEN};
    for (int u = TWI_TIME_NUMBERS; u < TWI_TIME_DATES; u++)
        numbers += s->units[u].n;
    if (numbers > 0 && s->not_digits.n == 0 && s->units[TWI_TIME_DATES].n == 0) {
        out->unit = TWI_TIME_DIGITS;
        return TW_OK;
    }
    for (int u = TWI_TIME_SECONDS; u < TWI_TIME_UNITS; u++) {
        n += s->units[u].n;
        if (s->units[u].n > s->units[best].n || best == TWI_TIME_NUMBERS)
            best = s->units[u].n > 0 ? (twi_time_unit) u : best;
    }
    if (best == TWI_TIME_NUMBERS)
        return TW_OK;
    /* One in ten of another kind is a fault of rows, more is a fault of the column. */
    for (int u = TWI_TIME_SECONDS; u < TWI_TIME_UNITS; u++) {
        if (u != (int) best && s->units[u].n * 10 > n)
            return contradiction(&s->units[best], said[best], &s->units[u], said[u], err);
    }
    out->unit = best;
    return best == TWI_TIME_DATES ? decide_order(s, out, err) : TW_OK;
}

/* ---- one value ------------------------------------------------------------------------------- */

/* Days from 1970-01-01 to a date of the Gregorian calendar, by counting from a year that begins in
 * March, so that the leap day is the last one.
 * Source: Hinnant, "chrono-compatible low-level date algorithms", days_from_civil. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t of_era = year - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool date_to_us(const twi_time_value *v, int64_t *us)
{
    static const int most[13] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int64_t year = v->year, month = v->a, day = v->b;
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > most[month] ||
        (month == 2 && day == 29 && !leap))
        return false;
    *us = (days_from_civil(year, month, day) * 86400 - v->offset) * TW_TIME_SECOND + v->clock;
    return true;
}

/* 20240501 and 20240501103000 */
static bool digits_to_us(const twi_time_value *v, int64_t *us)
{
    const bool clock = v->whole >= 100000000;
    const int64_t date = clock ? v->whole / 1000000 : v->whole,
                  rest = clock ? v->whole % 1000000 : 0;
    const twi_time_value as_date = {
        .year = date / 10000,
        .a = date / 100 % 100,
        .b = date % 100,
        .clock = ((rest / 10000 * 60 + rest / 100 % 100) * 60 + rest % 100) * TW_TIME_SECOND};
    return v->digits && date_to_us(&as_date, us);
}

/* To the nearest: JSON's numbers come as 12.699999999999999. */
static bool number_to_us(twi_time_unit unit, const twi_time_value *v, int64_t *us)
{
    const int64_t most = INT64_MAX / TW_TIME_SECOND - 1;
    switch (unit) {
    case TWI_TIME_MILLISECONDS: *us = v->whole * 1000 + (v->nanos + 500000) / 1000000; return true;
    case TWI_TIME_MICROSECONDS: *us = v->whole; return true;
    case TWI_TIME_NANOSECONDS: *us = v->whole / 1000 - (v->whole % 1000 < 0); return true;
    default: break;
    }
    if (v->whole > most || v->whole < -most)
        return false;
    *us = v->whole * TW_TIME_SECOND + (v->nanos + 500) / 1000;
    return true;
}

static tw_status bad(const twi_time_rule *rule, const char *s, const char *what, tw_error *err)
{
    char q[TWI_QUOTE_MAX];
    return tw_fail(err, TW_EINVAL, "the time %s is %s, and the column holds %s",
                   twi_quote(q, s, strlen(s)), what, twi_time_rule_name(rule));
}

/* The value does not say which of its numbers is the month. */
static bool is_open(const twi_time_value *v)
{
    return v->date && v->open && v->a != v->b && v->a <= 12 && v->b <= 12;
}

static tw_status read_date(const twi_time_rule *rule, const char *s, twi_time_value *v, int64_t *us,
                           tw_error *err)
{
    char q[TWI_QUOTE_MAX];
    if (rule->unit != TWI_TIME_DATES)
        return bad(rule, s, said[TWI_TIME_DATES], err);
    if (rule->order == TWI_DAY_OPEN && is_open(v)) {
        return tw_fail(err, TW_EINVAL,
                       "the time %s has the day or the month first; say --time-format day-first "
                       "or month-first",
                       twi_quote(q, s, strlen(s)));
    }
    const bool day_first =
        rule->order == TWI_DAY_FIRST || (rule->order == TWI_DAY_OPEN && v->a > 12);
    if (v->open && day_first) {
        const int64_t day = v->a;
        v->a = v->b;
        v->b = day;
    }
    if (date_to_us(v, us))
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "the time %s is no day of the calendar",
                   twi_quote(q, s, strlen(s)));
}

tw_status twi_time_read(const twi_time_rule *rule, const char *s, int64_t *us, tw_error *err)
{
    twi_time_value v;
    if (!twi_time_parse(s, &v)) {
        char q[TWI_QUOTE_MAX];
        return tw_fail(err, TW_EINVAL,
                       "the time %s is neither a number nor a date like 2024-05-01T12:30:00Z",
                       twi_quote(q, s, strlen(s)));
    }
    if (v.date)
        return read_date(rule, s, &v, us, err);
    if (rule->unit == TWI_TIME_DATES)
        return bad(rule, s, "a number", err);
    if (rule->unit == TWI_TIME_DIGITS)
        return digits_to_us(&v, us) ? TW_OK : bad(rule, s, "not of that kind", err);
    const twi_time_unit unit = unit_of(v.whole);
    if (unit != TWI_TIME_NUMBERS && unit != rule->unit && rule->unit != TWI_TIME_NUMBERS)
        return bad(rule, s, said[unit], err);
    if (!number_to_us(rule->unit, &v, us))
        return bad(rule, s, "out of range", err);
    return TW_OK;
}

tw_status tw_ingest_parse_time(const char *text, bool any, int64_t *us, tw_error *err)
{
    twi_time_value v;
    char q[TWI_QUOTE_MAX];
    twi_time_rule rule = {TWI_TIME_DATES, TWI_DAY_OPEN};

    *us = 0;
    const bool is_time = twi_time_parse(text, &v);
    if (is_time && is_open(&v)) {
        return tw_fail(err, TW_EINVAL,
                       "the time %s has the day or the month first; write it as in 2024-12-31",
                       twi_quote(q, text, strlen(text)));
    }
    if (is_time && !v.date) {
        rule.unit = TWI_TIME_NUMBERS; /* seconds, whatever their size */
        if (!number_to_us(rule.unit, &v, us))
            return tw_fail(err, TW_EINVAL, "the time %s is farther from 1970 than any that is kept",
                           twi_quote(q, text, strlen(text)));
    }
    tw_status st = twi_time_read(&rule, text, us, err);
    return st == TW_OK ? tw_time_check(*us, twi_quote(q, text, strlen(text)), any, err) : st;
}
