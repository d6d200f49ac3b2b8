/* Every allocation of a tower's life made to fail once. */
#include "tests/oom/torture.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "nn/safetensors.h"
#include "towers/towers.h"

static const char *const texts[] = {"red apple", "green apple", "blue car", "fast car", "red pear"};
enum { N = sizeof texts / sizeof texts[0], D = 6 };

static const tw_tower_config shape = {.bits = 8,
                                      .idf_power = 1,
                                      .embed_dim = 4,
                                      .dim = D,
                                      .ngram_min = 3,
                                      .ngram_max = 3,
                                      .max_features = 40,
                                      .seed = 1};
static const tw_item_pair pairs[] = {{0, 1, 1, 1}, {2, 3, 1, 1}};
static const tw_item_pair valid[] = {{0, 4, 1, 1}};

static tw_status make(void *ctx)
{
    tw_tower *t = NULL;
    (void) ctx;
    tw_status st = tw_tower_create(&t, &shape, NULL, NULL);
    assert_true((t == NULL) == (st != TW_OK));
    tw_tower_destroy(t);
    return st;
}

static tw_status fit(void *ctx) { return tw_tower_fit_texts(ctx, texts, NULL, N, NULL); }

static tw_status embed(void *ctx)
{
    float v[N * D];
    return tw_tower_embed_texts(ctx, NULL, texts, NULL, N, v, NULL, NULL, NULL);
}

/* Longer than what needs no memory: accents apart and a script without spaces. */
enum { LETTERS = 400 };
static const char *long_text(void)
{
    static char text[6 * LETTERS + 1];
    for (size_t i = 0; i < LETTERS; i++)
        memcpy(text + 6 * i, "e\xcc\x81\xe7\x8c\xab", 6); /* e, acute; cat */
    return text;
}

static tw_status read_a_long_text(void *ctx)
{
    tw_tower_session *s = NULL;
    float v[D];
    const tw_tower_item item = {.text = long_text(),
                                .text_len = (size_t) 6 * LETTERS,
                                .attributes = "{\"maison\": \"HERME\u0300S\"}"};
    tw_status st = tw_tower_session_create(&s, ctx, NULL);
    if (st == TW_OK)
        st = tw_tower_embed(s, &item, v, NULL, NULL);
    tw_tower_session_destroy(s);
    return st;
}

static tw_status learn_vocabulary(void *ctx)
{
    const char *const some[] = {"caf\xc3\xa9 toy", long_text()};
    char *words = NULL;
    (void) ctx;
    tw_status st = tw_tower_learn_vocabulary(&words, some, NULL, 2, 100, NULL);
    assert_true((words == NULL) == (st != TW_OK));
    tw_free(words);
    return st;
}

static tw_status train_on(const tw_tower_data *data, tw_tower_loss loss)
{
    tw_tower_train_config cfg = TW_TOWER_TRAIN_DEFAULT;
    tw_tower *t = NULL;
    cfg.loss = loss;
    cfg.epochs = 2;
    cfg.threads = 1;
    cfg.logq = true;
    tw_status st = tw_tower_create(&t, &shape, NULL, NULL);
    if (st == TW_OK)
        st = tw_tower_train(t, data, &cfg, NULL, NULL, NULL);
    tw_tower_destroy(t);
    return st;
}

static tw_status train(void *ctx)
{
    const tw_tower_data data = {
        .texts = texts, .n_items = N, .pairs = pairs, .n_pairs = 2, .valid = valid, .n_valid = 1};
    (void) ctx;
    return train_on(&data, TW_LOSS_AUTO);
}

static tw_status train_on_classes(void *ctx)
{
    static const int32_t classes[N] = {0, 0, 3, 3, 0};
    const tw_tower_data data = {.texts = texts, .n_items = N, .classes = classes};
    (void) ctx;
    return train_on(&data, TW_LOSS_PROXY);
}

static tw_status save_and_load(void *ctx)
{
    tw_tower *t = NULL;
    const char *path = tw_test_path("oom.safetensors");
    tw_status st = tw_tower_save(ctx, path, NULL);
    if (st != TW_OK)
        return st;
    st = tw_tower_load(&t, path, NULL);
    assert_true((t == NULL) == (st != TW_OK));
    tw_tower_destroy(t);
    return st;
}

static tw_status mine(void *ctx)
{
    static const int32_t items[] = {0, 1, 2, 1, 0, 3};
    static const int64_t offsets[] = {0, 3, 6};
    tw_mine_config cfg = TW_MINE_DEFAULT;
    tw_item_pair *out = NULL;
    int64_t n = 0;
    (void) ctx;
    cfg.min_count = 1;
    tw_status st = tw_mine_events(&out, &n, items, offsets, 2, 4, &cfg, NULL);
    assert_true((out == NULL) == (st != TW_OK));
    tw_free(out);
    return st;
}

static tw_status split(void *ctx)
{
    const tw_split_config cfg = TW_SPLIT_DEFAULT;
    tw_item_pair copy[2];
    tw_split s;
    (void) ctx;
    memcpy(copy, pairs, sizeof copy);
    return tw_pairs_split(copy, 2, &cfg, &s, NULL);
}

static void memory_that_runs_out_is_reported_and_nothing_leaks(void **state)
{
    tw_tower *t = NULL;
    (void) state;
    assert_ok(tw_tower_create(&t, &shape, NULL, err));
    tw_tower *both = NULL;
    tw_tower_config with_attributes = shape;
    with_attributes.attributes = TW_ATTRIBUTES_MLP;
    with_attributes.attribute_width = 4;
    assert_ok(tw_tower_create(&both, &with_attributes, NULL, err));
    torture(read_a_long_text, both, 20);
    tw_tower_destroy(both);
    torture(learn_vocabulary, NULL, 20);
    torture(make, NULL, 6);
    torture(fit, t, 6);
    torture(embed, t, 7);
    torture(train, NULL, 40);
    torture(train_on_classes, NULL, 40);
    torture(save_and_load, t, 8);
    torture(mine, NULL, 8);
    torture(split, NULL, 1);
    tw_tower_destroy(t);
}

