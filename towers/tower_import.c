/* Towers from what others have trained, and vocabularies for those that begin here. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "towers/internal.h"
#include "towers/text_bert.h"

/* A tower of the folder's shape that hands its vectors on as they are. */
static tw_tower_config config_of(const twi_bert *b, bool lower)
{
    const twi_transformer_config *net = twi_bert_config(b);
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    cfg.text = TW_TEXT_TRANSFORMER;
    cfg.text_width = net->width;
    cfg.text_layers = net->layers;
    cfg.text_heads = net->heads;
    cfg.text_ffn = net->hidden;
    cfg.text_positions = net->positions;
    cfg.text_dropout = net->dropout;
    cfg.text_lower = lower;
    cfg.max_tokens = twi_bert_max_tokens(b);
    cfg.dim = net->width;
    return cfg;
}

tw_status tw_tower_import_bert(tw_tower **out, const char *dir, tw_error *err)
{
    tw_status st = TW_OK;
    twi_bert *b = NULL;
    twi_wordpiece *words = NULL;
    tw_tower *t = NULL;
    size_t len;

    *out = NULL;
    TW_TRY(twi_bert_open(&b, dir, err));
    words = twi_bert_take_words(b);
    assert(words != NULL);
    const tw_tower_config cfg = config_of(b, twi_wordpiece_lower(words));
    TW_TRY(tw_tower_create(&t, &cfg, twi_wordpiece_text(words, &len), err));
    assert(t != NULL);
    TW_TRY(twi_bert_load(b, t->params, "text.", err));
    *out = t;
    t = NULL;
done:
    tw_tower_destroy(t);
    twi_wordpiece_destroy(words);
    twi_bert_close(b);
    return st;
}

tw_status tw_tower_learn_vocabulary(char **out, const char *const *texts, const size_t *lens,
                                    int64_t n, int size, tw_error *err)
{
    twi_wordpiece *words = NULL;
    size_t len;
    tw_status st = twi_wordpiece_learn(&words, texts, lens, n, size, err);

    *out = NULL;
    if (st == TW_OK) {
        const char *text = twi_wordpiece_text(words, &len);
        *out = tw_strndup(text, len);
        if (*out == NULL)
            st = tw_fail(err, TW_ENOMEM, "a vocabulary of %zu bytes", len);
    }
    twi_wordpiece_destroy(words);
    return st;
}
