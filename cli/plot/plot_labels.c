/* Rings around what is named are tried from the inside out; the first free place wins. */
#include "cli/plot/plot_labels.h"

#include <math.h>

#define GAP       3.0   /* between two names */
#define RING      9.0   /* from one ring to the next */
#define REACH     260.0 /* how far from what it names a name may be */
#define TURNS     24    /* places on a ring */
#define FLATTENED 0.6   /* rings are flat as names are, so that steps up and aside look alike */

static bool overlap(const plot_label *a, const plot_label *b)
{
    return a->left < b->left + b->width + GAP && b->left < a->left + a->width + GAP &&
           a->top < b->top + b->height + GAP && b->top < a->top + a->height + GAP;
}

static bool is_free(const plot_label *labels, int n, const plot_label *one)
{
    for (int i = 0; i < n; i++)
        if (labels[i].placed && overlap(&labels[i], one))
            return false;
    return true;
}

void plot_labels_place(plot_label *labels, int n, double left, double top, double right,
                       double bottom)
{
    const double around = 2 * acos(-1);
    for (int i = 0; i < n; i++) {
        plot_label *l = &labels[i];
        l->placed = false;
        for (int far = 0; far * RING <= REACH && !l->placed; far++) {
            const double ring = far * (double) RING;
            for (int t = 0; t < (far > 0 ? TURNS : 1) && !l->placed; t++) {
                /* Upwards first, then to both sides by turns. */
                const int turn = (t + 1) / 2;
                const double angle = around * (0.75 + (t % 2 == 0 ? -turn : turn) / (double) TURNS);
                l->left = l->x - l->width / 2 + ring * cos(angle);
                l->top = l->y - l->height / 2 + FLATTENED * ring * sin(angle);
                l->placed = l->left >= left && l->top >= top && l->left + l->width <= right &&
                            l->top + l->height <= bottom && is_free(labels, i, l);
            }
        }
    }
}
