/* Towers that read tokens: samples, company, the file, and a folder of another library. */
#include "tests/support/test.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pieces.h"
#include "towers/tower.h"
#include "towers/tower_samples.h"

static const char *const texts[] = {"Toy Story (1995)",       "Toy Soldiers", "",
                                    "The story of a big toy", "?!",           "story story story"};
enum { N = sizeof texts / sizeof texts[0], D = 6 };

static tw_tower *make(tw_text_encoder kind)
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    tw_tower *t = NULL;
    char *words = NULL;
    cfg.text = kind;
    cfg.text_width = 8;
    cfg.text_heads = 2;
    cfg.text_ffn = 16;
    cfg.text_layers = 2;
    cfg.max_tokens = 9;
    cfg.dim = D;
    assert_ok(tw_tower_learn_vocabulary(&words, texts, NULL, N, 64, err));
    assert_ok(tw_tower_create(&t, &cfg, words, err));
    tw_free(words);
    return t;
}

static tw_tower_samples *prepared(const tw_tower *t)
{
    const tw_tower_texts list = {.texts = texts};
    const tw_tower_source source = tw_source_of_texts(&list, N);
    tw_tower_samples *s = NULL;
    assert_ok(tw_tower_prepare(&s, t, NULL, &source, NULL, NULL, err));
    return s;
}

static void a_text_without_words_has_no_sample(void **state)
{
    tw_tower *t = make(TW_TEXT_CNN);
    tw_tower_samples *s = prepared(t);
    (void) state;
    assert_int_equal(tw_tower_samples_with(s, TW_MODALITY_TEXT), N - 1);
    assert_true(tw_tower_samples_empty(s, 2));
    for (int i = 0; i < N; i++)
        assert_true(twi_sample_of(s, TW_MODALITY_TEXT, i).len <= 9 * sizeof(int32_t));
    tw_tower_samples_destroy(s);
    tw_tower_destroy(t);
}

static void embed_alone(const tw_tower *t, float *out)
{
    tw_tower_session *s = NULL;
    assert_ok(tw_tower_session_create(&s, t, err));
    for (int i = 0; i < N; i++)
        assert_ok(tw_tower_embed_text(s, texts[i], strlen(texts[i]), out + i * D, NULL, err));
    tw_tower_session_destroy(s);
}

/* One by one, many on one tape, and again from its file. */
static void company_does_not_change_a_vector(void **state)
{
    (void) state;
    for (int kind = TW_TEXT_CNN; kind <= TW_TEXT_TRANSFORMER; kind++) {
        tw_tower *t = make((tw_text_encoder) kind), *u = NULL;
        tw_tower_samples *s = prepared(t);
        const char *path = tw_test_path("tokens.safetensors");
        float alone[N * D], many[N * D], again[N * D];
        embed_alone(t, alone);
        assert_ok(tw_tower_embed_samples(t, NULL, s, many, NULL, NULL, err));
        assert_ok(tw_tower_save(t, path, err));
        assert_ok(tw_tower_load(&u, path, err));
        embed_alone(u, again);
        assert_memory_equal(alone, again, sizeof alone);
        assert_ok(tw_tower_embed_texts(u, NULL, texts, NULL, N, again, NULL, NULL, err));
        assert_memory_equal(many, again, sizeof many);
        for (int i = 0; i < N; i++) {
            double length = 0, cosine = 0;
            for (int d = 0; d < D; d++) {
                length += (double) alone[i * D + d] * (double) alone[i * D + d];
                cosine += (double) alone[i * D + d] * (double) many[i * D + d];
            }
            assert_near(length, i != 2, 1e-5);
            assert_near(cosine, i != 2, 1e-5);
        }
        tw_tower_samples_destroy(s);
        tw_tower_destroy(t);
        tw_tower_destroy(u);
    }
}

