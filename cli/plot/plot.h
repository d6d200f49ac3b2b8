/* cli/plot/plot.h — three kinds of image, PNG or SVG by the file's name: lines over a common
 * axis, a map of a matrix in colours, and groups of points with names.
 *
 * Honest by construction: axes have ticks at round numbers and say their unit, lines go through the
 * points and no further, nothing is smoothed, and the colours of a map are even: equal steps of the
 * value are equal steps of lightness to the eye.
 *
 * Built with cairo where CMake finds it; without, every call gives TW_EUNSUPPORTED and a sentence
 * that says what to install.
 */
#ifndef TW_CLI_PLOT_PLOT_H
#define TW_CLI_PLOT_PLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct plot_line {
    const char *name;    /* in the legend of its panel; NULL: none, for a panel's only line */
    const double *x, *y; /* (n) x ascending; finite */
    int n;
} plot_line;

enum { PLOT_MAX_LINES = 6, PLOT_MAX_PANELS = 4 };

/* One of the charts that stand above each other. */
typedef struct plot_panel {
    const char *title; /* what the y axis shows, above it */
    plot_line lines[PLOT_MAX_LINES];
    int n;
    const char *mark; /* NULL, or what to say at the point below */
    double mark_x, mark_y;
} plot_panel;

typedef struct plot_chart {
    const char *title, *subtitle, *x_title; /* subtitle "": none */
    plot_panel panels[PLOT_MAX_PANELS];
    int n;
} plot_chart;

/* A lower triangle: row i shows columns 0..i, what is right of them is blank. */
typedef struct plot_map {
    const char *title, *subtitle;
    const char *value_title;  /* of the colour bar */
    const char *const *names; /* (n) of rows and columns; what does not fit ends in an ellipsis */
    int n;
    const float *values; /* (n,n) >= 0 */
    /* NULL, or a number beside each row (n) that is no cell: printed, for it has another scale. */
    const float *beside;
    const char *beside_name;
} plot_map;

/* Points in groups: each group has a colour, unlike those of groups near by, and its name stands
 * where its points are dense, or beside with a line to there; no two names overlap. Where there is
 * no room, the names of the smallest groups are left out. */
typedef struct plot_groups {
    const char *title, *subtitle;
    const float *xy;       /* (n,2) -1..1, up is up */
    const int32_t *group;  /* (n) 0..n_groups-1 */
    const float *strength; /* (n) 0 pale .. 1 strong; NULL: all strong */
    int64_t n;
    const char *const *names; /* (n_groups) the largest group first */
    int n_groups;
} plot_groups;

/* False: built without cairo. */
bool plot_available(void);

/* Before a long wait for what is to be drawn. TW_EUNSUPPORTED: built without cairo. TW_EINVAL: the
 * name ends neither in .png nor in .svg. */
TW_NODISCARD tw_status plot_check(const char *path, tw_error *err);

/* Draw and replace the file. Statuses of plot_check; TW_EIO and friends, TW_ENOTFOUND (the folder);
 * TW_ENOMEM; TW_EINVAL: nothing to draw, or a point that is not finite. */
TW_NODISCARD tw_status plot_chart_draw(const char *path, const plot_chart *c, tw_error *err);
TW_NODISCARD tw_status plot_map_draw(const char *path, const plot_map *m, tw_error *err);
TW_NODISCARD tw_status plot_groups_draw(const char *path, const plot_groups *g, tw_error *err);

/* ---- for tests ------------------------------------------------------------------------------- */

/* A round step (1, 2 or 5 times a power of ten) that cuts least..most into at most `wanted` parts.
 */
double plot_step(double least, double most, int wanted);

/* The colour of t in 0..1 as sRGB in 0..1. */
void plot_colour(double t, double rgb[3]);

/* A colour by its lightness (0..1), chroma (0: grey, 0.15: strong) and hue (0..1, once around the
 * circle) in OKLab, as sRGB. */
void plot_hue(double lightness, double chroma, double turn, double rgb[3]);

#endif
