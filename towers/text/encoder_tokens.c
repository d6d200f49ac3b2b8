/* Texts as rows of word pieces: CNN, LSTM, GRU and transformer as encoders.
 *
 * Sample: the text's token ids (int32), [CLS] and [SEP] included; none where all between them is
 * unknown. The vocabulary belongs to the tower and stands in its file. By text_rules 2 a text is
 * composed first, and case-folded where letters are lowered; by 1 it goes to the tokenizer as it
 * stands, which is what an imported encoder wants. */
#include <string.h>

#include "base/alloc.h"
#include "base/pieces.h"
#include "base/size.h"
#include "base/unicode.h"
#include "towers/encoder.h"
#include "towers/text/encoder_tokens.h"
#include "towers/text/text_cnn.h"
#include "towers/text/text_pooling.h"
#include "towers/text/text_rnn.h"
#include "towers/text/text_transformer.h"
#include "towers/text/text_wordpiece.h"

enum {
    MARKS = 2,          /* [CLS] and [SEP]: a text of these alone is empty */
    CHUNK_TOKENS = 768, /* of one forward when many texts are embedded */
    NARROW = 3,
    WIDEST = 5,
    PROMPT_MAX = 8192, /* bytes */
};

typedef struct tokens {
    twi_encoder base;
    twi_wordpiece *words;
    int max_tokens;
    int rules;                 /* text_rules */
    int prompt_tokens;         /* [CLS] and the prompt's; 0 without one */
    const char *prompt;        /* the tower's; NULL: none */
    tw_param *dense, *dense_b; /* behind the transformer; NULL: none */
    twi_activation dense_end;
    twi_transformer *transformer; /* one of these */
    twi_rnn *rnn;
    twi_text_cnn *cnn;
} tokens;

static void destroy(twi_encoder *e)
{
    tokens *t = (tokens *) e;
    twi_wordpiece_destroy(t->words);
    twi_transformer_destroy(t->transformer);
    twi_rnn_destroy(t->rnn);
    twi_text_cnn_destroy(t->cnn);
    tw_free(t);
}

static void init(twi_encoder *e, tw_rng *rng)
{
    tokens *t = (tokens *) e;
    if (t->transformer != NULL)
        twi_transformer_init(t->transformer, rng);
    if (t->dense != NULL)
        tw_param_init_glorot(t->dense, rng);
    if (t->rnn != NULL)
        twi_rnn_init(t->rnn, rng);
    if (t->cnn != NULL)
        twi_text_cnn_init(t->cnn, rng);
}

static tw_status reader_open(void **out, const twi_encoder *e, tw_error *err)
{
    tw_text *t = tw_alloc(1, sizeof *t);
    (void) e;
    *out = t;
    if (t == NULL)
        return tw_fail(err, TW_ENOMEM, "reader of texts");
    tw_text_init(t, SIZE_MAX / 4);
    return TW_OK;
}

static void reader_close(void *reader)
{
    if (reader != NULL)
        tw_text_fini(reader);
    tw_free(reader);
}

/* The text as the tower's rules want it, in `own` where it is changed. */
static tw_status spell(const tokens *t, tw_text *own, const char **text, size_t *len, tw_error *err)
{
    if (t->rules == 1)
        return TW_OK;
    tw_text_clear(own);
    tw_status st = twi_wordpiece_cutting(t->words).lower
                       ? tw_pieces_fold_words(own, *text, *len, err)
                       : tw_unicode_nfc(own, *text, *len, err);
    *text = tw_text_cstr(own);
    *len = own->len;
    return st;
}

/* Marks alone, or by newer rules nothing but words that the vocabulary does not know. */
static bool says_nothing(const tokens *t, const int32_t *ids, int n)
{
    int k = 1;
    while (t->rules > 1 && k < n - 1 && ids[k] == twi_wordpiece_unknown(t->words))
        k++;
    return n <= MARKS || k == n - 1;
}

/* The prompt and the text as one, to be freed: where neither ends in white space they meet in one
 * word, as in the library. */
static tw_status join(const char *prompt, const char *text, size_t text_len, char **out,
                      size_t *len, tw_error *err)
{
    const size_t first = strlen(prompt);
    *out = tw_size_add(first, text_len, len) ? tw_alloc(*len + 1, 1) : NULL;
    if (*out == NULL)
        return tw_fail(err, TW_ENOMEM, "a text of %zu bytes behind its prompt", text_len);
    memcpy(*out, prompt, first);
    memcpy(*out + first, text, text_len);
    return TW_OK;
}

