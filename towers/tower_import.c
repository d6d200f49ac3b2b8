/* Towers from what others have trained, and vocabularies for those that begin here. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pieces.h"
#include "towers/text/text_bert.h"
#include "towers/tower.h"
#include "towers/tower_samples.h"

/* A tower of the folder's shape that passes its vectors on as they are. */
static tw_tower_config config_of(const twi_bert_about *a, twi_cutting cut)
{
    const twi_transformer_config *net = &a->cfg;
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    cfg.text = TW_TEXT_TRANSFORMER;
    cfg.text_rules = 1; /* its own tokenizer says how texts are read */
    cfg.text_width = net->width;
    cfg.text_layers = net->layers;
    cfg.text_heads = net->heads;
    cfg.text_ffn = net->hidden;
    cfg.text_positions = net->positions;
    cfg.text_dropout = net->dropout;
    cfg.text_lower = cut.lower;
    cfg.text_accents = cut.accents;
    cfg.text_han = !cut.han_joined;
    cfg.text_eps = net->eps;
    cfg.text_pooling = net->pooling;
    cfg.text_prompt = a->prompt_pooled;
    cfg.text_dense = a->dense;
    cfg.text_dense_end = (int) a->dense_end;
    cfg.max_tokens = a->max_tokens;
    cfg.dim = a->dense > 0 ? a->dense : net->width * twi_pool_parts(net->pooling);
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
    const twi_bert_about *a = twi_bert_get(b);
    const tw_tower_config cfg = config_of(a, twi_wordpiece_cutting(words));
    const twi_texts texts = {.vocabulary = twi_wordpiece_text(words, &len),
                             .added = twi_wordpiece_added(words),
                             .prompt = a->prompt[0] != '\0' ? a->prompt : NULL};
    TW_TRY(twi_tower_create(&t, &cfg, &texts, err));
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

/* The texts as towers that begin here read them (text_rules 2), each at its place in `spelt`. */
static tw_status spell_all(tw_text *spelt, const char **at, size_t *lens_at,
                           const char *const *texts, const size_t *lens, int64_t n, tw_error *err)
{
    tw_status st = TW_OK;
    for (int64_t i = 0; i < n && st == TW_OK; i++) {
        const size_t from = spelt->len;
        st = tw_pieces_fold_words(spelt, texts[i], twi_text_len(texts, lens, i), err);
        lens_at[i] = spelt->len - from;
    }
    size_t from = 0; /* only now: the text may have moved */
    for (int64_t i = 0; i < n; i++) {
        at[i] = tw_text_cstr(spelt) + from;
        from += lens_at[i];
    }
    return st;
}

tw_status tw_tower_learn_vocabulary(char **out, const char *const *texts, const size_t *lens,
                                    int64_t n, int size, tw_error *err)
{
    tw_status st = TW_OK;
    twi_wordpiece *words = NULL;
    size_t len;
    tw_text spelt;
    const char **at = tw_alloc((size_t) n, sizeof *at);
    size_t *lens_at = tw_alloc((size_t) n, sizeof *lens_at);

    *out = NULL;
    tw_text_init(&spelt, SIZE_MAX / 4);
    if (at == NULL || lens_at == NULL) {
        st = tw_fail(err, TW_ENOMEM, "a vocabulary of %lld texts", (long long) n);
        goto done;
    }
    TW_TRY(spell_all(&spelt, at, lens_at, texts, lens, n, err));
    TW_TRY(twi_wordpiece_learn(&words, at, lens_at, n, size, err));
    const char *text = twi_wordpiece_text(words, &len);
    *out = tw_strndup(text, len);
    if (*out == NULL)
        st = tw_fail(err, TW_ENOMEM, "a vocabulary of %zu bytes", len);
done:
    twi_wordpiece_destroy(words);
    tw_text_fini(&spelt);
    tw_free(at);
    tw_free(lens_at);
    return st;
}
