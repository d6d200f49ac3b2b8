/* What is refused stands in test_bert_refusals.c.
 *
 * The transformer and the import of a sentence-transformers folder: a tiny one is written here,
 * run, and computed again in plain loops that follow BERT's definition, with its names. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "nn/safetensors.h"
#include "nn/tape/tape.h"
#include "tests/support/test.h"
#include "towers/text/text_bert.h"

enum { V = 20, P = 6, D = 8, HEADS = 2, LAYERS = 2, H = 12, TENSORS = 5 + 16 * LAYERS };

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

/* ---- a folder -------------------------------------------------------------------------------- */

typedef struct tensor {
    char name[64];
    int rows, cols; /* cols 0: one-dimensional */
    float data[V * D];
} tensor;

static tensor tensors[TENSORS];
static int n_tensors;

static tensor *find(const char *name)
{
    for (int i = 0; i < n_tensors; i++)
        if (strcmp(tensors[i].name, name) == 0)
            return &tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

static void add(tw_rng *rng, const char *name, int rows, int cols)
{
    tensor *t = &tensors[n_tensors++];
    *t = (tensor){.rows = rows, .cols = cols};
    (void) snprintf(t->name, sizeof t->name, "%s", name);
    for (int i = 0; i < rows * (cols > 0 ? cols : 1); i++)
        t->data[i] = (float) tw_rng_normal(rng) / 2;
}

static void make_tensors(void)
{
    static const struct {
        const char *name;
        int rows, cols;
    } parts[] = {
        {"attention.self.query.weight", D, D},
        {"attention.self.query.bias", D, 0},
        {"attention.self.key.weight", D, D},
        {"attention.self.key.bias", D, 0},
        {"attention.self.value.weight", D, D},
        {"attention.self.value.bias", D, 0},
        {"attention.output.dense.weight", D, D},
        {"attention.output.dense.bias", D, 0},
        {"attention.output.LayerNorm.weight", D, 0},
        {"attention.output.LayerNorm.bias", D, 0},
        {"intermediate.dense.weight", H, D},
        {"intermediate.dense.bias", H, 0},
        {"output.dense.weight", D, H},
        {"output.dense.bias", D, 0},
        {"output.LayerNorm.weight", D, 0},
        {"output.LayerNorm.bias", D, 0},
    };
    tw_rng rng;
    tw_rng_seed(&rng, 7);
    n_tensors = 0;
    add(&rng, "embeddings.word_embeddings.weight", V, D);
    add(&rng, "embeddings.position_embeddings.weight", P, D);
    add(&rng, "embeddings.token_type_embeddings.weight", 2, D);
    add(&rng, "embeddings.LayerNorm.weight", D, 0);
    add(&rng, "embeddings.LayerNorm.bias", D, 0);
    for (int l = 0; l < LAYERS; l++) {
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            char name[80];
            (void) snprintf(name, sizeof name, "encoder.layer.%d.%s", l, parts[i].name);
            add(&rng, name, parts[i].rows, parts[i].cols);
        }
    }
}

/* The tensors but `without`, names beginning with `prefix`, as halves of the given kind or F32. */
static void write_weights(const char *prefix, const char *without, tw_dtype type)
{
    static uint16_t halves[TENSORS][V * D];
    char names[TENSORS][96];
    tw_st_writer *w = NULL;
    assert_ok(tw_st_writer_create(&w, err));
    for (int i = 0; i < n_tensors; i++) {
        tensor *t = &tensors[i];
        if (strcmp(t->name, without) == 0)
            continue;
        (void) snprintf(names[i], sizeof names[i], "%s%.63s", prefix, t->name);
        for (int k = 0; k < t->rows * (t->cols > 0 ? t->cols : 1); k++) {
            uint32_t bits; /* cut to the upper half: what is left is a bfloat16 exactly */
            memcpy(&bits, &t->data[k], sizeof bits);
            halves[i][k] = (uint16_t) (bits >> 16);
        }
        assert_ok(tw_st_add(w, names[i], type, t->rows, t->cols,
                            type == TW_F32 ? (const void *) t->data : halves[i], err));
    }
    assert_ok(tw_st_save(w, tw_test_path("model.safetensors"), err));
    tw_st_writer_destroy(w);
}

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
    make_tensors();
    assert_ok(tw_dir_create(tw_test_path("1_Pooling"), err));
    write_file("config.json", CONFIG);
    write_file("vocab.txt", VOCAB);
    write_file("modules.json", MODULES);
    write_file("1_Pooling/config.json", POOLING);
    write_file("sentence_bert_config.json", SENTENCE);
    write_file("tokenizer_config.json", "{\"do_lower_case\":true,\"strip_accents\":null}");
    write_weights("", "", TW_F32);
}

