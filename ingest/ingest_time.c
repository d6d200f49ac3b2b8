/* Event times: numbers, or dates as ISO 8601 writes them. */
#include <math.h>
#include <string.h>

#include "ingest/internal.h"

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

/* Exactly n digits at *s, stepping behind them; -1 where they are not. */
static int64_t take_digits(const char **s, int n)
{
    int64_t value = 0;
    for (int i = 0; i < n; i++, (*s)++) {
        if (**s < '0' || **s > '9')
            return -1;
        value = value * 10 + (**s - '0');
    }
    return value;
}

static bool take_char(const char **s, const char *set)
{
    if (**s == '\0' || strchr(set, **s) == NULL)
        return false;
    (*s)++;
    return true;
}

static bool parse_date(const char **s, int64_t *days)
{
    static const int most[13] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int64_t year = take_digits(s, 4);
    if (year < 0 || !take_char(s, "-"))
        return false;
    const int64_t month = take_digits(s, 2);
    if (month < 1 || month > 12 || !take_char(s, "-"))
        return false;
    const int64_t day = take_digits(s, 2);
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day < 1 || day > most[month] || (month == 2 && day == 29 && !leap))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

/* "12:30", "12:30:05", "12:30:05.25" */
static bool parse_clock(const char **s, int64_t *seconds)
{
    const int64_t hour = take_digits(s, 2);
    if (hour < 0 || hour > 23 || !take_char(s, ":"))
        return false;
    const int64_t minute = take_digits(s, 2);
    int64_t second = 0;
    if (minute < 0 || minute > 59)
        return false;
    if (take_char(s, ":")) {
        second = take_digits(s, 2);
        if (second < 0 || second > 60)
            return false;
        if (take_char(s, ".,")) {
            if (strspn(*s, "0123456789") == 0)
                return false;
            *s += strspn(*s, "0123456789");
        }
    }
    *seconds = (hour * 60 + minute) * 60 + second;
    return true;
}

/* "", "Z", "+02:00", "-0530": seconds to take off. */
static bool parse_zone(const char **s, int64_t *seconds)
{
    *seconds = 0;
    if (**s == '\0' || take_char(s, "Zz"))
        return true;
    const int sign = **s == '-' ? -1 : 1;
    if (!take_char(s, "+-"))
        return false;
    const int64_t hour = take_digits(s, 2);
    (void) take_char(s, ":");
    const int64_t minute = hour < 0 ? -1 : take_digits(s, 2);
    *seconds = sign * (hour * 60 + minute) * 60;
    return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59;
}

bool twi_parse_time(const char *s, int64_t *out)
{
    double number;
    int64_t days, seconds = 0, zone = 0;

    if (tw_parse_i64(s, out))
        return true;
    if (s[strspn(s, "0123456789+-.eE")] == '\0' && tw_parse_f64(s, &number)) {
        if (!(number > -9.2e18 && number < 9.2e18))
            return false;
        *out = (int64_t) floor(number);
        return true;
    }
    if (!parse_date(&s, &days))
        return false;
    if (take_char(&s, "T ") && (!parse_clock(&s, &seconds) || !parse_zone(&s, &zone)))
        return false;
    *out = days * 86400 + seconds - zone;
    return *s == '\0';
}