/* [CLS] and [SEP] stay, words go: of a text of seven, about a half with dropout 0.5. */
static void dropout_hides_words_but_no_marks(void **state)
{
    tw_tower *t = make(TW_TEXT_LSTM);
    tw_tower_samples *s = prepared(t);
    tw_grads *grads = NULL;
    tw_tape *tape = NULL;
    const twi_encoder *e = t->encoders[TW_MODALITY_TEXT];
    const twi_sample sample = twi_sample_of(s, TW_MODALITY_TEXT, 3);
    const int32_t *ids = (const int32_t *) (const void *) sample.data;
    const int n = (int) (sample.len / sizeof *ids);
    const tw_param *table = NULL;
    const twi_augment most = {.dropout = 0.9};
    tw_real ones[32];
    int64_t total = 0;
    (void) state;
    for (int i = 0; i < 32; i++)
        ones[i] = 1;
    for (int i = 0; i < tw_params_count(t->params) && table == NULL; i++)
        if (tw_params_at(t->params, i)->kind == TW_TABLE)
            table = tw_params_at(t->params, i);
    assert_non_null(table);
    assert_ok(tw_grads_create(&grads, t->params, err));
    assert_ok(tw_tape_create(&tape, grads, err));
    for (uint64_t step = 0; step < 50; step++) {
        const int64_t *rows;
        int64_t touched, marks = 0;
        tw_tape_reset(tape, 1, step, 0);
        tw_grads_zero(grads);
        tw_tensor *x = e->class->forward(e, tape, &sample, 1, &most);
        assert_non_null(x);
        tw_tape_seed(tape, x, ones);
        assert_ok(tw_tape_backward(tape, err));
        tw_grads_touched(grads, table, &rows, &touched);
        for (int64_t k = 0; k < touched; k++)
            marks += rows[k] == ids[0] || rows[k] == ids[n - 1];
        assert_int_equal(marks, 2);
        total += touched - marks;
    }
    assert_true(n > 5 && total < 50 * (n - 2) / 3);
    tw_tape_destroy(tape);
    tw_grads_destroy(grads);
    tw_tower_samples_destroy(s);
    tw_tower_destroy(t);
}

/* One text in two spellings; in a tower of newer rules it is one text. */
static const char *const spellings[][2] = {
    {"Caf\xc3\xa9 toy story", "CAFE\xcc\x81 toy story"},
    {"Vi\xe1\xbb\x87t Nam", "Vie\xcc\xa3\xcc\x82t Nam"},
    {"\xed\x95\x9c\xea\xb5\xad \xec\x98\x81\xed\x99\x94",
     "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xae\xe1\x86\xa8 "
     "\xe1\x84\x8b\xe1\x85\xa7\xe1\x86\xbc\xe1\x84\x92\xe1\x85\xaa"},
    {"Stra\xc3\x9f"
     "e",
     "STRASSE"},
    {"\xef\xbc\xb4\xef\xbd\x8f\xef\xbd\x99 1", "toy \xef\xbc\x91"},
    {"\xe3\x83\x91\xe3\x83\xb3", "\xe3\x83\x8f\xe3\x82\x9a\xe3\x83\xb3"},
};
enum { SPELLINGS = sizeof spellings / sizeof spellings[0] };

static tw_tower *made_for_spellings(tw_text_encoder kind, int rules)
{
    const char *all[SPELLINGS];
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    tw_tower *t = NULL;
    char *words = NULL;
    cfg.text = kind;
    cfg.text_width = cfg.dim = 32;
    cfg.text_heads = 2;
    cfg.text_ffn = 16;
    cfg.text_rules = rules;
    for (int i = 0; i < SPELLINGS; i++)
        all[i] = spellings[i][0];
    assert_ok(tw_tower_learn_vocabulary(&words, all, NULL, SPELLINGS, 200, err));
    assert_ok(tw_tower_create(&t, &cfg, words, err));
    tw_free(words);
    return t;
}

