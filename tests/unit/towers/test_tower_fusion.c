/* Built with TW_REAL_DOUBLE. Towers of several modalities: what is missing, what is shown, the
 * head, every gradient, the file. */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "towers/tower.h"
#include "towers/tower_samples.h"

enum { N = 5, E = 4, D = 3 };

static const tw_tower_item items[N] = {
    {.text = "toy story",
     .text_len = 9,
     .attributes = "{\"year\": 1995, \"genre\": [\"a\", \"b\"]}"},
    {.text = "aladdin", .text_len = 7},
    {.attributes = "{\"year\": 1992, \"new\": true, \"studio\": \"x\"}"},
    {.text = "toy soldiers", .text_len = 12, .attributes = "{\"year\": 1991, \"genre\": [\"a\"]}"},
    {.text = "", .text_len = 0, .attributes = "{}"},
};

static tw_status load(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err)
{
    (void) ctx;
    (void) worker;
    (void) err;
    *out = items[i];
    return TW_OK;
}

static const tw_tower_source source = {.n = N, .load = load};

static tw_tower *make(int head)
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    tw_tower *t = NULL;
    tw_tower_samples *s = NULL;
    tw_rng rng;
    cfg.attributes = TW_ATTRIBUTES_MLP;
    cfg.attribute_width = E;
    cfg.bits = 8;
    cfg.embed_dim = E;
    cfg.dim = D;
    cfg.head = head;
    assert_ok(tw_tower_create(&t, &cfg, NULL, err));
    assert_ok(tw_tower_prepare(&s, t, NULL, &source, NULL, NULL, err));
    assert_ok(tw_tower_fit(t, s, err));
    tw_tower_samples_destroy(s);
    tw_rng_seed(&rng, 7);
    for (int i = 0; i < tw_params_count(t->params); i++)
        tw_param_init_normal(tw_params_at(t->params, i), 0.5, &rng);
    twi_tower_refresh(t);
    return t;
}

static void samples_are_of_what_an_item_has(void **state)
{
    tw_tower *t = make(0);
    tw_tower_samples *s = NULL;
    (void) state;
    assert_ok(tw_tower_prepare(&s, t, NULL, &source, NULL, NULL, err));
    assert_int_equal(tw_tower_samples_with(s, TW_MODALITY_TEXT), 3);
    assert_int_equal(tw_tower_samples_with(s, TW_MODALITY_ATTRIBUTES), 3);
    assert_false(tw_tower_samples_empty(s, 2));
    assert_true(tw_tower_samples_empty(s, 4));
    tw_tower_samples_destroy(s);
    tw_tower_destroy(t);
}

/* Workers lay their shares end to end: the bytes are those of one worker. */
static void workers_do_not_change_samples(void **state)
{
    tw_tower *t = make(0);
    tw_tower_samples *one = NULL, *many = NULL;
    tw_pool *pool = NULL;
    (void) state;
    assert_ok(tw_pool_create(&pool, 3, err));
    assert_ok(tw_tower_prepare(&one, t, NULL, &source, NULL, NULL, err));
    assert_ok(tw_tower_prepare(&many, t, pool, &source, NULL, NULL, err));
    for (int m = 0; m < TW_MODALITIES; m++)
        for (int64_t i = 0; i < N; i++) {
            const twi_sample a = twi_sample_of(one, m, i), b = twi_sample_of(many, m, i);
            assert_int_equal(a.len, b.len);
            if (a.len > 0)
                assert_memory_equal(a.data, b.data, a.len);
        }
    tw_pool_destroy(pool);
    tw_tower_samples_destroy(one);
    tw_tower_samples_destroy(many);
    tw_tower_destroy(t);
}

/* Numbers count in standard deviations: 1995, 1992, 1991 have mean 1992.67 and deviation 1.70. */
static void numbers_are_standardised(void **state)
{
    static const char *const years[] = {"{\"year\": 1995}", "{\"year\": 1999}", "{\"year\": 2900}",
                                        "{\"year\": 9e99}"};
    tw_tower *t = make(0);
    tw_tower_session *s = NULL;
    float v[4][D];
    (void) state;
    assert_ok(tw_tower_session_create(&s, t, err));
    for (int i = 0; i < 4; i++)
        assert_ok(tw_tower_embed(s, &(tw_tower_item){.attributes = years[i]}, v[i], NULL, err));
    assert_memory_not_equal(v[1], v[2], sizeof v[0]);
    assert_memory_equal(v[2], v[3], sizeof v[0]); /* both are as far as can be */
    tw_tower_session_destroy(s);
    tw_tower_destroy(t);
}