/* ---- BERT in plain loops --------------------------------------------------------------------- */

static const float *of(int layer, const char *name)
{
    char full[96];
    (void) snprintf(full, sizeof full, "encoder.layer.%d.%s", layer, name);
    return find(full)->data;
}

static void linear(double *y, const double *x, const float *w, const float *b, int n, int in,
                   int out)
{
    for (int i = 0; i < n; i++) {
        for (int o = 0; o < out; o++) {
            y[i * out + o] = (double) b[o];
            for (int k = 0; k < in; k++)
                y[i * out + o] += x[i * in + k] * (double) w[o * in + k];
        }
    }
}

static void norm(double *x, const float *gain, const float *bias, int n)
{
    for (int i = 0; i < n; i++) {
        double mean = 0, var = 0;
        for (int k = 0; k < D; k++)
            mean += x[i * D + k] / D;
        for (int k = 0; k < D; k++)
            var += (x[i * D + k] - mean) * (x[i * D + k] - mean) / D;
        for (int k = 0; k < D; k++)
            x[i * D + k] =
                (x[i * D + k] - mean) / sqrt(var + 1e-12) * (double) gain[k] + (double) bias[k];
    }
}

static void attend(double *o, const double *q, const double *k, const double *v, int n)
{
    const int w = D / HEADS;
    for (int i = 0; i < n * D; i++)
        o[i] = 0;
    for (int i = 0; i < n; i++) {
        for (int h = 0; h < HEADS; h++) {
            double e[P], sum = 0;
            for (int j = 0; j < n; j++) {
                e[j] = 0;
                for (int c = h * w; c < (h + 1) * w; c++)
                    e[j] += q[i * D + c] * k[j * D + c] / sqrt(w);
                e[j] = exp(e[j]);
                sum += e[j];
            }
            for (int j = 0; j < n; j++)
                for (int c = h * w; c < (h + 1) * w; c++)
                    o[i * D + c] += e[j] / sum * v[j * D + c];
        }
    }
}

static void bert_layer(double *x, int l, int n)
{
    double q[P * D], k[P * D], v[P * D], o[P * D], a[P * D], h[P * H];
    linear(q, x, of(l, "attention.self.query.weight"), of(l, "attention.self.query.bias"), n, D, D);
    linear(k, x, of(l, "attention.self.key.weight"), of(l, "attention.self.key.bias"), n, D, D);
    linear(v, x, of(l, "attention.self.value.weight"), of(l, "attention.self.value.bias"), n, D, D);
    attend(o, q, k, v, n);
    linear(a, o, of(l, "attention.output.dense.weight"), of(l, "attention.output.dense.bias"), n, D,
           D);
    for (int i = 0; i < n * D; i++)
        x[i] += a[i];
    norm(x, of(l, "attention.output.LayerNorm.weight"), of(l, "attention.output.LayerNorm.bias"),
         n);
    linear(h, x, of(l, "intermediate.dense.weight"), of(l, "intermediate.dense.bias"), n, D, H);
    for (int i = 0; i < n * H; i++)
        h[i] = 0.5 * h[i] * (1 + erf(h[i] / sqrt(2)));
    linear(a, h, of(l, "output.dense.weight"), of(l, "output.dense.bias"), n, H, D);
    for (int i = 0; i < n * D; i++)
        x[i] += a[i];
    norm(x, of(l, "output.LayerNorm.weight"), of(l, "output.LayerNorm.bias"), n);
}

