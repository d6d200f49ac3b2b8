/* towers/text_bert.h — a pretrained sentence encoder from a sentence-transformers folder.
 *
 * Internal to towers/. Reads BERT models with mean pooling (all-MiniLM-L6-v2 is one):
 *
 *     twi_bert *b = NULL;
 *     TW_TRY(twi_bert_open(&b, dir, err));
 *     TW_TRY(twi_transformer_create(&m, twi_bert_config(b), ps, "text.", err));
 *     TW_TRY(twi_bert_load(b, ps, "text.", err));
 *     words = twi_bert_take_words(b);
 *     twi_bert_close(b);
 *
 * From the folder: config.json and model.safetensors; tokenizer.json, or vocab.txt with
 * tokenizer_config.json; and where they are there modules.json with 1_Pooling/config.json, and
 * sentence_bert_config.json. Whatever we would compute otherwise than the library does
 * is refused with its reason, and nothing in the files is believed before it is checked.
 */
#ifndef TW_TOWERS_TEXT_BERT_H
#define TW_TOWERS_TEXT_BERT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "nn/params.h"
#include "towers/text_transformer.h"
#include "towers/text_wordpiece.h"

typedef struct twi_bert twi_bert;

/* Reads and checks all but the shapes of the weights.
 *
 * TW_ECORRUPT: a file breaks its format, or the model is of another kind; the message names the
 * file. TW_ENOTFOUND, TW_EIO: config.json, model.safetensors or both vocabularies cannot be read.
 * TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status twi_bert_open(twi_bert **out, const char *dir, tw_error *err);
void twi_bert_close(twi_bert *b); /* accepts NULL */

/* The encoder that the weights fit; dropout as it was trained. */
const twi_transformer_config *twi_bert_config(const twi_bert *b);
int twi_bert_max_tokens(const twi_bert *b);  /* the library's max_seq_length, 2..positions */
bool twi_bert_normalizes(const twi_bert *b); /* whether the folder scales its vectors to length 1 */
twi_wordpiece *twi_bert_take_words(twi_bert *b); /* the caller destroys it; NULL the second time */

/* Fills the tensors that twi_transformer_create added to ps under `prefix` with twi_bert_config.
 * TW_ECORRUPT: a tensor is missing, of another shape or no floating point; ps is partly filled. */
TW_NODISCARD tw_status twi_bert_load(const twi_bert *b, tw_params *ps, const char *prefix,
                                     tw_error *err);

/* ---- from memory: what twi_bert_open does with the files' bytes, for fuzzing -------------------
 */

/* data NULL: there is no such file. */
typedef struct twi_bert_bytes {
    const char *data;
    size_t len;
} twi_bert_bytes;

typedef struct twi_bert_files {
    twi_bert_bytes config, modules, pooling, sentence, tokenizer, tokenizer_config, vocab;
} twi_bert_files;

typedef struct twi_bert_about {
    twi_transformer_config cfg;
    int types; /* rows of the token types' table */
    int max_tokens;
    bool normalizes;
} twi_bert_about;

/* *words is the caller's; NULL on failure. */
TW_NODISCARD tw_status twi_bert_parse(twi_bert_about *about, twi_wordpiece **words,
                                      const twi_bert_files *files, tw_error *err);

#endif
