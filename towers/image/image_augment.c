/* What training does to images so that a tower learns what does not matter. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "towers/image/image_prepare.h"

/* Of the sizes that published recipes use: small turns and shifts for Omniglot, the crops and the
 * colour changes of ImageNet training, made gentler for images of goods. */
const twi_image_jitter TWI_JITTER_GLYPH = {
    .kind = TWI_DISTURB_GLYPH, .rotate = 15, .shear = 0.15, .scale = 0.2, .shift = 0.1};
const twi_image_jitter TWI_JITTER_PHOTO = {.kind = TWI_DISTURB_PHOTO,
                                           .least_area = 0.4,
                                           .stretch = 0.33,
                                           .flip = 0.5,
                                           .brightness = 0.3,
                                           .contrast = 0.3,
                                           .saturation = 0.3};

/* Even in [-most, most]. */
static double draw(tw_rng *rng, double most) { return (2 * tw_rng_uniform(rng) - 1) * most; }

/* ---- glyphs ---------------------------------------------------------------------------------- */

/* Where an output pixel's centre comes from: x = xx*u + xy*v + x0, both relative to the middles. */
typedef struct map {
    double xx, xy, x0, yx, yy, y0;
} map;

/* Turn, then shear, then scale: only the set of maps matters, for all are drawn evenly. */
static map draw_map(const twi_image_jitter *j, int in_side, double zoom, tw_rng *rng)
{
    const double angle = draw(rng, j->rotate) * M_PI / 180;
    const double shear_x = draw(rng, j->shear), shear_y = draw(rng, j->shear);
    const double sx = zoom / (1 + draw(rng, j->scale)), sy = zoom / (1 + draw(rng, j->scale));
    const double c = cos(angle), s = sin(angle);
    return (map){.xx = sx * (c - shear_x * s),
                 .xy = -sx * (s + shear_x * c),
                 .x0 = draw(rng, j->shift) * in_side,
                 .yx = sy * (s + shear_y * c),
                 .yy = sy * (c - shear_y * s),
                 .y0 = draw(rng, j->shift) * in_side};
}

/* Linear between four pixels; what lies outside is `fill`. */
static void sample(unsigned char *out, const unsigned char *in, int side, int channels, float x,
                   float y, float fill)
{
    const float fx = floorf(x), fy = floorf(y);
    const float u = x - fx, v = y - fy;
    if (!(fx >= -1 && fy >= -1 && fx < (float) side && fy < (float) side)) {
        memset(out, (int) fill, (size_t) channels);
        return;
    }
    const int x0 = (int) fx, y0 = (int) fy;
    const bool left = x0 >= 0, right = x0 + 1 < side, top = y0 >= 0, bottom = y0 + 1 < side;
    const ptrdiff_t row = (ptrdiff_t) side * channels;
    const ptrdiff_t at = y0 * row + (ptrdiff_t) x0 * channels;
    for (ptrdiff_t k = 0; k < channels; k++) {
        const float a = left && top ? in[at + k] : fill;
        const float b = right && top ? in[at + channels + k] : fill;
        const float c = left && bottom ? in[at + row + k] : fill;
        const float d = right && bottom ? in[at + row + channels + k] : fill;
        const float value = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d);
        out[k] = (unsigned char) (value + 0.5F);
    }
}

static void disturb_glyph(unsigned char *out, int side, const unsigned char *in, int in_side,
                          int channels, const twi_image_jitter *j, tw_rng *rng)
{
    const map m = draw_map(j, in_side, (double) in_side / side, rng);
    const double middle = (side - 1) / 2.0, in_middle = (in_side - 1) / 2.0;
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++, out += channels) {
            const double u = x - middle, v = y - middle;
            sample(out, in, in_side, channels, (float) (m.xx * u + m.xy * v + m.x0 + in_middle),
                   (float) (m.yx * u + m.yy * v + m.y0 + in_middle), j->fill);
        }
    }
}

/* ---- photos ---------------------------------------------------------------------------------- */

void twi_image_mirror(unsigned char *px, int side, int channels)
{
    for (int y = 0; y < side; y++, px += (ptrdiff_t) side * channels) {
        unsigned char *a = px, *b = px + (ptrdiff_t) (side - 1) * channels;
        for (; a < b; a += channels, b -= channels) {
            unsigned char kept[3] = {0};
            memcpy(kept, a, (size_t) channels);
            memcpy(a, b, (size_t) channels);
            memcpy(b, kept, (size_t) channels);
        }
    }
}

static float light_of(const unsigned char *px, int channels)
{
    if (channels == 1)
        return px[0];
    return 0.299F * (float) px[0] + 0.587F * (float) px[1] + 0.114F * (float) px[2];
}

/* v' = s * (c * (b * v - m) + m - l) + l: brightness b, then contrast c around the image's mean
 * lightness m, then saturation s around the pixel's own lightness l. Rounded and cut once. */
static void change_light(unsigned char *px, int side, int channels, float b, float c, float s)
{
    const ptrdiff_t n = (ptrdiff_t) side * side;
    double total = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        total += (double) light_of(px + i * channels, channels);
    const float mean = b * (float) (total / (double) n);

    for (ptrdiff_t i = 0; i < n; i++, px += channels) {
        const float l = c * (b * light_of(px, channels) - mean) + mean;
        for (int k = 0; k < channels; k++) {
            const float v = s * (c * (b * (float) px[k] - mean) + mean - l) + l;
            px[k] = (unsigned char) (v <= 0 ? 0 : v >= 255 ? 255 : v + 0.5F);
        }
    }
}

static void disturb_photo(unsigned char *out, int side, const unsigned char *in, int in_side,
                          int channels, const twi_image_jitter *j, tw_rng *rng)
{
    twi_region from = {.px = in, .width = in_side, .height = in_side, .channels = channels};
    const double area = j->least_area + (1 - j->least_area) * tw_rng_uniform(rng);
    const double ratio = exp(draw(rng, log1p(j->stretch) / 2));
    from.w = in_side * fmin(sqrt(area) * ratio, 1);
    from.h = in_side * fmin(sqrt(area) / ratio, 1);
    from.x = (in_side - from.w) * tw_rng_uniform(rng);
    from.y = (in_side - from.h) * tw_rng_uniform(rng);
    twi_image_resample(out, (size_t) side * (size_t) channels, side, side, channels, &from);
    if (tw_rng_uniform(rng) < j->flip)
        twi_image_mirror(out, side, channels);
    const double b = 1 + draw(rng, j->brightness), c = 1 + draw(rng, j->contrast);
    const double s = 1 + draw(rng, j->saturation);
    if (j->brightness > 0 || j->contrast > 0 || j->saturation > 0)
        change_light(out, side, channels, (float) b, (float) c, (float) s);
}

void twi_image_augment(unsigned char *out, int side, const unsigned char *in, int in_side,
                       int channels, const twi_image_jitter *jitter, tw_rng *rng)
{
    static const twi_image_jitter still = {.kind = TWI_DISTURB_PHOTO, .least_area = 1};
    if (jitter->kind == TWI_DISTURB_GLYPH)
        disturb_glyph(out, side, in, in_side, channels, jitter, rng);
    else if (jitter->kind == TWI_DISTURB_PHOTO)
        disturb_photo(out, side, in, in_side, channels, jitter, rng);
    else if (side == in_side)
        memcpy(out, in, (size_t) side * (size_t) side * (size_t) channels);
    else
        disturb_photo(out, side, in, in_side, channels, &still, rng);
}
