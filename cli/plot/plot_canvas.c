/* cli/plot/plot_canvas.c — drawing with cairo. */
#include "cli/plot/plot_canvas.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/printable.h"
#include "base/text.h"
#include "cli/plot/plot.h"

enum { SHARPNESS = 2 };

#define MAX_FILE  ((size_t) 64 << 20)
#define MAX_LABEL 512 /* bytes of a text that is drawn */
#define ELLIPSIS  "\xe2\x80\xa6"
#define FONT      "sans-serif"

struct canvas {
    cairo_t *cr;
    cairo_surface_t *surface;
    tw_text bytes; /* the file, as it is written */
    bool svg;
};

bool plot_available(void) { return true; }

static bool ends_in(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return n > m && strcmp(path + n - m, end) == 0;
}

tw_status plot_check(const char *path, tw_error *err)
{
    if (ends_in(path, ".png") || ends_in(path, ".svg"))
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "'%s' ends neither in .png nor in .svg", path);
}

static cairo_status_t keep_bytes(void *ctx, const unsigned char *data, unsigned int n)
{
    canvas *c = ctx;
    return tw_text_add(&c->bytes, (const char *) data, n, NULL) == TW_OK ? CAIRO_STATUS_SUCCESS
                                                                         : CAIRO_STATUS_WRITE_ERROR;
}

static tw_status cairo_failed(cairo_status_t why, tw_error *err)
{
    return tw_fail(err, TW_ENOMEM, "the image could not be drawn: %s", cairo_status_to_string(why));
}

tw_status canvas_open(canvas **out, const char *path, double width, double height, tw_error *err)
{
    tw_status st = TW_OK;
    canvas *c = NULL;

    *out = NULL;
    TW_TRY(plot_check(path, err));
    c = tw_alloc(1, sizeof *c);
    if (c == NULL) {
        st = tw_fail(err, TW_ENOMEM, "image");
        goto done;
    }
    c->svg = ends_in(path, ".svg");
    tw_text_init(&c->bytes, MAX_FILE);
    c->surface = c->svg
                     ? cairo_svg_surface_create_for_stream(keep_bytes, c, width, height)
                     : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int) ceil(width * SHARPNESS),
                                                  (int) ceil(height * SHARPNESS));
    c->cr = cairo_create(c->surface);
    if (cairo_status(c->cr) != CAIRO_STATUS_SUCCESS) {
        st = cairo_failed(cairo_status(c->cr), err);
        goto done;
    }
    if (!c->svg)
        cairo_scale(c->cr, SHARPNESS, SHARPNESS);
    cairo_set_line_join(c->cr, CAIRO_LINE_JOIN_ROUND);
    canvas_colour(c, 1, 1, 1);
    cairo_paint(c->cr);
    *out = c;
    c = NULL;
done:
    canvas_close(c);
    return st;
}

tw_status canvas_save(canvas *c, const char *path, tw_error *err)
{
    cairo_status_t s = cairo_status(c->cr);
    if (s == CAIRO_STATUS_SUCCESS && c->svg) {
        cairo_surface_finish(c->surface);
        s = cairo_surface_status(c->surface);
    } else if (s == CAIRO_STATUS_SUCCESS) {
        s = cairo_surface_write_to_png_stream(c->surface, keep_bytes, c);
    }
    if (s != CAIRO_STATUS_SUCCESS)
        return cairo_failed(s, err);
    return tw_file_replace(path, tw_text_cstr(&c->bytes), c->bytes.len, err);
}

void canvas_close(canvas *c)
{
    if (c == NULL)
        return;
    cairo_destroy(c->cr); /* both accept NULL */
    cairo_surface_destroy(c->surface);
    tw_text_fini(&c->bytes);
    tw_free(c);
}

void canvas_colour(canvas *c, double r, double g, double b)
{
    cairo_set_source_rgb(c->cr, r, g, b);
}

void canvas_tint(canvas *c, double r, double g, double b, double opacity)
{
    cairo_set_source_rgba(c->cr, r, g, b, opacity);
}

void canvas_stroke(canvas *c, double x0, double y0, double x1, double y1, double width)
{
    cairo_set_line_width(c->cr, width);
    cairo_move_to(c->cr, x0, y0);
    cairo_line_to(c->cr, x1, y1);
    cairo_stroke(c->cr);
}

