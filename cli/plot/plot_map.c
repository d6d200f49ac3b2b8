/* cli/plot/plot_map.c — a matrix in colours, its rows and columns named. */
#include <math.h>
#include <stdio.h>

#include "cli/plot/plot.h"
#include "cli/plot/plot_canvas.h"

/* Layout, in pixels. */
#define NAMES       230.0 /* of rows, and along the slant, of columns */
#define TOP         70.0
#define MARGIN      20.0
#define BESIDE      46.0 /* width of the column of numbers */
#define WIDTH_LEAST 640.0
#define BAR_GAP     28.0
#define BAR         16.0
#define BAR_LABELS  74.0
#define BAR_LEAST   150.0 /* its height */
#define BAR_MOST    320.0
#define SIDE        620.0 /* about what the cells together should be */
#define CELL_LEAST  17.0
#define CELL_MOST   36.0
#define CELL_TEXT   33.0 /* from this size on, cells hold their number */
#define SLANT       0.87 /* radians that column names are turned by */

enum { BAR_TICKS = 5, BAR_STEPS = 128 };

typedef struct layout {
    double names;                 /* how long the longest is */
    double cell, side, left, top; /* of a cell; of all of them, and where they begin */
    double bar_left, bar_height;
    double width, height; /* of the sheet */
    double most;          /* the largest value */
} layout;

/* How far the longest name reaches, by writing all of them where nothing is shown. */
static tw_status measure(const char *path, const plot_map *m, double *longest, tw_error *err)
{
    canvas *c = NULL;
    *longest = 0;
    tw_status st = canvas_open(&c, path, 1, 1, err);
    for (int i = 0; st == TW_OK && i < m->n + (m->beside != NULL); i++) {
        double width =
            canvas_text(c, INK_TEXT, i < m->n ? m->names[i] : m->beside_name, 0, -99, 0, 0, NAMES);
        *longest = width > *longest ? width : *longest;
    }
    canvas_close(c);
    return st;
}

static layout lay_out(const plot_map *m, double names)
{
    layout l = {.names = names, .top = TOP};
    l.left = MARGIN + names + 8 + (m->beside != NULL ? BESIDE : 0);
    l.cell = floor(SIDE / m->n);
    l.cell = l.cell < CELL_LEAST ? CELL_LEAST : l.cell > CELL_MOST ? CELL_MOST : l.cell;
    l.side = l.cell * m->n;
    l.bar_left = l.left + l.side + BAR_GAP;
    l.bar_height = l.side < BAR_LEAST ? BAR_LEAST : l.side > BAR_MOST ? BAR_MOST : l.side;
    l.width = l.bar_left + BAR + BAR_LABELS + MARGIN;
    l.width = l.width < WIDTH_LEAST ? WIDTH_LEAST : l.width;
    double cells = l.side + 12 + names * sin(SLANT);
    l.height = l.top + (cells > l.bar_height ? cells : l.bar_height) + MARGIN;
    for (size_t i = 0; i < (size_t) m->n * (size_t) m->n; i++)
        l.most = (double) m->values[i] > l.most ? (double) m->values[i] : l.most;
    l.most = l.most > 0 ? l.most : 1;
    return l;
}

static void draw_cell(canvas *c, const layout *l, int row, int column, double v)
{
    double rgb[3], x = l->left + column * l->cell, y = l->top + row * l->cell;
    char text[16];

    plot_colour(v / l->most, rgb);
    canvas_colour(c, rgb[0], rgb[1], rgb[2]);
    canvas_rectangle(c, x + 0.5, y + 0.5, l->cell - 1, l->cell - 1, 0);
    if (l->cell < CELL_TEXT)
        return;
    double grey = v / l->most > 0.5 ? 1 : 0.2;
    canvas_colour(c, grey, grey, grey);
    (void) snprintf(text, sizeof text, "%.2f", v);
    (void) canvas_text(c, INK_CELL, text, x + l->cell / 2, y + l->cell / 2 + 3.5, 0.5, 0, 0);
}

