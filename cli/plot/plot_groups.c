/* Groups of points with their names: a map of a catalogue. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/plot/plot.h"
#include "cli/plot/plot_canvas.h"
#include "cli/plot/plot_labels.h"

/* Layout, in pixels. */
#define WIDTH    1280.0 /* of the sheet at most ... */
#define NARROW   860.0  /* ... and at least */
#define HEAD     72.0   /* title and subtitle */
#define MARGIN   34.0
#define LOW      560.0 /* the field's least and greatest height */
#define HIGH     900.0
#define LABEL    16.0  /* size of the largest groups' names ... */
#define SMALLEST 12.0  /* ... and of the smallest's */
#define LINE     1.25  /* of a name of two lines, in sizes */
#define WRAP     130.0 /* a wider name is cut in two at a comma */
#define ASIDE    14.0  /* a name farther from its points than this has a line to them */
#define REACH    50.0  /* ... and one that has no room this near is left out: lines would cross */

enum {
    HUES = 12,
    SHADES = 2,
    COLOURS = HUES * SHADES,
    MAX_NAME = 256,
    MOST_MET = 400,
    MOST_NAMES = 64 /* of the largest groups; of more a reader sees none */
};

/* By eye: two shades that differ from each other, from white and from the names. */
static const double lightness[SHADES] = {0.68, 0.52}, chroma[SHADES] = {0.125, 0.13};

typedef struct one_group {
    double x, y; /* where its points are dense */
    int64_t size;
    int colour;
    char lines[2][MAX_NAME]; /* the second "": one line */
    double font;
} one_group;

typedef struct field {
    const plot_groups *g;
    one_group *groups;  /* (n_groups) */
    plot_label *labels; /* (n_groups) */
    double scale, middle_x, middle_y, width, height;
} field;

static double to_x(const field *f, float x) { return f->middle_x + f->scale * (double) x; }
static double to_y(const field *f, float y) { return f->middle_y - f->scale * (double) y; }

/* ---- where, in which colour ------------------------------------------------------------------ */

static void lay_out(field *f)
{
    double low = 1, high = -1;
    for (int64_t i = 0; i < f->g->n; i++) {
        low = fmin(low, (double) f->g->xy[2 * i + 1]);
        high = fmax(high, (double) f->g->xy[2 * i + 1]);
    }
    const double wide = (WIDTH - 2 * MARGIN) / 2, tall = high > low ? (high - low) / 2 : 0;
    f->scale = tall > 0 && wide * tall * 2 > HIGH ? HIGH / (2 * tall) : wide;
    f->width = fmax(NARROW, 2 * f->scale + 2 * MARGIN);
    f->height = fmax(LOW, fmin(HIGH, 2 * tall * f->scale)) + 2 * MARGIN;
    f->middle_x = f->width / 2;
    f->middle_y = HEAD + f->height / 2;
}

/* The point of a group with the most of its own near by; of a large group a part is asked. */
static void find_middle(field *f, int group)
{
    const plot_groups *g = f->g;
    one_group *own = &f->groups[group];
    int64_t met = 0, step = own->size / MOST_MET + 1;
    double best = -1;
    for (int64_t i = 0; i < g->n; i++) {
        double weight = 0;
        if (g->group[i] != group || met++ % step != 0)
            continue;
        for (int64_t j = 0, other = 0; j < g->n; j++) {
            if (g->group[j] != group || other++ % step != 0)
                continue;
            double dx = (double) (g->xy[2 * j] - g->xy[2 * i]);
            double dy = (double) (g->xy[2 * j + 1] - g->xy[2 * i + 1]);
            weight += exp(-(dx * dx + dy * dy) / 0.01); /* near: a tenth of half the field */
        }
        if (weight > best) {
            best = weight;
            own->x = to_x(f, g->xy[2 * i]);
            own->y = to_y(f, g->xy[2 * i + 1]);
        }
    }
}

