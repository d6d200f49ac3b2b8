/* engine/cluster/cluster_names.h — names for groups of items: the words that tell a group from the
 * rest.
 *
 * A term is a word or two neighbouring words of title and text, or a value of a text attribute
 * (alone or in a list). What counts is in how many items of the group it is and in how many others:
 * the log-odds ratio against the rest with an informative Dirichlet prior, over its standard
 * deviation. It favours what is both frequent here and rare there, and is not fooled by rare words.
 * Source: Monroe, Colaresi, Quinn 2008, "Fightin' Words", eq. 16, 20-22, over items.
 *
 *     twi_names_begin(&nm, cluster, n, k, &err);
 *     twi_names_read(nm, i, item, &err);           // i ascending, each at most once
 *     twi_names_finish(nm, like, names, &err);
 *     twi_names_end(nm);
 */
#ifndef TW_ENGINE_CLUSTER_CLUSTER_NAMES_H
#define TW_ENGINE_CLUSTER_CLUSTER_NAMES_H

#include <stdint.h>

#include "store/store.h"

#define TWI_NAME_MAX 200 /* bytes of a name with its NUL */

typedef struct twi_names twi_names;

/*   cluster (n)  0..k-1, or -1: in none; borrowed until the end */
TW_NODISCARD tw_status twi_names_begin(twi_names **out, const int32_t *cluster, int64_t n, int k,
                                       tw_error *err);
/* Reads item i of the n: its title, text and attributes. TW_ENOMEM. */
TW_NODISCARD tw_status twi_names_read(twi_names *nm, int64_t i, const tw_item *item, tw_error *err);

/* The names, all different, in the spelling that most items use.
 *
 *   like (k)   title of the item that stands for each: where no word tells ("like TITLE"), or where
 *              two would have one name
 *   names (k)  filled */
TW_NODISCARD tw_status twi_names_finish(twi_names *nm, const char *const *like,
                                        char (*names)[TWI_NAME_MAX], tw_error *err);
void twi_names_end(twi_names *nm); /* accepts NULL */

#endif