static void paint(canvas *c, double line)
{
    if (line <= 0) {
        cairo_fill(c->cr);
        return;
    }
    cairo_set_line_width(c->cr, line);
    cairo_stroke(c->cr);
}

void canvas_rectangle(canvas *c, double x, double y, double width, double height, double line)
{
    cairo_rectangle(c->cr, x, y, width, height);
    paint(c, line);
}

void canvas_circle(canvas *c, double x, double y, double radius, double line)
{
    cairo_new_sub_path(c->cr);
    cairo_arc(c->cr, x, y, radius, 0, 2 * acos(-1));
    paint(c, line);
}

void canvas_point(canvas *c, double x, double y) { cairo_line_to(c->cr, x, y); }

void canvas_end_points(canvas *c, double line) { paint(c, line); }

static void choose_font(canvas *c, canvas_ink ink)
{
    static const double sizes[] = {16, 12, 11.5, 10}, greys[] = {0.1, 0.15, 0.42, 0};
    cairo_select_font_face(c->cr, FONT, CAIRO_FONT_SLANT_NORMAL,
                           ink == INK_TITLE ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c->cr, sizes[ink]);
    if (ink != INK_CELL)
        canvas_colour(c, greys[ink], greys[ink], greys[ink]);
}

static double advance(canvas *c, const char *text)
{
    cairo_text_extents_t e;
    cairo_text_extents(c->cr, text, &e);
    return e.x_advance;
}

/* One malformed byte would stop all of the drawing, so the text is made printable; blanks stand for
 * tabs and line ends. */
static void clean(char out[MAX_LABEL], const char *text)
{
    size_t n = strlen(text), to = 0;
    for (size_t at = 0, used = 1; at < n && to + sizeof ELLIPSIS + TW_PRINTABLE_MAX < MAX_LABEL;
         at += used) {
        used = 1;
        if ((unsigned char) text[at] < 0x20)
            out[to++] = ' ';
        else
            to += tw_printable_next(text + at, n - at, false, &used, out + to);
    }
    out[to] = '\0';
}

/* Takes code points off the end until what is left fits with an ellipsis behind it. */
static void shorten(canvas *c, char text[MAX_LABEL], double most)
{
    size_t n = strlen(text);
    if (most <= 0 || advance(c, text) <= most)
        return;
    while (n > 0) {
        do
            n--;
        while (n > 0 && ((unsigned char) text[n] & 0xc0) == 0x80);
        while (n > 0 && text[n - 1] == ' ')
            n--;
        memcpy(text + n, ELLIPSIS, sizeof ELLIPSIS);
        if (advance(c, text) <= most)
            return;
    }
}

double canvas_text_width(canvas *c, canvas_ink ink, const char *text)
{
    char label[MAX_LABEL];
    choose_font(c, ink);
    clean(label, text);
    return advance(c, label);
}

double canvas_text(canvas *c, canvas_ink ink, const char *text, double x, double y, double anchor,
                   double angle, double most)
{
    char label[MAX_LABEL];
    choose_font(c, ink);
    clean(label, text);
    shorten(c, label, most);
    double width = advance(c, label);
    cairo_save(c->cr);
    cairo_translate(c->cr, x, y);
    cairo_rotate(c->cr, angle);
    cairo_move_to(c->cr, -anchor * width, 0);
    cairo_show_text(c->cr, label);
    cairo_new_path(c->cr);
    cairo_restore(c->cr);
    return width;
}

static void choose_label_font(canvas *c, double size)
{
    cairo_select_font_face(c->cr, FONT, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    cairo_set_font_size(c->cr, size);
}

double canvas_label_width(canvas *c, const char *text, double size)
{
    char label[MAX_LABEL];
    choose_label_font(c, size);
    clean(label, text);
    return advance(c, label);
}

void canvas_label(canvas *c, const char *text, double size, const double rgb[3], double x, double y)
{
    char label[MAX_LABEL];
    choose_label_font(c, size);
    clean(label, text);
    cairo_move_to(c->cr, x - advance(c, label) / 2, y);
    cairo_text_path(c->cr, label);
    cairo_set_source_rgba(c->cr, 1, 1, 1, 0.85);
    cairo_set_line_width(c->cr, size / 3);
    cairo_stroke_preserve(c->cr);
    canvas_colour(c, rgb[0], rgb[1], rgb[2]);
    cairo_fill(c->cr);
}
