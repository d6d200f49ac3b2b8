#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "nn/safetensors.h"
#include "tests/unit/towers/tower_toy.h"
#include "towers/text/text_features.h"
#include "towers/tower.h"

static const char *const texts[] = {"Toy Story (1995)", "Aladdin (1992)", "Scream", ""};
enum { N = sizeof texts / sizeof texts[0], D = 6 };

static tw_tower *make(void)
{
    tw_tower_config cfg = small_bag(8, 5, D);
    cfg.ngram_min = 2;
    cfg.ngram_max = 4;
    cfg.max_features = 77;
    cfg.seed = 9;
    tw_tower *t = fitted_tower(&cfg, texts, N);
    t->proj[TW_MODALITY_TEXT].b->value[2] = (tw_real) 0.25;
    return t;
}

static void a_tower_comes_back_bit_by_bit(void **state)
{
    tw_tower *t = make(), *u = NULL;
    const char *path = tw_test_path("towers.safetensors");
    float before[N * D], after[N * D];
    (void) state;
    assert_ok(tw_tower_save(t, path, err));
    assert_ok(tw_tower_load(&u, path, err));
    const tw_tower_config cfg = tw_tower_config_of(u);
    assert_int_equal(cfg.bits, 8);
    assert_int_equal(cfg.ngram_min, 2);
    assert_int_equal(cfg.ngram_max, 4);
    assert_int_equal(cfg.max_features, 77);
    assert_int_equal(cfg.seed, 9);
    assert_ok(tw_tower_embed_texts(t, NULL, texts, NULL, N, before, NULL, NULL, err));
    assert_ok(tw_tower_embed_texts(u, NULL, texts, NULL, N, after, NULL, NULL, err));
    assert_memory_equal(before, after, sizeof before);
    tw_tower_destroy(t);
    tw_tower_destroy(u);
}

/* A good file, read into memory; the caller frees it. */
static char *good_bytes(size_t *len)
{
    tw_tower *t = make();
    const char *path = tw_test_path("good.safetensors");
    char *data = NULL;
    assert_ok(tw_tower_save(t, path, err));
    assert_ok(tw_file_read(path, 1 << 20, &data, len, err));
    tw_tower_destroy(t);
    return data;
}

static void every_cut_of_a_file_is_refused(void **state)
{
    size_t len;
    char *data = good_bytes(&len);
    (void) state;
    for (size_t n = 0; n < len; n += n < 1200 ? 1 : 97) {
        char *copy = tw_alloc(n, 1); /* of exactly this size, so that ASan sees over-reads */
        tw_tower *t = NULL;
        assert_non_null(copy);
        memcpy(copy, data, n);
        assert_status(tw_tower_parse(&t, copy, n, err), TW_ECORRUPT);
        assert_null(t);
        tw_free(copy);
    }
    tw_free(data);
}

static void a_flipped_bit_in_the_weights_is_noticed(void **state)
{
    size_t len;
    char *data = good_bytes(&len);
    tw_tower *t = NULL;
    (void) state;
    data[len - 5] ^= 1;
    assert_status(tw_tower_parse(&t, data, len, err), TW_ECORRUPT);
    tw_free(data);
}

typedef struct variant {
    const char *says; /* part of the message */
    const char *kind, *version, *rules, *config;
    int64_t rows, cols; /* of the table; 0: right */
    float weight, idf;
    tw_status want;
} variant;

#define CONFIG                                                                                     \
    "{\"bits\": 8, \"embed_dim\": 2, \"dim\": 2, \"ngram_min\": 3, \"ngram_max\": 5, "             \
    "\"max_features\": 9, \"seed\": 1}"
#define RULES       "fnv1a-fold-1"
#define NEWER_RULES "fnv1a-nfkc-2"

static const variant variants[] = {
    {"", "tower", "1", RULES, CONFIG, 0, 0, 1, 1, TW_OK},
    {"holds seq, not a tower", "seq", "1", RULES, CONFIG, 0, 0, 1, 1, TW_ECORRUPT},
    {"something else, not a tower", NULL, "1", RULES, CONFIG, 0, 0, 1, 1, TW_ECORRUPT},
    {"version", "tower", "4", RULES, CONFIG, 0, 0, 1, 1, TW_EUNSUPPORTED},
    {"text", "tower", "1", "fnv1a-fold-2", CONFIG, 0, 0, 1, 1, TW_EUNSUPPORTED},
    {"text_rules 1", "tower", "2", NEWER_RULES, CONFIG, 0, 0, 1, 1, TW_ECORRUPT},
    {"", "tower", "2", NEWER_RULES,
     "{\"bits\": 8, \"embed_dim\": 2, \"dim\": 2, \"text_rules\": 2}", 0, 0, 1, 1, TW_OK},
    {"text_rules 2", "tower", "2", RULES,
     "{\"bits\": 8, \"embed_dim\": 2, \"dim\": 2, \"text_rules\": 2}", 0, 0, 1, 1, TW_ECORRUPT},
    {"text_rules 0", "tower", "2", RULES,
     "{\"bits\": 8, \"embed_dim\": 2, \"dim\": 2, \"text_rules\": 0}", 0, 0, 1, 1, TW_ECORRUPT},
    {"twindex.tower", "tower", "1", RULES, NULL, 0, 0, 1, 1, TW_ECORRUPT},
    {"settings", "tower", "1", RULES, "{\"bits\": 80}", 0, 0, 1, 1, TW_ECORRUPT},
    {"settings", "tower", "1", RULES, "{\"bits\": 8, \"ngram_max\": 2}", 0, 0, 1, 1, TW_ECORRUPT},
    {"settings", "tower", "1", RULES, "[]", 0, 0, 1, 1, TW_ECORRUPT},
    {"the model's is 4194304 x 1024", "tower", "1", RULES, "{\"bits\": 22, \"embed_dim\": 1024}", 0,
     0, 1, 1, TW_ECORRUPT},
    {"", "tower", "2", RULES, CONFIG, 0, 0, 1, 1, TW_OK},
    {"text.table", "tower", "1", RULES, CONFIG, 255, 2, 1, 1, TW_ECORRUPT},
    {"text.table", "tower", "1", RULES, CONFIG, 256, 1, 1, 1, TW_ECORRUPT},
    {"finite", "tower", "1", RULES, CONFIG, 0, 0, NAN, 1, TW_ECORRUPT},
    {"idf", "tower", "1", RULES, CONFIG, 0, 0, 1, NAN, TW_ECORRUPT},
    {"idf", "tower", "1", RULES, CONFIG, 0, 0, 1, -1, TW_ECORRUPT},
};

