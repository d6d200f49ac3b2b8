/* Any bytes as a column of times, a value a line. Whatever its rule turns out to be, the values
 * read by it are in their order, what is read is read again from its ISO form, and spaces change
 * nothing. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event_time.h"
#include "ingest/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 4096 };

static void require(int condition)
{
    if (!condition)
        abort();
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* Hinnant's civil_from_days: the other direction of what the reader does. */
static void write_iso(char out[64], int64_t us)
{
    const int64_t seconds = floor_div(us, TW_TIME_SECOND), days = floor_div(seconds, 86400);
    const int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    const int64_t day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
    const int64_t clock = seconds - days * 86400, year = yoe + era * 400 + (month <= 2);
    (void) snprintf(out, 64,
                    "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64
                    ":%02" PRId64 ".%06" PRId64 "Z",
                    year, month, day, clock / 3600, clock / 60 % 60, clock % 60,
                    us - seconds * TW_TIME_SECOND);
}

static void check_value(const twi_time_rule *rule, const char *s, int64_t us)
{
    static const twi_time_rule dates = {TWI_TIME_DATES, TWI_DAY_OPEN};
    char iso[64], padded[MOST + 3];
    int64_t again;
    (void) snprintf(padded, sizeof padded, " %s ", s);
    require(twi_time_read(rule, padded, &again, NULL) == TW_OK && again == us);
    if (us < INT64_C(-62167219200) * TW_TIME_SECOND || us >= INT64_C(253402300800) * TW_TIME_SECOND)
        return; /* not in the years 0 to 9999 */
    write_iso(iso, us);
    require(twi_time_read(&dates, iso, &again, NULL) == TW_OK && again == us);
}

static void check_alone(const char *s)
{
    tw_error why = {0};
    int64_t us;
    const tw_status st = tw_ingest_parse_time(s, false, &us, &why);
    require(st == TW_OK ? us >= 0 && us < TW_TIME_END : st == TW_EINVAL && why.msg[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[MOST + 1];
    twi_time_sample sample = {.unreadable = 0};
    twi_time_rule rule, named;
    twi_time_value v, last = {.whole = INT64_MIN};
    int64_t us, last_us = INT64_MIN, line = 0;

    if (size > MOST)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t at = 0, len; at < size; at += len + 1) {
        len = strcspn(text + at, "\n");
        text[at + len] = '\0';
        twi_time_add(&sample, text + at, ++line);
    }
    if (twi_time_decide(&sample, &rule, NULL) != TW_OK)
        rule =
            (twi_time_rule){TWI_TIME_DATES, (data[0] & 1) != 0 ? TWI_DAY_FIRST : TWI_MONTH_FIRST};
    require(twi_time_rule_parse(twi_time_rule_name(&rule), &named, NULL) == TW_OK &&
            named.unit == rule.unit && named.order == rule.order);
    for (size_t at = 0; at < size; at += strlen(text + at) + 1) {
        const char *s = text + at;
        check_alone(s);
        const bool is_time = twi_time_parse(s, &v);
        if (twi_time_read(&rule, s, &us, NULL) != TW_OK)
            continue;
        require(is_time);
        check_value(&rule, s, us);
        if (v.date || rule.unit == TWI_TIME_DIGITS)
            continue;
        if (v.whole > last.whole || (v.whole == last.whole && v.nanos >= last.nanos))
            require(us >= last_us);
        last = v;
        last_us = us;
    }
    return 0;
}
