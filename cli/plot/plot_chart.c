/* cli/plot/plot_chart.c — lines in panels over one x axis. */
#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/plot/plot.h"
#include "cli/plot/plot_canvas.h"
#include "cli/plot/plot_labels.h"

/* Layout, in pixels. */
#define WIDTH       900.0
#define LEFT        76.0
#define RIGHT       28.0
#define TOP         64.0 /* to the first panel's title */
#define PANEL_TITLE 24.0
#define PANEL       230.0
#define GAP         26.0
#define BOTTOM      52.0
#define TEXT_HEIGHT 14.0

enum { X_TICKS = 8, Y_TICKS = 5, DOTS_UP_TO = 80 };

/* Wong 2011 (Nature Methods 8:441): distinct with every kind of colour vision. */
static const double palette[PLOT_MAX_LINES][3] = {{0.00, 0.45, 0.70}, {0.84, 0.37, 0.00},
                                                  {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65},
                                                  {0.34, 0.71, 0.91}, {0.35, 0.35, 0.35}};

typedef struct range {
    double least, most, step;
} range;

/* Where things are in one panel. */
typedef struct frame {
    canvas *c;
    double left, top, width, height;
    range x, y;
} frame;

static double at_x(const frame *f, double x)
{
    return f->left + f->width * (x - f->x.least) / (f->x.most - f->x.least);
}

static double at_y(const frame *f, double y)
{
    return f->top + f->height * (f->y.most - y) / (f->y.most - f->y.least);
}

static void widen(range *r, const double *v, int n)
{
    for (int i = 0; i < n; i++) {
        r->least = v[i] < r->least ? v[i] : r->least;
        r->most = v[i] > r->most ? v[i] : r->most;
    }
}

/* A range that has a width and ends at round numbers. */
static void round_off(range *r, int ticks)
{
    if (!(r->most > r->least)) {
        double room = r->most != 0 ? fabs(r->most) / 2 : 1;
        r->least -= room;
        r->most += room;
    }
    r->step = plot_step(r->least, r->most, ticks);
    r->least = floor(r->least / r->step + 1e-9) * r->step;
    r->most = ceil(r->most / r->step - 1e-9) * r->step;
}

static void format_tick(char *out, size_t size, double v, double step)
{
    int decimals = (int) -floor(log10(step) + 1e-9);
    (void) snprintf(out, size, "%.*f", decimals > 0 ? decimals : 0, fabs(v) < step / 2 ? 0 : v);
}

static int ticks_in(const range *r) { return (int) floor((r->most - r->least) / r->step + 1e-9); }

static void draw_axes(const frame *f, bool x_labels)
{
    char text[32];
    for (int i = 0; i <= ticks_in(&f->y); i++) {
        double v = f->y.least + i * f->y.step, y = at_y(f, v);
        canvas_colour(f->c, 0.89, 0.89, 0.89);
        canvas_stroke(f->c, f->left, y, f->left + f->width, y, 1);
        format_tick(text, sizeof text, v, f->y.step);
        (void) canvas_text(f->c, INK_QUIET, text, f->left - 8, y + 4, 1, 0, 0);
    }
    for (int i = 0; i <= ticks_in(&f->x); i++) {
        double v = f->x.least + i * f->x.step, x = at_x(f, v), bottom = f->top + f->height;
        canvas_colour(f->c, 0.35, 0.35, 0.35);
        canvas_stroke(f->c, x, bottom, x, bottom + 5, 1);
        format_tick(text, sizeof text, v, f->x.step);
        if (x_labels)
            (void) canvas_text(f->c, INK_QUIET, text, x, bottom + 19, 0.5, 0, 0);
    }
    canvas_colour(f->c, 0.35, 0.35, 0.35);
    canvas_stroke(f->c, f->left, f->top + f->height, f->left + f->width, f->top + f->height, 1);
}

static void draw_line(const frame *f, const plot_line *l, const double colour[3])
{
    canvas_colour(f->c, colour[0], colour[1], colour[2]);
    for (int i = 0; i < l->n; i++)
        canvas_point(f->c, at_x(f, l->x[i]), at_y(f, l->y[i]));
    canvas_end_points(f->c, 2);
    for (int i = 0; i < l->n && l->n <= DOTS_UP_TO; i++)
        canvas_circle(f->c, at_x(f, l->x[i]), at_y(f, l->y[i]), 2.6, 0);
}