/* *n tokens of the text behind the prompt, in ids. */
static tw_status encode_behind_prompt(const tokens *t, const char *text, size_t len, int32_t *ids,
                                      int *n, tw_error *err)
{
    char *joint = NULL;
    tw_status st = join(t->prompt, text, len, &joint, &len, err);
    if (st == TW_OK)
        *n = twi_wordpiece_encode(t->words, joint, len, t->max_tokens, ids);
    tw_free(joint);
    return st;
}

/* A text without tokens of its own has no sample, with a prompt or without. */
static tw_status prepare(const twi_encoder *e, void *reader, const tw_tower_item *item,
                         twi_bytes *out, tw_error *err)
{
    const tokens *t = (const tokens *) e;
    const size_t room = (size_t) t->max_tokens * sizeof(int32_t), before = out->len;
    const char *text = item->text;
    size_t len = item->text_len;
    if (text == NULL)
        return TW_OK;
    tw_status st = spell(t, reader, &text, &len, err);
    if (st != TW_OK)
        return st;
    int32_t *ids = twi_bytes_more(out, room);
    if (ids == NULL)
        return tw_fail(err, TW_ENOMEM, "%d tokens of a text", t->max_tokens);
    int n = twi_wordpiece_encode(t->words, text, len, t->max_tokens, ids);
    const bool nothing = says_nothing(t, ids, n);
    if (!nothing && t->prompt != NULL)
        st = encode_behind_prompt(t, text, len, ids, &n, err);
    if (nothing || st != TW_OK)
        out->len = before;
    else
        out->len -= room - (size_t) n * sizeof *ids;
    return st;
}

/* Leaves words out, never the marks nor the `first` tokens that every text begins with. Returns how
 * many tokens stay. */
static int32_t copy_tokens(int32_t *to, const int32_t *ids, int32_t n, int first, double dropout,
                           tw_rng *rng)
{
    int32_t kept = 0;
    for (int32_t k = 0; k < n; k++)
        if (dropout <= 0 || k == 0 || k < first || k == n - 1 || tw_rng_uniform(rng) >= dropout)
            to[kept++] = ids[k];
    return kept;
}

static tw_tensor *forward(const twi_encoder *e, tw_tape *tape, const twi_sample *samples, int n,
                          const twi_augment *augment)
{
    const tokens *t = (const tokens *) e;
    const double dropout = augment != NULL ? augment->dropout : 0;
    size_t room = 0;

    for (int i = 0; i < n; i++)
        room += samples[i].len / sizeof(int32_t);
    int32_t *ids = tw_tape_take(tape, room, sizeof *ids);
    int32_t *offsets = tw_tape_take(tape, (size_t) n + 1, sizeof *offsets);
    if (ids == NULL || offsets == NULL)
        return NULL;
    offsets[0] = 0;
    for (int i = 0; i < n; i++) {
        const int32_t *from = (const int32_t *) (const void *) samples[i].data;
        const int32_t len = (int32_t) (samples[i].len / sizeof *from);
        offsets[i + 1] = offsets[i] + copy_tokens(ids + offsets[i], from, len, t->prompt_tokens,
                                                  dropout, tw_tape_rng(tape));
    }
    if (t->transformer != NULL) {
        tw_tensor *y = twi_transformer_forward(t->transformer, tape, ids, offsets, n);
        return t->dense == NULL
                   ? y
                   : twi_activate(tape, tw_op_linear(tape, y, t->dense, t->dense_b), t->dense_end);
    }
    return t->rnn != NULL ? twi_rnn_forward(t->rnn, tape, ids, offsets, n)
                          : twi_text_cnn_forward(t->cnn, tape, ids, offsets, n);
}

#define CLASS(word)                                                                                \
    {                                                                                              \
        .name = (word), .destroy = destroy, .init = init, .open = reader_open,                     \
        .close = reader_close, .prepare = prepare, .forward = forward                              \
    }
static const twi_encoder_class token_classes[] = {CLASS("cnn"), CLASS("lstm"), CLASS("gru"),
                                                  CLASS("transformer")};

