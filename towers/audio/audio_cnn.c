#include "towers/audio/audio_cnn.h"

#include <math.h>

static const char *const names[TWI_AUDIO_BLOCKS_MAX] = {"conv0", "conv1", "conv2", "conv3",
                                                        "conv4"};

static tw_status check(const twi_audio_config *cfg, tw_error *err)
{
    if (cfg->bands < 8 || cfg->bands > 256)
        return tw_fail(err, TW_EINVAL, "%d bands of a log-mel are outside 8..256", cfg->bands);
    if (cfg->blocks < 2 || cfg->blocks > TWI_AUDIO_BLOCKS_MAX)
        return tw_fail(err, TW_EINVAL, "%d blocks are outside 2..%d", cfg->blocks,
                       TWI_AUDIO_BLOCKS_MAX);
    if (cfg->width < 8 || cfg->width > 128 || cfg->width % TWI_GROUP_CHANNELS != 0)
        return tw_fail(err, TW_EINVAL, "the audio net's width %d is no multiple of %d in 8..128",
                       cfg->width, TWI_GROUP_CHANNELS);
    if (!isfinite(cfg->scale) || !isfinite(cfg->shift))
        return tw_fail(err, TW_EINVAL, "the log-mel's scale %g and shift %g are not finite",
                       cfg->scale, cfg->shift);
    return TW_OK;
}

tw_status twi_audio_cnn_create(twi_audio_cnn *a, const twi_audio_config *cfg, tw_params *ps,
                               const char *prefix, tw_error *err)
{
    tw_status st = TW_OK;
    *a = (twi_audio_cnn){.cfg = *cfg};
    TW_TRY(check(cfg, err));
    for (int i = 0; i < cfg->blocks; i++)
        TW_TRY(twi_conv_layer_create(&a->layer[i], ps, prefix, names[i],
                                     i == 0 ? 1 : i * cfg->width, (i + 1) * cfg->width, 3, 1, err));
done:
    return st;
}

void twi_audio_init(const twi_audio_cnn *a, tw_rng *rng)
{
    for (int i = 0; i < a->cfg.blocks; i++)
        twi_conv_layer_init(&a->layer[i], rng);
}

int twi_audio_width(const twi_audio_cnn *a) { return a->cfg.blocks * a->cfg.width; }

tw_tensor *twi_audio_forward(const twi_audio_cnn *a, tw_tape *t, const float *const *frames,
                             const int32_t *lengths, int n)
{
    tw_maps x = tw_op_frames(t, frames, lengths, n, a->cfg.bands, a->cfg.scale, a->cfg.shift);
    for (int i = 0; i < a->cfg.blocks; i++)
        x = twi_conv_layer_forward(&a->layer[i], t, x, NULL, true, true);
    return tw_op_audio_pool(t, x);
}
