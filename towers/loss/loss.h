/* towers/loss/loss.h — losses over a batch's cosines, by what each cell is.
 * Internal to towers/.
 *
 * A matrix of relations says of every cell s[i,j] = <a_i, c_j> whether c_j is a positive of row i,
 * a negative, or to be ignored; so pairs, labelled pairs and classes with several items each are
 * one case:
 *
 *     twi_relate_classes(rel, class_of, item, R);            // P classes x K items
 *     loss = twi_loss_supcon(ds, &stats, s, rel, 0.1, R, R);
 *     // dL/dz = (ds + ds') z where rows and columns are the same R vectors
 *
 * All are pure functions, safe on any thread. ds (R,C) = dL/ds is overwritten.
 * A batch that has no term gives loss 0, ds 0 and active 0, never NAN.
 * Vectors have length 1, so squared Euclidean distance is 2 - 2 s.
 */
#ifndef TW_TOWERS_LOSS_LOSS_H
#define TW_TOWERS_LOSS_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/real.h"

typedef struct twi_loss_stats {
    double active, pos_cosine, neg_cosine; /* as in tw_tower_epoch */
} twi_loss_stats;

enum { TWI_NEGATIVE = 0, TWI_POSITIVE = 1, TWI_IGNORED = 2 };

/* Pairs: s[i,i] is pair i, positive where label (B; NULL: all) is above 0.5, else negative. Other
 * cells are negatives when in_batch and not masked, else ignored.
 *
 *   rel, mask (B,C)  C >= B: the B partners and then, when C = 2 B, one given negative for each
 * row. mask nonzero: c_j is no negative of a_i; NULL for none */
void twi_relate_pairs(unsigned char *rel, const unsigned char *mask, const float *label,
                      bool in_batch, int B, int C);

/* Classes: rows and columns are the same R vectors. Same class: positive; another: negative; the
 * vector itself, the same item again, and anything of class below 0: ignored.
 *
 *   cls, item (R)  item may be NULL: all differ */
void twi_relate_classes(unsigned char *rel, const int32_t *cls, const int32_t *item, int R);

/* Proxies: the columns are classes 0 to C - 1, a row's own the only positive. */
void twi_relate_proxies(unsigned char *rel, const int32_t *cls, int R, int C);

/* pos_cosine: mean over positive cells. neg_cosine: mean over rows of their highest negative. 0
 * where there is none. Leaves active alone. */
void twi_loss_measure(twi_loss_stats *stats, const tw_real *s, const unsigned char *rel, int R,
                      int C);

/* ---- pairs (loss_pairs.c) -------------------------------------------------------------------- */

/* Binary cross-entropy of p = sigmoid(scale * s + bias), which an inner-product index ranks by:
 *
 *   -1/n sum over cells of ln p (positive) or ln (1 - p) (negative)
 *
 * n: the rows that have a cell. With pairs and their labels alone this is the mean over pairs; with
 * in-batch negatives it is SigLIP's loss (start: scale 10, bias -10).
 *
 *   *dbias  dL/dbias, or NULL; dL/d(ln scale) is twi_loss_dscale(ds, s, ...)
 *
 * active: the share of cells on the wrong side of p = 1/2. Source: Zhai et al. 2023. */
double twi_loss_sigmoid(tw_real *ds, double *dbias, twi_loss_stats *stats, const tw_real *s,
                        const unsigned char *rel, double scale, double bias, int R, int C);

/* Contrastive with d = 1 - s: d^2/2 of a positive, max(0, margin - d)^2/2 of a negative. The mean
 * over positives plus the mean over the negatives inside the margin; `labelled`: the mean over all
 * pairs together. active: the share of negatives inside. Source: Hadsell et al. 2006. */
double twi_loss_contrastive(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                            const unsigned char *rel, bool labelled, double margin, int R, int C);

/* Mean over pairs of (s[i,i] - label[i])^2; rel for the statistics alone. */
double twi_loss_cosine(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                       const unsigned char *rel, const float *label, int B, int C);

/* The same terms, without the half, only on positives farther than the nearest negative and
 * negatives nearer than the farthest positive; where a side has fewer than two, the other is held
 * against its own mean. Mean over what is left (the reference sums: a batch twice as large then
 * takes steps twice as long). active: the share left.
 * Source: sentence-transformers, OnlineContrastiveLoss. */
double twi_loss_online(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                       const unsigned char *rel, double margin, int R, int C);

/* What CoSENT sorts. */
typedef struct twi_scored {
    double label, cosine, pull;
    int row;
} twi_scored;

#define TWI_COSENT_MAX 300.0 /* of scale: exp(2 scale) stays finite */

/* Ranking of scored pairs s[i,i]:
 *
 *   ln (1 + sum over i, j with label[i] > label[j] of exp(scale (s[j,j] - s[i,i])))
 *
 *   label (B)    any scores; scratch (B) the caller's; scale (0, TWI_COSENT_MAX], 20 in the field
 *
 * O(B ln B): the sum is one of products, so suffix sums in the order of labels give it. active is
 * 1 - exp(-loss), the weight with which the order still pushes. Source: Su 2022 (CoSENT). */
double twi_loss_cosent(tw_real *ds, twi_loss_stats *stats, const tw_real *s, const float *label,
                       twi_scored *scratch, double scale, int B, int C);

