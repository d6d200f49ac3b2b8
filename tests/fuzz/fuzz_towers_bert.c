/* The JSON files of a sentence-transformers folder from one input: parts between zero bytes, in the
 * order of twi_bert_files; an empty part is a file that is not there. What is taken is within what
 * an encoder can be made of. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "towers/text/text_bert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    twi_bert_files f = {0};
    twi_bert_bytes *const parts[] = {
        &f.config,           &f.modules, &f.pooling, &f.sentence, &f.tokenizer,
        &f.tokenizer_config, &f.vocab,   &f.prompts, &f.dense,    &f.added};
    const char *at = (const char *) data, *end = at + size;
    twi_bert_about about = {0};
    twi_wordpiece *words = NULL;
    int32_t ids[8];

    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && at < end; i++) {
        const char *stop = memchr(at, 0, (size_t) (end - at));
        stop = stop != NULL ? stop : end;
        if (stop > at)
            *parts[i] = (twi_bert_bytes){.data = at, .len = (size_t) (stop - at)};
        at = stop < end ? stop + 1 : end;
    }
    tw_status st = twi_bert_parse(&about, &words, &f, NULL);
    require((st == TW_OK) == (words != NULL));
    if (st != TW_OK)
        return 0;
    const twi_transformer_config *c = &about.cfg;
    require(about.max_tokens >= 2 && about.max_tokens <= c->positions);
    require(twi_wordpiece_size(words) == c->vocab && c->vocab <= about.rows && about.types >= 1);
    require(c->pooling >= 1 && c->pooling <= TWI_POOL_ALL && about.dense >= 0);
    require(memchr(about.prompt, 0, sizeof about.prompt) != NULL);
    require(twi_wordpiece_encode(words, "caf\xc3\xa9 <b>[X]", 12, 8, ids) <= 8);
    require(c->width >= 1 && c->heads >= 1 && c->width % c->heads == 0);
    twi_wordpiece_destroy(words);
    return 0;
}
