#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "towers/image/image_prepare.h"
#include "towers/tower.h"
#include "towers/tower_samples.h"

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
    *out = (tw_tower_item){.image = (const tw_image *) ctx + i};
    return TW_OK;
}

/* The same, but an image without pixels is one that the item lacks. */
static tw_status load_some(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err)
{
    const tw_image *image = (const tw_image *) ctx + i;
    (void) worker;
    (void) err;
    *out = (tw_tower_item){.image = image->px != NULL ? image : NULL};
    return TW_OK;
}

static tw_tower_config small_conv4(void)
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    cfg.text = TW_TEXT_NONE;
    cfg.image = TW_IMAGE_CONV4;
    cfg.image_size = SIDE;
    cfg.image_channels = 1;
    cfg.image_width = 8;
    return cfg;
}

/* A tower of conv4 that has prepared the two images. */
static void open_fixture(fixture *f, tw_image images[2])
{
    const tw_tower_config cfg = small_conv4();
    const tw_tower_source source = {.n = 2, .load = load, .ctx = images};
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
    const twi_encoder *e = f->tower->encoders[TW_MODALITY_IMAGE];
    const twi_sample s = twi_sample_of(f->samples, TW_MODALITY_IMAGE, item);
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
    tw_image images[2] = {{SIDE, SIDE, 1, paper}, {SIDE, SIDE, 1, stroke}};
    const twi_augment glyph = {.image = TW_AUGMENT_GLYPH, .strength = 1},
                      nothing = {.image = TW_AUGMENT_GLYPH, .strength = 0};
    fixture f;
    (void) state;
    memset(paper, 255, sizeof paper);
    memcpy(stroke, paper, sizeof stroke);
    for (int y = 2; y < 14; y++)
        stroke[y * SIDE + 8] = 0;
    open_fixture(&f, images);
    for (uint64_t step = 0; step < 8; step++) {
        assert_true(moved(&f, 0, &glyph, step) < 1e-5);
        assert_true(moved(&f, 1, &glyph, step) > 1e-2);
        assert_true(moved(&f, 1, &nothing, step) < 1e-5);
    }
    close_fixture(&f);
}

/* Thirteen in one call, of which one is no image at all; and each by itself. Mistaking one for
 * its neighbour would move a vector by 1e-1. */
static void check_company(int detail, bool mirrored)
{
    enum { N = 13, NONE = 5, D = 16 };
    static unsigned char px[N][AREA];
    static float all[N * D];
    tw_image images[N];
    float alone[D];
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    const tw_tower_source source = {.n = N, .load = load_some, .ctx = images};
    tw_tower *t = NULL;
    tw_tower_session *session = NULL;
    tw_rng rng;
    tw_rng_seed(&rng, 3);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < AREA; k++)
            px[i][k] = (unsigned char) tw_rng_below(&rng, 256);
        images[i] = (tw_image){SIDE, SIDE, 1, i == NONE ? NULL : px[i]};
    }
    cfg.text = TW_TEXT_NONE;
    cfg.image = TW_IMAGE_RESNET;
    cfg.image_size = SIDE;
    cfg.image_width = 16;
    cfg.image_depth = 1;
    cfg.image_detail = detail;
    cfg.image_mirrored = mirrored;
    cfg.dim = D;
    assert_ok(tw_tower_create(&t, &cfg, NULL, err));
    assert_ok(tw_tower_embed_many(t, NULL, &source, all, NULL, NULL, err));
    assert_ok(tw_tower_session_create(&session, t, err));
    for (int i = 0; i < N; i++) {
        const tw_tower_item item = {.image = i == NONE ? NULL : &images[i]};
        assert_ok(tw_tower_embed(session, &item, alone, NULL, err));
        for (int k = 0; k < D; k++)
            assert_float_equal(all[i * D + k], alone[k], 1e-5);
    }
    tw_tower_session_destroy(session);
    tw_tower_destroy(t);
}

static void company_does_not_change_a_vector(void **state)
{
    (void) state;
    check_company(0, false);
    check_company(SIDE + 9, false);
    check_company(0, true);
    check_company(SIDE + 9, true);
}

enum { LARGE = 2 * SIDE, WIDTH = 8 };

/* The vector of an image of LARGE a side. */
static void embed_large(float v[WIDTH], unsigned char *px, int detail, bool mirrored)
{
    const tw_image image = {LARGE, LARGE, 1, px};
    const tw_tower_item item = {.image = &image};
    tw_tower_config cfg = small_conv4();
    tw_tower *t = NULL;
    tw_tower_session *session = NULL;
    cfg.image_detail = detail;
    cfg.image_mirrored = mirrored;
    cfg.dim = WIDTH;
    assert_ok(tw_tower_create(&t, &cfg, NULL, err));
    assert_ok(tw_tower_session_create(&session, t, err));
    assert_ok(tw_tower_embed(session, &item, v, NULL, err));
    tw_tower_session_destroy(session);
    tw_tower_destroy(t);
}

