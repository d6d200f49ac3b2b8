/* store/store_totals.h — the counts and totals of the tables, read and written back. Internal to
 * store/.
 *
 * They are compared with the tables when a store is opened and written with each commit.
 */
#ifndef TW_STORE_STORE_TOTALS_H
#define TW_STORE_STORE_TOTALS_H

#include "store/store_state.h"

/* What the tables say, verified; sums are zero in the first format. TW_ECORRUPT. */
TW_NODISCARD tw_status twi_read_counts(twi_conn *c, twi_counts *n, twi_sums *sums, tw_error *err);

/* Reads and verifies the table `sums` and counts; stores them when they differ from what was read.
 * TW_ECORRUPT. */
TW_NODISCARD tw_status twi_sums_load(twi_conn *c, const twi_counts *n, twi_sums *sums,
                                     tw_error *err);
TW_NODISCARD tw_status twi_sums_store(tw_store *s, tw_error *err);
/* The total of a model's vectors, from the table. */
TW_NODISCARD tw_status twi_recount_space(tw_store *s, twi_space *space, tw_error *err);
/* The hash of sqlite_schema. */
TW_NODISCARD tw_status twi_shape(twi_conn *c, uint64_t *shape, tw_error *err);

/* Writes the changed spaces; for commit. */
TW_NODISCARD tw_status twi_flush_spaces(tw_store *s, tw_error *err);
/* One line of the table; dim 0 when the model has none. */
TW_NODISCARD tw_status twi_read_space(twi_conn *c, int model, twi_space *space, tw_error *err);
/* The writer's own copy, kept until commit. */
TW_NODISCARD tw_status twi_space_of(tw_store *s, int model, twi_space **out, tw_error *err);

/* TW_OK where the failure is a damaged row that is to be left out, else st with its sentence. */
tw_status twi_pass(const twi_conn *c, tw_status st, const tw_error *why, tw_error *err);

#endif
