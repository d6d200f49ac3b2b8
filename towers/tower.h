/* towers/tower.h — what a tower is made of: encoders, a projection for each, a head, and its
 * forward pass on a tape.
 *
 * z = norm(sum over modalities of norm(W_m x_m + b_m)), and with a head norm(z + W_out relu(W_in
 * z)). D is the width of a vector, E that of one encoder's output, H the head's. A tower that is
 * read by sessions and tapes does not change; call twi_tower_refresh after changing a projection.
 * Internal to towers/.
 */
#ifndef TW_TOWERS_TOWER_H
#define TW_TOWERS_TOWER_H

#include "nn/params.h"
#include "nn/tape/tape.h"
#include "towers/encoder.h"
#include "towers/tower_samples.h"
#include "towers/towers.h"

/* From one encoder's width E to the tower's D. */
typedef struct twi_projection {
    tw_param *w; /* (D, E) "text.proj.w" */
    tw_param *b; /* (1, D) "text.proj.b" */
    tw_real *wt; /* (E, D) w transposed: embedding one item then runs along rows */
} twi_projection;

struct tw_tower {
    tw_tower_config cfg;
    tw_params *params;
    twi_encoder *encoders[TW_MODALITIES]; /* NULL: not read */
    twi_projection proj[TW_MODALITIES];
    tw_param *head_in, *head_in_b;   /* (H, D), (1, H); NULL without a head */
    tw_param *head_out, *head_out_b; /* (D, H), (1, D) */
    /* Of a text encoder that reads tokens, as twi_texts; owned, NULL where there is none. */
    char *vocabulary, *added, *prompt;
    int modalities; /* encoders that are there */
};

/* Makes the encoders and all parameters without memory (tw_params_defer). */
TW_NODISCARD tw_status twi_tower_shape(tw_tower **out, const tw_tower_config *cfg,
                                       const twi_texts *texts, tw_error *err);
/* tw_tower_create with all that a text encoder may be given. */
TW_NODISCARD tw_status twi_tower_create(tw_tower **out, const tw_tower_config *cfg,
                                        const twi_texts *texts, tw_error *err);
/* Gives them memory: weights zero, idf 1. */
TW_NODISCARD tw_status twi_tower_allocate(tw_tower *t, tw_error *err);
/* Whether training leaves the projections alone; the tower itself does not remember it. */
void twi_tower_freeze(tw_tower *t, bool projections);
/* To be called whenever a projection changed. */
void twi_tower_refresh(tw_tower *t);

/* Rows to embed on a tape. */
typedef struct twi_input {
    const tw_tower_samples *samples;
    const int32_t *items;       /* (n) */
    const unsigned char *shown; /* (n) bits 1 << modality that may be looked at; NULL: all */
    int n;
    const twi_augment *augment; /* NULL: none */
} twi_input;

/* The tower on a tape: z (n, D), a zero row where nothing is shown. items and shown are borrowed
 * until the tape is reset. */
tw_tensor *twi_tower_forward(tw_tape *tape, const tw_tower *t, const twi_input *in);

#endif