static void serving_equals_the_tape(void **state)
{
    static const int heads[] = {0, 5};
    (void) state;
    for (int k = 0; k < 2; k++) {
        tw_tower *t = make(heads[k]);
        tw_tower_samples *samples = NULL;
        tw_tower_session *s = NULL;
        tw_tape *tape = NULL;
        const int32_t all[N] = {0, 1, 2, 3, 4};
        static const int want[N] = {9, 1, 8, 9, 0};
        float v[D];
        assert_ok(tw_tower_prepare(&samples, t, NULL, &source, NULL, NULL, err));
        assert_ok(tw_tape_create(&tape, NULL, err));
        assert_ok(tw_tower_session_create(&s, t, err));
        const tw_tensor *z =
            twi_tower_forward(tape, t, &(twi_input){.samples = samples, .items = all, .n = N});
        assert_non_null(z);
        for (int i = 0; i < N; i++) {
            int found = -1;
            double length = 0;
            assert_ok(tw_tower_embed(s, &items[i], v, &found, err));
            assert_int_equal(found, want[i]);
            for (int d = 0; d < D; d++)
                length += (double) v[d] * (double) v[d];
            assert_near(length, want[i] != 0, 1e-6);
            for (int d = 0; d < D && want[i] != 0; d++)
                assert_near(v[d], z->v[i * D + d], 1e-6);
        }
        tw_tower_session_destroy(s);
        tw_tape_destroy(tape);
        tw_tower_samples_destroy(samples);
        tw_tower_destroy(t);
    }
}

/* What is hidden has no say; what is shown alone is the item with that alone. */
static void rows_see_only_what_is_shown(void **state)
{
    tw_tower *t = make(0);
    tw_tower_samples *samples = NULL;
    tw_tower_session *s = NULL;
    tw_tape *tape = NULL;
    const int32_t rows[3] = {0, 0, 1};
    const unsigned char shown[3] = {1 << TW_MODALITY_TEXT, 1 << TW_MODALITY_ATTRIBUTES,
                                    1 << TW_MODALITY_ATTRIBUTES};
    float text[D], attributes[D];
    (void) state;
    assert_ok(tw_tower_prepare(&samples, t, NULL, &source, NULL, NULL, err));
    assert_ok(tw_tape_create(&tape, NULL, err));
    assert_ok(tw_tower_session_create(&s, t, err));
    assert_ok(tw_tower_embed_text(s, items[0].text, items[0].text_len, text, NULL, err));
    assert_ok(tw_tower_embed(s, &(tw_tower_item){.attributes = items[0].attributes}, attributes,
                             NULL, err));
    const tw_tensor *z = twi_tower_forward(
        tape, t, &(twi_input){.samples = samples, .items = rows, .shown = shown, .n = 3});
    assert_non_null(z);
    for (int d = 0; d < D; d++) {
        assert_near(z->v[d], text[d], 1e-6);
        assert_near(z->v[D + d], attributes[d], 1e-6);
        assert_near(z->v[2 * D + d], 0, 1e-12);
    }
    tw_tower_session_destroy(s);
    tw_tape_destroy(tape);
    tw_tower_samples_destroy(samples);
    tw_tower_destroy(t);
}

typedef struct model {
    tw_tower *tower;
    tw_tower_samples *samples;
    tw_grads *grads;
    tw_tape *tape;
} model;

static const int32_t rows[6] = {0, 1, 2, 3, 0, 4};
static const unsigned char shown[6] = {15, 15, 15, 1, 8, 15};

/* A sum of all numbers, each with its own weight; the row of nothing has no direction and no say.
 */
static double run(const model *m, tw_real *weights)
{
    double sum = 0;
    tw_tape_reset(m->tape, 1, 1, 0);
    tw_tensor *z = twi_tower_forward(
        m->tape, m->tower,
        &(twi_input){.samples = m->samples, .items = rows, .shown = shown, .n = 6});
    assert_non_null(z);
    for (int i = 0; i < 5 * D; i++)
        sum += (double) (weights[i] * z->v[i]);
    tw_tape_seed(m->tape, z, weights);
    return sum;
}

