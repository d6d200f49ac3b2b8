#include "towers/conv_layer.h"

#include <math.h>
#include <stdio.h>

#define EPS 1e-5

/* One of the layer's tensors. */
static tw_status add(tw_params *ps, tw_param **out, const char *prefix, const char *name,
                     const char *part, int rows, int cols, tw_error *err)
{
    char full[2 * TW_PARAM_NAME_MAX];
    int len = snprintf(full, sizeof full, "%s%s.%s", prefix, name, part);
    if (len < 0 || (size_t) len >= sizeof full)
        return tw_fail(err, TW_EINVAL, "tensor name '%s%s.%s' is too long", prefix, name, part);
    return tw_params_add(ps, out, full, rows, cols, TW_DENSE, err);
}

tw_status twi_conv_layer_create(twi_conv_layer *l, tw_params *ps, const char *prefix,
                                const char *name, int in, int out, int kernel, int stride,
                                tw_error *err)
{
    tw_status st = TW_OK;
    *l = (twi_conv_layer){.kernel = kernel, .stride = stride};
    TW_TRY(add(ps, &l->w, prefix, name, "w", out, kernel * kernel * in, err));
    TW_TRY(add(ps, &l->gain, prefix, name, "gain", 1, out, err));
    TW_TRY(add(ps, &l->bias, prefix, name, "bias", 1, out, err));
    l->gain->no_decay = true;
    l->bias->no_decay = true;
done:
    return st;
}

void twi_conv_layer_init(const twi_conv_layer *l, tw_rng *rng)
{
    tw_param_init_normal(l->w, sqrt(2.0 / l->w->cols), rng);
    tw_param_fill(l->gain, 1);
    tw_param_fill(l->bias, 0);
}

tw_maps twi_conv_layer_forward(const twi_conv_layer *l, tw_tape *t, tw_maps x, const tw_maps *skip,
                               bool relu, bool pool)
{
    return tw_op_conv_norm(t, x,
                           &(tw_conv_norm){.w = l->w,
                                           .gain = l->gain,
                                           .bias = l->bias,
                                           .kernel = l->kernel,
                                           .stride = l->stride,
                                           .pad = l->kernel / 2,
                                           .groups = l->gain->cols / TWI_GROUP_CHANNELS,
                                           .eps = EPS,
                                           .skip = skip,
                                           .relu = relu,
                                           .pool = pool});
}

tw_maps twi_conv_pixels(tw_tape *t, const uint8_t *const *px, int n, int side, int channels)
{
    return tw_op_pixels(t, px, n, side, side, channels, 2 / 255.0, -1);
}
