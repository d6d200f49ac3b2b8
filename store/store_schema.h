/* store/store_schema.h — the tables, and the way from one format to the next. Internal to store/.
 */
#ifndef TW_STORE_STORE_SCHEMA_H
#define TW_STORE_STORE_SCHEMA_H

#include "store/store_statement.h"

#define TWI_APPLICATION_ID 0x74776478 /* "twdx" in the file's header */
#define TWI_FORMAT         4          /* user_version; a newer one is refused */

/* Makes the tables when the file is empty and mode is CREATE; otherwise checks that it is ours. */
TW_NODISCARD tw_status twi_schema_ready(twi_conn *c, tw_store_mode mode, tw_error *err);

/* Brings a store of an older format up to TWI_FORMAT, each step in a transaction of its own with
 * the number of the format it makes. Another process may be faster. TW_EDENIED, TW_EBUSY, TW_EIO.
 */
TW_NODISCARD tw_status twi_migrate(twi_conn *c, int64_t from, tw_error *err);
/* One step, inside the caller's transaction. */
TW_NODISCARD tw_status twi_migrate_step(twi_conn *c, int to, tw_error *err);

#endif
