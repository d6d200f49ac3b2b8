/* Folders that are no sentence encoder which we compute as the library does: each is refused with a
 * sentence that names the setting. None gets as far as its weights. */
#include <string.h>

#include "base/file.h"
#include "tests/support/test.h"
#include "towers/text/text_bert.h"

#define CONFIG                                                                                     \
    "{\"model_type\":\"bert\",\"vocab_size\":20,\"hidden_size\":8,\"num_attention_heads\":2,"      \
    "\"num_hidden_layers\":2,\"intermediate_size\":12,\"max_position_embeddings\":6,"              \
    "\"type_vocab_size\":2,\"layer_norm_eps\":1e-12,\"hidden_act\":\"gelu\"}"
#define VOCAB                                                                                      \
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\ne\nf\ng\nh\ni\nj\n##a\n##b\n.\n,\n!\n"
#define MODULES                                                                                    \
    "[{\"type\":\"sentence_transformers.models.Transformer\",\"path\":\"\"},"                      \
    "{\"type\":\"sentence_transformers.models.Pooling\",\"path\":\"1_Pooling\"},"                  \
    "{\"type\":\"sentence_transformers.models.Normalize\"}]"
#define POOLING  "{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":false}"
#define SENTENCE "{\"max_seq_length\":5,\"do_lower_case\":false}"

static void write_file(const char *name, const char *text)
{
    const char *path = tw_test_path(name);
    if (text != NULL)
        assert_ok(tw_file_replace(path, text, strlen(text), err));
    else
        assert_ok(tw_remove_tree(path, err));
}

static void write_folder(void)
{
    assert_ok(tw_dir_create(tw_test_path("1_Pooling"), err));
    write_file("config.json", CONFIG);
    write_file("vocab.txt", VOCAB);
    write_file("modules.json", MODULES);
    write_file("1_Pooling/config.json", POOLING);
    write_file("sentence_bert_config.json", SENTENCE);
    write_file("tokenizer_config.json", "{\"do_lower_case\":true,\"strip_accents\":null}");
}

#define ST               "sentence_transformers.models."
#define PART(type, path) "{\"type\":\"" type "\",\"path\":\"" path "\"}"
#define LIST(parts)      "[" parts "]"
#define BERT             PART(ST "Transformer", "")
#define POOL             PART(ST "Pooling", "1_Pooling")
#define DENSE            PART(ST "Dense", "2_Dense")
#define NORM             PART(ST "Normalize", "3_Normalize")

typedef struct bad_file {
    const char *rule, *name, *text, *says;
} bad_file;