static void bert(double y[D], const int32_t *ids, int n)
{
    double x[P * D];
    for (int i = 0; i < n; i++)
        for (int k = 0; k < D; k++)
            x[i * D + k] =
                (double) find("embeddings.word_embeddings.weight")->data[ids[i] * D + k] +
                (double) find("embeddings.position_embeddings.weight")->data[i * D + k] +
                (double) find("embeddings.token_type_embeddings.weight")->data[k];
    norm(x, find("embeddings.LayerNorm.weight")->data, find("embeddings.LayerNorm.bias")->data, n);
    for (int l = 0; l < LAYERS; l++)
        bert_layer(x, l, n);
    for (int k = 0; k < D; k++) {
        y[k] = 0;
        for (int i = 0; i < n; i++)
            y[k] += x[i * D + k] / n;
    }
}

/* ---- claims ---------------------------------------------------------------------------------- */

/* Texts cut, packed and run as imported, against the plain loops; `tol` in each number. */
static void compare(double tol)
{
    static const char *const texts[] = {"A b, ca!", "e", "a.b.c.d.e.f", ""};
    enum { N = 4 };
    twi_bert *b = NULL;
    tw_params *ps = NULL;
    twi_transformer *m = NULL;
    tw_tape *t = NULL;
    int32_t ids[N * P], offsets[N + 1] = {0};

    assert_ok(twi_bert_open(&b, tw_test_dir(), err));
    assert_int_equal(twi_bert_get(b)->max_tokens, 5);
    assert_true(twi_bert_get(b)->modules.normalizes);
    assert_ok(tw_params_create(&ps, err));
    assert_ok(twi_transformer_create(&m, &twi_bert_get(b)->cfg, ps, "text.", err));
    assert_ok(twi_bert_load(b, ps, "text.", err));
    twi_wordpiece *words = twi_bert_take_words(b);
    assert_null(twi_bert_take_words(b));
    twi_bert_close(b);
    for (int i = 0; i < N; i++)
        offsets[i + 1] = offsets[i] + twi_wordpiece_encode(words, texts[i], strlen(texts[i]), 5,
                                                           ids + offsets[i]);
    assert_int_equal(offsets[N], 5 + 3 + 5 + 2);
    assert_ok(tw_tape_create(&t, NULL, err));
    tw_tensor *y = twi_transformer_forward(m, t, ids, offsets, N);
    assert_non_null(y);
    assert_int_equal(y->cols, D);
    for (int i = 0; i < N; i++) {
        double want[D];
        bert(want, ids + offsets[i], offsets[i + 1] - offsets[i]);
        for (int k = 0; k < D; k++)
            assert_near(y->v[i * D + k], want[k], tol);
    }
    tw_tape_destroy(t);
    twi_wordpiece_destroy(words);
    twi_transformer_destroy(m);
    tw_params_destroy(ps);
}

static void an_imported_model_computes_what_bert_is_defined_as(void **state)
{
    (void) state;
    write_folder();
    compare(2e-5);
    write_weights("bert.", "", TW_F32);
    compare(2e-5);
}

/* Weights cut to bfloat16: the plain loops read the cut ones too. */
static void halves_are_widened(void **state)
{
    (void) state;
    write_folder();
    write_weights("", "", TW_BF16);
    for (int i = 0; i < n_tensors; i++) {
        for (int k = 0; k < V * D; k++) {
            uint32_t bits;
            memcpy(&bits, &tensors[i].data[k], sizeof bits);
            bits &= 0xffff0000u;
            memcpy(&tensors[i].data[k], &bits, sizeof bits);
        }
    }
    compare(2e-5);
}

static void what_is_missing_or_of_another_shape_is_named(void **state)
{
    (void) state;
    static const char *const names[] = {
        "embeddings.word_embeddings.weight", "embeddings.token_type_embeddings.weight",
        "encoder.layer.1.attention.self.key.bias", "encoder.layer.0.output.LayerNorm.weight"};
    const twi_transformer_config *c;
    write_folder();
    for (int i = 0; i < 8; i++) {
        const char *name = names[i / 2];
        tensor *t = find(name), keep = *t;
        twi_bert *b = NULL;
        tw_params *ps = NULL;
        twi_transformer *m = NULL;
        tw_error why = {0};
        if (i % 2 == 0)
            write_weights("", name, TW_F32);
        t->rows--;
        if (i % 2 == 1)
            write_weights("", "", TW_F32);
        *t = keep;
        assert_ok(twi_bert_open(&b, tw_test_dir(), err));
        c = &twi_bert_get(b)->cfg;
        assert_ok(tw_params_create(&ps, err));
        assert_ok(twi_transformer_create(&m, c, ps, "text.", err));
        assert_int_equal(twi_bert_load(b, ps, "text.", &why), TW_ECORRUPT);
        assert_non_null(strstr(why.msg, name));
        twi_transformer_destroy(m);
        tw_params_destroy(ps);
        twi_bert_close(b);
    }
}

