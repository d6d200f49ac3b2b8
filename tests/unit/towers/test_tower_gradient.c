/* Built with TW_REAL_DOUBLE. The whole path of a step: texts, bags, projection, norm, batch, loss;
 * every number of every tensor against a central difference. */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "metrics/partners.h"
#include "towers/tower.h"
#include "towers/train/tower_batch.h"

static const char *const texts[] = {"toy story", "aladdin story",   "scream two", "scream",
                                    "fargo toy", "big fargo night", "night"};
enum { N = sizeof texts / sizeof texts[0], E = 5, D = 3 };

typedef struct model {
    tw_tower *tower;
    tw_grads *grads;
    tw_tape *tape;
    tw_tower_samples *samples;
    tw_partners partners;
    twi_batch batch;
    twi_proxies proxies;
    tw_tensor *z;
} model;

static const twi_example examples[3] = {{0, 1, 4, 1}, {2, 3, 5, 0}, {5, 4, 6, 1}};

static const int32_t known_classes[N] = {0, 0, 1, 1, 0, 1, -1};
static const int32_t members[5] = {0, 2, 1, 5, 3};

static void open_model(model *m, tw_tower_loss loss, bool given, bool classes,
                       twi_prefixes prefixes)
{
    const tw_tower_texts list = {.texts = texts};
    const tw_tower_source source = tw_source_of_texts(&list, N);
    static const tw_item_pair known[] = {{0, 1, 1, 1}, {2, 3, 1, 1}, {5, 4, 1, 1}};
    static const int32_t order[3] = {0, 1, 2};
    const tw_tower_config cfg = {.bits = 8,
                                 .idf_power = 1,
                                 .embed_dim = E,
                                 .dim = D,
                                 .ngram_min = 3,
                                 .ngram_max = 3,
                                 .max_features = 50,
                                 .seed = 4};
    tw_rng rng;
    assert_ok(tw_tower_create(&m->tower, &cfg, NULL, err));
    assert_ok(tw_tower_fit_texts(m->tower, texts, NULL, N, err));
    tw_rng_seed(&rng, tw_test_seed());
    tw_param_init_normal(m->tower->proj[TW_MODALITY_TEXT].w, 0.5, &rng);
    tw_param_init_normal(m->tower->proj[TW_MODALITY_TEXT].b, 0.2, &rng);
    assert_ok(tw_grads_create(&m->grads, m->tower->params, err));
    assert_ok(tw_tape_create(&m->tape, m->grads, err));
    assert_ok(tw_tower_prepare(&m->samples, m->tower, NULL, &source, NULL, NULL, err));
    assert_ok(tw_partners_build(&m->partners, N, known, 3, err));
    m->batch =
        (twi_batch){.tower = m->tower,
                    .samples = m->samples,
                    .partners = &m->partners,
                    .loss = loss,
                    .scale = {.log_scale = log(2.5), .bias = -0.3},
                    .margin = loss == TW_LOSS_TRIPLET || loss == TW_LOSS_BATCH_ALL ? 1.5 : 0.9,
                    .hard = {.margin = 0.3, .soft = true},
                    .prefixes = prefixes,
                    .cls = classes ? known_classes : NULL,
                    .labelled = loss == TW_LOSS_CONTRASTIVE || loss == TW_LOSS_ONLINE,
                    .room = classes ? 5
                            : given ? 9
                                    : 6,
                    .width = given ? 3 : 2,
                    .D = D};
    if (loss == TW_LOSS_PROXY) {
        assert_ok(twi_proxies_init(&m->proxies, 2, D, 9, err));
        m->batch.proxies = &m->proxies;
    }
    assert_ok(twi_batch_init(&m->batch, N, err));
    if (classes)
        twi_batch_load_classes(&m->batch, members, 5, &rng);
    else
        twi_batch_load(&m->batch, examples, order, 3, &rng);
}

