/* Which encoders there are. */
#include "towers/encoder.h"

const char *tw_modality_name(tw_modality m)
{
    static const char *const names[] = {"text", "image", "audio", "attributes"};
    return (size_t) m < sizeof names / sizeof names[0] ? names[m] : "unknown";
}

bool twi_reads_tokens(const tw_tower_config *cfg) { return cfg->text > TW_TEXT_BAG; }

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
