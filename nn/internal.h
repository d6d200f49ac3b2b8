/* nn/internal.h — what the files of nn/ share. Internal to nn/. */
#ifndef TW_NN_INTERNAL_H
#define TW_NN_INTERNAL_H

#include "nn/params.h"
#include "nn/tape/tape.h"

/* n zeroed numbers aligned to 64, whose pages cost nothing until touched (tw_alloc_aligned clears
 * them by hand). Free *base with tw_free. NULL when out of memory. */
tw_real *twi_block(void **base, size_t n);

/* Gives every tensor its Adam moments. TW_ENOMEM: some lack them still. */
TW_NODISCARD tw_status twi_params_moments(tw_params *ps, tw_error *err);

bool twi_grads_is_touched(const tw_grads *g, const tw_param *p, int64_t row);
/* Prefetches the entry that says where the row lies, well before the row itself is needed. */
void twi_grads_ask(const tw_grads *g, const tw_param *p, int64_t row);
/* Forgets what was touched; the caller has zeroed it. */
void twi_grads_forget(tw_grads *g);

/* Marks the tape as out of memory and returns NULL. */
tw_tensor *twi_tape_lost(tw_tape *t);

#endif