static void close_model(model *m)
{
    twi_batch_fini(&m->batch);
    twi_proxies_fini(&m->proxies);
    tw_partners_fini(&m->partners);
    tw_tower_samples_destroy(m->samples);
    tw_tape_destroy(m->tape);
    tw_grads_destroy(m->grads);
    tw_tower_destroy(m->tower);
}

static double loss_of(model *m)
{
    twi_loss_stats stats;
    tw_tape_reset(m->tape, 1, 1, 0);
    assert_ok(twi_batch_embed(&m->batch, 0, 0, m->batch.R, m->tape, &m->z, err));
    memcpy(m->batch.z, m->z->v, (size_t) m->batch.R * D * sizeof *m->batch.z);
    return twi_batch_loss(&m->batch, &stats);
}

static void check_model(tw_tower_loss loss, bool given, bool classes, twi_prefixes prefixes)
{
    const tw_real h = 1e-5;
    model m = {0};
    int moved = 0;

    open_model(&m, loss, given, classes, prefixes);
    (void) loss_of(&m);
    tw_tape_seed(m.tape, m.z, m.batch.dz);
    assert_ok(tw_tape_backward(m.tape, err));
    for (int i = 0; i < tw_params_count(m.tower->params); i++) {
        tw_param *p = tw_params_at(m.tower->params, i);
        for (int64_t k = 0; k < p->rows * p->cols; k++) {
            const double have = tw_grads_peek(m.grads, p, k / p->cols)[k % p->cols];
            const tw_real keep = p->value[k];
            p->value[k] = keep + h;
            const double up = loss_of(&m);
            p->value[k] = keep - h;
            const double down = loss_of(&m);
            p->value[k] = keep;
            if (!(have - (up - down) / (2 * h) < 1e-6 && (up - down) / (2 * h) - have < 1e-6))
                fail_msg("%s: %s[%lld] is %.9g, difference %.9g", tw_tower_loss_name(loss), p->name,
                         (long long) k, have, (up - down) / (2 * h));
            moved += have != 0;
        }
    }
    assert_true(moved > 3 * E * D);
    close_model(&m);
}

static void every_weight_has_its_gradient(void **state)
{
    const twi_prefixes all = {.n = 0};
    (void) state;
    check_model(TW_LOSS_INFONCE, false, false, all);
    check_model(TW_LOSS_INFONCE, true, false, all);
    check_model(TW_LOSS_TRIPLET, false, false, all);
    check_model(TW_LOSS_TRIPLET, true, false, all);
    check_model(TW_LOSS_CONTRASTIVE, false, false, all);
    check_model(TW_LOSS_COSINE, false, false, all);
    check_model(TW_LOSS_COSENT, false, false, all);
    check_model(TW_LOSS_BCE, false, false, all);
    check_model(TW_LOSS_ONLINE, false, false, all);
    check_model(TW_LOSS_BATCH_ALL, false, false, all);
    check_model(TW_LOSS_BATCH_HARD, true, false, all);
}

static void classes_have_gradients(void **state)
{
    static const tw_tower_loss losses[] = {TW_LOSS_SUPCON,     TW_LOSS_TRIPLET, TW_LOSS_CONTRASTIVE,
                                           TW_LOSS_BCE,        TW_LOSS_ONLINE,  TW_LOSS_BATCH_ALL,
                                           TW_LOSS_BATCH_HARD, TW_LOSS_PROXY};
    (void) state;
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
        check_model(losses[i], false, true, (twi_prefixes){.n = 0});
}

static void prefixes_have_gradients(void **state)
{
    const twi_prefixes two = {.n = 2, .width = {D, 2}, .weight = {1, 0.5}};
    (void) state;
    check_model(TW_LOSS_INFONCE, false, false, two);
    check_model(TW_LOSS_SUPCON, false, true, two);
    check_model(TW_LOSS_PROXY, false, true, two);
}

