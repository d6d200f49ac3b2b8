/* store/store_sum.h — checksums of rows, and what a row adds to its table's total. Internal to
 * store/.
 *
 * Hash the values of a row in the order that twi_tag says and end with twi_sum_of:
 *
 *     uint64_t h = twi_hash_text(twi_hash_i64(twi_hash_start(TWI_TAG_USER), row), key);
 *     int64_t sum = twi_sum_of(TWI_TAG_USER, h);
 */
#ifndef TW_STORE_STORE_SUM_H
#define TW_STORE_STORE_SUM_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/store_statement.h"

/* What each checksum begins with, so that a row of one table is none of another's. They are on
 * disk, as numbers, and in the statements below. */
typedef enum twi_tag {
    TWI_TAG_ITEM = 1,    /* row, seq, live, id, title */
    TWI_TAG_CONTENT = 2, /* row, attributes, image, audio, text */
    TWI_TAG_VECTOR = 3,  /* seq, model, row, vec */
    TWI_TAG_USER = 4,    /* row, key */
    TWI_TAG_EVENT = 5,   /* user, time, item, seq, rating, value; 16 bits, the others have 32 */
    TWI_TAG_MODEL = 6,   /* version, active, json */
    TWI_TAG_META = 7,    /* key, value */
    TWI_TAG_MARK = 8,    /* key, bytes, lines, rows, rejected, done */
    TWI_TAG_SPACE = 9,   /* model, dim, vectors, tot */
    TWI_TAG_SUMS = 10,   /* all of `sums`, then all of `counts` */
    TWI_TAG_SHAPE = 11,  /* type, name, tbl_name, sql of a line of sqlite_schema */
    TWI_TAG_TOTAL = 100, /* tag, sum: what a row adds to its table's total */
} twi_tag;

/* twi_sum(tag, ...), twi_row(tag, ...) and the aggregate twi_add(x) for SQL on this connection. */
TW_NODISCARD tw_status twi_sum_functions(twi_conn *c, tw_error *err);

/* Hash the values of a row in the order that twi_tag says; end with twi_sum_of. */
uint64_t twi_hash_start(twi_tag tag);
uint64_t twi_hash_i64(uint64_t h, int64_t v);
uint64_t twi_hash_text(uint64_t h, const char *s);
uint64_t twi_hash_real(uint64_t h, double v);                    /* NaN is NULL */
uint64_t twi_hash_blob(uint64_t h, const void *blob, int bytes); /* blob NULL: NULL */
/* What is stored in the row's column `sum`, and what the row adds to its total. */
int64_t twi_sum_of(twi_tag tag, uint64_t h);
uint64_t twi_adds(twi_tag tag, int64_t sum);
uint64_t twi_adds_event(uint64_t h); /* events are small and for ever: their whole hash counts */

uint64_t twi_hash_item(int64_t row, int64_t seq, bool live, const char *id, const char *title);
uint64_t twi_hash_content(int64_t row, const tw_item *item); /* none of its strings is NULL */
uint64_t twi_hash_user(int64_t row, const char *key);
uint64_t twi_hash_event(const tw_event *e);

/* Whether a column that holds the sum of what hashes to h says so; always when c has no sums. */
bool twi_is_intact(const twi_conn *c, sqlite3_stmt *q, int column, twi_tag tag, uint64_t h);
/* TW_ECORRUPT: "'PATH' is damaged: WHAT is not what was written; WAY OUT". */
tw_status twi_damaged(const twi_conn *c, tw_error *err, const char *way_out, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
#define TWI_FROM_COPY "restore the directory from a copy"

#endif
