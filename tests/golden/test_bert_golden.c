/* Imported towers against sentence-transformers: a tiny BERT of random weights, its folder changed
 * in every way that the library knows, 23 texts each. bert_golden.py made bert_golden.json. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "nn/safetensors.h"
#include "tests/support/test.h"
#include "towers/towers.h"

enum { D = 8, H = 12, P = 24, LAYERS = 2, NUMBERS_MAX = 4096, TENSORS_MAX = 40, WIDEST = 64 };

static json_t *golden;

/* ---- the folder ------------------------------------------------------------------------------ */

/* n numbers in [-0.5, 0.5), as bert_golden.py makes them. */
static void numbers(float *out, uint32_t seed, int n)
{
    uint32_t x = seed * 2654435761u + 12345u;
    for (int i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        out[i] = (float) ((x >> 8) % 4096) / 4096 - 0.5f;
    }
}

typedef struct weights {
    tw_st_writer *w;
    float data[TENSORS_MAX][NUMBERS_MAX];
    char names[TENSORS_MAX][96];
    int n;
    bool gamma;
    const char *prefix;
} weights;

static void add(weights *w, const char *name, int rows, int cols)
{
    float *data = w->data[w->n];
    const int n = rows * (cols > 0 ? cols : 1);
    const bool gain = strstr(name, "LayerNorm.weight") != NULL, norm = strstr(name, "LayerNorm");
    assert_true(w->n < TENSORS_MAX && n <= NUMBERS_MAX);
    numbers(data, (uint32_t) w->n + 1, n);
    for (int i = 0; i < n; i++)
        data[i] = gain ? 1 + data[i] : 2 * data[i];
    const char *dot = strrchr(name, '.');
    const char *last = !w->gamma || !norm ? dot : gain ? ".gamma" : ".beta";
    (void) snprintf(w->names[w->n], sizeof w->names[0], "%s%.*s%s", w->prefix, (int) (dot - name),
                    name, last);
    assert_ok(tw_st_add(w->w, w->names[w->n], TW_F32, rows, cols, data, err));
    w->n++;
}

static void write_weights(int rows, const char *kind)
{
    static const struct {
        const char *name;
        int rows, cols;
    } parts[] = {
        {"attention.self.query", D, D},
        {"attention.self.key", D, D},
        {"attention.self.value", D, D},
        {"attention.output.dense", D, D},
        {"attention.output.LayerNorm", D, 0},
        {"intermediate.dense", H, D},
        {"output.dense", D, H},
        {"output.LayerNorm", D, 0},
    };
    static weights w;
    char name[96];
    w = (weights){.gamma = strcmp(kind, "gamma") == 0, .prefix = ""};
    if (kind[0] != '\0' && !w.gamma)
        w.prefix = kind;
    assert_ok(tw_st_writer_create(&w.w, err));
    add(&w, "embeddings.word_embeddings.weight", rows, D);
    add(&w, "embeddings.position_embeddings.weight", P, D);
    add(&w, "embeddings.token_type_embeddings.weight", 2, D);
    add(&w, "embeddings.LayerNorm.weight", D, 0);
    add(&w, "embeddings.LayerNorm.bias", D, 0);
    for (int l = 0; l < LAYERS; l++) {
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            (void) snprintf(name, sizeof name, "encoder.layer.%d.%s.weight", l, parts[i].name);
            add(&w, name, parts[i].rows, parts[i].cols);
            (void) snprintf(name, sizeof name, "encoder.layer.%d.%s.bias", l, parts[i].name);
            add(&w, name, parts[i].rows, 0);
        }
    }
    assert_ok(tw_st_save(w.w, tw_test_path("model/model.safetensors"), err));
    tw_st_writer_destroy(w.w);
}

static void write_dense(const json_t *config)
{
    const int in = (int) json_integer_value(json_object_get(config, "in_features"));
    const int out = (int) json_integer_value(json_object_get(config, "out_features"));
    float w[NUMBERS_MAX], b[WIDEST];
    tw_st_writer *writer = NULL;
    numbers(w, 1001, in * out);
    numbers(b, 1002, out);
    for (int i = 0; i < in * out; i++)
        w[i] *= 4;
    assert_ok(tw_st_writer_create(&writer, err));
    assert_ok(tw_st_add(writer, "linear.weight", TW_F32, out, in, w, err));
    if (json_is_true(json_object_get(config, "bias")))
        assert_ok(tw_st_add(writer, "linear.bias", TW_F32, out, 0, b, err));
    assert_ok(tw_st_save(writer, tw_test_path("model/2_Dense/model.safetensors"), err));
    tw_st_writer_destroy(writer);
}