/* Adam's first mean is a tenth of the gradient. */
static void the_vectors_of_classes_have_gradients(void **state)
{
    const twi_prefixes cuts[] = {{.n = 0}, {.n = 2, .width = {D, 2}, .weight = {1, 0.5}}};
    const tw_real h = 1e-5;
    (void) state;
    for (int c = 0; c < 2; c++) {
        model m = {0};
        tw_real want[2 * D];
        open_model(&m, TW_LOSS_PROXY, false, true, cuts[c]);
        tw_param *p = m.proxies.w;
        for (int k = 0; k < 2 * D; k++) {
            const tw_real keep = p->value[k];
            p->value[k] = keep + h;
            const double up = loss_of(&m);
            p->value[k] = keep - h;
            want[k] = (up - loss_of(&m)) / (2 * h);
            p->value[k] = keep;
        }
        (void) loss_of(&m);
        const tw_real first = p->value[0];
        assert_ok(twi_batch_update(&m.batch, 0.01, err));
        for (int k = 0; k < 2 * D; k++)
            assert_near(p->m[k], 0.1 * want[k], 1e-8);
        assert_near(fabs(p->value[0] - first), 0.01, 1e-5);
        close_model(&m);
    }
}

/* Learnt by its own derivative: both numbers of the sigmoid against differences. */
static void the_scale_and_the_bias_have_gradients(void **state)
{
    const double h = 1e-6;
    model m = {0};
    (void) state;
    open_model(&m, TW_LOSS_BCE, false, false, (twi_prefixes){.n = 0});
    (void) loss_of(&m);
    const double dscale = m.batch.dscale, dbias = m.batch.dbias;
    double *at[] = {&m.batch.scale.log_scale, &m.batch.scale.bias};
    for (int i = 0; i < 2; i++) {
        const double keep = *at[i];
        *at[i] = keep + h;
        const double up = loss_of(&m);
        *at[i] = keep - h;
        const double down = loss_of(&m);
        *at[i] = keep;
        assert_near(i == 0 ? dscale : dbias, (up - down) / (2 * h), 1e-6);
    }
    m.batch.scale.learnt = true;
    twi_scalars_update(&m.batch.scale, 1, -1, 0.1);
    assert_near(m.batch.scale.log_scale, log(2.5) - 0.1, 1e-6); /* Adam's first step is lr */
    assert_near(m.batch.scale.bias, -0.3 + 0.1, 1e-6);
    for (int k = 0; k < 100; k++)
        twi_scalars_update(&m.batch.scale, -1, 0, 1);
    assert_near(twi_scalar_scale(&m.batch.scale), TWI_SCALE_MAX, 1e-9);
    close_model(&m);
}

/* Rows are the firsts 0 2 5, columns the seconds 1 3 4 and, when given, the negatives 4 5 6. Known
 * partners: 0-1, 2-3, 5-4. */
static void masks_hide_partners_and_the_item_itself(void **state)
{
    static const unsigned char want[3 * 6] = {
        1, 0, 0, 0, 0, 0, /* 0: partner 1 */
        0, 1, 0, 0, 0, 0, /* 2: partner 3 */
        0, 0, 1, 1, 1, 0, /* 5: partner 4 twice, itself */
    };
    model m = {0};
    (void) state;
    open_model(&m, TW_LOSS_INFONCE, true, false, (twi_prefixes){.n = 0});
    assert_memory_equal(m.batch.mask, want, sizeof want);
    for (int i = 0; i < N; i++)
        assert_int_equal(m.batch.first[i], -1);
    close_model(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_weight_has_its_gradient),
        cmocka_unit_test(classes_have_gradients),
        cmocka_unit_test(prefixes_have_gradients),
        cmocka_unit_test(the_vectors_of_classes_have_gradients),
        cmocka_unit_test(the_scale_and_the_bias_have_gradients),
        cmocka_unit_test(masks_hide_partners_and_the_item_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