/* ---- a folder of sentence-transformers, with all that it may have ---------------------------- */

static void write_part(const char *name, const char *text)
{
    assert_ok(tw_file_replace(tw_test_path(name), text, strlen(text), err));
}

static void write_bert(void)
{
    static const struct {
        const char *name;
        int rows, cols;
    } parts[] = {
        {"embeddings.word_embeddings.weight", 20, 8},
        {"embeddings.position_embeddings.weight", 8, 8},
        {"embeddings.token_type_embeddings.weight", 1, 8},
        {"embeddings.LayerNorm.gamma", 8, 0},
        {"embeddings.LayerNorm.beta", 8, 0},
        {"encoder.layer.0.attention.self.query.weight", 8, 8},
        {"encoder.layer.0.attention.self.query.bias", 8, 0},
        {"encoder.layer.0.attention.self.key.weight", 8, 8},
        {"encoder.layer.0.attention.self.key.bias", 8, 0},
        {"encoder.layer.0.attention.self.value.weight", 8, 8},
        {"encoder.layer.0.attention.self.value.bias", 8, 0},
        {"encoder.layer.0.attention.output.dense.weight", 8, 8},
        {"encoder.layer.0.attention.output.dense.bias", 8, 0},
        {"encoder.layer.0.attention.output.LayerNorm.weight", 8, 0},
        {"encoder.layer.0.attention.output.LayerNorm.bias", 8, 0},
        {"encoder.layer.0.intermediate.dense.weight", 8, 8},
        {"encoder.layer.0.intermediate.dense.bias", 8, 0},
        {"encoder.layer.0.output.dense.weight", 8, 8},
        {"encoder.layer.0.output.dense.bias", 8, 0},
        {"encoder.layer.0.output.LayerNorm.weight", 8, 0},
        {"encoder.layer.0.output.LayerNorm.bias", 8, 0},
    };
    static const float ones[160] = {1, 1, 1, 1, 1, 1, 1, 1, 0.5f};
    tw_st_writer *w = NULL;
    assert_ok(tw_dir_create(tw_test_path("1"), err));
    assert_ok(tw_dir_create(tw_test_path("2"), err));
    write_part("config.json", "{\"model_type\":\"bert\",\"vocab_size\":20,\"hidden_size\":8,"
                              "\"num_attention_heads\":2,\"num_hidden_layers\":1,"
                              "\"intermediate_size\":8,\"max_position_embeddings\":8,"
                              "\"type_vocab_size\":1}");
    write_part("modules.json", "[{\"type\":\"sentence_transformers.models.Transformer\"},"
                               "{\"type\":\"sentence_transformers.models.Pooling\",\"path\":\"1\"},"
                               "{\"type\":\"sentence_transformers.models.Dense\",\"path\":\"2\"}]");
    write_part("1/config.json", "{\"pooling_mode\":[\"max\",\"weightedmean\"],"
                                "\"include_prompt\":false}");
    write_part("2/config.json", "{\"in_features\":16,\"out_features\":4,\"bias\":false}");
    write_part("config_sentence_transformers.json",
               "{\"prompts\":{\"q\":\"red \"},\"default_prompt_name\":\"q\"}");
    write_part("tokenizer.json",
               "{\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":true},"
               "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"post_processor\":"
               "{\"type\":\"BertProcessing\",\"cls\":[\"[CLS]\",1],\"sep\":[\"[SEP]\",2]},"
               "\"added_tokens\":[{\"id\":16,\"content\":\"<b>\"},"
               "{\"id\":17,\"content\":\"Car\",\"normalized\":true}],"
               "\"model\":{\"vocab\":{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"red\":3,\"apple\":4,"
               "\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9,\"10\":10,\"11\":11,\"12\":12,\"13\":13,"
               "\"14\":14,\"15\":15}}}");
    assert_ok(tw_st_writer_create(&w, err));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_ok(tw_st_add(w, parts[i].name, TW_F32, parts[i].rows, parts[i].cols, ones, err));
    assert_ok(tw_st_save(w, tw_test_path("model.safetensors"), err));
    tw_st_writer_destroy(w);
    w = NULL;
    assert_ok(tw_st_writer_create(&w, err));
    assert_ok(tw_st_add(w, "linear.weight", TW_F32, 4, 16, ones, err));
    assert_ok(tw_st_save(w, tw_test_path("2/model.safetensors"), err));
    tw_st_writer_destroy(w);
}

static tw_status import(void *ctx)
{
    tw_tower *t = NULL, *again = NULL;
    float v[N * 4];
    (void) ctx;
    tw_status st = tw_tower_import_bert(&t, tw_test_dir(), NULL);
    assert_true((t == NULL) == (st != TW_OK));
    if (st == TW_OK)
        st = tw_tower_save(t, tw_test_path("imported.safetensors"), NULL);
    if (st == TW_OK)
        st = tw_tower_load(&again, tw_test_path("imported.safetensors"), NULL);
    if (st == TW_OK)
        st = tw_tower_embed_texts(again, NULL, texts, NULL, N, v, NULL, NULL, NULL);
    tw_tower_destroy(t);
    tw_tower_destroy(again);
    return st;
}

static void an_import_tells_it_too(void **state)
{
    (void) state;
    write_bert();
    torture(import, NULL, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_runs_out_is_reported_and_nothing_leaks),
        cmocka_unit_test(an_import_tells_it_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
