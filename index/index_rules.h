/* index/index_rules.h — a search's filters and exclusions. Internal to index/.
 */
#ifndef TW_INDEX_INDEX_RULES_H
#define TW_INDEX_INDEX_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "index/index.h"

/* A search's rules, checked and made quick to ask. */
typedef struct twi_rules {
    const tw_index_options *opt;
    int64_t *excluded; /* (n_excluded) ascending; owned unless it is `few` */
    int n_excluded;
    int64_t few[256];
} twi_rules;

TW_NODISCARD tw_status twi_rules_init(twi_rules *r, const tw_index_options *opt, tw_error *err);
void twi_rules_fini(twi_rules *r);
bool twi_rules_allow(const twi_rules *r, int64_t id);    /* by the bitmap */
bool twi_rules_excluded(const twi_rules *r, int64_t id); /* by the list */

#endif