static tw_status add_transformer(tokens *t, const tw_tower_config *cfg, tw_params *ps,
                                 tw_error *err)
{
    tw_status st = TW_OK;
    const int positions = cfg->text_positions > 0 ? cfg->text_positions : cfg->max_tokens;
    const twi_transformer_config net = {.vocab = twi_wordpiece_size(t->words),
                                        .positions = positions,
                                        .width = cfg->text_width,
                                        .heads = cfg->text_heads,
                                        .layers = cfg->text_layers,
                                        .hidden = cfg->text_ffn,
                                        .eps = cfg->text_eps,
                                        .dropout = cfg->text_dropout,
                                        .pooling = cfg->text_pooling,
                                        .skip = cfg->text_prompt ? 0 : t->prompt_tokens};
    TW_TRY(twi_transformer_create(&t->transformer, &net, ps, "text.", err));
    const int columns = twi_transformer_columns(t->transformer);
    t->base.width = columns;
    if (cfg->text_dense == 0)
        goto done;
    t->dense_end = (twi_activation) cfg->text_dense_end;
    t->base.width = cfg->text_dense;
    TW_TRY(tw_params_add(ps, &t->dense, "text.dense.w", cfg->text_dense, columns, TW_DENSE, err));
    TW_TRY(tw_params_add(ps, &t->dense_b, "text.dense.b", 1, cfg->text_dense, TW_DENSE, err));
    t->dense_b->no_decay = true;
done:
    return st;
}

static tw_status add_net(tokens *t, const tw_tower_config *cfg, tw_params *ps, tw_error *err)
{
    tw_status st = TW_OK;
    const int vocab = twi_wordpiece_size(t->words);

    if (cfg->text == TW_TEXT_TRANSFORMER) {
        TW_TRY(add_transformer(t, cfg, ps, err));
    } else if (cfg->text == TW_TEXT_CNN) {
        const twi_text_cnn_config net = {.vocab = vocab,
                                         .embed = cfg->text_width,
                                         .filters = cfg->text_width,
                                         .narrow = NARROW,
                                         .widest = WIDEST,
                                         .dropout = cfg->text_dropout};
        TW_TRY(twi_text_cnn_create(&t->cnn, &net, ps, "text.", err));
        t->base.width = twi_text_cnn_width(t->cnn);
    } else {
        const twi_rnn_config net = {
            .vocab = vocab,
            .embed = cfg->text_width,
            .hidden = cfg->text_width,
            .layers = cfg->text_layers < TWI_RNN_LAYERS_MAX ? cfg->text_layers : TWI_RNN_LAYERS_MAX,
            .gru = cfg->text == TW_TEXT_GRU,
            .dropout = cfg->text_dropout};
        TW_TRY(twi_rnn_create(&t->rnn, &net, ps, "text.", err));
        t->base.width = twi_rnn_width(t->rnn);
    }
done:
    return st;
}

/* How many tokens the prompt makes of every text's beginning, counted alone as in the library. */
static tw_status take_prompt(tokens *t, const char *prompt, tw_error *err)
{
    const size_t len = strlen(prompt);
    if (len > PROMPT_MAX)
        return tw_fail(err, TW_EINVAL, "a prompt of %zu bytes; the most is %d", len, PROMPT_MAX);
    int32_t *ids = tw_alloc((size_t) t->max_tokens, sizeof *ids);
    if (ids == NULL)
        return tw_fail(err, TW_ENOMEM, "a prompt of %zu bytes", len);
    t->prompt = prompt;
    t->prompt_tokens = twi_wordpiece_encode(t->words, prompt, len, t->max_tokens, ids) - 1;
    tw_free(ids);
    return TW_OK;
}

tw_status twi_tokens_create(twi_encoder **out, const tw_tower_config *cfg, const twi_texts *texts,
                            tw_params *ps, tw_error *err)
{
    tw_status st = TW_OK;
    const twi_cutting cut = {
        .lower = cfg->text_lower, .accents = cfg->text_accents, .han_joined = !cfg->text_han};
    tokens *t = tw_alloc(1, sizeof *t);

    *out = NULL;
    if (t == NULL)
        return tw_fail(err, TW_ENOMEM, "text encoder");
    t->base = (twi_encoder){.class = &token_classes[cfg->text - TW_TEXT_CNN],
                            .chunk = CHUNK_TOKENS * (int) sizeof(int32_t)};
    t->max_tokens = cfg->max_tokens;
    t->rules = cfg->text_rules;
    TW_TRY(twi_wordpiece_parse(&t->words, texts->vocabulary, strlen(texts->vocabulary), cut, err));
    if (texts->added != NULL)
        TW_TRY(twi_wordpiece_add(t->words, texts->added, strlen(texts->added), err));
    if (texts->prompt != NULL)
        TW_TRY(take_prompt(t, texts->prompt, err));
    TW_TRY(add_net(t, cfg, ps, err));
    *out = &t->base;
    t = NULL;
done:
    if (t != NULL)
        destroy(&t->base);
    return st;
}