static void every_weight_has_its_gradient(void **state)
{
    const tw_real h = 1e-6;
    model m = {.tower = make(5)};
    tw_real weights[6 * D] = {0};
    int moved = 0;
    (void) state;
    for (int i = 0; i < 5 * D; i++)
        weights[i] = (tw_real) (0.3 * (i % 4) - 0.4);
    assert_ok(tw_tower_prepare(&m.samples, m.tower, NULL, &source, NULL, NULL, err));
    assert_ok(tw_grads_create(&m.grads, m.tower->params, err));
    assert_ok(tw_tape_create(&m.tape, m.grads, err));
    (void) run(&m, weights);
    assert_ok(tw_tape_backward(m.tape, err));
    for (int i = 0; i < tw_params_count(m.tower->params); i++) {
        tw_param *p = tw_params_at(m.tower->params, i);
        for (int64_t k = 0; k < p->rows * p->cols; k++) {
            const double have = (double) tw_grads_peek(m.grads, p, k / p->cols)[k % p->cols];
            const tw_real keep = p->value[k];
            p->value[k] = keep + h;
            const double up = run(&m, weights);
            p->value[k] = keep - h;
            const double down = run(&m, weights);
            p->value[k] = keep;
            if (fabs(have - (up - down) / (2 * (double) h)) > 1e-6)
                fail_msg("%s[%lld] is %.9g, difference %.9g", p->name, (long long) k, have,
                         (up - down) / (2 * (double) h));
            moved += have != 0;
        }
    }
    assert_true(moved > 100);
    tw_tape_destroy(m.tape);
    tw_grads_destroy(m.grads);
    tw_tower_samples_destroy(m.samples);
    tw_tower_destroy(m.tower);
}

static void a_tower_of_two_comes_back_from_its_file(void **state)
{
    tw_tower *t = make(6), *u = NULL;
    const char *path = tw_test_path("two.safetensors");
    float a[N * D], b[N * D];
    (void) state;
    assert_ok(tw_tower_save(t, path, err));
    assert_ok(tw_tower_load(&u, path, err));
    assert_int_equal(tw_tower_config_of(u).attributes, TW_ATTRIBUTES_MLP);
    assert_int_equal(tw_tower_config_of(u).head, 6);
    assert_ok(tw_tower_embed_many(t, NULL, &source, a, NULL, NULL, err));
    assert_ok(tw_tower_embed_many(u, NULL, &source, b, NULL, NULL, err));
    assert_memory_equal(a, b, sizeof a);
    tw_tower_destroy(t);
    tw_tower_destroy(u);
}

static void a_tower_of_nothing_is_refused(void **state)
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    tw_tower *t = NULL;
    (void) state;
    cfg.text = TW_TEXT_NONE;
    assert_status(tw_tower_create(&t, &cfg, NULL, err), TW_EINVAL);
    cfg.text = TW_TEXT_TRANSFORMER; /* without a vocabulary */
    assert_status(tw_tower_create(&t, &cfg, NULL, err), TW_EINVAL);
    assert_null(t);
}

/* A brand in two spellings is one brand; a name is composed, but keeps its case. */
static void attributes_in_two_spellings_are_one(void **state)
{
    static const char *const brands[][2] = {
        {"{\"maison\": \"Herm\u00e8s\"}", "{\"maison\": \"HERME\u0300S\"}"},
        {"{\"caf\u00e9\": [\"\u30d1\"]}", "{\"cafe\u0301\": [\"\u30cf\u309a\"]}"},
    };
    (void) state;
    for (int rules = 1; rules <= 2; rules++) {
        tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
        tw_tower *t = NULL;
        tw_tower_session *s = NULL;
        float v[2][16];
        cfg.text = TW_TEXT_NONE;
        cfg.attributes = TW_ATTRIBUTES_MLP;
        cfg.dim = 16;
        cfg.text_rules = rules;
        assert_ok(tw_tower_create(&t, &cfg, NULL, err));
        assert_ok(tw_tower_session_create(&s, t, err));
        for (size_t i = 0; i < 2; i++) {
            for (int k = 0; k < 2; k++)
                assert_ok(tw_tower_embed(s, &(tw_tower_item){.attributes = brands[i][k]}, v[k],
                                         NULL, err));
            assert_true((memcmp(v[0], v[1], sizeof v[0]) == 0) == (rules == 2));
        }
        tw_tower_session_destroy(s);
        tw_tower_destroy(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_of_what_an_item_has),
        cmocka_unit_test(workers_do_not_change_samples),
        cmocka_unit_test(numbers_are_standardised),
        cmocka_unit_test(serving_equals_the_tape),
        cmocka_unit_test(rows_see_only_what_is_shown),
        cmocka_unit_test(every_weight_has_its_gradient),
        cmocka_unit_test(a_tower_of_two_comes_back_from_its_file),
        cmocka_unit_test(a_tower_of_nothing_is_refused),
        cmocka_unit_test(attributes_in_two_spellings_are_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
