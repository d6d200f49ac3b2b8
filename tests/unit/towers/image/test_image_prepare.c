/* Images into squares, and the disturbances of training. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/test.h"
#include "towers/image/image_prepare.h"

enum { MOST = 64 * 64 * 3 };

static void fill(unsigned char *px, int n, tw_rng *rng)
{
    for (int i = 0; i < n; i++)
        px[i] = (unsigned char) tw_rng_below(rng, 256);
}

/* The oracle: each output pixel looks at all source pixels of its line; overlap decides. */
static double weight(int out, int count, double from, double length, int in, int size)
{
    const double scale = length / count;
    if (scale >= 1) {
        const double a = from + out * scale, b = a + scale;
        const double overlap = fmin(b, in + 1) - fmax(a, in);
        return overlap > 0 ? overlap / scale : 0;
    }
    const double at = fmin(fmax(from + (out + 0.5) * scale - 0.5, 0), size - 1);
    return fmax(0, 1 - fabs(at - in));
}

static double slow(const tw_image *im, int x, int y, int k, int w, int h, const twi_region *r)
{
    double sum = 0;
    for (int j = 0; j < im->height; j++)
        for (int i = 0; i < im->width; i++)
            sum += weight(x, w, r->x, r->w, i, im->width) *
                   weight(y, h, r->y, r->h, j, im->height) *
                   im->px[(j * im->width + i) * im->channels + k];
    return sum;
}

static void resampling_agrees_with_the_slow_way(void **state)
{
    (void) state;
    tw_rng rng;
    unsigned char px[MOST], out[40 * 40 * 3];
    tw_rng_seed(&rng, tw_test_seed());
    for (int round = 0; round < 60; round++) {
        tw_image im = {.width = 1 + (int) tw_rng_below(&rng, 60),
                       .height = 1 + (int) tw_rng_below(&rng, 60),
                       .channels = round % 2 == 0 ? 1 : 3,
                       .px = px};
        const int w = 1 + (int) tw_rng_below(&rng, 40), h = 1 + (int) tw_rng_below(&rng, 40);
        twi_region r = {px, im.width, im.height, im.channels, 0, 0, im.width, im.height};
        if (round % 3 == 0) { /* a part, on fractions of pixels */
            r.w *= 0.3 + 0.7 * tw_rng_uniform(&rng);
            r.h *= 0.3 + 0.7 * tw_rng_uniform(&rng);
            r.x = (im.width - r.w) * tw_rng_uniform(&rng);
            r.y = (im.height - r.h) * tw_rng_uniform(&rng);
        }
        fill(px, im.width * im.height * im.channels, &rng);
        twi_image_resample(out, (size_t) (w * im.channels), w, h, im.channels, &r);
        for (int i = 0; i < w * h * im.channels; i++) {
            const int x = i / im.channels % w, y = i / im.channels / w;
            assert_near(out[i], slow(&im, x, y, i % im.channels, w, h, &r), 0.51);
        }
    }
}

static void equal_sides_change_nothing(void **state)
{
    (void) state;
    tw_rng rng;
    unsigned char px[MOST], out[MOST];
    const tw_image im = {.width = 64, .height = 64, .channels = 3, .px = px};
    const twi_image_form form = {.side = 64, .channels = 3, .aspect = TWI_ASPECT_CROP};
    tw_rng_seed(&rng, tw_test_seed());
    fill(px, MOST, &rng);
    twi_image_prepare(out, &im, &form);
    assert_memory_equal(out, px, MOST);
    twi_image_augment(out, 64, px, 64, 3, &(twi_image_jitter){.kind = TWI_DISTURB_NONE}, &rng);
    assert_memory_equal(out, px, MOST);
    twi_image_augment(out, 64, px, 64, 3, &(twi_image_jitter){.kind = TWI_DISTURB_GLYPH}, &rng);
    assert_memory_equal(out, px, MOST);
    twi_image_augment(out, 64, px, 64, 3,
                      &(twi_image_jitter){.kind = TWI_DISTURB_PHOTO, .least_area = 1}, &rng);
    assert_memory_equal(out, px, MOST);
}