static void a_folder_without_its_files_is_not_found(void **state)
{
    (void) state;
    static const char *const names[] = {"config.json", "model.safetensors", "vocab.txt"};
    twi_bert *b = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        write_folder();
        write_file(names[i], NULL);
        assert_status(twi_bert_open(&b, tw_test_dir(), err), TW_ENOTFOUND);
        assert_null(b);
    }
}

static void what_is_only_advice_may_be_missing(void **state)
{
    (void) state;
    twi_bert *b = NULL;
    write_folder();
    write_file("modules.json", NULL);
    write_file("1_Pooling/config.json", "{\"pooling_mode\":\"mean\"}");
    write_file("sentence_bert_config.json", NULL);
    write_file("tokenizer_config.json", NULL);
    assert_ok(twi_bert_open(&b, tw_test_dir(), err));
    assert_int_equal(twi_bert_get(b)->max_tokens, P);
    assert_false(twi_bert_get(b)->modules.normalizes);
    twi_bert_close(b);
}

static const twi_transformer_config wider = {
    .vocab = V, .positions = 40, .width = 32, .heads = 4, .layers = 2, .hidden = 64, .eps = 1e-12};

/* A text gets the same numbers alone as among others, and in any order. */
static void a_text_does_not_see_its_neighbours(void **state)
{
    (void) state;
    int32_t ids[60], both[3] = {0, 37, 60}, first[2] = {0, 37}, second[2] = {0, 23};
    twi_transformer *m = NULL;
    tw_params *ps = NULL;
    tw_tape *t = NULL;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < 60; i++)
        ids[i] = (int32_t) tw_rng_below(&rng, V);
    assert_ok(tw_params_create(&ps, err));
    assert_ok(twi_transformer_create(&m, &wider, ps, "text.", err));
    twi_transformer_init(m, &rng);
    assert_ok(tw_tape_create(&t, NULL, err));
    tw_tensor *y = twi_transformer_forward(m, t, ids, both, 2);
    tw_tensor *a = twi_transformer_forward(m, t, ids, first, 1);
    tw_tensor *b = twi_transformer_forward(m, t, ids + 37, second, 1);
    double size = 0;
    for (int k = 0; k < 32; k++) {
        assert_near(y->v[k], a->v[k], 1e-5);
        assert_near(y->v[32 + k], b->v[k], 1e-5);
        size += fabs((double) a->v[k] - (double) b->v[k]);
    }
    assert_true(size > 1e-2); /* two texts are two vectors */
    tw_tape_destroy(t);
    twi_transformer_destroy(m);
    tw_params_destroy(ps);
}

static void an_encoder_out_of_range_is_refused(void **state)
{
    (void) state;
    twi_transformer_config c[8];
    twi_transformer *m = NULL;
    for (int i = 0; i < 8; i++)
        c[i] = wider;
    c[0].vocab = 1;
    c[1].positions = 1;
    c[2].width = TWI_TRANSFORMER_WIDTH_MAX + 1;
    c[3].heads = 5;
    c[4].layers = 0;
    c[5].hidden = 0;
    c[6].eps = 0;
    c[7].dropout = 1;
    for (int i = 0; i < 8; i++) {
        tw_params *ps = NULL;
        assert_ok(tw_params_create(&ps, err));
        assert_status(twi_transformer_create(&m, &c[i], ps, "text.", err), TW_EINVAL);
        assert_null(m);
        tw_params_destroy(ps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_imported_model_computes_what_bert_is_defined_as),
        cmocka_unit_test(halves_are_widened),
        cmocka_unit_test(what_is_missing_or_of_another_shape_is_named),
        cmocka_unit_test(a_folder_without_its_files_is_not_found),
        cmocka_unit_test(what_is_only_advice_may_be_missing),
        cmocka_unit_test(a_text_does_not_see_its_neighbours),
        cmocka_unit_test(an_encoder_out_of_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
