/* Rings around what is named are tried from the inside out; the first free place wins. */
#include "cli/plot/plot_labels.h"

#include <math.h>

#define GAP       3.0   /* between two names */
#define RING      9.0   /* from one ring to the next */
#define CLEAR     5.0   /* around a name beside a line */
#define REACH     260.0 /* how far from its point a name beside a line may be */
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

/* Place t of ring `far` around what is named: upwards first, then to both sides by turns. */
static void set_at(plot_label *l, int far, int t)
{
    const double ring = far * (double) RING;
    const int turn = (t + 1) / 2;
    const double angle = 2 * acos(-1) * (0.75 + (t % 2 == 0 ? -turn : turn) / (double) TURNS);
    l->left = l->x - l->width / 2 + ring * cos(angle);
    l->top = l->y - l->height / 2 + FLATTENED * ring * sin(angle);
}

static bool is_within(const plot_label *l, double left, double top, double right, double bottom)
{
    return l->left >= left && l->top >= top && l->left + l->width <= right &&
           l->top + l->height <= bottom;
}

void plot_labels_place(plot_label *labels, int n, double reach, double left, double top,
                       double right, double bottom)
{
    for (int i = 0; i < n; i++) {
        plot_label *l = &labels[i];
        l->placed = false;
        for (int far = 0; far * RING <= reach && !l->placed; far++) {
            for (int t = 0; t < (far > 0 ? TURNS : 1) && !l->placed; t++) {
                set_at(l, far, t);
                l->placed = is_within(l, left, top, right, bottom) && is_free(labels, i, l);
            }
        }
    }
}

/* ---- beside a line --------------------------------------------------------------------------- */

/* Cuts the part lo..hi of a segment to where from + t * step is not above `most`. */
static void cut(double from, double step, double most, double *lo, double *hi)
{
    const double room = most - from;
    if (step > 0)
        *hi = fmin(*hi, room / step);
    else if (step < 0)
        *lo = fmax(*lo, room / step);
    else if (room < 0)
        *hi = -1;
}

/* How much of the segment is within the label and CLEAR around it. Source: Liang and Barsky 1984.
 */
static double covered(const plot_label *l, double x0, double y0, double x1, double y1)
{
    const double dx = x1 - x0, dy = y1 - y0;
    double lo = 0, hi = 1;
    cut(x0, dx, l->left + l->width + CLEAR, &lo, &hi);
    cut(-x0, -dx, CLEAR - l->left, &lo, &hi);
    cut(y0, dy, l->top + l->height + CLEAR, &lo, &hi);
    cut(-y0, -dy, CLEAR - l->top, &lo, &hi);
    return hi > lo ? (hi - lo) * hypot(dx, dy) : 0;
}

static double covered_of_line(const plot_label *l, const double *xs, const double *ys, int n)
{
    double sum = 0;
    for (int i = 1; i < n; i++)
        sum += covered(l, xs[i - 1], ys[i - 1], xs[i], ys[i]);
    return sum;
}

void plot_label_place_beside(plot_label *label, const double *xs, const double *ys, int n,
                             double left, double top, double right, double bottom)
{
    plot_label best = *label;
    double least = INFINITY;
    for (int far = 1; far * RING <= REACH && least > 0; far++) {
        for (int t = 0; t < TURNS && least > 0; t++) {
            plot_label one = *label;
            set_at(&one, far, t);
            const bool on_point =
                fabs(one.left + one.width / 2 - one.x) < one.width / 2 + 2 * CLEAR &&
                fabs(one.top + one.height / 2 - one.y) < one.height / 2 + 2 * CLEAR;
            if (on_point || !is_within(&one, left, top, right, bottom))
                continue;
            const double hidden = covered_of_line(&one, xs, ys, n);
            if (hidden < least) {
                least = hidden;
                best = one;
            }
        }
    }
    *label = best;
    label->placed = true;
}