static double apart(const float *a, const float *b)
{
    double most = 0;
    for (int k = 0; k < WIDTH; k++)
        most = fmax(most, fabs((double) a[k] - (double) b[k]));
    return most;
}

/* What is kept larger than the net reads is scaled down, and a mirror image can be the same. */
static void detail_and_mirror_images_outside_training(void **state)
{
    static unsigned char px[LARGE * LARGE], mirror[LARGE * LARGE];
    float plain[WIDTH], other[WIDTH], both[WIDTH];
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, 5);
    for (int k = 0; k < LARGE * LARGE; k++) {
        px[k] = (unsigned char) (tw_rng_below(&rng, 128) + (size_t) (k % LARGE) * 127 / LARGE);
        mirror[k / LARGE * LARGE + LARGE - 1 - k % LARGE] = px[k];
    }
    embed_large(plain, px, 0, false);
    embed_large(other, px, LARGE, false);
    assert_true(apart(plain, other) < 1e-5);
    embed_large(other, mirror, 0, false);
    assert_true(apart(plain, other) > 1e-2);
    embed_large(both, px, LARGE, true);
    embed_large(other, mirror, LARGE, true);
    assert_true(apart(both, other) < 1e-5);
    assert_true(apart(both, plain) > 1e-3);
}

/* Training's views come from all that is kept: the net reads what the same draws cut of it. */
static void training_cuts_its_views_from_the_detail(void **state)
{
    static unsigned char px[LARGE * LARGE], view[AREA];
    tw_image image = {LARGE, LARGE, 1, px};
    const tw_tower_source source = {.n = 1, .load = load, .ctx = &image};
    const twi_augment photo = {.image = TW_AUGMENT_PHOTO, .strength = 1};
    tw_tower_config cfg = small_conv4();
    fixture f = {0};
    tw_tower *twin = NULL;
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, 6);
    for (int k = 0; k < LARGE * LARGE; k++)
        px[k] = (unsigned char) tw_rng_below(&rng, 256);
    cfg.image_detail = LARGE;
    cfg.image_mirrored = true; /* which training does not do */
    assert_ok(tw_tower_create(&f.tower, &cfg, NULL, err));
    assert_ok(tw_tower_prepare(&f.samples, f.tower, NULL, &source, NULL, NULL, err));
    assert_ok(tw_grads_create(&f.grads, f.tower->params, err));
    assert_ok(tw_tape_create(&f.tape, f.grads, err));
    cfg.image_mirrored = false;
    cfg.image_detail = 0; /* the same weights, for the seed is the same */
    assert_ok(tw_tower_create(&twin, &cfg, NULL, err));
    const twi_encoder *e = f.tower->encoders[TW_MODALITY_IMAGE],
                      *small = twin->encoders[TW_MODALITY_IMAGE];
    const twi_sample s = twi_sample_of(f.samples, TW_MODALITY_IMAGE, 0);
    assert_int_equal(s.len, LARGE * LARGE);
    for (uint64_t step = 0; step < 4; step++) {
        tw_tape_reset(f.tape, 1, step, 0);
        rng = *tw_tape_rng(f.tape);
        twi_image_augment(view, SIDE, px, LARGE, 1, &TWI_JITTER_PHOTO, &rng);
        const twi_sample cut = {view, AREA};
        const tw_tensor *have = e->class->forward(e, f.tape, &s, 1, &photo);
        const tw_tensor *want = small->class->forward(small, f.tape, &cut, 1, NULL);
        assert_memory_equal(have->v, want->v, (size_t) e->width * sizeof *want->v);
    }
    tw_tower_destroy(twin);
    close_fixture(&f);
}

static void less_detail_than_the_tower_reads_is_refused(void **state)
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    tw_error why = {0};
    tw_tower *t = NULL;
    (void) state;
    cfg.image = TW_IMAGE_CONV4;
    cfg.image_size = SIDE;
    cfg.image_detail = SIDE - 1;
    assert_int_equal(tw_tower_create(&t, &cfg, NULL, &why), TW_EINVAL);
    assert_string_equal(why.msg, "image_detail 15 is below image_size 16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disturbed_glyph_stays_on_its_paper),
        cmocka_unit_test(company_does_not_change_a_vector),
        cmocka_unit_test(detail_and_mirror_images_outside_training),
        cmocka_unit_test(training_cuts_its_views_from_the_detail),
        cmocka_unit_test(less_detail_than_the_tower_reads_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
