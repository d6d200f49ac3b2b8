#include "towers/image/image_resnet.h"

#include <stdio.h>

enum { BASE = 16 }; /* channels of the first stage */

static tw_status check(const twi_resnet_config *cfg, tw_error *err)
{
    if (cfg->side < 8 || cfg->side > 512)
        return tw_fail(err, TW_EINVAL, "an image's side of %d pixels is outside 8..512", cfg->side);
    if (cfg->channels != 1 && cfg->channels != 3)
        return tw_fail(err, TW_EINVAL, "images have 1 or 3 channels, not %d", cfg->channels);
    if (cfg->stages < 2 || cfg->stages > TWI_RESNET_STAGES_MAX)
        return tw_fail(err, TW_EINVAL, "%d stages are outside 2..%d", cfg->stages,
                       TWI_RESNET_STAGES_MAX);
    if (cfg->blocks < 1 || cfg->blocks > TWI_RESNET_BLOCKS_MAX)
        return tw_fail(err, TW_EINVAL, "%d blocks in a stage are outside 1..%d", cfg->blocks,
                       TWI_RESNET_BLOCKS_MAX);
    if (cfg->widen < 1 || cfg->widen > 8)
        return tw_fail(err, TW_EINVAL, "widening by %d is outside 1..8", cfg->widen);
    if (cfg->stride != 1 && cfg->stride != 2)
        return tw_fail(err, TW_EINVAL, "the first stride is 1 or 2, not %d", cfg->stride);
    return TW_OK;
}

/* Where layer `part` of a block gets its name from.
 * NOLINTNEXTLINE(readability-function-size): a layer in full, and its place. */
static tw_status add(twi_conv_layer *l, tw_params *ps, const char *prefix, int stage, int block,
                     const char *part, int in, int out, int kernel, int stride, tw_error *err)
{
    char name[32];
    (void) snprintf(name, sizeof name, "s%db%d.%s", stage, block, part);
    return twi_conv_layer_create(l, ps, prefix, name, in, out, kernel, stride, err);
}

tw_status twi_resnet_create(twi_resnet *r, const twi_resnet_config *cfg, tw_params *ps,
                            const char *prefix, tw_error *err)
{
    tw_status st = TW_OK;
    *r = (twi_resnet){.cfg = *cfg};
    TW_TRY(check(cfg, err));
    int in = BASE * cfg->widen;
    TW_TRY(twi_conv_layer_create(&r->stem, ps, prefix, "stem", cfg->channels, in, 3, cfg->stride,
                                 err));
    for (int s = 0; s < cfg->stages; s++) {
        const int out = (BASE * cfg->widen) << s;
        for (int b = 0; b < cfg->blocks; b++) {
            twi_resnet_block *k = &r->block[s * cfg->blocks + b];
            const int stride = s > 0 && b == 0 ? 2 : 1;
            TW_TRY(add(&k->a, ps, prefix, s, b, "a", in, out, 3, stride, err));
            TW_TRY(add(&k->b, ps, prefix, s, b, "b", out, out, 3, 1, err));
            if (in != out)
                TW_TRY(add(&k->around, ps, prefix, s, b, "around", in, out, 1, stride, err));
            in = out;
        }
    }
done:
    return st;
}

void twi_resnet_init(const twi_resnet *r, tw_rng *rng)
{
    twi_conv_layer_init(&r->stem, rng);
    for (int i = 0; i < r->cfg.stages * r->cfg.blocks; i++) {
        const twi_resnet_block *k = &r->block[i];
        twi_conv_layer_init(&k->a, rng);
        twi_conv_layer_init(&k->b, rng);
        tw_param_fill(k->b.gain, 0);
        if (k->around.w != NULL)
            twi_conv_layer_init(&k->around, rng);
    }
}

int twi_resnet_width(const twi_resnet *r) { return (BASE * r->cfg.widen) << (r->cfg.stages - 1); }

tw_tensor *twi_resnet_forward(const twi_resnet *r, tw_tape *t, const uint8_t *const *px, int n)
{
    tw_maps x = twi_conv_pixels(t, px, n, r->cfg.side, r->cfg.channels);
    x = twi_conv_layer_forward(&r->stem, t, x, NULL, true, false);
    for (int i = 0; i < r->cfg.stages * r->cfg.blocks; i++) {
        const twi_resnet_block *k = &r->block[i];
        const tw_maps around =
            k->around.w != NULL ? twi_conv_layer_forward(&k->around, t, x, NULL, false, false) : x;
        x = twi_conv_layer_forward(&k->a, t, x, NULL, true, false);
        x = twi_conv_layer_forward(&k->b, t, x, &around, true, false);
    }
    return tw_op_mean_pool(t, x);
}