/* A 4 x 2 image: columns 0, 40, 80, 120. */
static void the_aspect_is_kept_cut_or_stretched(void **state)
{
    (void) state;
    unsigned char px[8] = {0, 40, 80, 120, 0, 40, 80, 120}, out[16];
    const tw_image im = {.width = 4, .height = 2, .channels = 1, .px = px};
    twi_image_form form = {.side = 4, .channels = 1, .pad = 9};
    twi_image_prepare(out, &im, &form);
    assert_memory_equal(
        out, ((unsigned char[]){9, 9, 9, 9, 0, 40, 80, 120, 0, 40, 80, 120, 9, 9, 9, 9}), 16);
    form.aspect = TWI_ASPECT_STRETCH;
    twi_image_prepare(out, &im, &form);
    for (int y = 0; y < 4; y++)
        assert_memory_equal(out + 4 * (size_t) y, px, 4);
    form.aspect = TWI_ASPECT_CROP;
    form.side = 2;
    twi_image_prepare(out, &im, &form);
    assert_memory_equal(out, ((unsigned char[]){40, 80, 40, 80}), 4);
    form.aspect = TWI_ASPECT_PAD; /* two columns become one, and one row is over */
    twi_image_prepare(out, &im, &form);
    assert_memory_equal(out, ((unsigned char[]){20, 100, 9, 9}), 4);

    /* A line one pixel high is still there. */
    unsigned char white[64];
    const tw_image line = {.width = 64, .height = 1, .channels = 1, .px = white};
    memset(white, 255, sizeof white);
    form = (twi_image_form){.side = 4, .channels = 1, .pad = 200};
    twi_image_prepare(out, &line, &form);
    assert_memory_equal(out + 4, "\xff\xff\xff\xff", 4);
    assert_int_equal(out[0], 200);
    assert_int_equal(out[8], 200);
}

static void colours_become_grey_and_grey_colours(void **state)
{
    (void) state;
    unsigned char rgb[6] = {255, 0, 0, 10, 200, 60}, grey[2] = {7, 9}, out[12];
    const tw_image colour = {.width = 2, .height = 1, .channels = 3, .px = rgb};
    const tw_image plain = {.width = 2, .height = 1, .channels = 1, .px = grey};
    twi_image_form form = {.side = 2, .channels = 1, .aspect = TWI_ASPECT_STRETCH};
    twi_image_prepare(out, &colour, &form);
    assert_int_equal(out[0], 76);  /* 0.299 * 255 = 76.2 */
    assert_int_equal(out[1], 127); /* 2.99 + 117.4 + 6.84 = 127.2 */
    form.channels = 3;
    twi_image_prepare(out, &plain, &form);
    assert_memory_equal(out, ((unsigned char[]){7, 7, 7, 9, 9, 9}), 6);
}

static void contrast_is_stretched_and_light_inverted(void **state)
{
    (void) state;
    unsigned char px[4] = {100, 120, 150, 200}, out[16];
    tw_image im = {.width = 4, .height = 1, .channels = 1, .px = px};
    twi_image_form form = {.side = 4, .channels = 1, .pad = 250, .contrast = true, .invert = true};
    twi_image_prepare(out, &im, &form);
    assert_int_equal(out[0], 5); /* the border is inverted, not stretched */
    const unsigned char want[4] = {255, 204, 127, 0};
    int found = 0;
    for (int y = 0; y < 4; y++)
        found += memcmp(out + 4 * (size_t) y, want, 4) == 0;
    assert_int_equal(found, 1);

    px[2] = px[3] = 114; /* nothing to see: noise is left alone */
    form =
        (twi_image_form){.side = 4, .channels = 1, .aspect = TWI_ASPECT_STRETCH, .contrast = true};
    px[1] = 115;
    twi_image_prepare(out, &im, &form);
    assert_memory_equal(out, ((unsigned char[]){100, 115, 114, 114}), 4);
    px[1] = 116;
    twi_image_prepare(out, &im, &form);
    assert_int_equal(out[1], 255);
}

static void bad_settings_are_refused(void **state)
{
    (void) state;
    const twi_image_form fine = {.side = 28, .channels = 1};
    twi_image_form form = fine;
    assert_ok(twi_image_form_check(&form, err));
    form.side = 0;
    assert_status(twi_image_form_check(&form, err), TW_EINVAL);
    form.side = TWI_FORM_SIDE_MAX + 1;
    assert_status(twi_image_form_check(&form, err), TW_EINVAL);
    form = fine;
    form.channels = 2;
    assert_status(twi_image_form_check(&form, err), TW_EINVAL);
    form = fine;
    form.aspect = (twi_aspect) 3;
    assert_status(twi_image_form_check(&form, err), TW_EINVAL);
}

static void a_disturbance_depends_on_the_generator_alone(void **state)
{
    (void) state;
    unsigned char px[MOST], a[MOST], b[MOST], c[MOST];
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    fill(px, MOST, &rng);
    for (int kind = 0; kind < 2; kind++) {
        const twi_image_jitter *j = kind == 0 ? &TWI_JITTER_GLYPH : &TWI_JITTER_PHOTO;
        tw_rng_seed3(&rng, 1, 2, 3);
        twi_image_augment(a, 48, px, 64, 3, j, &rng);
        twi_image_augment(b, 48, px, 64, 3, j, &rng);
        tw_rng_seed3(&rng, 1, 2, 3);
        twi_image_augment(c, 48, px, 64, 3, j, &rng);
        assert_memory_equal(a, c, 48 * 48 * 3);
        assert_memory_not_equal(a, b, 48 * 48 * 3);
    }
}