static double cosine_of_spellings(const tw_tower *t, int i)
{
    tw_tower_session *s = NULL;
    float v[2][32];
    double cosine = 0;
    assert_ok(tw_tower_session_create(&s, t, err));
    for (int k = 0; k < 2; k++)
        assert_ok(
            tw_tower_embed_text(s, spellings[i][k], strlen(spellings[i][k]), v[k], NULL, err));
    for (int d = 0; d < 32; d++)
        cosine += (double) v[0][d] * (double) v[1][d];
    tw_tower_session_destroy(s);
    return cosine;
}

static void every_encoder_reads_two_spellings_as_one(void **state)
{
    (void) state;
    for (int kind = TW_TEXT_BAG; kind <= TW_TEXT_TRANSFORMER; kind++) {
        tw_tower *now = made_for_spellings((tw_text_encoder) kind, 2);
        tw_tower *before = made_for_spellings((tw_text_encoder) kind, 1);
        double least = 1;
        for (int i = 0; i < SPELLINGS; i++) {
            if (!(cosine_of_spellings(now, i) > 0.99999))
                fail_msg("encoder %d, %s: cosine %g", kind, spellings[i][0],
                         cosine_of_spellings(now, i));
            least = fmin(least, cosine_of_spellings(before, i));
        }
        assert_true(least < 0.99); /* the rules of old towers did not */
        tw_tower_destroy(now);
        tw_tower_destroy(before);
    }
}

/* A text of which the vocabulary knows no piece says nothing, rather than what all such say. */
static void unknown_words_alone_are_nothing_to_read(void **state)
{
    static const char greek[] = "\xce\xb1\xce\xb2";
    (void) state;
    tw_tower *t = made_for_spellings(TW_TEXT_GRU, 2);
    tw_tower_session *s = NULL;
    float v[32];
    int found = -1;
    assert_ok(tw_tower_session_create(&s, t, err));
    assert_ok(tw_tower_embed_text(s, greek, strlen(greek), v, &found, err));
    assert_int_equal(found, 0);
    assert_true(v[0] == 0 && v[31] == 0);
    assert_ok(tw_tower_embed_text(s, "\xce\xb1 toy", 6, v, &found, err));
    assert_int_equal(found, 1);
    tw_tower_session_destroy(s);
    tw_tower_destroy(t);
}

/* 300 Thai letters without a space: by the tokenizer's own rule one unknown word. "Khon kin khao",
 * people eat rice; a mark is never parted from its letter. */
static void a_sentence_without_spaces_is_read(void **state)
{
    static const char word[] = "\xe0\xb8\x84\xe0\xb8\x99\xe0\xb8\x81\xe0\xb8\xb4\xe0\xb8\x99"
                               "\xe0\xb8\x82\xe0\xb9\x89\xe0\xb8\xb2\xe0\xb8\xa7";
    enum { BYTES = sizeof word - 1, TIMES = 34 };
    char text[BYTES * TIMES + 1] = "";
    const char *const all[] = {text, "toy story"};
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    char *words = NULL;
    tw_text parted;
    (void) state;
    for (int i = 0; i < TIMES; i++)
        memcpy(text + (size_t) i * BYTES, word, BYTES + 1);
    tw_text_init(&parted, 1 << 16);
    assert_ok(tw_pieces_fold_words(&parted, text, strlen(text), err));
    assert_non_null(strchr(parted.data, ' '));
    assert_null(strstr(parted.data, " \xe0\xb8\xb4"));
    assert_null(strstr(parted.data, " \xe0\xb9\x89"));
    tw_text_fini(&parted);

    assert_ok(tw_tower_learn_vocabulary(&words, all, NULL, 2, 100, err));
    cfg.text = TW_TEXT_CNN;
    cfg.text_width = cfg.dim = 32;
    for (int rules = 1; rules <= 2; rules++) {
        tw_tower *t = NULL;
        tw_tower_session *s = NULL;
        float v[2][32];
        int found = -1;
        cfg.text_rules = rules;
        assert_ok(tw_tower_create(&t, &cfg, words, err));
        assert_ok(tw_tower_session_create(&s, t, err));
        assert_ok(tw_tower_embed_text(s, text, strlen(text), v[0], &found, err));
        assert_int_equal(found, 1);
        assert_ok(tw_tower_embed_text(s, "\xce\xb1", 2, v[1], &found, err)); /* unknown */
        /* By rules 1 it is what every unknown word is, by 2 it is read, and an unknown word is not.
         */
        assert_int_equal(found, rules == 1);
        assert_true((memcmp(v[0], v[1], sizeof v[0]) == 0) == (rules == 1));
        tw_tower_session_destroy(s);
        tw_tower_destroy(t);
    }
    tw_free(words);
}

