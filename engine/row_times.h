/* engine/row_times.h — the order of events that come without times. Internal to engine/.
 *
 * A log without a time column is in order, and the number of a row stands for its time. A second
 * such log goes on where the first ended, so that what it holds comes after it; a file that was
 * read before has its numbers again, so that reading it twice adds nothing.
 */
#ifndef TW_ENGINE_ROW_TIMES_H
#define TW_ENGINE_ROW_TIMES_H

#include "store/store.h"

/* *first <- how many numbers are taken by other files.
 *
 *   key    the file's fingerprint
 *   known  the store has a mark of it, perhaps of a version that kept no numbers */
TW_NODISCARD tw_status twi_row_times_begin(tw_store *s, const char *key, bool known, int64_t *first,
                                           tw_error *err);

/* Takes the numbers up to first + rows, in the transaction of the rows. */
TW_NODISCARD tw_status twi_row_times_take(tw_store *s, const char *key, int64_t first, int64_t rows,
                                          tw_error *err);

#endif