static void draw_rows(canvas *c, const plot_map *m, const layout *l)
{
    char text[16];
    double end = l->left - 8 - (m->beside != NULL ? BESIDE : 0);
    for (int i = 0; i < m->n; i++) {
        double base = l->top + (i + 0.5) * l->cell + 4;
        (void) canvas_text(c, INK_TEXT, m->names[i], end, base, 1, 0, NAMES);
        for (int j = 0; j <= i; j++)
            draw_cell(c, l, i, j, (double) m->values[(size_t) i * (size_t) m->n + (size_t) j]);
        if (m->beside == NULL)
            continue;
        (void) snprintf(text, sizeof text, "%.2f", (double) m->beside[i]);
        (void) canvas_text(c, INK_QUIET, text, l->left - BESIDE / 2, base, 0.5, 0, 0);
    }
}

static void draw_columns(canvas *c, const plot_map *m, const layout *l)
{
    double base = l->top + l->side + 12;
    for (int j = 0; j < m->n; j++)
        (void) canvas_text(c, INK_TEXT, m->names[j], l->left + (j + 0.5) * l->cell + 4, base, 1,
                           -SLANT, NAMES);
    if (m->beside != NULL)
        (void) canvas_text(c, INK_QUIET, m->beside_name, l->left - BESIDE / 2 + 4, base, 1, -SLANT,
                           NAMES);
}

static void draw_bar(canvas *c, const plot_map *m, const layout *l)
{
    char text[32];
    double step = plot_step(0, l->most, BAR_TICKS), part = l->bar_height / BAR_STEPS;
    int decimals = (int) -floor(log10(step) + 1e-9);
    for (int i = 0; i < BAR_STEPS; i++) { /* overlapping a little, so that no seam shows */
        double rgb[3];
        plot_colour((i + 0.5) / BAR_STEPS, rgb);
        canvas_colour(c, rgb[0], rgb[1], rgb[2]);
        canvas_rectangle(c, l->bar_left, l->top + l->bar_height - (i + 1) * part, BAR,
                         part + (i > 0 ? 0.5 : 0), 0);
    }
    canvas_colour(c, 0.35, 0.35, 0.35);
    canvas_rectangle(c, l->bar_left, l->top, BAR, l->bar_height, 1);
    for (int i = 0; i * step <= l->most * (1 + 1e-9); i++) {
        double y = l->top + l->bar_height * (1 - i * step / l->most);
        canvas_colour(c, 0.35, 0.35, 0.35);
        canvas_stroke(c, l->bar_left + BAR, y, l->bar_left + BAR + 5, y, 1);
        (void) snprintf(text, sizeof text, "%.*f", decimals > 0 ? decimals : 0, i * step);
        (void) canvas_text(c, INK_QUIET, text, l->bar_left + BAR + 9, y + 4, 0, 0, 0);
    }
    (void) canvas_text(c, INK_QUIET, m->value_title, l->bar_left + BAR + 58,
                       l->top + l->bar_height / 2, 0.5, -acos(-1) / 2, l->bar_height);
}

tw_status plot_map_draw(const char *path, const plot_map *m, tw_error *err)
{
    tw_status st = TW_OK;
    canvas *c = NULL;
    double names;

    TW_TRY(plot_check(path, err));
    if (m->n < 1) {
        st = tw_fail(err, TW_EINVAL, "there is nothing to draw");
        goto done;
    }
    TW_TRY(measure(path, m, &names, err));
    const layout l = lay_out(m, names);
    TW_TRY(canvas_open(&c, path, l.width, l.height, err));
    (void) canvas_text(c, INK_TITLE, m->title, MARGIN, 30, 0, 0, l.width - 2 * MARGIN);
    (void) canvas_text(c, INK_QUIET, m->subtitle, MARGIN, 49, 0, 0, l.width - 2 * MARGIN);
    draw_rows(c, m, &l);
    draw_columns(c, m, &l);
    draw_bar(c, m, &l);
    TW_TRY(canvas_save(c, path, err));
done:
    canvas_close(c);
    return st;
}