static const bad_file bad[] = {
    {"another architecture", "config.json", "{\"model_type\":\"mpnet\"}", "mpnet"},
    {"no architecture", "config.json", "{}", "model_type"},
    {"no JSON", "config.json", "{", "config.json"},
    {"another activation", "config.json", "{\"model_type\":\"bert\",\"hidden_act\":\"gelu_new\"}",
     "gelu_new"},
    {"relative positions", "config.json",
     "{\"model_type\":\"bert\",\"position_embedding_type\":\"relative_key\"}", "relative_key"},
    {"a decoder", "config.json", "{\"model_type\":\"bert\",\"is_decoder\":true}", "decoder"},
    {"no sizes", "config.json", "{\"model_type\":\"bert\"}", "vocab_size"},
    {"a vocabulary larger than the table", "vocab.txt", VOCAB "one\n", "21 word pieces"},
    {"pooling of an unknown kind", "1_Pooling/config.json", "{\"pooling_mode\":\"median\"}",
     "'median'"},
    {"poolings in another order", "1_Pooling/config.json", "{\"pooling_mode\":[\"mean\",\"cls\"]}",
     "'cls'"},
    {"a prompt that the first token cannot leave out", "1_Pooling/config.json",
     "{\"pooling_mode\":\"cls\",\"include_prompt\":false}", "include_prompt"},
    {"no pooling's file", "1_Pooling/config.json", NULL, "1_Pooling"},
    {"a module of its own", "modules.json", LIST(PART("x.Transformer", "") "," POOL),
     "x.Transformer"},
    {"an unknown module", "modules.json", LIST(BERT "," POOL "," PART(ST "LayerNorm", "2")),
     "'LayerNorm'"},
    {"a weighting in between", "modules.json", LIST(BERT "," PART(ST "WordWeights", "1") "," POOL),
     "'WordWeights'"},
    {"two dense layers", "modules.json", LIST(BERT "," POOL "," DENSE "," DENSE), "'Dense'"},
    {"a dense layer behind the norm", "modules.json", LIST(BERT "," POOL "," NORM "," DENSE),
     "'Dense'"},
    {"a dense layer without its file", "modules.json",
     LIST(BERT "," POOL "," PART(ST "Dense", "9")), "9/config.json"},
    {"a folder outside", "modules.json", LIST(BERT "," PART(ST "Pooling", "../x")), "'../x'"},
    {"a folder from the root", "modules.json", LIST(BERT "," PART(ST "Pooling", "/etc")), "'/etc'"},
    {"a sparse encoder", "config_sentence_transformers.json", "{\"model_type\":\"SparseEncoder\"}",
     "'SparseEncoder'"},
    {"a default prompt that is not there", "config_sentence_transformers.json",
     "{\"prompts\":{\"a\":\"b\"},\"default_prompt_name\":\"q\"}", "'q'"},
    {"settings for another program", "sentence_bert_config.json",
     "{\"tokenizer_args\":{\"model_max_length\":3}}", "tokenizer_args"},
    {"cut on the left", "tokenizer_config.json", "{\"truncation_side\":\"left\"}",
     "truncation_side is 'left'"},
    {"another class of tokenizer", "tokenizer_config.json",
     "{\"tokenizer_class\":\"BertJapaneseTokenizer\"}", "'BertJapaneseTokenizer'"},
    {"a class that needs its file", "tokenizer_config.json",
     "{\"tokenizer_class\":\"PreTrainedTokenizerFast\"}", "tokenizer.json"},
    {"another first token", "tokenizer_config.json", "{\"cls_token\":{\"content\":\"<s>\"}}",
     "'<s>'"},
    {"accents off, case kept", "tokenizer_config.json",
     "{\"do_lower_case\":false,\"strip_accents\":true}", "strip_accents"},
    {"added tokens without tokenizer.json", "added_tokens.json", "{\"<b>\":20}",
     "added_tokens.json"},
    {"a file that was not fetched", "vocab.txt",
     "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git lfs pull"},
    {"weights that were not fetched", "model.safetensors",
     "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git lfs pull"},
    {"a list of one module", "modules.json", LIST(BERT), "modules"},
    {"a length that is none", "sentence_bert_config.json", "{\"max_seq_length\":1}",
     "max_seq_length"},
    {"a tokenizer of another kind", "tokenizer.json", "{\"model\":{\"type\":\"BPE\"}}",
     "tokenizer"},
};

static void another_kind_of_model_is_refused_with_its_reason(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        twi_bert *b = NULL;
        tw_error why = {0};
        write_folder();
        write_file("tokenizer.json", NULL);
        write_file("added_tokens.json", NULL);
        write_file("config_sentence_transformers.json", NULL);
        write_file(bad[i].name, bad[i].text);
        if (twi_bert_open(&b, tw_test_dir(), &why) != TW_ECORRUPT || b != NULL)
            fail_msg("%s: not refused", bad[i].rule);
        if (strstr(why.msg, bad[i].says) == NULL)
            fail_msg("%s: '%s' does not say '%s'", bad[i].rule, why.msg, bad[i].says);
    }
    write_file("tokenizer.json", NULL);
    write_file("added_tokens.json", NULL);
}

/* Weights in another form: what to do stands in the sentence. */
static void other_forms_of_weights_get_advice(void **state)
{
    static const char *const forms[] = {"pytorch_model.bin", "model.safetensors.index.json"};
    (void) state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        twi_bert *b = NULL;
        tw_error why = {0};
        write_folder();
        write_file("model.safetensors", NULL);
        write_file(forms[i], "x");
        assert_int_equal(twi_bert_open(&b, tw_test_dir(), &why), TW_ECORRUPT);
        assert_non_null(strstr(why.msg, forms[i]));
        assert_non_null(strstr(why.msg, ".save("));
        write_file(forms[i], NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_kind_of_model_is_refused_with_its_reason),
        cmocka_unit_test(other_forms_of_weights_get_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
