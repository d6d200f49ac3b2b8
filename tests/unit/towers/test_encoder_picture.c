#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "towers/internal.h"

enum { SIDE = 16, AREA = SIDE * SIDE };

typedef struct fixture {
    tw_tower *tower;
    tw_tower_samples *samples;
    tw_grads *grads;
    tw_tape *tape;
} fixture;

static tw_status load(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err)
{
    (void) worker;
    (void) err;
    *out = (tw_tower_item){.picture = (const tw_image *) ctx + i};
    return TW_OK;
}

/* The same, but a picture without pixels is one that the item lacks. */
static tw_status load_some(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err)
{
    const tw_image *picture = (const tw_image *) ctx + i;
    (void) worker;
    (void) err;
    *out = (tw_tower_item){.picture = picture->px != NULL ? picture : NULL};
    return TW_OK;
}

/* A tower of conv4 that has prepared the two pictures. */
static void open_fixture(fixture *f, tw_image pictures[2])
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    const tw_tower_source source = {.n = 2, .load = load, .ctx = pictures};
    cfg.text = TW_TEXT_NONE;
    cfg.picture = TW_PICTURE_CONV4;
    cfg.picture_size = SIDE;
    cfg.picture_channels = 1;
    cfg.picture_width = 8;
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

/* The furthest that anything of item's vector is from what it is undisturbed. */
static double moved(fixture *f, int item, const twi_augment *augment, uint64_t step)
{
    const twi_encoder *e = f->tower->encoders[TW_MODALITY_PICTURE];
    const twi_sample s = twi_sample_of(f->samples, TW_MODALITY_PICTURE, item);
    double most = 0;
    tw_tape_reset(f->tape, 1, step, 0);
    const tw_tensor *still = e->class->forward(e, f->tape, &s, 1, NULL);
    const tw_tensor *other = e->class->forward(e, f->tape, &s, 1, augment);
    assert_non_null(still);
    assert_non_null(other);
    for (int k = 0; k < e->width; k++)
        most = fmax(most, fabs((double) still->v[k] - (double) other->v[k]));
    return most;
}

/* What a turned drawing lets in at its corners is paper, not ink. */
static void a_disturbed_glyph_stays_on_its_paper(void **state)
{
    unsigned char paper[AREA], stroke[AREA];
    tw_image pictures[2] = {{SIDE, SIDE, 1, paper}, {SIDE, SIDE, 1, stroke}};
    const twi_augment glyph = {.picture = TW_AUGMENT_GLYPH, .strength = 1},
                      nothing = {.picture = TW_AUGMENT_GLYPH, .strength = 0};
    fixture f;
    (void) state;
    memset(paper, 255, sizeof paper);
    memcpy(stroke, paper, sizeof stroke);
    for (int y = 2; y < 14; y++)
        stroke[y * SIDE + 8] = 0;
    open_fixture(&f, pictures);
    for (uint64_t step = 0; step < 8; step++) {
        assert_true(moved(&f, 0, &glyph, step) < 1e-5);
        assert_true(moved(&f, 1, &glyph, step) > 1e-2);
        assert_true(moved(&f, 1, &nothing, step) < 1e-5);
    }
    close_fixture(&f);
}

/* Thirteen in one call, of which one is no picture at all; and each by itself. Mistaking one for
 * its neighbour would move a vector by 1e-1. */
static void company_does_not_change_a_vector(void **state)
{
    enum { N = 13, NONE = 5, D = 16 };
    static unsigned char px[N][AREA];
    static float all[N * D];
    tw_image pictures[N];
    float alone[D];
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    const tw_tower_source source = {.n = N, .load = load_some, .ctx = pictures};
    tw_tower *t = NULL;
    tw_tower_session *session = NULL;
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, 3);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < AREA; k++)
            px[i][k] = (unsigned char) tw_rng_below(&rng, 256);
        pictures[i] = (tw_image){SIDE, SIDE, 1, i == NONE ? NULL : px[i]};
    }
    cfg.text = TW_TEXT_NONE;
    cfg.picture = TW_PICTURE_RESNET;
    cfg.picture_size = SIDE;
    cfg.picture_width = 16;
    cfg.picture_depth = 1;
    cfg.dim = D;
    assert_ok(tw_tower_create(&t, &cfg, NULL, err));
    assert_ok(tw_tower_embed_many(t, NULL, &source, all, NULL, NULL, err));
    assert_ok(tw_tower_session_create(&session, t, err));
    for (int i = 0; i < N; i++) {
        const tw_tower_item item = {.picture = i == NONE ? NULL : &pictures[i]};
        assert_ok(tw_tower_embed(session, &item, alone, NULL, err));
        for (int k = 0; k < D; k++)
            assert_float_equal(all[i * D + k], alone[k], 1e-5);
    }
    tw_tower_session_destroy(session);
    tw_tower_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disturbed_glyph_stays_on_its_paper),
        cmocka_unit_test(company_does_not_change_a_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
