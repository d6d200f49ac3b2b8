/* A map of groups is read back and looked at by its pixels. */
#include <cairo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/plot/plot.h"
#include "tests/support/test.h"

/* The mean colour of the square of `side` pixels about (x, y), in the image's own pixels. */
static void mean_colour(cairo_surface_t *s, double x, double y, int side, double rgb[3])
{
    const unsigned char *data = cairo_image_surface_get_data(s);
    const int stride = cairo_image_surface_get_stride(s);
    memset(rgb, 0, 3 * sizeof *rgb);
    for (int j = -side / 2; j < side / 2; j++)
        for (int i = -side / 2; i < side / 2; i++) {
            uint32_t pixel;
            memcpy(&pixel, data + ((int) y + j) * stride + ((int) x + i) * 4, sizeof pixel);
            for (int c = 0; c < 3; c++)
                rgb[c] += (double) (pixel >> (16 - 8 * c) & 0xff) / 255 / side / side;
        }
}

static double apart(const double a[3], const double b[3])
{
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                (a[2] - b[2]) * (a[2] - b[2]));
}

/* Four points far apart, each its own group; names that hide nothing. */
static const float corners[] = {-1, 0.5F, 1, 0.5F, -1, -0.5F, 1, -0.5F};
static const char *const names[] = {" ", " ", " ", " "};
static const int32_t groups[] = {0, 1, 2, 3};

static cairo_surface_t *drawn(const plot_groups *g)
{
    const char *path = tw_test_path("groups.png");
    assert_ok(plot_groups_draw(path, g, err));
    cairo_surface_t *s = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(s), CAIRO_STATUS_SUCCESS);
    return s;
}

/* Colours at the four corners of the field: 68 = 2 * the margin of 34, in pixels of the file. */
static void corner_colours(cairo_surface_t *s, double rgb[4][3])
{
    const double right = cairo_image_surface_get_width(s) - 68;
    const double bottom = cairo_image_surface_get_height(s), head = 144;
    const double scale = (right - 68) / 2, middle = (bottom + head) / 2;
    for (int i = 0; i < 4; i++)
        mean_colour(s, i % 2 == 0 ? 68 : right, middle + (i < 2 ? -0.5 : 0.5) * scale, 16, rgb[i]);
}

static void groups_have_colours_of_their_own_where_their_points_are(void **state)
{
    (void) state;
    const double white[] = {1, 1, 1};
    double rgb[4][3], centre[3];
    cairo_surface_t *s = drawn(&(plot_groups){.title = "T",
                                              .subtitle = "",
                                              .xy = corners,
                                              .group = groups,
                                              .n = 4,
                                              .names = names,
                                              .n_groups = 4});
    corner_colours(s, rgb);
    mean_colour(s, cairo_image_surface_get_width(s) / 2, cairo_image_surface_get_height(s) / 2, 16,
                centre);
    assert_near(apart(centre, white), 0, 1e-9);
    for (int a = 0; a < 4; a++) {
        assert_true(apart(rgb[a], white) > 0.15);
        for (int b = 0; b < a; b++)
            assert_true(apart(rgb[a], rgb[b]) > 0.1);
    }
    cairo_surface_destroy(s);
}

static void weak_points_are_pale(void **state)
{
    (void) state;
    const double white[] = {1, 1, 1};
    const float strength[] = {0, 1, 0, 1};
    double weak[4][3], strong[4][3];
    plot_groups g = {.title = "T",
                     .subtitle = "",
                     .xy = corners,
                     .group = groups,
                     .n = 4,
                     .names = names,
                     .n_groups = 4};
    cairo_surface_t *s = drawn(&g);
    corner_colours(s, strong);
    cairo_surface_destroy(s);
    g.strength = strength;
    s = drawn(&g);
    corner_colours(s, weak);
    cairo_surface_destroy(s);
    for (int i = 0; i < 4; i++)
        if (i % 2 == 0)
            assert_true(apart(weak[i], white) < 0.6 * apart(strong[i], white));
        else
            assert_near(apart(weak[i], strong[i]), 0, 1e-9);
}

static void what_cannot_be_drawn_is_said(void **state)
{
    (void) state;
    const float bad[] = {0, NAN};
    const int32_t zero[] = {0}, one[] = {1}, minus[] = {-1};
    const char *path = tw_test_path("bad.png");
    plot_groups g = {.title = "",
                     .subtitle = "",
                     .xy = bad,
                     .group = zero,
                     .n = 1,
                     .names = names,
                     .n_groups = 1};
    assert_status(plot_groups_draw(path, &g, err), TW_EINVAL);
    g.xy = corners;
    assert_ok(plot_groups_draw(path, &g, err));
    g.group = one;
    assert_status(plot_groups_draw(path, &g, err), TW_EINVAL);
    g.group = minus;
    assert_status(plot_groups_draw(path, &g, err), TW_EINVAL);
    g.group = zero;
    g.n = 0;
    assert_status(plot_groups_draw(path, &g, err), TW_EINVAL);
    g.n = 1;
    assert_status(plot_groups_draw("map.gif", &g, err), TW_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_have_colours_of_their_own_where_their_points_are),
        cmocka_unit_test(weak_points_are_pale),
        cmocka_unit_test(what_cannot_be_drawn_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
