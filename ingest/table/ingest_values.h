/* ingest/table/ingest_values.h — one cell's text as a value, and what a column of them has in
 * common. Internal to ingest/.
 *
 * A cell alone does not tell what it is: 4,5 is a number where decimals have a comma, 02460 is no
 * number, "Comedy" is a list of one where others are "Drama|War". A column does, so the first rows
 * of a table decide the type of each.
 */
#ifndef TW_INGEST_INGEST_VALUES_H
#define TW_INGEST_INGEST_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum twi_type {
    TWI_GUESS,       /* not decided: number, boolean, JSON list, "a|b" list, else string */
    TWI_TOKEN,       /* number, boolean, else string */
    TWI_STRING,      /* as it is */
    TWI_NUMBER,      /* anything else is left out */
    TWI_BOOLEAN,     /* anything else is left out */
    TWI_LIST_BAR,    /* strings between '|' */
    TWI_LIST_COMMA,  /* ... ',' */
    TWI_LIST_SEMI,   /* ... ';' */
    TWI_LIST_SPACE,  /* ... spaces */
    TWI_LIST_NUMBER, /* numbers between spaces */
    TWI_LIST_JSON,   /* ["a", "b"], or as Python writes it ['a', 'b'] */
} twi_type;

/* How the numbers of a column are written. */
typedef enum twi_number_style {
    TWI_NUMBER_POINT,   /* 4.5 */
    TWI_NUMBER_COMMA,   /* 4,5 and 1.234,5 */
    TWI_NUMBER_GROUPED, /* 1,234.5 */
} twi_number_style;

#define TWI_NUMBER_MAX 64

/* The number as C reads it, into out; false: it is none. */
bool twi_number_text(twi_number_style style, const char *s, char out[TWI_NUMBER_MAX]);
/* True for what JSON calls a number (RFC 8259, section 6), of a size that a double holds exactly if
 * it is whole. */
bool twi_is_json_number(const char *s);
/* 1 and 0 for true and false in any case; -1: neither. */
int twi_boolean(const char *s);

/* Words that programs write for no value: NULL, NaN, \N ... */
bool twi_is_missing(const char *s);
/* The same, or a word that people write for none, which may also be a word: NA, None, -. */
bool twi_may_be_missing(const char *s);

/* "a|b|c" with short parts and no space at the bars. */
bool twi_is_bar_list(const char *s);
/* A JSON list, or one of strings and numbers as Python writes it. */
bool twi_is_list_text(const char *s, size_t len);

/* What a JSON string is under this key: "genres" and its like are lists, "A|B" as well as "A". */
twi_type twi_list_by_name(const char *name, const char *s);

/* What the cells of a column were, as far as they were looked at. */
typedef struct twi_type_sample {
    int64_t filled; /* ... neither empty nor twi_is_missing ... */
    int64_t none;   /* ... of these, twi_may_be_missing; the rest is one of the kinds below */
    int64_t plain;  /* JSON numbers ... */
    int64_t points; /* ... of them, with a point that cannot stand between thousands */
    int64_t commas; /* 4,5 and 1.234,56 */
    int64_t groups; /* 1,234,567 and 1,234.5 */
    int64_t either; /* 1,234 */
    int64_t codes;  /* 02460 and what has more digits than a double holds */
    int64_t booleans;
    int64_t texts;       /* lists as text */
    int64_t bars;        /* bar lists */
    int64_t parts;       /* bar lists, and what could be one part of such */
    int64_t comma_lists; /* several short parts between commas ... */
    int64_t semi_lists;  /* ... or semicolons */
    int64_t shorts;      /* all parts are short, by whichever of these */
} twi_type_sample;

void twi_type_add(twi_type_sample *t, const char *s, size_t len);
/* What the column called `name` is; TWI_GUESS: nothing was in it. */
twi_type twi_type_decide(const twi_type_sample *t, const char *name, twi_number_style *style);
/* How the numbers are written, whatever else there is. */
twi_number_style twi_number_style_of(const twi_type_sample *t);

#endif
