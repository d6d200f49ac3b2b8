/* Towers that others have trained: a tiny folder as sentence-transformers saves one. */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "engine/training.h"
#include "nn/safetensors.h"
#include "tests/support/toy.h"

enum { V = 20, P = 8, D = 8, H = 12, MOST = V * D };

static const struct {
    const char *name;
    int rows, cols; /* cols 0: one-dimensional */
} tensors[] = {
    {"embeddings.word_embeddings.weight", V, D},
    {"embeddings.position_embeddings.weight", P, D},
    {"embeddings.token_type_embeddings.weight", 2, D},
    {"embeddings.LayerNorm.weight", D, 0},
    {"embeddings.LayerNorm.bias", D, 0},
    {"encoder.layer.0.attention.self.query.weight", D, D},
    {"encoder.layer.0.attention.self.query.bias", D, 0},
    {"encoder.layer.0.attention.self.key.weight", D, D},
    {"encoder.layer.0.attention.self.key.bias", D, 0},
    {"encoder.layer.0.attention.self.value.weight", D, D},
    {"encoder.layer.0.attention.self.value.bias", D, 0},
    {"encoder.layer.0.attention.output.dense.weight", D, D},
    {"encoder.layer.0.attention.output.dense.bias", D, 0},
    {"encoder.layer.0.attention.output.LayerNorm.weight", D, 0},
    {"encoder.layer.0.attention.output.LayerNorm.bias", D, 0},
    {"encoder.layer.0.intermediate.dense.weight", H, D},
    {"encoder.layer.0.intermediate.dense.bias", H, 0},
    {"encoder.layer.0.output.dense.weight", D, H},
    {"encoder.layer.0.output.dense.bias", D, 0},
    {"encoder.layer.0.output.LayerNorm.weight", D, 0},
    {"encoder.layer.0.output.LayerNorm.bias", D, 0},
};
enum { TENSORS = sizeof tensors / sizeof tensors[0] };

static const char config[] =
    "{\"model_type\":\"bert\",\"vocab_size\":20,\"hidden_size\":8,\"num_attention_heads\":2,"
    "\"num_hidden_layers\":1,\"intermediate_size\":12,\"max_position_embeddings\":8,"
    "\"type_vocab_size\":2,\"layer_norm_eps\":1e-12,\"hidden_act\":\"gelu\"}";
static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwestern\nromance\nrobot\nstory\n"
                            "space\n1\n2\n3\n4\n5\n6\n7\n8\n9\n##0\n";

static const char *folder(void)
{
    static float data[TENSORS][MOST];
    tw_st_writer *w = NULL;
    tw_rng rng;
    tw_rng_seed(&rng, 5);
    assert_ok(tw_dir_create(tw_test_path("mini"), err));
    assert_ok(tw_file_replace(tw_test_path("mini/config.json"), config, sizeof config - 1, err));
    assert_ok(tw_file_replace(tw_test_path("mini/vocab.txt"), vocab, sizeof vocab - 1, err));
    assert_ok(tw_st_writer_create(&w, err));
    for (int i = 0; i < TENSORS; i++) {
        for (int k = 0; k < MOST; k++)
            data[i][k] = (float) tw_rng_normal(&rng) / 2;
        assert_ok(
            tw_st_add(w, tensors[i].name, TW_F32, tensors[i].rows, tensors[i].cols, data[i], err));
    }
    assert_ok(tw_st_save(w, tw_test_path("mini/model.safetensors"), err));
    tw_st_writer_destroy(w);
    return tw_test_path("mini");
}

static void vector_of(tw_engine *e, const tw_embed_query *q, float *vec, int *model)
{
    int dim;
    assert_ok(tw_engine_embed(e, q, vec, &dim, model, err));
    assert_int_equal(dim, D);
}