/* Beside the point, where its line does not run. */
static tw_status draw_mark(const frame *f, const plot_panel *p, tw_error *err)
{
    const plot_line *l = &p->lines[0];
    double *x = tw_alloc((size_t) l->n, sizeof *x), *y = tw_alloc((size_t) l->n, sizeof *y);
    plot_label at = {.x = at_x(f, p->mark_x),
                     .y = at_y(f, p->mark_y),
                     .width = canvas_text_width(f->c, INK_TEXT, p->mark),
                     .height = TEXT_HEIGHT};
    tw_status st = TW_OK;

    if (x == NULL || y == NULL) {
        st = tw_fail(err, TW_ENOMEM, "a line of %d points", l->n);
        goto done;
    }
    for (int i = 0; i < l->n; i++) {
        x[i] = at_x(f, l->x[i]);
        y[i] = at_y(f, l->y[i]);
    }
    plot_label_place_beside(&at, x, y, l->n, f->left, f->top, f->left + f->width,
                            f->top + f->height);
    canvas_colour(f->c, 0.1, 0.1, 0.1);
    canvas_circle(f->c, at.x, at.y, 6, 1.5);
    (void) canvas_text(f->c, INK_TEXT, p->mark, at.left, at.top + TEXT_HEIGHT - 3, 0, 0, 0);
done:
    tw_free(x);
    tw_free(y);
    return st;
}

static void draw_legend(const frame *f, const plot_panel *p)
{
    double x = f->left + f->width;
    for (int i = p->n - 1; i >= 0 && p->n > 1; i--) {
        const char *name = p->lines[i].name != NULL ? p->lines[i].name : "";
        x -= canvas_text(f->c, INK_TEXT, name, x, f->top - 9, 1, 0, 160) + 8;
        canvas_colour(f->c, palette[i][0], palette[i][1], palette[i][2]);
        canvas_stroke(f->c, x - 22, f->top - 13, x, f->top - 13, 2.5);
        x -= 22 + 18;
    }
}

static tw_status draw_panel(frame *f, const plot_panel *p, int index, bool x_labels, tw_error *err)
{
    f->y = (range){.least = INFINITY, .most = -INFINITY};
    for (int i = 0; i < p->n; i++)
        widen(&f->y, p->lines[i].y, p->lines[i].n);
    round_off(&f->y, Y_TICKS);
    (void) canvas_text(f->c, INK_TEXT, p->title, f->left, f->top - 9, 0, 0, f->width);
    draw_axes(f, x_labels);
    for (int i = 0; i < p->n; i++)
        draw_line(f, &p->lines[i], palette[p->n > 1 ? i : index]);
    draw_legend(f, p);
    return p->mark != NULL ? draw_mark(f, p, err) : TW_OK;
}

static tw_status check_line(const plot_line *l, const char *title, tw_error *err)
{
    if (l->n == 0)
        return tw_fail(err, TW_EINVAL, "there is nothing to draw of '%s'", title);
    for (int i = 0; i < l->n; i++)
        if (!isfinite(l->x[i]) || !isfinite(l->y[i]))
            return tw_fail(err, TW_EINVAL, "point %d of '%s' is not finite", i + 1, title);
    return TW_OK;
}

static tw_status check(const plot_chart *c, tw_error *err)
{
    tw_status st = c->n > 0 ? TW_OK : tw_fail(err, TW_EINVAL, "there is nothing to draw");
    for (int i = 0; i < c->n; i++) {
        const plot_panel *p = &c->panels[i];
        for (int l = 0; st == TW_OK && l < p->n; l++)
            st = check_line(&p->lines[l], p->title, err);
    }
    return st;
}

tw_status plot_chart_draw(const char *path, const plot_chart *p, tw_error *err)
{
    tw_status st = TW_OK;
    canvas *c = NULL;
    double height = TOP + p->n * (PANEL_TITLE + PANEL + GAP) - GAP + BOTTOM;
    frame f = {.left = LEFT, .width = WIDTH - LEFT - RIGHT, .height = PANEL};

    TW_TRY(plot_check(path, err));
    TW_TRY(check(p, err));
    TW_TRY(canvas_open(&c, path, WIDTH, height, err));
    f.c = c;
    (void) canvas_text(c, INK_TITLE, p->title, LEFT, 30, 0, 0, f.width);
    (void) canvas_text(c, INK_QUIET, p->subtitle, LEFT, 49, 0, 0, f.width);
    for (int i = 0; i < p->n; i++)
        for (int l = 0; l < p->panels[i].n; l++)
            widen(&f.x, p->panels[i].lines[l].x, p->panels[i].lines[l].n); /* from 0 */
    f.x.most = f.x.most > f.x.least ? f.x.most : f.x.least + 1;
    f.x.step = plot_step(f.x.least, f.x.most, X_TICKS);
    for (int i = 0; i < p->n; i++) {
        f.top = TOP + PANEL_TITLE + i * (PANEL_TITLE + PANEL + GAP);
        TW_TRY(draw_panel(&f, &p->panels[i], i, i == p->n - 1, err));
    }
    (void) canvas_text(c, INK_TEXT, p->x_title, LEFT + f.width / 2, height - 12, 0.5, 0, f.width);
    TW_TRY(canvas_save(c, path, err));
done:
    canvas_close(c);
    return st;
}
