/* store/store_wal.h — the log of writes, seen from outside SQLite. Internal to store/.
 *
 * SQLite drops the rest of a damaged log in silence; these calls notice it and keep a copy.
 */
#ifndef TW_STORE_STORE_WAL_H
#define TW_STORE_STORE_WAL_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store_state.h"

typedef struct twi_wal_state {
    int64_t bad;  /* the first frame that SQLite will not replay, from 1; 0: the log's header; -1 */
    int64_t lost; /* whole commits behind it */
} twi_wal_state;
/* path is the database's. lost is 0 for an intact log, a missing one, and one whose end was
 * never written. TW_EIO, TW_ENOMEM. */
TW_NODISCARD tw_status twi_wal_scan(const char *path, twi_wal_state *out, tw_error *err);

/* Before SQLite sees the log: when commits are lost in it, copies it to PATH-wal.damaged and says
 * so in the log of the program. TW_EIO and friends: no copy could be made. */
TW_NODISCARD tw_status twi_wal_keep_damaged(const char *path, bool *damaged, tw_error *err);

/* Keeps the numbers of the last acknowledged change and commit, which are those of s->counts and
 * s->sums, outside the database. Best effort. */
void twi_seq_note(tw_store *s);

/* What was acknowledged and is not there. */
typedef struct twi_gap {
    int64_t commits; /* 0: nothing is missing */
    int64_t first;   /* changes of these numbers; none when first > last */
    int64_t last;
} twi_gap;
TW_NODISCARD tw_status twi_seq_missing(tw_store *s, twi_conn *c, twi_gap *gap, tw_error *err);
/* The same for open: logs what is missing; a store opened for writing then lets it rest. */
TW_NODISCARD tw_status twi_seq_verify(tw_store *s, twi_conn *c, tw_error *err);

#endif
