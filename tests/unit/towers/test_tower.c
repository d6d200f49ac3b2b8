#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "tests/unit/towers/tower_toy.h"
#include "towers/text/text_features.h"
#include "towers/tower.h"

static const char *const texts[] = {"Toy Story (1995) Animation Children's Comedy",
                                    "Aladdin (1992) Animation Children's Comedy Musical",
                                    "Scream (1996) Horror Thriller",
                                    "Scream 2 (1997) Horror Thriller",
                                    "",
                                    "Le Fabuleux Destin d'Am\xc3\xa9lie Poulain"};
enum { N = sizeof texts / sizeof texts[0] };

static tw_tower *fitted(int bits, int E, int D)
{
    const tw_tower_config cfg = small_bag(bits, E, D);
    return fitted_tower(&cfg, texts, N);
}

static double dot(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double) a[i] * (double) b[i];
    return sum;
}

/* idf = 1 + ln((1 + N) / (1 + df)), N = 6: "<scream>" in 2 texts, "<toy>" in 1, others in none. */
static void idf_is_that_by_hand(void **state)
{
    tw_tower *t = fitted(16, 8, 8);
    (void) state;
    assert_near(bag_of(t)->idf[twi_bucket("<scream>", 8, 16)], 1 + log(7.0 / 3), 1e-6);
    assert_near(bag_of(t)->idf[twi_bucket("<toy>", 5, 16)], 1 + log(7.0 / 2), 1e-6);
    assert_near(bag_of(t)->idf[twi_bucket("<zebra>", 7, 16)], 1 + log(7.0 / 1), 1e-6);
    tw_tower_destroy(t);
}

static void vectors_are_unit_or_zero(void **state)
{
    static const int shapes[][2] = {{32, 32}, {32, 16}, {16, 32}, {1, 1}};
    float v[32];
    (void) state;
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        tw_tower *t = fitted(10, shapes[k][0], shapes[k][1]);
        tw_tower_session *s = NULL;
        t->proj[TW_MODALITY_TEXT].b->value[0] =
            1; /* a trained bias must not turn emptiness into a direction */
        assert_ok(tw_tower_session_create(&s, t, err));
        for (int i = 0; i < N; i++) {
            int found = -1;
            assert_ok(tw_tower_embed_text(s, texts[i], strlen(texts[i]), v, &found, err));
            assert_near(dot(v, v, shapes[k][1]), texts[i][0] != '\0' ? 1 : 0, 1e-6);
            assert_int_equal(found, texts[i][0] != '\0' ? 1 << TW_MODALITY_TEXT : 0);
        }
        tw_tower_session_destroy(s);
        tw_tower_destroy(t);
    }
}

/* Orthonormal rows when there are fewer than columns, else orthonormal columns. */
static void first_projection_keeps_inner_products(void **state)
{
    static const int shapes[][2] = {{24, 24}, {24, 10}, {10, 24}};
    (void) state;
    for (int k = 0; k < 3; k++) {
        tw_tower *t = fitted(8, shapes[k][0], shapes[k][1]);
        const int E = shapes[k][0], D = shapes[k][1], n = D < E ? D : E;
        for (int a = 0; a < n; a++)
            for (int b = 0; b < n; b++) {
                double sum = 0;
                for (int i = 0; i < (D < E ? E : D); i++)
                    sum += D < E ? (double) t->proj[TW_MODALITY_TEXT].w->value[a * E + i] *
                                       t->proj[TW_MODALITY_TEXT].w->value[b * E + i]
                                 : (double) t->proj[TW_MODALITY_TEXT].w->value[i * E + a] *
                                       t->proj[TW_MODALITY_TEXT].w->value[i * E + b];
                assert_near(sum, a == b, 1e-5);
            }
        tw_tower_destroy(t);
    }
}

