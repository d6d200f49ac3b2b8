/* cli/plot/plot_canvas.h — the sheet that all kinds of image draw on, with a file at the end: the
 * only file that includes cairo. Not there where the program is built without it.
 *
 * Lengths are in pixels of an ordinary screen; a PNG has twice as many each way. Colours are sRGB
 * in 0..1. Drawing calls cannot fail: canvas_save reports what went wrong.
 */
#ifndef TW_CLI_PLOT_PLOT_CANVAS_H
#define TW_CLI_PLOT_PLOT_CANVAS_H

#include <stdbool.h>

#include "base/error.h"

typedef struct canvas canvas;

/* The texts of all images. */
typedef enum canvas_ink { INK_TITLE, INK_TEXT, INK_QUIET, INK_CELL } canvas_ink;

/* A white sheet. TW_EINVAL: path ends neither in .png nor in .svg. TW_ENOMEM. */
TW_NODISCARD tw_status canvas_open(canvas **out, const char *path, double width, double height,
                                   tw_error *err);
/* Ends the image and replaces the file. */
TW_NODISCARD tw_status canvas_save(canvas *c, const char *path, tw_error *err);
void canvas_close(canvas *c); /* accepts NULL */

void canvas_colour(canvas *c, double r, double g, double b);
/* The same, but what lies below shows through: opacity 0..1. */
void canvas_tint(canvas *c, double r, double g, double b, double opacity);
void canvas_stroke(canvas *c, double x0, double y0, double x1, double y1, double width);
/* line 0: filled. */
void canvas_rectangle(canvas *c, double x, double y, double width, double height, double line);
void canvas_circle(canvas *c, double x, double y, double radius, double line);
/* A line through points: each of them, then its end. */
void canvas_point(canvas *c, double x, double y);
void canvas_end_points(canvas *c, double line);

/* Text whose point `anchor` (0 left, 0.5 middle, 1 right end) of the base line is at (x, y), turned
 * by `angle` radians about it. Wider than `most` (0: any) it ends in an ellipsis. Sets the colour,
 * but for INK_CELL. Returns its width. */
double canvas_text(canvas *c, canvas_ink ink, const char *text, double x, double y, double anchor,
                   double angle, double most);

/* The width of a text on one line. */
double canvas_text_width(canvas *c, canvas_ink ink, const char *text);

/* A bold text of a size in a colour, its middle at x, its base line at y, on a white shimmer so
 * that it can be read on top of anything. */
void canvas_label(canvas *c, const char *text, double size, const double rgb[3], double x,
                  double y);
double canvas_label_width(canvas *c, const char *text, double size);

#endif
