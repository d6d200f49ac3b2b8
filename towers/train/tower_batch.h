/* towers/train/tower_batch.h — one training batch. Internal to towers/.
 *
 *     twi_batch_load(&b, examples, order, n, &rng);        // or twi_batch_load_classes
 *     TW_TRY(twi_chunks_embed(&chunks, trainer, err));     // b.z, by twi_batch_embed
 *     loss = twi_batch_loss(&b, &stats);                   // b.dz
 *     TW_TRY(twi_chunks_play(&chunks, trainer, err));
 */
#ifndef TW_TOWERS_TRAIN_TOWER_BATCH_H
#define TW_TOWERS_TRAIN_TOWER_BATCH_H

#include "metrics/partners.h"
#include "towers/encoder.h"
#include "towers/loss/loss.h"
#include "towers/loss/tower_proxies.h"
#include "towers/train/tower_examples.h"

/* What the softmaxes and sigmoids of a loss are scaled and shifted by: 1 / temperature and a bias,
 * fixed or learnt beside the weights. */
typedef struct twi_scalars {
    double log_scale, bias;
    bool learnt;
    double m[2], v[2]; /* Adam's moments */
    int64_t step;
} twi_scalars;

/* Where sigmoids and softmaxes begin. With every other pair of a batch as a negative most are, so
 * the bias says no at first (Zhai et al. 2023); CoSENT's scale is the field's. */
twi_scalars twi_scalars_of(tw_tower_loss loss, bool labelled, const tw_tower_train_config *cfg);
double twi_scalar_scale(const twi_scalars *x);
/* One step of Adam where they are learnt; the scale stays in 1 .. TWI_SCALE_MAX. */
void twi_scalars_update(twi_scalars *x, double dscale, double dbias, double lr);

typedef struct twi_batch {
    /* what the caller sets */
    const tw_tower *tower;
    const tw_tower_samples *samples;
    const tw_partners *partners; /* pairs: of every item */
    const int32_t *cls;          /* (N) classes, or NULL: pairs */
    twi_proxies *proxies;        /* of these classes, numbered from 0; NULL: none */
    tw_tower_loss loss;
    double margin;
    twi_hard_how hard;
    twi_scalars scale;
    double modality_dropout;
    twi_augment augment;
    twi_prefixes prefixes; /* n 0: the whole width alone */
    const tw_real *logq;   /* (N) or NULL */
    bool labelled;         /* labels say which pairs are negatives */
    int room;              /* most rows */
    int width;             /* rows a pair takes: 2, or 3 with given negatives */
    int D;
    /* the present batch */
    int B, C, R;          /* pairs: R = B + C; classes: B = C = R; proxies: B = R, C of them */
    int32_t *item;        /* (R) */
    unsigned char *shown; /* (R) modalities that a row may look at */
    float *label;         /* (B) */
    int32_t *row_class;   /* (R) */
    tw_real *z, *dz;      /* (R, D), then (C, D) of the proxies */
    tw_real *cut, *dcut;  /* the same at the widest prefix */
    tw_real *s, *ds;      /* (B, C) */
    unsigned char *mask;  /* (B, C) pairs: no negative */
    unsigned char *rel;   /* (B, C) loss.h's relation */
    twi_scored *scored;   /* (B) */
    double *sums;         /* (3 B) InfoNCE's */
    tw_real *lq;          /* (R) */
    int32_t *first;       /* (N) column list heads, -1 between steps */
    int32_t *next;        /* (C) */
    twi_loss_stats stats;
    double dscale, dbias; /* of the last loss */
} twi_batch;

/* Allocates for room rows of a catalogue of n items. TW_ENOMEM. */
TW_NODISCARD tw_status twi_batch_init(twi_batch *b, int64_t n, tw_error *err);
void twi_batch_fini(twi_batch *b);

/* Loads n examples, n * width <= room, masks, and draws from rng which modalities each row shows.
 */
void twi_batch_load(twi_batch *b, const twi_example *examples, const int32_t *order, int n,
                    tw_rng *rng);
/* The same of n <= room items whose classes are known. */
void twi_batch_load_classes(twi_batch *b, const int32_t *items, int n, tw_rng *rng);

/* A twi_embed_fn; ctx is the batch. */
tw_status twi_batch_embed(void *ctx, int worker, int begin, int end, tw_tape *tape, tw_tensor **z,
                          tw_error *err);
/* The loss and dz from z, on the calling thread. */
double twi_batch_loss(twi_batch *b, twi_loss_stats *stats);
/* Moves what is learnt beside the weights, by the last loss. TW_EINVAL: not finite. */
TW_NODISCARD tw_status twi_batch_update(twi_batch *b, double lr, tw_error *err);

#endif
