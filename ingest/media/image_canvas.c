/* Where decoded pixels go, and what bounds them: size and time. */
#include <string.h>

#include "base/alloc.h"
#include "ingest/media/image_internal.h"

static int over(int side, int factor) { return (side + factor - 1) / factor; }

int twi_canvas_factor(int width, int height, int max_pixels)
{
    int f = 1;
    while ((int64_t) over(width, f) * over(height, f) > max_pixels)
        f++;
    return f;
}

static size_t samples(const tw_image *im)
{
    return (size_t) im->width * (size_t) im->height * (size_t) im->channels;
}

tw_status twi_canvas_init(twi_canvas *c, int width, int height, int channels, int max_pixels,
                          tw_error *err)
{
    const int f = twi_canvas_factor(width, height, max_pixels);
    *c = (twi_canvas){.width = width, .height = height, .factor = f};
    c->image = (tw_image){.width = over(width, f), .height = over(height, f), .channels = channels};
    c->image.px = tw_alloc(samples(&c->image), 1);
    if (f > 1)
        c->sums = tw_alloc(samples(&c->image), sizeof *c->sums);
    if (c->image.px == NULL || (f > 1 && c->sums == NULL))
        return tw_fail(err, TW_ENOMEM, "an image of %d x %d pixels", c->image.width,
                       c->image.height);
    return TW_OK;
}

void twi_canvas_add(twi_canvas *c, int y, int x, int step, int n, const unsigned char *px)
{
    const size_t ch = (size_t) c->image.channels;
    const size_t row = (size_t) (y / c->factor) * (size_t) c->image.width;
    if (c->factor == 1 && step == 1) {
        memcpy(c->image.px + (row + (size_t) x) * ch, px, (size_t) n * ch);
        return;
    }
    for (int i = 0; i < n; i++, x += step, px += ch) {
        const size_t at = (row + (size_t) (x / c->factor)) * ch;
        for (size_t k = 0; k < ch; k++) {
            if (c->factor == 1)
                c->image.px[at + k] = px[k];
            else /* cannot overflow: LEAST_PIXELS keeps a box under 313 x 313 pixels */
                c->sums[at + k] += (uint32_t) px[k] - c->under[k];
        }
    }
}

void twi_image_flatten(unsigned char *px, int n, int channels, const unsigned char *background)
{
    const unsigned char *from = px;
    for (int i = 0; i < n; i++, from += channels + 1, px += channels) {
        const unsigned alpha = from[channels];
        for (int k = 0; k < channels; k++)
            px[k] = (unsigned char) ((from[k] * alpha + background[k] * (255 - alpha) + 127) / 255);
    }
}

/* Pixels in the box (x, y); at the right and lower edge there may be fewer than f x f. */
static uint32_t box_area(const twi_canvas *c, int x, int y)
{
    const int f = c->factor;
    const int rows = c->height - y * f < f ? c->height - y * f : f;
    const int cols = c->width - x * f < f ? c->width - x * f : f;
    return (uint32_t) rows * (uint32_t) cols;
}

void twi_canvas_paint(twi_canvas *c, const unsigned char *colour)
{
    const int ch = c->image.channels;
    size_t at = 0;
    for (int y = 0; y < c->image.height; y++) {
        for (int x = 0; x < c->image.width; x++) {
            for (int k = 0; k < ch; k++, at++) {
                c->image.px[at] = colour[k];
                if (c->sums != NULL)
                    c->sums[at] = box_area(c, x, y) * colour[k];
            }
        }
    }
    memcpy(c->under, colour, (size_t) ch);
}

static void divide_sums(twi_canvas *c)
{
    const int ch = c->image.channels;
    size_t at = 0;
    for (int y = 0; y < c->image.height; y++) {
        for (int x = 0; x < c->image.width; x++) {
            const uint32_t n = box_area(c, x, y);
            for (int k = 0; k < ch; k++, at++)
                c->image.px[at] = (unsigned char) ((c->sums[at] + n / 2) / n);
        }
    }
}

void twi_canvas_finish(twi_canvas *c, tw_image *out)
{
    if (c->sums != NULL)
        divide_sums(c);
    tw_free(c->sums);
    c->sums = NULL;
    *out = c->image;
    c->image.px = NULL;
}

void twi_canvas_fini(twi_canvas *c)
{
    tw_free(c->image.px);
    tw_free(c->sums);
    *c = (twi_canvas){0};
}

tw_status twi_image_check_size(const char *name, int64_t width, int64_t height, int64_t most,
                               tw_error *err)
{
    if (width < 1 || width > TW_IMAGE_MAX_SIDE || height < 1 || height > TW_IMAGE_MAX_SIDE)
        return tw_fail(err, TW_EINVAL, "'%s' is %lld x %lld pixels, a side may have 1 to %d", name,
                       (long long) width, (long long) height, TW_IMAGE_MAX_SIDE);
    if (most > 0 && width * height > most)
        return tw_fail(err, TW_EINVAL, "'%s' is %lld x %lld pixels, more than %lld megapixels",
                       name, (long long) width, (long long) height, (long long) (most / 1000000));
    return TW_OK;
}

tw_status twi_image_check_whole(const char *name, const char *what, int64_t width, int64_t height,
                                tw_error *err)
{
    if (width * height <= TW_IMAGE_MAX_WHOLE)
        return TW_OK;
    return tw_fail(err, TW_EINVAL,
                   "'%s' is %s of %lld x %lld pixels, which is decoded as a whole: the most "
                   "allowed is %d pixels; scale it down first",
                   name, what, (long long) width, (long long) height, TW_IMAGE_MAX_WHOLE);
}

tw_status twi_image_in_time(const char *name, tw_deadline until, tw_error *err)
{
    if (!tw_deadline_passed(until))
        return TW_OK;
    return tw_fail(err, TW_ETIMEOUT, "the deadline passed before '%s' was decoded", name);
}
