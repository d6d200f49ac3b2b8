/* store/store_rules.h — what may be stored. Internal to store/.
 */
#ifndef TW_STORE_STORE_RULES_H
#define TW_STORE_STORE_RULES_H

#include <stddef.h>

#include "store/store.h"

/* 1..TW_STORE_MAX_ID bytes of UTF-8 without control characters; `what` begins the sentence. */
TW_NODISCARD tw_status twi_check_key(const char *what, const char *key, tw_error *err);
/* At most max bytes of UTF-8; NULL is fine. */
TW_NODISCARD tw_status twi_check_text(const char *what, const char *of, const char *s, size_t max,
                                      tw_error *err);
/* At most max bytes, a JSON object without repeated keys. */
TW_NODISCARD tw_status twi_check_object(const char *what, const char *of, const char *json,
                                        size_t max, tw_error *err);
TW_NODISCARD tw_status twi_check_item(const tw_item *item, tw_error *err);

#endif
