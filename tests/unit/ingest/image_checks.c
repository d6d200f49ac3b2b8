#include "tests/unit/ingest/image_checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/support/test.h"

void paint_ramp(unsigned char *px, int w, int h, int channels)
{
    for (int i = 0; i < w * h * channels; i++) {
        const int k = i % channels, x = i / channels % w, y = i / channels / w;
        px[i] = (unsigned char) (k == 3 ? 255 * x / w
                                        : 40 + 100 * x / w + 60 * y / h * (k == 1) + 30 * k);
    }
}

tw_image read_image(blob b, const tw_image_options *opt)
{
    tw_image im = {0};
    assert_ok(tw_image_parse(&im, b.data, b.len, "made", opt, err));
    return im;
}

tw_image by_png(const unsigned char *px, int w, int h, int channels, const tw_image_options *opt)
{
    const size_t n = (size_t) w * (size_t) h * (size_t) channels;
    uint16_t *samples = malloc(n * sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < n; i++)
        samples[i] = px[i];
    const blob b = make_png(&(png_order){
        .width = w, .height = h, .type = channels == 4 ? 6 : 2, .depth = 8, .samples = samples});
    const tw_image im = read_image(b, opt);
    free(b.data);
    free(samples);
    return im;
}

void assert_images_near(tw_image got, tw_image want, int off)
{
    assert_int_equal(got.width, want.width);
    assert_int_equal(got.height, want.height);
    assert_int_equal(got.channels, want.channels);
    for (int i = 0; i < got.width * got.height * got.channels; i++) {
        if (abs(got.px[i] - want.px[i]) > off)
            fail_msg("sample %d of %d x %d: %d, not %d", i, got.width, got.height, got.px[i],
                     want.px[i]);
    }
    tw_free(got.px);
    tw_free(want.px);
}

void assert_cuts_are_noticed(blob b, int most)
{
    enum { NAMED = 16 }; /* bytes that say which format it is */
    const tw_image whole = read_image(b, NULL);
    const size_t n = (size_t) whole.width * (size_t) whole.height * (size_t) whole.channels;
    int read = 0;
    watch_stderr();
    for (size_t len = 0; len < b.len; len++) {
        const blob cut = joined(b.data, len, NULL, 0);
        tw_image im;
        tw_error err = {0};
        const tw_status st = tw_image_parse(&im, cut.data, len, "cut", NULL, &err);
        if (st == TW_OK) {
            assert_memory_equal(im.px, whole.px, n);
            read++;
        } else if (len >= NAMED && (st != TW_ECORRUPT || strncmp(err.msg, "'cut' is ", 9) != 0)) {
            fail_msg("%zu of %zu bytes: %d '%s'", len, b.len, st, err.msg);
        }
        tw_free(im.px);
        free(cut.data);
    }
    assert_int_equal(stderr_length(), 0);
    assert_in_range(read, 0, most);
    tw_free(whole.px);
}

void assert_flips_do_no_harm(blob b, size_t nth, bool quiet)
{
    int refused = 0;
    watch_stderr();
    for (size_t bit = 0; bit < 8 * b.len; bit += nth) {
        tw_image im;
        b.data[bit / 8] ^= (unsigned char) (1 << bit % 8);
        const tw_status st = tw_image_parse(&im, b.data, b.len, "flipped", NULL, NULL);
        b.data[bit / 8] ^= (unsigned char) (1 << bit % 8);
        assert_true((st == TW_OK) == (im.px != NULL));
        refused += st != TW_OK;
        tw_free(im.px);
    }
    assert_true(stderr_length() == 0 || !quiet);
    assert_true(refused > 0);
}

void assert_limits_are_kept(blob b, int pixels)
{
    tw_image_options opt = TW_IMAGE_DEFAULT;
    tw_image im;
    opt.max_source = pixels;
    opt.deadline = tw_deadline_in(3600);
    im = read_image(b, &opt);
    tw_free(im.px);
    opt.max_source = pixels - 1;
    if (pixels > 1)
        assert_status(tw_image_parse(&im, b.data, b.len, "x", &opt, err), TW_EINVAL);
    opt.max_source = 0;
    opt.deadline = tw_deadline_in(-1);
    assert_status(tw_image_parse(&im, b.data, b.len, "x", &opt, err), TW_ETIMEOUT);
    assert_null(im.px);
}

void assert_refused(blob b, tw_status want, const char *says)
{
    tw_image im;
    tw_error err = {0};
    const tw_status st = tw_image_parse(&im, b.data, b.len, "made", NULL, &err);
    if (st != want || strstr(err.msg, says) == NULL)
        fail_msg("%d '%s', not %d '%s'", st, err.msg, want, says);
    assert_null(im.px);
}
