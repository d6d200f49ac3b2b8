/* store/store_time.h — times of events as formats before the fourth kept them. Internal to store/.
 *
 * Those took whatever number a source gave: seconds, as a rule, but also milliseconds and finer
 * ones. Format 4 has microseconds. The unit of an old time is told by its size: each one puts the
 * years 1973 to 5138 into a range that no other has.
 */
#ifndef TW_STORE_STORE_TIME_H
#define TW_STORE_STORE_TIME_H

#include "store/store_statement.h"

/* Microseconds of a time of format 3 or before. */
int64_t twi_time_micros(int64_t old);

/* Makes twi_micros(time) known to a connection's SQL. */
TW_NODISCARD tw_status twi_time_functions(twi_conn *c, tw_error *err);

/* *old tells whether the store's times are such. A connection opened for reading may see another
 * process bring the store up to date, so the file is asked. */
TW_NODISCARD tw_status twi_time_is_old(twi_conn *c, bool *old, tw_error *err);

#endif
