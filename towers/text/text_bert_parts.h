/* towers/text/text_bert_parts.h — what text_bert_config.c and text_bert_modules.c share. Internal
 * to towers/.
 *
 * Every reader takes a file whose data may be NULL: then the library's default holds. TW_ECORRUPT:
 * the sentence names the file and the setting. TW_ENOMEM.
 */
#ifndef TW_TOWERS_TEXT_TEXT_BERT_PARTS_H
#define TW_TOWERS_TEXT_TEXT_BERT_PARTS_H

#include <jansson.h>

#include "towers/text/text_bert.h"

/* flags: as jansson's, besides the refusal of doubled keys. The caller decrefs *out. */
TW_NODISCARD tw_status twi_bert_json(json_t **out, const twi_bert_bytes *file, const char *name,
                                     size_t flags, tw_error *err);
/* A member that is missing, null or `want`; anything else is refused by name. */
TW_NODISCARD tw_status twi_bert_want(const json_t *o, const char *file, const char *key,
                                     const char *want, tw_error *err);

/* Into a->cfg.pooling and a->prompt_pooled. */
TW_NODISCARD tw_status twi_bert_read_pooling(twi_bert_about *a, const twi_bert_bytes *file,
                                             tw_error *err);
/* Into a->dense and its fellows; after the pooling, whose columns it takes. */
TW_NODISCARD tw_status twi_bert_read_dense(twi_bert_about *a, const twi_bert_bytes *file,
                                           tw_error *err);
/* The default prompt into a->prompt. */
TW_NODISCARD tw_status twi_bert_read_prompts(twi_bert_about *a, const twi_bert_bytes *file,
                                             tw_error *err);

#endif