static void write_file(const char *name, const json_t *content)
{
    static char text[1 << 16];
    char path[128];
    const bool raw = json_is_string(content);
    const size_t len =
        raw ? json_string_length(content) : json_dumpb(content, text, sizeof text, JSON_ENCODE_ANY);
    assert_true(len > 0 && len <= sizeof text);
    (void) snprintf(path, sizeof path, "model/%s", name);
    assert_ok(
        tw_file_replace(tw_test_path(path), raw ? json_string_value(content) : text, len, err));
}

static void write_folder(const json_t *changes)
{
    static const char *const folders[] = {"model", "model/1_Pooling", "model/2_Dense",
                                          "model/3_Dropout"};
    const json_t *kind = json_object_get(changes, "weights");
    const char *name;
    json_t *content, *files = json_copy(json_object_get(golden, "files"));
    assert_ok(tw_remove_tree(tw_test_path("model"), err));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        assert_ok(tw_dir_create(tw_test_path(folders[i]), err));
    assert_int_equal(json_object_update(files, (json_t *) (uintptr_t) changes), 0);
    json_object_foreach(files, name, content)
    {
        if (!json_is_null(content) && strcmp(name, "weights") != 0)
            write_file(name, content);
    }
    const json_t *config = json_object_get(files, "config.json");
    write_weights((int) json_integer_value(json_object_get(config, "vocab_size")),
                  kind != NULL ? json_string_value(kind) : "");
    if (json_object_get(files, "2_Dense/config.json") != NULL)
        write_dense(json_object_get(files, "2_Dense/config.json"));
    json_decref(files);
}

/* ---- claims ---------------------------------------------------------------------------------- */

static double cosine(const float *a, const json_t *b, int n)
{
    double dot = 0, aa = 0, bb = 0;
    for (int i = 0; i < n; i++) {
        const double y = json_number_value(json_array_get(b, (size_t) i));
        dot += (double) a[i] * y;
        aa += (double) a[i] * (double) a[i];
        bb += y * y;
    }
    return dot / sqrt(aa * bb);
}

/* As imported, and from the tower's file. */
static int compare(const tw_tower *t, const char *name, const json_t *vectors)
{
    const json_t *texts = json_object_get(golden, "texts");
    tw_tower_session *s = NULL;
    int wrong = 0, dim = tw_tower_dim(t);
    assert_ok(tw_tower_session_create(&s, t, err));
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *want = json_array_get(vectors, i), *text = json_array_get(texts, i);
        float v[WIDEST];
        int found;
        assert_ok(tw_tower_embed_text(s, json_string_value(text), json_string_length(text), v,
                                      &found, err));
        assert_int_equal(found != 0, !json_is_null(want));
        if (json_is_null(want))
            continue;
        assert_int_equal(json_array_size(want), dim);
        const double c = cosine(v, want, dim);
        if (!(c > 0.99999)) {
            wrong++;
            print_error("%s: cosine %.6f on '%s'\n", name, c, json_string_value(text));
        }
    }
    tw_tower_session_destroy(s);
    return wrong;
}

static void every_variant_of_the_folder_gives_the_librarys_vectors(void **state)
{
    json_t *variants = json_object_get(golden, "variants"), *v;
    size_t i;
    int wrong = 0;
    (void) state;
    assert_true(json_array_size(variants) > 40);
    json_array_foreach(variants, i, v)
    {
        const char *name = json_string_value(json_object_get(v, "name"));
        tw_tower *t = NULL, *again = NULL;
        tw_error why = {0};
        write_folder(json_object_get(v, "changes"));
        if (tw_tower_import_bert(&t, tw_test_path("model"), &why) != TW_OK) {
            print_error("%s: %s\n", name, why.msg);
            wrong++;
            continue;
        }
        wrong += compare(t, name, json_object_get(v, "vectors"));
        assert_ok(tw_tower_save(t, tw_test_path("tower.safetensors"), err));
        assert_ok(tw_tower_load(&again, tw_test_path("tower.safetensors"), err));
        wrong += compare(again, name, json_object_get(v, "vectors"));
        tw_tower_destroy(t);
        tw_tower_destroy(again);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_of_the_folder_gives_the_librarys_vectors),
    };
    json_error_t why;
    golden = json_load_file(TW_GOLDEN_DIR "/bert_golden.json", 0, &why);
    if (golden == NULL) {
        print_error("bert_golden.json: %s\n", why.text);
        return 1;
    }
    const int rc = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(golden);
    return rc;
}