/* The exact tf-idf cosine of two texts. */
static double kernel(const tw_tower *t, const char *a, const char *b)
{
    twi_features f, g;
    double sum = 0;
    assert_ok(twi_features_init(&f, &t->cfg, err));
    assert_ok(twi_features_init(&g, &t->cfg, err));
    assert_ok(twi_features_count(&f, a, strlen(a), err));
    assert_ok(twi_features_count(&g, b, strlen(b), err));
    twi_weigh(f.weights, f.ids, f.counts, f.n, bag_of(t)->idf);
    twi_weigh(g.weights, g.ids, g.counts, g.n, bag_of(t)->idf);
    for (int i = 0; i < f.n; i++)
        for (int k = 0; k < g.n; k++)
            if (f.ids[i] == g.ids[k])
                sum += (double) f.weights[i] * (double) g.weights[k];
    twi_features_fini(&f);
    twi_features_fini(&g);
    return sum;
}

/* A random projection to 1024 numbers is off by about 1/sqrt(1024) = 0.03. */
static void untrained_tower_projects_the_tf_idf_kernel(void **state)
{
    tw_tower *t = fitted(16, 1024, 1024);
    float *v = tw_alloc((size_t) N * 1024, sizeof *v);
    (void) state;
    assert_non_null(v);
    assert_ok(tw_tower_embed_texts(t, NULL, texts, NULL, N, v, NULL, NULL, err));
    for (int a = 0; a < N; a++)
        for (int b = 0; b < a; b++)
            assert_near(dot(v + a * 1024, v + b * 1024, 1024), kernel(t, texts[a], texts[b]), 0.13);
    assert_true(dot(v + 2 * 1024, v + 3 * 1024, 1024) > 0.5);
    assert_true(fabs(dot(v, v + 5 * 1024, 1024)) < 0.13);
    tw_free(v);
    tw_tower_destroy(t);
}

static void alone_or_in_bulk_gives_the_same_bits(void **state)
{
    enum { MANY = 1500, D = 24 };
    tw_tower *t = fitted(12, 16, D);
    tw_pool *pool = NULL;
    tw_tower_session *s = NULL;
    const char **many = tw_alloc(MANY, sizeof *many);
    size_t *lens = tw_alloc(MANY, sizeof *lens);
    float *v = tw_alloc((size_t) MANY * D, sizeof *v), one[D];
    (void) state;
    assert_true(many != NULL && lens != NULL && v != NULL);
    for (int i = 0; i < MANY; i++) {
        many[i] = texts[i % N];
        lens[i] = strlen(many[i]) > (size_t) i % 11 ? strlen(many[i]) - (size_t) i % 11 : 0;
    }
    assert_ok(tw_pool_create(&pool, 3, err));
    assert_ok(tw_tower_session_create(&s, t, err));
    assert_ok(tw_tower_embed_texts(t, pool, many, lens, MANY, v, NULL, NULL, err));
    for (int i = 0; i < MANY; i++) {
        assert_ok(tw_tower_embed_text(s, many[i], lens[i], one, NULL, err));
        assert_memory_equal(one, v + i * D, sizeof one);
    }
    tw_tower_session_destroy(s);
    tw_pool_destroy(pool);
    tw_free(v);
    tw_free(lens);
    tw_free(many);
    tw_tower_destroy(t);
}

static int stop_at_once(void *ctx, const tw_progress *p)
{
    *(int64_t *) ctx = p->done;
    return 1;
}

static void embedding_stops_when_asked(void **state)
{
    tw_tower *t = fitted(8, 4, 4);
    float v[N * 4] = {0};
    int64_t done = 0;
    (void) state;
    assert_status(tw_tower_embed_texts(t, NULL, texts, NULL, N, v, stop_at_once, &done, err),
                  TW_ECANCELLED);
    assert_int_equal(done, N);
    assert_near(dot(v, v, 4), 1, 1e-6);
    tw_tower_destroy(t);
}