static void imported_towers_serve_and_train_further(void **state)
{
    static float item[TW_ENGINE_MAX_DIM], text[TW_ENGINE_MAX_DIM], later[TW_ENGINE_MAX_DIM];
    tw_engine *e = toy_engine("imported", true);
    char *report = NULL;
    int model;
    double cosine = 0;
    (void) state;
    assert_ok(tw_engine_import_towers(e, folder(), NULL, &report, err));
    assert_non_null(strstr(report, "\"source\": \"import\""));
    tw_free(report);
    report = NULL;
    const tw_item toy = {.id = "new", .title = "Robot story"};
    tw_put_kind kind;
    assert_ok(tw_engine_put(e, &toy, &kind, err));
    vector_of(e, &(tw_embed_query){.item = "new"}, item, &model);
    vector_of(e, &(tw_embed_query){.text = "Robot story"}, text, &model);
    assert_int_equal(model, 1);
    assert_memory_equal(item, text, D * sizeof *item);
    vector_of(e, &(tw_embed_query){.item = "f1"}, item, &model);
    for (int d = 0; d < D; d++)
        cosine += (double) item[d] * (double) item[d];
    assert_near(cosine, 1, 1e-5);

    const tw_train_options warm_start = {.config_json =
                                             "{\"epochs\": 2, \"threads\": 1, \"lr\": 0.01, "
                                             "\"min_count\": 2, \"patience\": 0}",
                                         .warm_start = true,
                                         .skip_eval = true};
    assert_ok(tw_engine_train_towers(e, &warm_start, &report, err));
    assert_non_null(strstr(report, "\"text\": \"transformer\""));
    tw_free(report);
    vector_of(e, &(tw_embed_query){.text = "Robot story"}, later, &model);
    assert_int_equal(model, 2);
    assert_memory_not_equal(text, later, D * sizeof *text);
    tw_engine_close(e);
}

/* What changes every vector is told, and an item's vector is that of its text behind it. */
static void a_default_prompt_is_reported_and_stands_before_every_text(void **state)
{
    static const char modules[] = "[{\"type\":\"sentence_transformers.models.Transformer\"},"
                                  "{\"type\":\"sentence_transformers.models.Pooling\","
                                  "\"path\":\"pool\"}]";
    static const char prompts[] =
        "{\"prompts\":{\"q\":\"western \"},\"default_prompt_name\":\"q\"}";
    static float item[TW_ENGINE_MAX_DIM], text[TW_ENGINE_MAX_DIM], bare[TW_ENGINE_MAX_DIM];
    tw_engine *e = toy_engine("prompted", true);
    char *report = NULL;
    int model;
    (void) state;
    assert_ok(tw_engine_import_towers(e, folder(), NULL, &report, err));
    assert_null(strstr(report, "\"prompt\""));
    tw_free(report);
    vector_of(e, &(tw_embed_query){.text = "Western story"}, bare, &model);
    assert_ok(tw_dir_create(tw_test_path("mini/pool"), err));
    assert_ok(tw_file_replace(tw_test_path("mini/pool/config.json"), "{}", 2, err));
    assert_ok(tw_file_replace(tw_test_path("mini/modules.json"), modules, sizeof modules - 1, err));
    assert_ok(tw_file_replace(tw_test_path("mini/config_sentence_transformers.json"), prompts,
                              sizeof prompts - 1, err));
    assert_ok(tw_engine_import_towers(e, tw_test_path("mini"), NULL, &report, err));
    assert_non_null(strstr(report, "\"prompt\": \"western \""));
    tw_free(report);
    const tw_item toy = {.id = "new", .title = "Story"};
    tw_put_kind kind;
    assert_ok(tw_engine_put(e, &toy, &kind, err));
    vector_of(e, &(tw_embed_query){.item = "new"}, item, &model);
    vector_of(e, &(tw_embed_query){.text = "Story"}, text, &model);
    assert_memory_equal(item, text, D * sizeof *item);
    for (int d = 0; d < D; d++)
        assert_near(item[d], bare[d], 1e-6); /* "western story" is what was read */
    tw_engine_close(e);
    assert_ok(tw_remove_tree(tw_test_path("mini"), err));
}

static void a_bad_folder_leaves_what_serves(void **state)
{
    static float vec[TW_ENGINE_MAX_DIM];
    tw_engine *e = toy_engine("kept", true);
    const tw_train_options warm_start = {.warm_start = true};
    char *report = NULL;
    int model, dim;
    tw_error why = {0};
    (void) state;
    assert_int_equal(tw_engine_train_towers(e, &warm_start, &report, &why), TW_ESTATE);
    assert_non_null(strstr(why.msg, "no towers"));
    toy_train(e);
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "f1"}, vec, &dim, &model, err));
    const int before = model;
    assert_status(tw_engine_import_towers(e, tw_test_path("nowhere"), NULL, &report, err),
                  TW_ENOTFOUND);
    assert_null(report);
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "f1"}, vec, &dim, &model, err));
    assert_int_equal(model, before);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imported_towers_serve_and_train_further),
        cmocka_unit_test(a_default_prompt_is_reported_and_stands_before_every_text),
        cmocka_unit_test(a_bad_folder_leaves_what_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
