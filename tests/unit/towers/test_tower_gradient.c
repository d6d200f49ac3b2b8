/* Built with TW_REAL_DOUBLE. The whole path of a step: texts, bags, projection, norm, batch, loss;
 * every number of every tensor against a central difference. */
#include "tests/support/test.h"

#include <string.h>

#include "base/rng.h"
#include "towers/internal.h"

static const char *const texts[] = {"toy story", "aladdin story",   "scream two", "scream",
                                    "fargo toy", "big fargo night", "night"};
enum { N = sizeof texts / sizeof texts[0], E = 5, D = 3 };

typedef struct model {
    tw_tower *tower;
    tw_grads *grads;
    tw_tape *tape;
    tw_tower_samples *samples;
    twi_partners partners;
    twi_batch batch;
} model;

static const twi_example examples[3] = {{0, 1, 4, 1}, {2, 3, 5, 0}, {5, 4, 6, 1}};

static void open_model(model *m, tw_tower_loss loss, bool given)
{
    const tw_tower_texts list = {.texts = texts};
    const tw_tower_source source = tw_source_of_texts(&list, N);
    static const tw_item_pair known[] = {{0, 1, 1, 1}, {2, 3, 1, 1}, {5, 4, 1, 1}};
    static const int32_t order[3] = {0, 1, 2};
    const tw_tower_config cfg = {.bits = 8,
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
    assert_ok(twi_partners_build(&m->partners, N, known, 3, err));
    m->batch = (twi_batch){.tower = m->tower,
                           .samples = m->samples,
                           .partners = &m->partners,
                           .loss = loss,
                           .temperature = 0.4,
                           .margin = loss == TW_LOSS_TRIPLET ? 1.5 : 0.9,
                           .labelled = loss == TW_LOSS_CONTRASTIVE,
                           .room = 3,
                           .width = given ? 3 : 2,
                           .D = D,
                           .workers = 1};
    assert_ok(twi_batch_init(&m->batch, N, err));
    twi_batch_load(&m->batch, examples, order, 3, &rng);
}

static void close_model(model *m)
{
    twi_batch_fini(&m->batch);
    twi_partners_fini(&m->partners);
    tw_tower_samples_destroy(m->samples);
    tw_tape_destroy(m->tape);
    tw_grads_destroy(m->grads);
    tw_tower_destroy(m->tower);
}

static double loss_of(model *m)
{
    twi_loss_stats stats;
    tw_tape_reset(m->tape, 1, 1, 0);
    assert_ok(twi_batch_forward(&m->batch, 0, 1, m->tape, err));
    return twi_batch_loss(&m->batch, &stats);
}

static void check_model(tw_tower_loss loss, bool given)
{
    const tw_real h = 1e-5;
    model m = {0};
    int moved = 0;

    open_model(&m, loss, given);
    (void) loss_of(&m);
    assert_ok(twi_batch_backward(&m.batch, 0, 1, m.tape, err));
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
    (void) state;
    check_model(TW_LOSS_INFONCE, false);
    check_model(TW_LOSS_INFONCE, true);
    check_model(TW_LOSS_TRIPLET, false);
    check_model(TW_LOSS_TRIPLET, true);
    check_model(TW_LOSS_CONTRASTIVE, false);
    check_model(TW_LOSS_COSINE, false);
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
    open_model(&m, TW_LOSS_INFONCE, true);
    assert_memory_equal(m.batch.mask, want, sizeof want);
    for (int i = 0; i < N; i++)
        assert_int_equal(m.batch.first[i], -1);
    close_model(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_weight_has_its_gradient),
        cmocka_unit_test(masks_hide_partners_and_the_item_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
