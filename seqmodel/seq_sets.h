/* seqmodel/seq_sets.h — which users met which items, both ways.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_SETS_H
#define TW_SEQMODEL_SEQ_SETS_H

#include "seqmodel/seqmodel.h"

/* The train parts as a relation: each user and each item once. */
typedef struct twi_sets {
    int32_t n_users, n_items;
    int64_t active;   /* users with a train part */
    int64_t *user_at; /* (n_users+1): u met items[user_at[u-1] .. user_at[u]) */
    int64_t *item_at; /* (n_items+1): i was met by users[item_at[i-1] .. item_at[i]), ascending */
    int32_t *items, *users;
} twi_sets;

/* Of each train part the latest `latest` events. TW_ENOMEM. */
TW_NODISCARD tw_status twi_sets_init(twi_sets *s, const tw_seq_data *data, int64_t latest,
                                     tw_error *err);
void twi_sets_fini(twi_sets *s); /* accepts a zeroed one */

#endif
