/* cli/plot/plot_labels.h — where names go on an image, so that none covers another. */
#ifndef TW_CLI_PLOT_PLOT_LABELS_H
#define TW_CLI_PLOT_PLOT_LABELS_H

#include <stdbool.h>

typedef struct plot_label {
    double x, y;          /* what is named */
    double width, height; /* of the name */
    double left, top;     /* filled: where it goes */
    bool placed;          /* filled: false where no room was found */
} plot_label;

/* Places names one after the other, the first best: each in the middle of what it names or, where
 * another name is, as near as there is room within the frame, and at most `reach` away.
 * Deterministic. */
void plot_labels_place(plot_label *labels, int n, double reach, double left, double top,
                       double right, double bottom);

/* Places one name beside the point (x, y) of a line through (xs, ys) (n, pixels): as near as there
 * is room within the frame that the line does not cross, nor comes close to. Where there is none,
 * it is put where the line covers it least: placed is true always. */
void plot_label_place_beside(plot_label *label, const double *xs, const double *ys, int n,
                             double left, double top, double right, double bottom);

#endif
