#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "tests/unit/towers/tower_toy.h"
#include "towers/text/text_features.h"
#include "towers/tower.h"
#include "towers/tower_samples.h"

static const char *const texts[] = {"toy story", "", "big fargo night", "zebra"};
enum { N = sizeof texts / sizeof texts[0], E = 4 };

typedef struct fixture {
    tw_tower *tower;
    tw_tower_samples *samples;
    tw_grads *grads;
    tw_tape *tape;
} fixture;

static void open_fixture(fixture *f)
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    const tw_tower_texts list = {.texts = texts};
    const tw_tower_source source = tw_source_of_texts(&list, N);
    cfg.bits = 12;
    cfg.embed_dim = cfg.dim = E;
    *f = (fixture){0};
    assert_ok(tw_tower_create(&f->tower, &cfg, NULL, err));
    assert_ok(tw_tower_prepare(&f->samples, f->tower, NULL, &source, NULL, NULL, err));
    assert_ok(tw_grads_create(&f->grads, f->tower->params, err));
    assert_ok(tw_tape_create(&f->tape, f->grads, err));
}

static void close_fixture(fixture *f)
{
    tw_tape_destroy(f->tape);
    tw_grads_destroy(f->grads);
    tw_tower_samples_destroy(f->samples);
    tw_tower_destroy(f->tower);
}

/* Features of one text that got a gradient, so were shown. */
static int64_t shown(fixture *f, int item, const twi_augment *augment, uint64_t step)
{
    const twi_encoder *e = f->tower->encoders[TW_MODALITY_TEXT];
    const twi_sample s = twi_sample_of(f->samples, TW_MODALITY_TEXT, item);
    const tw_real ones[E] = {1, 1, 1, 1};
    const int64_t *rows;
    int64_t n;
    tw_tape_reset(f->tape, 1, step, 0);
    tw_grads_zero(f->grads);
    tw_tensor *x = e->class->forward(e, f->tape, &s, 1, augment);
    assert_non_null(x);
    tw_tape_seed(f->tape, x, ones);
    assert_ok(tw_tape_backward(f->tape, err));
    tw_grads_touched(f->grads, bag_of(f->tower)->table, &rows, &n);
    return n;
}

static void an_empty_text_has_no_sample(void **state)
{
    fixture f;
    (void) state;
    open_fixture(&f);
    assert_int_equal(tw_tower_samples_count(f.samples), N);
    assert_int_equal(tw_tower_samples_with(f.samples, TW_MODALITY_TEXT), N - 1);
    assert_int_equal(tw_tower_samples_with(f.samples, TW_MODALITY_AUDIO), 0);
    assert_true(tw_tower_samples_empty(f.samples, 1));
    assert_false(tw_tower_samples_empty(f.samples, 2));
    close_fixture(&f);
}

/* "toy" is in one of three texts that have features, and of four items: idf 1 + ln(5 / 2), to the
 * power of idf_power. */
static void idf_power_is_the_power_of_idf(void **state)
{
    static const double powers[] = {1, 3, 0};
    const double plain = 1 + log(5.0 / 2);
    (void) state;
    for (size_t i = 0; i < sizeof powers / sizeof powers[0]; i++) {
        tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
        tw_tower *t = NULL;
        cfg.bits = 12;
        cfg.embed_dim = cfg.dim = E;
        cfg.idf_power = powers[i];
        assert_ok(tw_tower_create(&t, &cfg, NULL, err));
        assert_ok(tw_tower_fit_texts(t, texts, NULL, N, err));
        assert_near(bag_of(t)->idf[twi_bucket("<toy>", 5, cfg.bits)], pow(plain, powers[i]), 1e-4);
        tw_tower_destroy(t);
    }
}

/* One feature always stays, the others half the time; without dropout all of them. */
static void dropout_hides_features(void **state)
{
    const twi_augment half = {.dropout = 0.5}, most = {.dropout = 0.9};
    fixture f;
    int64_t total = 0, least = 1000;
    (void) state;
    open_fixture(&f);
    const int64_t whole = shown(&f, 2, NULL, 0);
    assert_true(whole > 10);
    for (uint64_t step = 0; step < 400; step++) {
        total += shown(&f, 2, &half, step);
        const int64_t n = shown(&f, 3, &most, step);
        least = n < least ? n : least;
    }
    assert_int_equal(least, 1);
    assert_near((double) total / 400, 1 + ((double) whole - 1) / 2, 0.6);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_text_has_no_sample),
        cmocka_unit_test(idf_power_is_the_power_of_idf),
        cmocka_unit_test(dropout_hides_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
