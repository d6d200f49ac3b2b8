/* towers/text/text_bert.h — a pretrained sentence encoder from a sentence-transformers folder.
 *
 * Internal to towers/. Reads BERT models (all-MiniLM-L6-v2 is one) with any pooling of the library,
 * perhaps one Dense layer behind it, perhaps a prompt before every text:
 *
 *     twi_bert *b = NULL;
 *     TW_TRY(twi_bert_open(&b, dir, err));
 *     TW_TRY(twi_transformer_create(&m, &twi_bert_get(b)->cfg, ps, "text.", err));
 *     TW_TRY(twi_bert_load(b, ps, "text.", err));
 *     words = twi_bert_take_words(b);
 *     twi_bert_close(b);
 *
 * From the folder: modules.json names the parts and their folders. The transformer's has
 * config.json and model.safetensors; tokenizer.json, or vocab.txt; and where they are there
 * tokenizer_config.json and sentence_bert_config.json. The pooling's has config.json, the Dense
 * layer's config.json and model.safetensors. config_sentence_transformers.json holds the prompts;
 * the default one stands before every text. Whatever we would compute otherwise than the library
 * does is refused with its reason, and nothing in the files is believed before it is checked.
 *
 * The library here is sentence-transformers 5 with transformers 4 and 5. Where these differ (a
 * tokenizer.json without a post-processor) the folder is refused. One difference is wanted: "[SEP]"
 * in a text is text.
 */
#ifndef TW_TOWERS_TEXT_TEXT_BERT_H
#define TW_TOWERS_TEXT_TEXT_BERT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "nn/params.h"
#include "towers/text/text_pooling.h"
#include "towers/text/text_transformer.h"
#include "towers/text/text_wordpiece.h"

typedef struct twi_bert twi_bert;

/* Reads and checks all but the shapes of the weights.
 *
 * TW_ECORRUPT: a file breaks its format, or the model is of another kind; the message names the
 * file. TW_ENOTFOUND, TW_EIO: config.json, model.safetensors or both vocabularies cannot be read.
 * TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status twi_bert_open(twi_bert **out, const char *dir, tw_error *err);
void twi_bert_close(twi_bert *b); /* accepts NULL */

/* What the folder holds; lives as long as b. */
typedef struct twi_bert_about twi_bert_about;
const twi_bert_about *twi_bert_get(const twi_bert *b);
twi_wordpiece *twi_bert_take_words(twi_bert *b); /* the caller destroys it; NULL the second time */

/* Fills the tensors that twi_transformer_create added to ps under `prefix` with the folder's cfg,
 * and PREFIXdense.w and PREFIXdense.b where it has a Dense layer.
 * TW_ECORRUPT: a tensor is missing, of another shape or no floating point; ps is partly filled. */
TW_NODISCARD tw_status twi_bert_load(const twi_bert *b, tw_params *ps, const char *prefix,
                                     tw_error *err);

/* ---- from memory: what twi_bert_open does with the files' bytes, for fuzzing ----------------- */

/* data NULL: there is no such file. */
typedef struct twi_bert_bytes {
    const char *data;
    size_t len;
} twi_bert_bytes;

typedef struct twi_bert_files {
    twi_bert_bytes config, modules, pooling, sentence, tokenizer, tokenizer_config, vocab, prompts,
        dense, added;
} twi_bert_files;

#define TWI_BERT_FOLDER_MAX 64
#define TWI_BERT_PROMPT_MAX 2048
#define TWI_DENSE_MAX       4096 /* columns */

/* modules.json: which parts there are, and where. Names of folders inside the model's; "" is the
 * model's own. */
typedef struct twi_bert_modules {
    char transformer[TWI_BERT_FOLDER_MAX], pooling[TWI_BERT_FOLDER_MAX], dense[TWI_BERT_FOLDER_MAX];
    bool listed; /* false: there is no modules.json; a transformer and the mean, then */
    bool has_dense;
    bool normalizes; /* vectors are scaled to length 1 */
} twi_bert_modules;

struct twi_bert_about {
    twi_transformer_config cfg; /* the encoder that the weights fit; dropout as it was trained */
    int types;                  /* rows of the token types' table */
    int rows;                   /* of the words' table; cfg.vocab is how many are used */
    int max_tokens;             /* the library's max_seq_length, 2..positions */
    twi_bert_modules modules;
    int dense; /* width of the Dense layer; 0: there is none */
    bool dense_bias;
    twi_activation dense_end;
    char prompt[TWI_BERT_PROMPT_MAX]; /* "": none */
    bool prompt_pooled;
};

/* TW_ECORRUPT: another list of modules than Transformer, Pooling, Dense, Normalize, of which only
 * the first is needed. */
TW_NODISCARD tw_status twi_bert_read_modules(twi_bert_modules *m, const twi_bert_bytes *file,
                                             tw_error *err);

/* *words is the caller's; NULL on failure. */
TW_NODISCARD tw_status twi_bert_parse(twi_bert_about *about, twi_wordpiece **words,
                                      const twi_bert_files *files, tw_error *err);

#endif
