/* Images as an encoder: a square of the tower's size, then conv4 or a ResNet.
 *
 * Sample: a square's bytes (side, side, channels), as large as the net's or larger.
 * Training cuts and disturbs it anew in every step; else it is scaled down. */
#include <string.h>

#include "base/alloc.h"
#include "towers/encoder.h"
#include "towers/image/encoder_image.h"
#include "towers/image/image_conv4.h"
#include "towers/image/image_prepare.h"
#include "towers/image/image_resnet.h"

#define PAD_GREY 255 /* most images of things stand on white */

/* Small images are embedded some at a time, when there are many: one alone gives products of few
 * rows. Measured on one thread: conv4 at 28 pixels and a ResNet at 32 gain 1.4 times, a ResNet at
 * 96 twice, conv4 at 96 nothing; 16 are slower than 8. Large ones are not kept waiting for each
 * other: hundreds are prepared at a time (tower_embed.c). */
enum { TOGETHER = 8 };
#define LARGEST_CONV4  ((size_t) 1 << 13) /* bytes of the square */
#define LARGEST_RESNET ((size_t) 1 << 15)

typedef struct image {
    twi_encoder base;
    twi_image_form form; /* of what is kept */
    int side;            /* of what the net reads, at most form.side */
    bool residual, mirrored;
    twi_conv4 conv4;
    twi_resnet resnet;
} image;

/* Of a square. */
static size_t bytes_of(const image *p, int side)
{
    return (size_t) side * (size_t) side * (size_t) p->form.channels;
}

static void destroy(twi_encoder *e) { tw_free(e); }

static void init(twi_encoder *e, tw_rng *rng)
{
    const image *p = (const image *) e;
    if (p->residual)
        twi_resnet_init(&p->resnet, rng);
    else
        twi_conv4_init(&p->conv4, rng);
}

static tw_status prepare(const twi_encoder *e, void *reader, const tw_tower_item *item,
                         twi_bytes *out, tw_error *err)
{
    const image *p = (const image *) e;
    (void) reader;
    if (item->image == NULL)
        return TW_OK;
    unsigned char *px = twi_bytes_more(out, bytes_of(p, p->form.side));
    if (px == NULL)
        return tw_fail(err, TW_ENOMEM, "an image of %d by %d", p->form.side, p->form.side);
    twi_image_prepare(px, item->image, &p->form);
    return TW_OK;
}

/* What is done to images, at a strength: 0 leaves them as they are. */
static twi_image_jitter jitter_of(const twi_augment *a)
{
    const double s = a->strength;
    twi_image_jitter j = {0};

    if (a->image == TW_AUGMENT_NONE || s <= 0)
        return j;
    j = a->image == TW_AUGMENT_GLYPH ? TWI_JITTER_GLYPH : TWI_JITTER_PHOTO;
    j.fill = PAD_GREY; /* what a turn lets in is more of the same paper */
#define AT_MOST(x, most) ((x) < (most) ? (x) : (most))
    j.rotate = AT_MOST(j.rotate * s, 180);
    j.shear = AT_MOST(j.shear * s, 1);
    j.scale = AT_MOST(j.scale * s, 0.9);
    j.shift = AT_MOST(j.shift * s, 1);
    j.least_area = 1 - AT_MOST((1 - j.least_area) * s, 0.99);
    j.stretch = AT_MOST(j.stretch * s, 1);
    j.brightness = AT_MOST(j.brightness * s, 1);
    j.contrast = AT_MOST(j.contrast * s, 1);
    j.saturation = AT_MOST(j.saturation * s, 1);
#undef AT_MOST
    return j;
}

/* Each of n images as the net reads it, in room of its own unless it is kept so. */
static bool cut(const image *p, tw_tape *tape, const uint8_t **px, const twi_sample *samples, int n,
                const twi_augment *augment)
{
    const twi_image_jitter jitter =
        augment != NULL ? jitter_of(augment) : (twi_image_jitter){.kind = TWI_DISTURB_NONE};
    const bool as_kept = jitter.kind == TWI_DISTURB_NONE && p->side == p->form.side;
    const size_t bytes = bytes_of(p, p->side);
    unsigned char *room = as_kept ? NULL : tw_tape_take(tape, (size_t) n, bytes);

    if (!as_kept && room == NULL)
        return false;
    for (int i = 0; i < n; i++) {
        px[i] = samples[i].data;
        if (as_kept)
            continue;
        unsigned char *to = room + (size_t) i * bytes;
        twi_image_augment(to, p->side, samples[i].data, p->form.side, p->form.channels, &jitter,
                          tw_tape_rng(tape));
        px[i] = to;
    }
    return true;
}