static void a_bad_vocabulary_is_refused(void **state)
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    tw_tower *t = NULL;
    (void) state;
    cfg.text = TW_TEXT_GRU;
    assert_status(tw_tower_create(&t, &cfg, "one\ntwo\n", err), TW_ECORRUPT);
    assert_null(t);
    assert_status(tw_tower_import_bert(&t, tw_test_path("nowhere"), err), TW_ENOTFOUND);
    assert_null(t);
}

/* A file as version 2 wrote it: without the settings that came with version 3. */
static void an_earlier_file_serves_as_before(void **state)
{
    static const char *const later[] = {"text_accents",  "text_han",    "text_eps",
                                        "text_pooling",  "text_prompt", "text_dense",
                                        "text_dense_end"};
    (void) state;
    for (int kind = TW_TEXT_CNN; kind <= TW_TEXT_TRANSFORMER; kind++) {
        tw_tower *t = make((tw_text_encoder) kind), *u = NULL;
        float now[N * D], before[N * D];
        char config[4096] = {0};
        tw_st_file *f = NULL;
        tw_st_writer *w = NULL;
        assert_ok(tw_tower_save(t, tw_test_path("now.safetensors"), err));
        assert_ok(tw_st_open(&f, tw_test_path("now.safetensors"), err));
        assert_string_equal(tw_st_meta(f, "twindex.version"), "3");
        json_t *settings = json_loads(tw_st_meta(f, "twindex.tower"), 0, NULL);
        for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
            assert_int_equal(json_object_del(settings, later[i]), 0);
        assert_true(json_dumpb(settings, config, sizeof config - 1, 0) < sizeof config);
        assert_ok(tw_st_writer_create(&w, err));
        assert_ok(tw_st_add_meta(w, "twindex.kind", "tower", err));
        assert_ok(tw_st_add_meta(w, "twindex.version", "2", err));
        assert_ok(tw_st_add_meta(w, "twindex.text", tw_st_meta(f, "twindex.text"), err));
        assert_ok(tw_st_add_meta(w, "twindex.tower", config, err));
        assert_ok(
            tw_st_add_meta(w, "twindex.vocabulary", tw_st_meta(f, "twindex.vocabulary"), err));
        for (int i = 0; i < tw_st_count(f); i++) {
            const tw_st_tensor x = tw_st_at(f, i);
            assert_ok(tw_st_add(w, x.name, x.type, x.rows, x.cols, x.data, err));
        }
        assert_ok(tw_st_save(w, tw_test_path("before.safetensors"), err));
        assert_ok(tw_tower_load(&u, tw_test_path("before.safetensors"), err));
        embed_alone(t, now);
        embed_alone(u, before);
        assert_memory_equal(now, before, sizeof now);
        json_decref(settings);
        tw_st_writer_destroy(w);
        tw_st_close(f);
        tw_tower_destroy(t);
        tw_tower_destroy(u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_earlier_file_serves_as_before),
        cmocka_unit_test(a_text_without_words_has_no_sample),
        cmocka_unit_test(company_does_not_change_a_vector),
        cmocka_unit_test(dropout_hides_words_but_no_marks),
        cmocka_unit_test(every_encoder_reads_two_spellings_as_one),
        cmocka_unit_test(unknown_words_alone_are_nothing_to_read),
        cmocka_unit_test(a_sentence_without_spaces_is_read),
        cmocka_unit_test(a_bad_vocabulary_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