static double unlike(int a, int b)
{
    const double around = 2 * acos(-1) / HUES;
    const int la = a / HUES, lb = b / HUES;
    double dl = lightness[la] - lightness[lb];
    double dx = chroma[la] * cos(around * a) - chroma[lb] * cos(around * b);
    double dy = chroma[la] * sin(around * a) - chroma[lb] * sin(around * b);
    return sqrt(dl * dl + dx * dx + dy * dy);
}

/* The colour that is most unlike those of the groups before, near ones above all; far away a colour
 * may come again. */
static void choose_colour(field *f, int group)
{
    double best = -1;
    for (int colour = 0; colour < COLOURS; colour++) {
        double least = INFINITY;
        for (int o = 0; o < group; o++) {
            double dx = f->groups[o].x - f->groups[group].x,
                   dy = f->groups[o].y - f->groups[group].y;
            double apart =
                unlike(colour, f->groups[o].colour) + 0.5 * sqrt(dx * dx + dy * dy) / WIDTH;
            least = fmin(least, apart);
        }
        if (least > best) {
            best = least;
            f->groups[group].colour = colour;
        }
    }
}

static double turn_of(const one_group *own) { return (own->colour % HUES + 0.35) / HUES; }

static void point_colour(const one_group *own, double rgb[3])
{
    const int shade = own->colour / HUES;
    plot_hue(lightness[shade], chroma[shade], turn_of(own), rgb);
}

