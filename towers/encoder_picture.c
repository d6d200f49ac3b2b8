/* Pictures as an encoder: a square of the tower's size, then conv4 or a ResNet.
 *
 * Sample: the square's bytes (side, side, channels). Training disturbs it anew in
 * every step. */
#include "base/alloc.h"
#include "towers/encoder.h"
#include "towers/image_conv4.h"
#include "towers/image_prepare.h"
#include "towers/image_resnet.h"

#define PAD_GREY 255 /* most pictures of things stand on white */

/* Small pictures are embedded some at a time, when there are many: one alone gives products of few
 * rows. Measured on one thread: conv4 at 28 pixels and a ResNet at 32 gain 1.4 times, a ResNet at
 * 96 twice, conv4 at 96 nothing; 16 are slower than 8. Large ones are not kept waiting for each
 * other: hundreds are prepared at a time (tower_embed.c). */
enum { TOGETHER = 8 };
#define LARGEST_CONV4  ((size_t) 1 << 13) /* bytes of the square */
#define LARGEST_RESNET ((size_t) 1 << 15)

typedef struct picture {
    twi_encoder base;
    twi_image_look look;
    bool residual;
    twi_conv4 conv4;
    twi_resnet resnet;
} picture;

static size_t bytes_of(const picture *p)
{
    return (size_t) p->look.side * (size_t) p->look.side * (size_t) p->look.channels;
}

static void destroy(twi_encoder *e) { tw_free(e); }

static void init(twi_encoder *e, tw_rng *rng)
{
    const picture *p = (const picture *) e;
    if (p->residual)
        twi_resnet_init(&p->resnet, rng);
    else
        twi_conv4_init(&p->conv4, rng);
}

static tw_status prepare(const twi_encoder *e, void *reader, const tw_tower_item *item,
                         twi_bytes *out, tw_error *err)
{
    const picture *p = (const picture *) e;
    (void) reader;
    if (item->picture == NULL)
        return TW_OK;
    unsigned char *px = twi_bytes_more(out, bytes_of(p));
    if (px == NULL)
        return tw_fail(err, TW_ENOMEM, "a picture of %d by %d", p->look.side, p->look.side);
    twi_image_prepare(px, item->picture, &p->look);
    return TW_OK;
}

/* What is done to pictures, at a strength: 0 leaves them as they are. */
static twi_image_jitter jitter_of(const twi_augment *a)
{
    const double s = a->strength;
    twi_image_jitter j = {0};

    if (a->picture == TW_AUGMENT_NONE || s <= 0)
        return j;
    j = a->picture == TW_AUGMENT_GLYPH ? TWI_JITTER_GLYPH : TWI_JITTER_PHOTO;
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

static tw_tensor *forward(const twi_encoder *e, tw_tape *tape, const twi_sample *samples, int n,
                          const twi_augment *augment)
{
    const picture *p = (const picture *) e;
    const int side = p->look.side, channels = p->look.channels;
    const twi_image_jitter jitter =
        augment != NULL ? jitter_of(augment) : (twi_image_jitter){.kind = TWI_DISTURB_NONE};
    const uint8_t **px = tw_tape_take(tape, (size_t) n, sizeof *px);
    unsigned char *room = NULL;

    if (jitter.kind != TWI_DISTURB_NONE)
        room = tw_tape_take(tape, (size_t) n, bytes_of(p));
    if (px == NULL || (jitter.kind != TWI_DISTURB_NONE && room == NULL))
        return NULL;
    for (int i = 0; i < n; i++) {
        px[i] = samples[i].data;
        if (room == NULL)
            continue;
        unsigned char *to = room + (size_t) i * bytes_of(p);
        twi_image_augment(to, side, samples[i].data, side, channels, &jitter, tw_tape_rng(tape));
        px[i] = to;
    }
    return p->residual ? twi_resnet_forward(&p->resnet, tape, px, n)
                       : twi_conv4_forward(&p->conv4, tape, px, n);
}

static const twi_encoder_class conv4_class = {
    .name = "conv4", .destroy = destroy, .init = init, .prepare = prepare, .forward = forward};
static const twi_encoder_class resnet_class = {
    .name = "resnet", .destroy = destroy, .init = init, .prepare = prepare, .forward = forward};

static tw_status add_net(picture *p, const tw_tower_config *cfg, tw_params *ps, tw_error *err)
{
    tw_status st = TW_OK;

    if (p->residual) {
        const twi_resnet_config net = {.side = p->look.side,
                                       .channels = p->look.channels,
                                       .stages = p->look.side >= 64 ? 4 : 3,
                                       .blocks = cfg->picture_depth,
                                       .widen = cfg->picture_width / 16,
                                       .stride = p->look.side >= 64 ? 2 : 1};
        TW_TRY(twi_resnet_create(&p->resnet, &net, ps, "picture.", err));
        p->base.width = twi_resnet_width(&p->resnet);
    } else {
        const twi_conv4_config net = {.side = p->look.side,
                                      .channels = p->look.channels,
                                      .width = cfg->picture_width,
                                      .flat = p->look.side < 64};
        TW_TRY(twi_conv4_create(&p->conv4, &net, ps, "picture.", err));
        p->base.width = twi_conv4_width(&p->conv4);
    }
done:
    return st;
}

tw_status twi_picture_create(twi_encoder **out, const tw_tower_config *cfg, tw_params *ps,
                             tw_error *err)
{
    static const twi_aspect aspects[] = {TWI_ASPECT_PAD, TWI_ASPECT_CROP, TWI_ASPECT_STRETCH};
    tw_status st = TW_OK;
    picture *p = tw_alloc(1, sizeof *p);

    *out = NULL;
    if (p == NULL)
        return tw_fail(err, TW_ENOMEM, "picture encoder");
    p->residual = cfg->picture == TW_PICTURE_RESNET;
    p->base.class = p->residual ? &resnet_class : &conv4_class;
    p->look = (twi_image_look){.side = cfg->picture_size,
                               .channels = cfg->picture_channels,
                               .aspect = aspects[cfg->picture_fit],
                               .pad = PAD_GREY};
    TW_TRY(twi_image_look_check(&p->look, err));
    TW_TRY(add_net(p, cfg, ps, err));
    if (bytes_of(p) <= (p->residual ? LARGEST_RESNET : LARGEST_CONV4))
        p->base.chunk = TOGETHER * (int) bytes_of(p);
    *out = &p->base;
    p = NULL;
done:
    tw_free(p);
    return st;
}
