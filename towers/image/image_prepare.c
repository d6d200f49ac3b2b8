/* Resampling, and what makes an image the square that a tower reads. */
#include "towers/image/image_prepare.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Which source samples one output sample is made of: n from `at` on. The first and the last have
 * weights of their own, those between the axis' common one. */
typedef struct tap {
    uint16_t at, n;
    float first, last;
} tap;

typedef struct axis {
    int count;
    float mid;
    tap taps[TWI_FORM_SIDE_MAX]; /* 6 KiB */
} axis;

/* Averages over [from, from + scale): fractions of a sample count by their share. */
static tap area(double from, double scale, int size)
{
    const double end = from + scale < size ? from + scale : size;
    int first = (int) from, last = (int) ceil(end) - 1;
    first = first < size ? first : size - 1;
    last = last > first ? last : first;
    if (last == first)
        return (tap){(uint16_t) first, 1, 1, 0};
    return (tap){(uint16_t) first, (uint16_t) (last - first + 1),
                 (float) ((first + 1 - from) / scale), (float) ((end - last) / scale)};
}

/* The two neighbours of a point; centres of samples lie at whole numbers. */
static tap between(double at, int size)
{
    const double c = at < 0 ? 0 : at > size - 1 ? size - 1 : at;
    const int first = (int) c;
    const double f = c - first;
    if (first + 1 >= size)
        return (tap){(uint16_t) first, 1, 1, 0};
    return (tap){(uint16_t) first, 2, (float) (1 - f), (float) f};
}

static void make_axis(axis *a, int count, double from, double length, int size)
{
    const double scale = length / count;
    a->count = count;
    a->mid = (float) (1 / scale);
    for (int i = 0; i < count; i++)
        a->taps[i] = scale >= 1 ? area(from + i * scale, scale, size)
                                : between(from + (i + 0.5) * scale - 0.5, size);
}

/* sums (count, channels) += weight * row, resampled along the row. Inlined with a constant number
 * of channels, so that the inner loops unroll. */
static inline void add_samples(float *sums, const axis *a, const unsigned char *row,
                               const int channels, float weight)
{
    for (int i = 0; i < a->count; i++) {
        const tap *t = &a->taps[i];
        const unsigned char *px = row + (size_t) t->at * (size_t) channels;
        const unsigned char *last = px + (size_t) (t->n - 1) * (size_t) channels;
        const float first_weight = weight * t->first, last_weight = weight * t->last;
        float *sum = sums + (size_t) i * (size_t) channels;
        unsigned mid[3] = {0, 0, 0};

        for (int k = 0; k < channels; k++) /* of a single sample the last weight is 0 */
            sum[k] += first_weight * (float) px[k] + last_weight * (float) last[k];
        if (t->n <= 2)
            continue;
        for (px += channels; px < last; px += channels)
            for (int k = 0; k < channels; k++)
                mid[k] += px[k];
        for (int k = 0; k < channels; k++)
            sum[k] += weight * a->mid * (float) mid[k];
    }
}

static void add_row(float *sums, const axis *a, const unsigned char *row, int channels,
                    float weight)
{
    if (channels == 1)
        add_samples(sums, a, row, 1, weight);
    else
        add_samples(sums, a, row, 3, weight);
}

static unsigned char to_byte(float v)
{
    return (unsigned char) (v <= 0 ? 0 : v >= 255 ? 255 : v + 0.5F);
}

/* BT.601, as everybody's "convert to grey". */
static float luma(const float *rgb) { return 0.299F * rgb[0] + 0.587F * rgb[1] + 0.114F * rgb[2]; }

static void put_row(unsigned char *out, int channels, const float *sums, int from, int n)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < channels; k++) {
            const float v = from == channels ? sums[i * from + k]
                            : from == 3      ? luma(sums + (size_t) i * 3)
                                             : sums[i];
            out[i * channels + k] = to_byte(v);
        }
    }
}