static void name_colour(const one_group *own, double rgb[3])
{
    plot_hue(0.38, 0.11, turn_of(own), rgb);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* How bad it is to cut a name at this blank: letters away from its middle, and eight for a cut that
 * is neither behind a comma nor before a parenthesis. */
static double badness(const char *name, const char *blank)
{
    const bool good = (blank > name && blank[-1] == ',') || blank[1] == '(';
    return fabs((double) (blank - name) - (double) strlen(name) / 2) + (good ? 0 : 8);
}

/* Cuts a wide name in two. */
static void cut_name(canvas *c, one_group *own, const char *name)
{
    const char *best = NULL;
    (void) snprintf(own->lines[0], MAX_NAME, "%s", name);
    own->lines[1][0] = '\0';
    if (canvas_label_width(c, name, own->font) <= WRAP)
        return;
    for (const char *at = name; (at = strchr(at, ' ')) != NULL; at++)
        if (best == NULL || badness(name, at) < badness(name, best))
            best = at;
    if (best == NULL)
        return;
    (void) snprintf(own->lines[0], MAX_NAME, "%.*s", (int) (best - name), name);
    (void) snprintf(own->lines[1], MAX_NAME, "%s", best + 1);
}

static void size_label(canvas *c, field *f, int group)
{
    one_group *own = &f->groups[group];
    const double share = (double) own->size / (double) f->groups[0].size;
    own->font = SMALLEST + (LABEL - SMALLEST) * sqrt(share);
    cut_name(c, own, f->g->names[group]);
    f->labels[group] = (plot_label){
        .x = own->x,
        .y = own->y,
        .width = fmax(canvas_label_width(c, own->lines[0], own->font),
                      canvas_label_width(c, own->lines[1], own->font)),
        .height = own->font * (own->lines[1][0] != '\0' ? 1 + LINE : 1),
    };
}

static void draw_lead(canvas *c, const field *f, int group)
{
    const one_group *own = &f->groups[group];
    const plot_label *l = &f->labels[group];
    double rgb[3];
    /* From the point of the box that is nearest. */
    const double x = fmax(l->left, fmin(own->x, l->left + l->width));
    const double y = fmax(l->top, fmin(own->y, l->top + l->height));
    if (hypot(x - own->x, y - own->y) < ASIDE)
        return;
    name_colour(own, rgb);
    canvas_tint(c, 1, 1, 1, 0.85);
    canvas_stroke(c, x, y, own->x, own->y, 3);
    canvas_colour(c, rgb[0], rgb[1], rgb[2]);
    canvas_stroke(c, x, y, own->x, own->y, 1);
    canvas_circle(c, own->x, own->y, 2.5, 0);
}

static void draw_name(canvas *c, const field *f, int group)
{
    const one_group *own = &f->groups[group];
    const plot_label *l = &f->labels[group];
    double rgb[3];
    name_colour(own, rgb);
    for (int line = 0; line < 2; line++) {
        if (own->lines[line][0] != '\0')
            canvas_label(c, own->lines[line], own->font, rgb, l->left + l->width / 2,
                         l->top + own->font * (0.84 + line * LINE));
    }
}

/* ---- the image ----------------------------------------------------------------------------- */

static void draw_points(canvas *c, const field *f)
{
    const plot_groups *g = f->g;
    const double radius = fmax(1.3, fmin(4.5, 130 / sqrt((double) g->n)));
    for (int64_t i = 0; i < g->n; i++) {
        double rgb[3], x = to_x(f, g->xy[2 * i]), y = to_y(f, g->xy[2 * i + 1]);
        const double strength = g->strength != NULL ? (double) g->strength[i] : 1;
        point_colour(&f->groups[g->group[i]], rgb);
        canvas_tint(c, 1, 1, 1, 0.8);
        canvas_circle(c, x, y, radius + 0.6, 0);
        canvas_tint(c, rgb[0], rgb[1], rgb[2], 0.25 + 0.75 * strength);
        canvas_circle(c, x, y, radius, 0);
    }
}

static tw_status check(const char *path, const plot_groups *g, tw_error *err)
{
    tw_status st = plot_check(path, err);
    if (st == TW_OK && (g->n < 1 || g->n_groups < 1))
        st = tw_fail(err, TW_EINVAL, "there is nothing to draw");
    for (int64_t i = 0; st == TW_OK && i < g->n; i++) {
        if (!isfinite(g->xy[2 * i]) || !isfinite(g->xy[2 * i + 1]) || g->group[i] < 0 ||
            g->group[i] >= g->n_groups)
            st = tw_fail(err, TW_EINVAL, "point %lld cannot be drawn", (long long) i);
    }
    return st;
}

tw_status plot_groups_draw(const char *path, const plot_groups *g, tw_error *err)
{
    tw_status st = TW_OK;
    canvas *c = NULL;
    field f = {.g = g};

    TW_TRY(check(path, g, err));
    f.groups = tw_alloc((size_t) g->n_groups, sizeof *f.groups);
    f.labels = tw_alloc((size_t) g->n_groups, sizeof *f.labels);
    if (f.groups == NULL || f.labels == NULL) {
        st = tw_fail(err, TW_ENOMEM, "image of %d groups", g->n_groups);
        goto done;
    }
    lay_out(&f);
    TW_TRY(canvas_open(&c, path, f.width, HEAD + f.height, err));
    for (int64_t i = 0; i < g->n; i++)
        f.groups[g->group[i]].size++;
    for (int a = 0; a < g->n_groups; a++) {
        find_middle(&f, a);
        choose_colour(&f, a);
        size_label(c, &f, a);
    }
    const int named = g->n_groups < MOST_NAMES ? g->n_groups : MOST_NAMES;
    plot_labels_place(f.labels, named, REACH, 6, HEAD - 6, f.width - 6, HEAD + f.height - 6);
    (void) canvas_text(c, INK_TITLE, g->title, MARGIN, 34, 0, 0, f.width - 2 * MARGIN);
    (void) canvas_text(c, INK_QUIET, g->subtitle, MARGIN, 54, 0, 0, f.width - 2 * MARGIN);
    draw_points(c, &f);
    for (int a = 0; a < named; a++)
        if (f.labels[a].placed)
            draw_lead(c, &f, a);
    for (int a = 0; a < named; a++)
        if (f.labels[a].placed)
            draw_name(c, &f, a);
    TW_TRY(canvas_save(c, path, err));
done:
    tw_free(f.groups);
    tw_free(f.labels);
    canvas_close(c);
    return st;
}
