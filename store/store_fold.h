/* store/store_fold.h — what ids and titles are compared by. Internal to store/.
 */
#ifndef TW_STORE_STORE_FOLD_H
#define TW_STORE_STORE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "store/store_statement.h"

#define TWI_FOLD_MAX                                                                               \
    ((size_t) 11 * TW_STORE_MAX_TITLE + 1)             /* a folded title, see base/unicode.h       \
                                                        */
#define TWI_NFC_MAX ((size_t) 3 * TW_STORE_MAX_ID + 1) /* a composed id */

bool twi_is_ascii(const char *s, size_t len);
/* Puts s into *out, cleared first, as Unicode folds it (case, width, composition), without outer
 * spaces. TW_ENOMEM; TW_EINVAL: over the cap of out. */
TW_NODISCARD tw_status twi_store_fold(tw_text *out, const char *s, size_t len, tw_error *err);
/* The hash of a folded title that the table keeps; 0 when nothing is left of it. TW_ENOMEM. */
TW_NODISCARD tw_status twi_fold_hash(const char *title, int64_t *hash, tw_error *err);
/* The hash of an id in canonical composition; 0 for an ASCII id, which has one form. TW_ENOMEM. */
TW_NODISCARD tw_status twi_nfc_hash(const char *id, int64_t *hash, tw_error *err);
/* twi_store_fold(title) and twi_nfc(id) for SQL: the hash, NULL for 0. */
TW_NODISCARD tw_status twi_fold_functions(twi_conn *c, tw_error *err);

#endif