static void write_variant(const variant *v, const char *path)
{
    static float table[256 * 2], idf[256], w[4] = {1, 0, 0, 1}, b[2];
    tw_st_writer *writer = NULL;

    for (int i = 0; i < 256; i++)
        idf[i] = 1;
    table[7] = v->weight;
    idf[9] = v->idf;
    assert_ok(tw_st_writer_create(&writer, err));
    if (v->kind != NULL)
        assert_ok(tw_st_add_meta(writer, "twindex.kind", v->kind, err));
    assert_ok(tw_st_add_meta(writer, "twindex.version", v->version, err));
    assert_ok(tw_st_add_meta(writer, "twindex.text", v->rules, err));
    if (v->config != NULL)
        assert_ok(tw_st_add_meta(writer, "twindex.tower", v->config, err));
    assert_ok(tw_st_add(writer, "text.table", TW_F32, v->rows > 0 ? v->rows : 256,
                        v->rows > 0 ? v->cols : 2, table, err));
    assert_ok(tw_st_add(writer, "text.proj.w", TW_F32, 2, 2, w, err));
    assert_ok(tw_st_add(writer, "text.proj.b", TW_F32, 1, 2, b, err));
    assert_ok(tw_st_add(writer, "text.idf", TW_F32, 256, 0, idf, err));
    assert_ok(tw_st_save(writer, path, err));
    tw_st_writer_destroy(writer);
}

static void wrong_files_are_refused_with_the_rule_they_break(void **state)
{
    const char *path = tw_test_path("variant.safetensors");
    (void) state;
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        const variant *v = &variants[i];
        tw_tower *t = NULL;
        tw_error err = {0};
        write_variant(v, path);
        tw_status st = tw_tower_load(&t, path, &err);
        if (st != v->want || strstr(err.msg, v->says) == NULL)
            fail_msg("row %zu: status %d (want %d), '%s'", i, (int) st, (int) v->want, err.msg);
        assert_true((t == NULL) == (v->want != TW_OK));
        tw_tower_destroy(t);
    }
}

/* A file of the time before text_rules is read, embeds and is saved again as it was. */
static void an_old_tower_keeps_its_rules(void **state)
{
    const char *path = tw_test_path("old.safetensors");
    static const char *const words[2] = {"Stra\xc3\x9f"
                                         "e",
                                         "strasse"};
    (void) state;
    write_variant(&variants[0], path);
    for (int round = 0; round < 2; round++) {
        tw_tower *t = NULL;
        tw_tower_session *s = NULL;
        twi_features f[2];
        float v[2];
        assert_ok(tw_tower_load(&t, path, err));
        assert_int_equal(tw_tower_config_of(t).text_rules, 1);
        assert_ok(tw_tower_session_create(&s, t, err));
        assert_ok(tw_tower_embed_text(s, words[0], strlen(words[0]), v, NULL, err));
        for (int k = 0; k < 2; k++) {
            assert_ok(twi_features_init(&f[k], &t->cfg, err));
            assert_ok(twi_features_count(&f[k], words[k], strlen(words[k]), err));
        }
        assert_true(f[0].n != f[1].n ||
                    memcmp(f[0].ids, f[1].ids, (size_t) f[0].n * sizeof *f[0].ids) != 0);
        for (int k = 0; k < 2; k++)
            twi_features_fini(&f[k]);
        assert_ok(tw_tower_save(t, path, err));
        tw_tower_session_destroy(s);
        tw_tower_destroy(t);
    }
}

static void no_file_is_not_found(void **state)
{
    tw_tower *t = NULL;
    (void) state;
    assert_status(tw_tower_load(&t, tw_test_path("nowhere"), err), TW_ENOTFOUND);
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tower_comes_back_bit_by_bit),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
        cmocka_unit_test(a_flipped_bit_in_the_weights_is_noticed),
        cmocka_unit_test(wrong_files_are_refused_with_the_rule_they_break),
        cmocka_unit_test(an_old_tower_keeps_its_rules),
        cmocka_unit_test(no_file_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
