#include "towers/loss/tower_proxies.h"

#include <math.h>

#include "base/alloc.h"
#include "nn/kernels/l2norm.h"

enum { MOST_CELLS = 1 << 27 }; /* of a batch's cosines with the classes */

tw_status twi_proxies_init(twi_proxies *x, int n, int D, uint64_t seed, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_trainer_config how = {.threads = 1, .seed = seed, .adam = TW_ADAM_DEFAULT};
    tw_rng rng;

    *x = (twi_proxies){.n = n, .D = D};
    TW_TRY(tw_params_create(&x->params, err));
    TW_TRY(tw_params_add(x->params, &x->w, "proxies", n, D, TW_DENSE, err));
    tw_rng_seed3(&rng, seed, 7, 0);
    tw_param_init_normal(x->w, 1 / sqrt(D), &rng);
    TW_TRY(tw_trainer_create(&x->trainer, x->params, &how, err));
    x->rnorm = tw_alloc((size_t) n, sizeof *x->rnorm);
    if (x->rnorm == NULL)
        st = tw_fail(err, TW_ENOMEM, "vectors of %d classes", n);
done:
    return st;
}

void twi_proxies_fini(twi_proxies *x)
{
    tw_trainer_destroy(x->trainer);
    tw_params_destroy(x->params);
    tw_free(x->rnorm);
    *x = (twi_proxies){0};
}

void twi_proxies_put(twi_proxies *x, tw_real *z)
{
    tw_l2norm_forward(z, x->rnorm, x->w->value, x->n, x->D);
}

static tw_status add_gradient(void *ctx, int worker, int workers, tw_tape *tape, tw_error *err)
{
    const twi_proxies *x = ctx;
    (void) worker;
    (void) workers;
    tw_l2norm_backward(tw_grads_all(tw_tape_grads(tape), x->w), x->dz, x->z, x->rnorm, x->n, x->D);
    return tw_tape_status(tape, err);
}

tw_status twi_proxies_update(twi_proxies *x, const tw_real *z, const tw_real *dz, double lr,
                             tw_error *err)
{
    tw_status st = TW_OK;
    x->z = z;
    x->dz = dz;
    TW_TRY(tw_trainer_run(x->trainer, true, add_gradient, x, err));
    TW_TRY(tw_trainer_update(x->trainer, lr, err));
done:
    return st;
}

int64_t twi_number_classes(int32_t *cls, int64_t n)
{
    int64_t found = 0;
    int32_t *number = tw_alloc((size_t) n, sizeof *number); /* 1 + the new one */

    if (number == NULL)
        return -1;
    for (int64_t i = 0; i < n; i++)
        if (cls[i] >= 0)
            number[cls[i]] = 1;
    for (int64_t c = 0; c < n; c++)
        if (number[c] != 0)
            number[c] = (int32_t) ++found;
    for (int64_t i = 0; i < n; i++)
        if (cls[i] >= 0)
            cls[i] = number[cls[i]] - 1;
    tw_free(number);
    return found;
}

tw_status twi_proxies_of_classes(twi_proxies *x, int32_t *cls, int64_t n_items,
                                 const tw_tower_train_config *cfg, int D, tw_error *err)
{
    const int64_t n = twi_number_classes(cls, n_items);
    if (n < 0)
        return tw_fail(err, TW_ENOMEM, "numbers of classes");
    if (n > MOST_CELLS / cfg->batch) {
        return tw_fail(err, TW_EINVAL,
                       "the proxy loss of %lld classes in batches of %d has over %d cells: take "
                       "smaller batches, or supcon",
                       (long long) n, cfg->batch, MOST_CELLS);
    }
    return twi_proxies_init(x, (int) n, D, (uint64_t) cfg->seed, err);
}