/* Where the light of an image lies, and how much there is. */
static double centre(const unsigned char *px, int side, double *x, double *y)
{
    double sum = 0;
    *x = *y = 0;
    for (int i = 0; i < side * side; i++) {
        sum += px[i];
        *x += px[i] * (i % side - (side - 1) / 2.0);
        *y += px[i] * (i / side - (side - 1) / 2.0);
    }
    *x /= sum;
    *y /= sum;
    return sum;
}

/* A dot right of the middle is turned, moved and scaled by as much as is allowed, and no more. */
static void a_glyph_is_turned_moved_and_scaled_within_its_figures(void **state)
{
    (void) state;
    enum { SIDE = 41, AT = 10 };
    unsigned char px[SIDE * SIDE] = {0}, out[SIDE * SIDE];
    const twi_image_jitter turn = {.kind = TWI_DISTURB_GLYPH, .rotate = 30};
    const twi_image_jitter move = {.kind = TWI_DISTURB_GLYPH, .shift = 0.1};
    const twi_image_jitter grow = {.kind = TWI_DISTURB_GLYPH, .scale = 0.3};
    const twi_image_jitter shear = {.kind = TWI_DISTURB_GLYPH, .shear = 0.5};
    const twi_image_jitter both = {.kind = TWI_DISTURB_GLYPH, .rotate = 90, .shear = 0.3};
    double x, y, widest = 0, farthest = 0, highest = 0, largest = 0, smallest = 100, sheared = 0;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int v = -1; v <= 1; v++)
        for (int u = -1; u <= 1; u++)
            px[(SIDE / 2 + v) * SIDE + SIDE / 2 + AT + u] = 200;
    for (int round = 0; round < 400; round++) {
        twi_image_augment(out, SIDE, px, SIDE, 1, &turn, &rng);
        (void) centre(out, SIDE, &x, &y);
        assert_near(hypot(x, y), AT, 0.2);
        widest = fmax(widest, fabs(atan2(y, x)) * 180 / M_PI);

        twi_image_augment(out, SIDE, px, SIDE, 1, &move, &rng);
        (void) centre(out, SIDE, &x, &y);
        farthest = fmax(farthest, fabs(x - AT));
        highest = fmax(highest, fabs(y));

        twi_image_augment(out, SIDE, px, SIDE, 1, &grow, &rng);
        (void) centre(out, SIDE, &x, &y);
        assert_near(y, 0, 0.05);
        largest = fmax(largest, x / AT);
        smallest = fmin(smallest, x / AT);

        twi_image_augment(out, SIDE, px, SIDE, 1, &shear, &rng);
        (void) centre(out, SIDE, &x, &y);
        sheared = fmax(sheared, fabs(y));

        twi_image_augment(out, SIDE, px, SIDE, 1, &both, &rng);
        assert_near(9 * 200 / centre(out, SIDE, &x, &y), 1, 0.09 + 0.02); /* 1 + shear x shear */
    }
    assert_in_range((int) (10 * widest), 270, 305);
    assert_in_range((int) (100 * farthest), 370, 415); /* 0.1 * 41 */
    assert_in_range((int) (100 * highest), 370, 415);
    assert_in_range((int) (100 * largest), 125, 132);
    assert_in_range((int) (100 * smallest), 69, 75);
    assert_in_range((int) (10 * sheared), 35, 75); /* 10 * 0.5, more where both axes shear */
}

static void what_comes_in_from_outside_is_filled(void **state)
{
    (void) state;
    unsigned char px[16 * 16], out[16 * 16];
    const twi_image_jitter j = {
        .kind = TWI_DISTURB_GLYPH, .rotate = 90, .shift = 1, .scale = 0.5, .fill = 77};
    tw_rng rng;
    int filled = 0, kept = 0;
    tw_rng_seed(&rng, tw_test_seed());
    memset(px, 177, sizeof px);
    for (int round = 0; round < 50; round++) {
        twi_image_augment(out, 16, px, 16, 1, &j, &rng);
        for (int i = 0; i < 256; i++) {
            assert_in_range(out[i], 77, 177);
            filled += out[i] == 77;
            kept += out[i] == 177;
        }
    }
    assert_true(filled > 1000 && kept > 1000);
}

