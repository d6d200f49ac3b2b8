/* ingest/time/ingest_time.h — times of events: how a column writes them, and one value by that
 * rule.
 *
 * A single value does not tell its unit or the order of day and month; a column does. So a reader
 * samples the column first, and reads every value by what the sample decided:
 *
 *     twi_time_sample sample = {0};
 *     twi_time_add(&sample, "1588687728923", 2);           // for each value, with its line
 *     st = twi_time_decide(&sample, &rule, &err);          // rule.unit is milliseconds
 *     st = twi_time_read(&rule, "1588687729001", &us, &err);
 *
 * A value that its column contradicts (seconds among milliseconds) is a bad value, not a guess.
 */
#ifndef TW_INGEST_INGEST_TIME_H
#define TW_INGEST_INGEST_TIME_H

#include "ingest/ingest.h"

typedef enum twi_time_unit {
    TWI_TIME_NUMBERS, /* of a column without any number above 10^8: no clock, but an order */
    TWI_TIME_SECONDS,
    TWI_TIME_MILLISECONDS,
    TWI_TIME_MICROSECONDS,
    TWI_TIME_NANOSECONDS,
    TWI_TIME_DIGITS, /* 20240501, 20240501103000 */
    TWI_TIME_DATES,
    TWI_TIME_UNITS,
} twi_time_unit;

typedef enum twi_day_order { TWI_DAY_OPEN, TWI_DAY_FIRST, TWI_MONTH_FIRST } twi_day_order;

typedef struct twi_time_rule {
    twi_time_unit unit;
    twi_day_order order; /* of 01/02/2024 */
} twi_time_rule;

/* A value as it stands, before its column says what it means. */
typedef struct twi_time_value {
    bool date;
    int64_t whole, nanos;  /* a number: its whole part, rounded down, and 10^-9 of the rest */
    bool digits;           /* it could be 20240501 */
    int64_t year, a, b;    /* a date: a is the month and b the day, unless `open` */
    bool open;             /* a and b are day and month in an order that the value leaves open */
    int64_t clock, offset; /* microseconds since midnight; seconds east of Greenwich */
} twi_time_value;

#define TWI_TIME_LONGEST 100 /* bytes */

/* False: neither a number nor a date. Spaces around it do not count. */
bool twi_time_parse(const char *s, twi_time_value *out);

/* Whether it is a number that is large enough for seconds since 1970, or finer ones. */
bool twi_time_is_stamp(const char *s);

/* Whether it is the hours of a day alone: "21:30", "9:30 PM". */
bool twi_time_is_clock(const char *s);

#define TWI_TIME_SHOWN 48

typedef struct twi_time_seen {
    int64_t n, line; /* how many, and the line of the first */
    char text[TWI_TIME_SHOWN];
} twi_time_seen;

typedef struct twi_time_sample {
    twi_time_seen units[TWI_TIME_UNITS];
    twi_time_seen day_first, month_first, open;
    int64_t same;             /* like 05/05/2024, the same either way */
    twi_time_seen not_digits; /* numbers that are no 20240501 */
    int64_t unreadable;
} twi_time_sample;

void twi_time_add(twi_time_sample *s, const char *text, int64_t line);

/* Whether further values could tell which comes first, the day or the month. */
bool twi_time_is_open(const twi_time_sample *s);

/* TW_EINVAL: the values contradict each other, or leave the order of day and month open; the
 * message names lines, values and --time-format. */
TW_NODISCARD tw_status twi_time_decide(const twi_time_sample *s, twi_time_rule *out, tw_error *err);

/* "seconds" ... "nanoseconds", "numbers", "dates", "day first", "month first". */
const char *twi_time_rule_name(const twi_time_rule *rule);

/* By the name that twi_time_rule_name gives, spaces being '-'. TW_EINVAL lists the names. */
TW_NODISCARD tw_status twi_time_rule_parse(const char *name, twi_time_rule *out, tw_error *err);

/* Microseconds since 1970. TW_EINVAL: the value is none, or not of the column's kind. */
TW_NODISCARD tw_status twi_time_read(const twi_time_rule *rule, const char *s, int64_t *us,
                                     tw_error *err);

#endif