void twi_image_resample(unsigned char *out, size_t stride, int width, int height, int channels,
                        const twi_region *from)
{
    const size_t row = (size_t) from->width * (size_t) from->channels;
    const double scale = from->h / height;
    const float mid = (float) (1 / scale);
    axis a;
    float sums[TWI_FORM_SIDE_MAX * 3];

    make_axis(&a, width, from->x, from->w, from->width);
    for (int i = 0; i < height; i++, out += stride) {
        const tap t = scale >= 1 ? area(from->y + i * scale, scale, from->height)
                                 : between(from->y + (i + 0.5) * scale - 0.5, from->height);
        memset(sums, 0, sizeof sums);
        for (int j = 0; j < t.n; j++) {
            const float weight = j == 0 ? t.first : j == t.n - 1 ? t.last : mid;
            add_row(sums, &a, from->px + (size_t) (t.at + j) * row, from->channels, weight);
        }
        put_row(out, channels, sums, from->channels, width);
    }
}

tw_status twi_image_form_check(const twi_image_form *form, tw_error *err)
{
    if (form->side < 1 || form->side > TWI_FORM_SIDE_MAX)
        return tw_fail(err, TW_EINVAL, "side %d is outside 1..%d", form->side, TWI_FORM_SIDE_MAX);
    if (form->channels != 1 && form->channels != 3)
        return tw_fail(err, TW_EINVAL, "a tower's image has 1 or 3 channels, not %d",
                       form->channels);
    if ((int) form->aspect < TWI_ASPECT_PAD || (int) form->aspect > TWI_ASPECT_STRETCH)
        return tw_fail(err, TW_EINVAL, "aspect %d is none of pad, crop, stretch",
                       (int) form->aspect);
    return TW_OK;
}

/* A square with an image within it. */
typedef struct frame {
    unsigned char *px; /* of the image's first sample */
    size_t stride;
    int width, height, channels;
} frame;

static void stretch_contrast(const frame *f)
{
    enum { LEAST_SPAN = 16 };
    const size_t n = (size_t) f->width * (size_t) f->channels;
    int low = 255, high = 0;
    for (int y = 0; y < f->height; y++) {
        const unsigned char *row = f->px + (size_t) y * f->stride;
        for (size_t i = 0; i < n; i++) {
            low = row[i] < low ? row[i] : low;
            high = row[i] > high ? row[i] : high;
        }
    }
    const int span = high - low;
    for (int y = 0; span >= LEAST_SPAN && y < f->height; y++) {
        unsigned char *row = f->px + (size_t) y * f->stride;
        for (size_t i = 0; i < n; i++)
            row[i] = (unsigned char) (((row[i] - low) * 255 + span / 2) / span);
    }
}

/* The part of a side that an image takes in a square where `longest` fills it. */
static int fitted(int length, int longest, int side)
{
    const int n = (int) lround((double) length * side / longest);
    return n < 1 ? 1 : n;
}

void twi_image_prepare(unsigned char *out, const tw_image *im, const twi_image_form *form)
{
    const int side = form->side;
    const size_t ch = (size_t) form->channels, all = (size_t) side * (size_t) side * ch;
    frame f = {out, (size_t) side * ch, side, side, form->channels};
    twi_region from = {im->px, im->width, im->height, im->channels, 0, 0, im->width, im->height};

    if (form->aspect == TWI_ASPECT_CROP) {
        const double least = from.w < from.h ? from.w : from.h;
        from.x = (from.w - least) / 2;
        from.y = (from.h - least) / 2;
        from.w = from.h = least;
    } else if (form->aspect == TWI_ASPECT_PAD) {
        const int longest = im->width > im->height ? im->width : im->height;
        f.width = fitted(im->width, longest, side);
        f.height = fitted(im->height, longest, side);
        f.px += (size_t) ((side - f.height) / 2) * f.stride + (size_t) ((side - f.width) / 2) * ch;
        if (f.width < side || f.height < side)
            memset(out, form->pad, all);
    }
    twi_image_resample(f.px, f.stride, f.width, f.height, form->channels, &from);
    if (form->contrast)
        stretch_contrast(&f);
    for (size_t i = 0; form->invert && i < all; i++)
        out[i] = (unsigned char) (255 - out[i]);
}