/* Columns of light 2x: the crop's left and right edge show where and how wide it was. */
static void a_photo_is_cropped_mirrored_and_lit_within_its_figures(void **state)
{
    (void) state;
    enum { SIDE = 64 };
    unsigned char px[SIDE * SIDE * 3], out[SIDE * SIDE * 3];
    const twi_image_jitter crop = {.kind = TWI_DISTURB_PHOTO, .least_area = 0.25, .flip = 0.5};
    const twi_image_jitter light = {.kind = TWI_DISTURB_PHOTO, .least_area = 1, .brightness = 0.4};
    tw_rng rng;
    double narrowest = 1, brightest = 0, darkest = 10;
    int flipped = 0;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < SIDE * SIDE; i++)
        memset(px + (size_t) i * 3, 2 * (i % SIDE), 3);
    for (int round = 0; round < 400; round++) {
        twi_image_augment(out, SIDE, px, SIDE, 3, &crop, &rng);
        const int left = out[0], right = out[(SIDE - 1) * 3];
        flipped += left > right;
        narrowest = fmin(narrowest, abs(left - right) / (2.0 * (SIDE - 1)));

        twi_image_augment(out, SIDE, px, SIDE, 3, &light, &rng);
        brightest = fmax(brightest, out[50 * 3] / 100.0);
        darkest = fmin(darkest, out[50 * 3] / 100.0);
    }
    assert_in_range(flipped, 150, 250);
    assert_in_range((int) (100 * narrowest), 48, 55); /* sqrt(0.25) */
    assert_in_range((int) (100 * brightest), 135, 140);
    assert_in_range((int) (100 * darkest), 60, 65);
}

/* Saturation 0 would be grey; contrast 0 would be the mean. Both keep the mean lightness. */
/* Dark and light halves, 60 and 120: brightness moves their mean, 90, and contrast does not. */
static void contrast_turns_around_the_mean_that_brightness_made(void **state)
{
    (void) state;
    unsigned char px[16 * 16], out[16 * 16];
    const twi_image_jitter j = {
        .kind = TWI_DISTURB_PHOTO, .least_area = 1, .brightness = 0.4, .contrast = 0.5};
    double darkest = 255, lightest = 0;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < 256; i++)
        px[i] = i % 2 == 0 ? 60 : 120;
    for (int round = 0; round < 400; round++) {
        twi_image_augment(out, 16, px, 16, 1, &j, &rng);
        darkest = fmin(darkest, (out[0] + out[1]) / 2.0);
        lightest = fmax(lightest, (out[0] + out[1]) / 2.0);
    }
    assert_in_range((int) darkest, 54, 57);
    assert_in_range((int) lightest, 122, 126);
}

static void contrast_and_saturation_keep_the_mean_lightness(void **state)
{
    (void) state;
    unsigned char px[16 * 16 * 3], out[16 * 16 * 3];
    const twi_image_jitter colour = {.kind = TWI_DISTURB_PHOTO, .least_area = 1, .saturation = 0.5};
    const twi_image_jitter contrast = {.kind = TWI_DISTURB_PHOTO, .least_area = 1, .contrast = 0.5};
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < 256; i++) {
        const unsigned char half = i % 2 == 0;
        px[3 * i] = half ? 160 : 90;
        px[3 * i + 1] = half ? 120 : 90;
        px[3 * i + 2] = half ? 80 : 90;
    }
    const double l = 0.299 * 160 + 0.587 * 120 + 0.114 * 80, mean = (l + 90) / 2;
    double least = 1, most = 1;
    for (int round = 0; round < 50; round++) {
        twi_image_augment(out, 16, px, 16, 3, &colour, &rng);
        assert_near(0.299 * out[0] + 0.587 * out[1] + 0.114 * out[2], l, 1);
        assert_near((out[0] - l) / (160 - l), (out[2] - l) / (80 - l), 0.06);
        least = fmin(least, (out[0] - l) / (160 - l));
        most = fmax(most, (out[0] - l) / (160 - l));
        assert_int_equal(out[3], 90); /* grey has no saturation */
        twi_image_augment(out, 16, px, 16, 3, &contrast, &rng);
        assert_near((0.299 * out[0] + 0.587 * out[1] + 0.114 * out[2] + out[3]) / 2, mean, 1);
        assert_near(out[0] - out[2], 80.0 * (out[3] - mean) / (90 - mean), 4);
    }
    assert_in_range((int) (100 * least), 48, 60);
    assert_in_range((int) (100 * most), 140, 152);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resampling_agrees_with_the_slow_way),
        cmocka_unit_test(equal_sides_change_nothing),
        cmocka_unit_test(the_aspect_is_kept_cut_or_stretched),
        cmocka_unit_test(colours_become_grey_and_grey_colours),
        cmocka_unit_test(contrast_is_stretched_and_light_inverted),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(a_disturbance_depends_on_the_generator_alone),
        cmocka_unit_test(a_glyph_is_turned_moved_and_scaled_within_its_figures),
        cmocka_unit_test(what_comes_in_from_outside_is_filled),
        cmocka_unit_test(a_photo_is_cropped_mirrored_and_lit_within_its_figures),
        cmocka_unit_test(contrast_turns_around_the_mean_that_brightness_made),
        cmocka_unit_test(contrast_and_saturation_keep_the_mean_lightness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
