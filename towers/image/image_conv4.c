#include "towers/image/image_conv4.h"

#include "nn/kernels/pooling.h"

static const char *const names[TWI_CONV4_BLOCKS] = {"conv0", "conv1", "conv2", "conv3"};

static tw_status check(const twi_conv4_config *cfg, tw_error *err)
{
    if (cfg->side < TWI_IMAGE_SIDE_MIN || cfg->side > TWI_IMAGE_SIDE_MAX)
        return tw_fail(err, TW_EINVAL, "an image's side of %d pixels is outside %d..%d", cfg->side,
                       TWI_IMAGE_SIDE_MIN, TWI_IMAGE_SIDE_MAX);
    if (cfg->channels != 1 && cfg->channels != 3)
        return tw_fail(err, TW_EINVAL, "images have 1 or 3 channels, not %d", cfg->channels);
    if (cfg->width < 8 || cfg->width > 512 || cfg->width % TWI_GROUP_CHANNELS != 0)
        return tw_fail(err, TW_EINVAL, "conv4's width %d is no multiple of %d in 8..512",
                       cfg->width, TWI_GROUP_CHANNELS);
    return TW_OK;
}

tw_status twi_conv4_create(twi_conv4 *c, const twi_conv4_config *cfg, tw_params *ps,
                           const char *prefix, tw_error *err)
{
    tw_status st = TW_OK;
    *c = (twi_conv4){.cfg = *cfg};
    TW_TRY(check(cfg, err));
    for (int i = 0; i < TWI_CONV4_BLOCKS; i++)
        TW_TRY(twi_conv_layer_create(&c->layer[i], ps, prefix, names[i],
                                     i == 0 ? cfg->channels : cfg->width, cfg->width, 3, 1, err));
done:
    return st;
}

void twi_conv4_init(const twi_conv4 *c, tw_rng *rng)
{
    for (int i = 0; i < TWI_CONV4_BLOCKS; i++)
        twi_conv_layer_init(&c->layer[i], rng);
}

int twi_conv4_width(const twi_conv4 *c)
{
    int side = c->cfg.side;
    for (int i = 0; i < TWI_CONV4_BLOCKS; i++)
        side = tw_pool2_extent(side);
    return c->cfg.flat ? c->cfg.width * side * side : c->cfg.width;
}

tw_tensor *twi_conv4_forward(const twi_conv4 *c, tw_tape *t, const uint8_t *const *px, int n)
{
    tw_maps x = twi_conv_pixels(t, px, n, c->cfg.side, c->cfg.channels);
    for (int i = 0; i < TWI_CONV4_BLOCKS; i++)
        x = twi_conv_layer_forward(&c->layer[i], t, x, NULL, true, true);
    return c->cfg.flat ? tw_op_flatten(t, x) : tw_op_mean_pool(t, x);
}