/* ---- InfoNCE over pairs (loss_infonce.c) -------------------------------------------------------
 */

/* Mean over both directions of -ln softmax_i, logits s/temperature - logq; the pair's own is the
 * diagonal, what is ignored is in no softmax, given negatives are more columns of the rows'
 * direction. active: the share of softmaxes in which another logit is larger.
 *
 *   logq_a (B), logq_c (C)  ln of each item's share, or both NULL
 *   scratch (3 B)           the caller's
 *
 * One exponential a cell, of cosines within -1 .. 1; temperatures below 1/40, whose exponentials a
 * float cannot hold, take the plain form. Source: van den Oord et al. 2018; logq: Yi et al. 2019.
 */
double twi_loss_infonce(tw_real *ds, twi_loss_stats *stats, double *scratch, const tw_real *s,
                        const unsigned char *rel, const tw_real *logq_a, const tw_real *logq_c,
                        double temperature, int B, int C);
double twi_loss_infonce_plain(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                              const unsigned char *rel, const tw_real *logq_a,
                              const tw_real *logq_c, double temperature, int B, int C);

/* ---- triplets (loss_triplet.c) --------------------------------------------------------------- */

/* Every (row, positive, negative): the mean of max(0, d_ap^2 - d_an^2 + margin) over those above 0.
 * active: their share. Source: Hermans et al. 2017, "batch all". */
double twi_loss_batch_all(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                          const unsigned char *rel, double margin, int R, int C);

typedef struct twi_hard_how {
    double margin; /* of distance; soft: its unit, 1 in the paper */
    bool soft;     /* ln (1 + exp((d_ap - d_an) / margin)), not max(0, d_ap - d_an + margin) */
    bool squared;  /* d is the squared distance */
} twi_hard_how;

/* Every row that has both: its farthest positive against its nearest negative. Mean over rows.
 * active: the share with d_ap - d_an + margin > 0 (soft: d_ap > d_an). It may draw everything to
 * one point when it is the first thing a tower learns. Source: Hermans et al. 2017, "batch hard".
 */
double twi_loss_batch_hard(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                           const unsigned char *rel, const twi_hard_how *how, int R, int C);

/* Every (row, positive) against the nearest of the negatives farther than it; where none is
 * farther, the farthest. Mean of max(0, d_ap^2 - d_an^2 + margin) over those above 0; active: their
 * share. Source: Schroff et al. 2015 (FaceNet), section 3.2. */
double twi_loss_semi_hard(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                          const unsigned char *rel, double margin, int R, int C);

/* Pairs, both directions: hinge of 2 (s_an - s_ap) + margin on the semi-hard negative: the nearest
 * of those farther than the positive; when all are nearer, the farthest. Given negatives are also
 * held against their own row. Mean over the terms above 0; active: their share. Source: Schroff et
 * al. 2015 (FaceNet), section 3.2. */
double twi_loss_triplet(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                        const unsigned char *rel, double margin, int B, int C);

/* ---- classes (loss_class.c) ------------------------------------------------------------------ */

/* Supervised contrastive: mean over rows that have a positive of
 *
 *   -1/|P| sum over p in P of ln(exp(s_p/t) / sum over positives and negatives a of exp(s_a/t))
 *
 * active: the share of those rows whose nearest is no positive.
 * Source: Khosla et al. 2020 (SupCon), eq. 2 (sum outside the logarithm). */
double twi_loss_supcon(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                       const unsigned char *rel, double temperature, int R, int C);

/* ---- a learned temperature (loss_class.c) ---------------------------------------------------- */

#define TWI_SCALE_MAX 100.0 /* Radford et al. 2021 (CLIP), section 2.5 */

/* dL/d(ln scale) of any loss whose logits are scale * s + (something without scale): sum ds * s,
 * because dL/ds = scale * dL/dlogit. InfoNCE, SupCon and the sigmoid are such. */
double twi_loss_dscale(const tw_real *ds, const tw_real *s, int R, int C);

/* ---- Matryoshka (loss_prefix.c) -------------------------------------------------------------- */

#define TWI_PREFIXES_MAX 8

/* Widths at which the vectors shall work alone. */
typedef struct twi_prefixes {
    int n;
    int width[TWI_PREFIXES_MAX];     /* 1..D each */
    double weight[TWI_PREFIXES_MAX]; /* of each loss in the sum */
} twi_prefixes;

/* dim and its halves, down to the least width that shall work alone; none where that is 0 or dim.
 */
twi_prefixes twi_prefixes_of(int dim, int least);

/* A loss over R vectors of the given width, all of length 1 or 0; overwrites dz (R, width). */
typedef double (*twi_loss_fn)(void *ctx, tw_real *dz, const tw_real *z, int R, int width);

/* The sum of weight * loss over prefixes of z, each scaled to length 1 again.
 *
 *   dz (R,D)                overwritten; a prefix of length 0 stays 0 and gets no gradient
 *   cut, dcut (R, max(width)) scratch of the caller
 *
 * Loss calls come in the order of the list: statistics that fn keeps are those of the last.
 * Source: Kusupati et al. 2022 (Matryoshka representation learning), eq. 1. */
double twi_loss_prefixes(tw_real *dz, tw_real *cut, tw_real *dcut, const tw_real *z, int R, int D,
                         const twi_prefixes *how, twi_loss_fn fn, void *ctx);

#endif
