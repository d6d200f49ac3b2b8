/* towers/loss/tower_proxies.h — one learnt vector a class, which items of the class are
 * drawn to and all others pushed from. Internal to towers/.
 *
 * They live as long as a training; a tower does not keep them. Compared with the
 * items of a batch they are the same in every step, and each item meets every
 * class, so that small batches do.
 *
 *     twi_proxies_put(&x, z + R * D);                        // behind the batch's rows
 *     // ... the loss fills dz for them, too
 *     TW_TRY(twi_proxies_update(&x, z + R * D, dz + R * D, lr, err));
 *
 * Source: Zhai and Wu 2019 (normalised softmax); Movshovitz-Attias et al. 2017 (proxies).
 */
#ifndef TW_TOWERS_LOSS_TOWER_PROXIES_H
#define TW_TOWERS_LOSS_TOWER_PROXIES_H

#include "nn/trainer.h"
#include "towers/recipe.h"

typedef struct twi_proxies {
    int n, D;
    tw_params *params; /* owned; the vectors alone. NULL: there are none */
    tw_param *w;       /* (n, D) of any length */
    tw_trainer *trainer;
    tw_real *rnorm; /* (n) of the last put */
    const tw_real *z, *dz;
} twi_proxies;

/* n random directions. TW_ENOMEM. */
TW_NODISCARD tw_status twi_proxies_init(twi_proxies *x, int n, int D, uint64_t seed, tw_error *err);
void twi_proxies_fini(twi_proxies *x); /* accepts a zeroed one */

/* One for each class that is there to learn: numbers cls (n_items) as twi_number_classes does.
 * TW_EINVAL: more classes than a batch can meet. TW_ENOMEM. */
TW_NODISCARD tw_status twi_proxies_of_classes(twi_proxies *x, int32_t *cls, int64_t n_items,
                                              const tw_tower_train_config *cfg, int D,
                                              tw_error *err);

/* z (n, D) <- the vectors at length 1. */
void twi_proxies_put(twi_proxies *x, tw_real *z);

/* One step of Adam, by the gradient dz (n, D) at what twi_proxies_put gave. TW_EINVAL: it is not
 * finite. */
TW_NODISCARD tw_status twi_proxies_update(twi_proxies *x, const tw_real *z, const tw_real *dz,
                                          double lr, tw_error *err);

/* cls (N) <- 0, 1, ... in the order of the classes that occur; below 0 stays as it is. Returns how
 * many there are, or -1 when out of memory. Classes are below N. */
int64_t twi_number_classes(int32_t *cls, int64_t n);

#endif