/* Mirror images of the first n behind them. */
static bool mirror(const image *p, tw_tape *tape, const uint8_t **px, int n)
{
    const size_t bytes = bytes_of(p, p->side);
    unsigned char *room = tw_tape_take(tape, (size_t) n, bytes);

    for (int i = 0; i < n && room != NULL; i++) {
        unsigned char *to = room + (size_t) i * bytes;
        memcpy(to, px[i], bytes);
        twi_image_mirror(to, p->side, p->form.channels);
        px[n + i] = to;
    }
    return room != NULL;
}

/* y (n) of (2n): the mean of rows i and n + i. */
static tw_tensor *mean_of_two(tw_tape *tape, tw_tensor *x, int n)
{
    int32_t *rows = tw_tape_take(tape, 2 * (size_t) n, sizeof *rows);
    if (rows == NULL)
        return NULL;
    for (int i = 0; i < 2 * n; i++)
        rows[i] = i;
    tw_tensor *a = tw_op_rows(tape, x, rows, n), *b = tw_op_rows(tape, x, rows + n, n);
    return a != NULL && b != NULL ? tw_op_scale(tape, tw_op_add(tape, a, b), 0.5) : NULL;
}

static tw_tensor *forward(const twi_encoder *e, tw_tape *tape, const twi_sample *samples, int n,
                          const twi_augment *augment)
{
    const image *p = (const image *) e;
    const bool twice = p->mirrored && augment == NULL;
    const int images = twice ? 2 * n : n;
    const uint8_t **px = tw_tape_take(tape, (size_t) images, sizeof *px);

    if (px == NULL || !cut(p, tape, px, samples, n, augment) || (twice && !mirror(p, tape, px, n)))
        return NULL;
    tw_tensor *x = p->residual ? twi_resnet_forward(&p->resnet, tape, px, images)
                               : twi_conv4_forward(&p->conv4, tape, px, images);
    return twice && x != NULL ? mean_of_two(tape, x, n) : x;
}

static const twi_encoder_class conv4_class = {
    .name = "conv4", .destroy = destroy, .init = init, .prepare = prepare, .forward = forward};
static const twi_encoder_class resnet_class = {
    .name = "resnet", .destroy = destroy, .init = init, .prepare = prepare, .forward = forward};

static tw_status add_net(image *p, const tw_tower_config *cfg, tw_params *ps, tw_error *err)
{
    tw_status st = TW_OK;

    if (p->residual) {
        const twi_resnet_config net = {.side = p->side,
                                       .channels = p->form.channels,
                                       .stages = p->side >= 64 ? 4 : 3,
                                       .blocks = cfg->image_depth,
                                       .widen = cfg->image_width / 16,
                                       .stride = p->side >= 64 ? 2 : 1};
        TW_TRY(twi_resnet_create(&p->resnet, &net, ps, "picture.", err));
        p->base.width = twi_resnet_width(&p->resnet);
    } else {
        const twi_conv4_config net = {.side = p->side,
                                      .channels = p->form.channels,
                                      .width = cfg->image_width,
                                      .flat = p->side < 64};
        TW_TRY(twi_conv4_create(&p->conv4, &net, ps, "picture.", err));
        p->base.width = twi_conv4_width(&p->conv4);
    }
done:
    return st;
}

tw_status twi_image_create(twi_encoder **out, const tw_tower_config *cfg, tw_params *ps,
                           tw_error *err)
{
    static const twi_aspect aspects[] = {TWI_ASPECT_PAD, TWI_ASPECT_CROP, TWI_ASPECT_STRETCH};
    tw_status st = TW_OK;
    image *p = tw_alloc(1, sizeof *p);

    *out = NULL;
    if (p == NULL)
        return tw_fail(err, TW_ENOMEM, "image encoder");
    p->residual = cfg->image == TW_IMAGE_RESNET;
    p->base.class = p->residual ? &resnet_class : &conv4_class;
    p->mirrored = cfg->image_mirrored;
    p->side = cfg->image_size;
    if (cfg->image_detail > 0 && cfg->image_detail < p->side) {
        st = tw_fail(err, TW_EINVAL, "image_detail %d is below image_size %d", cfg->image_detail,
                     p->side);
        goto done;
    }
    p->form = (twi_image_form){.side = cfg->image_detail > 0 ? cfg->image_detail : p->side,
                               .channels = cfg->image_channels,
                               .aspect = aspects[cfg->image_fit],
                               .pad = PAD_GREY};
    TW_TRY(twi_image_form_check(&p->form, err));
    TW_TRY(add_net(p, cfg, ps, err));
    if (bytes_of(p, p->side) <= (p->residual ? LARGEST_RESNET : LARGEST_CONV4))
        p->base.chunk = TOGETHER * (int) bytes_of(p, p->form.side);
    *out = &p->base;
    p = NULL;
done:
    tw_free(p);
    return st;
}