/* Serving has its own loops; training has the tape. */
static void serving_equals_the_tape(void **state)
{
    enum { E = 12, D = 20 };
    tw_tower *t = fitted(12, E, D);
    tw_tape *tape = NULL;
    tw_tower_session *s = NULL;
    tw_tower_samples *samples = NULL;
    const tw_tower_texts list = {.texts = texts};
    const tw_tower_source source = tw_source_of_texts(&list, N);
    tw_rng rng;
    float v[D];
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    tw_param_init_normal(t->proj[TW_MODALITY_TEXT].w, 0.3, &rng);
    tw_param_init_normal(t->proj[TW_MODALITY_TEXT].b, 0.1, &rng);
    twi_tower_refresh(t);
    assert_ok(tw_tape_create(&tape, NULL, err));
    assert_ok(tw_tower_session_create(&s, t, err));
    assert_ok(tw_tower_prepare(&samples, t, NULL, &source, NULL, NULL, err));
    for (int i = 0; i < N; i++) {
        if (texts[i][0] == '\0')
            continue;
        const int32_t item = i;
        tw_tape_reset(tape, 1, 1, 0);
        const tw_tensor *z =
            twi_tower_forward(tape, t, &(twi_input){.samples = samples, .items = &item, .n = 1});
        assert_non_null(z);
        assert_ok(tw_tower_embed_text(s, texts[i], strlen(texts[i]), v, NULL, err));
        for (int d = 0; d < D; d++)
            assert_near(v[d], z->v[d], 2e-6);
    }
    tw_tower_samples_destroy(samples);
    tw_tower_session_destroy(s);
    tw_tape_destroy(tape);
    tw_tower_destroy(t);
}

static void a_seed_names_one_tower(void **state)
{
    tw_tower *a = fitted(10, 8, 6), *b = fitted(10, 8, 6), *c = NULL;
    tw_tower_config cfg = a->cfg;
    (void) state;
    cfg.seed++;
    assert_ok(tw_tower_create(&c, &cfg, NULL, err));
    const size_t bytes = (size_t) 1024 * 8 * sizeof(tw_real);
    assert_memory_equal(bag_of(a)->table->value, bag_of(b)->table->value, bytes);
    assert_memory_equal(a->proj[TW_MODALITY_TEXT].w->value, b->proj[TW_MODALITY_TEXT].w->value,
                        48 * sizeof(tw_real));
    assert_memory_not_equal(bag_of(a)->table->value, bag_of(c)->table->value, bytes);
    tw_tower_destroy(a);
    tw_tower_destroy(b);
    tw_tower_destroy(c);
}

static void untrained_forgets_training_and_keeps_idf(void **state)
{
    tw_tower *t = fitted(10, 8, 8), *u = NULL;
    (void) state;
    bag_of(t)->table->value[5] += 1;
    assert_ok(tw_tower_untrained(&u, t, err));
    assert_near(bag_of(t)->table->value[5] - bag_of(u)->table->value[5], 1, 1e-6);
    assert_memory_equal(bag_of(t)->idf, bag_of(u)->idf, 1024 * sizeof *bag_of(t)->idf);
    tw_tower_destroy(t);
    tw_tower_destroy(u);
}

#ifdef TW_TORTURE
static void a_warm_session_allocates_nothing(void **state)
{
    tw_tower *t = fitted(12, 16, 16);
    tw_tower_session *s = NULL;
    float v[16];
    (void) state;
    assert_ok(tw_tower_session_create(&s, t, err));
    assert_ok(tw_tower_embed_text(s, texts[0], strlen(texts[0]), v, NULL, err));
    const long before = tw_alloc_count();
    for (int i = 0; i < 100; i++)
        assert_ok(tw_tower_embed_text(s, texts[i % N], strlen(texts[i % N]), v, NULL, err));
    assert_int_equal(tw_alloc_count(), before);
    tw_tower_session_destroy(s);
    tw_tower_destroy(t);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idf_is_that_by_hand),
        cmocka_unit_test(vectors_are_unit_or_zero),
        cmocka_unit_test(first_projection_keeps_inner_products),
        cmocka_unit_test(untrained_tower_projects_the_tf_idf_kernel),
        cmocka_unit_test(alone_or_in_bulk_gives_the_same_bits),
        cmocka_unit_test(embedding_stops_when_asked),
        cmocka_unit_test(serving_equals_the_tape),
        cmocka_unit_test(a_seed_names_one_tower),
        cmocka_unit_test(untrained_forgets_training_and_keeps_idf),
#ifdef TW_TORTURE
        cmocka_unit_test(a_warm_session_allocates_nothing),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
