/* Which encoders there are. */
#include "towers/encoder_table.h"

#include "towers/audio/encoder_audio.h"
#include "towers/encoder.h"
#include "towers/encoder_attributes.h"
#include "towers/image/encoder_image.h"
#include "towers/text/encoder_bag.h"
#include "towers/text/encoder_tokens.h"
#include "towers/tower_config.h"

static tw_status text_encoder(twi_encoder **out, const tw_tower_config *cfg, tw_params *ps,
                              const twi_texts *texts, tw_error *err)
{
    switch (cfg->text) {
    case TW_TEXT_NONE: return TW_OK;
    case TW_TEXT_AUTO:
    case TW_TEXT_BAG: return twi_bag_create(out, cfg, ps, err);
    case TW_TEXT_CNN:
    case TW_TEXT_LSTM:
    case TW_TEXT_GRU:
    case TW_TEXT_TRANSFORMER: return twi_tokens_create(out, cfg, texts, ps, err);
    }
    return TW_OK;
}

tw_status twi_encoder_create(twi_encoder **out, tw_modality modality, const tw_tower_config *cfg,
                             const twi_texts *texts, tw_params *ps, tw_error *err)
{
    *out = NULL;
    if (modality == TW_MODALITY_TEXT && twi_reads_tokens(cfg) && texts->vocabulary == NULL)
        return tw_fail(err, TW_EINVAL, "this text encoder reads tokens and needs a vocabulary");
    switch (modality) {
    case TW_MODALITY_TEXT: return text_encoder(out, cfg, ps, texts, err);
    case TW_MODALITY_IMAGE:
        return cfg->image <= TW_IMAGE_NONE ? TW_OK : twi_image_create(out, cfg, ps, err);
    case TW_MODALITY_AUDIO:
        return cfg->audio <= TW_AUDIO_NONE ? TW_OK : twi_audio_create(out, cfg, ps, err);
    case TW_MODALITY_ATTRIBUTES:
        return cfg->attributes <= TW_ATTRIBUTES_NONE ? TW_OK
                                                     : twi_attributes_create(out, cfg, ps, err);
    case TW_MODALITIES: break;
    }
    return TW_OK;
}

void twi_encoder_destroy(twi_encoder *e)
{
    if (e != NULL)
        e->class->destroy(e);
}
