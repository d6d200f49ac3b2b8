/* Images are read back and looked at by their pixels. */
#include <cairo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/plot/plot.h"
#include "tests/support/test.h"

/* Where the pixels of one colour are: their number, mean place and ends. */
typedef struct blot {
    int n;
    double x, y;
    int left, right;
} blot;

static blot find(const char *path, const double rgb[3])
{
    blot b = {.left = 1 << 30};
    cairo_surface_t *s = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(s), CAIRO_STATUS_SUCCESS);
    const unsigned char *data = cairo_image_surface_get_data(s);
    int stride = cairo_image_surface_get_stride(s), want[3];
    for (int c = 0; c < 3; c++)
        want[c] = (int) lround(rgb[c] * 255);
    for (int y = 0; y < cairo_image_surface_get_height(s); y++)
        for (int x = 0; x < cairo_image_surface_get_width(s); x++) {
            uint32_t pixel;
            memcpy(&pixel, data + y * stride + x * 4, sizeof pixel);
            int r = pixel >> 16 & 0xff, g = pixel >> 8 & 0xff, u = pixel & 0xff;
            if (abs(r - want[0]) > 1 || abs(g - want[1]) > 1 || abs(u - want[2]) > 1)
                continue;
            b.n++;
            b.x += x;
            b.y += y;
            b.left = x < b.left ? x : b.left;
            b.right = x > b.right ? x : b.right;
        }
    cairo_surface_destroy(s);
    b.x /= b.n > 0 ? b.n : 1;
    b.y /= b.n > 0 ? b.n : 1;
    return b;
}

static blot find_value(const char *path, double t)
{
    double rgb[3];
    plot_colour(t, rgb);
    return find(path, rgb);
}

static const char *const names[] = {"First (1901)", "Second", "Third"};

/*  1
 *  0.15  0.85
 *  0.3   0.45  0.6 */
static const float values[] = {1, 9, 9, 0.15F, 0.85F, 9, 0.3F, 0.45F, 0.6F};

static plot_map small_map(float *cells)
{
    memcpy(cells, values, sizeof values);
    for (int i = 0; i < 9; i++)
        if (values[i] > 1)
            cells[i] = 0; /* right of the diagonal */
    return (plot_map){
        .title = "T", .subtitle = "S", .value_title = "V", .names = names, .n = 3, .values = cells};
}

static void a_map_has_each_value_in_its_cell_and_nothing_above(void **state)
{
    (void) state;
    float cells[9];
    const char *path = tw_test_path("map.png");
    const plot_map m = small_map(cells);
    assert_ok(plot_map_draw(path, &m, err));
    blot top = find_value(path, 1), low = find_value(path, 0.15), right = find_value(path, 0.85);
    blot a = find_value(path, 0.3), b = find_value(path, 0.45), c = find_value(path, 0.6);
    const blot *all[] = {&top, &low, &right, &a, &b, &c};
    for (int i = 0; i < 6; i++)
        assert_in_range(all[i]->n, 2500, 6000); /* about 70 x 70, less the number in it */
    assert_true(top.y + 30 < low.y && low.y + 30 < a.y);
    assert_near(low.y, right.y, 10);
    assert_near(a.y, b.y, 10);
    assert_near(b.y, c.y, 10);
    assert_near(low.x, a.x, 10);
    assert_near(right.x, b.x, 10);
    assert_true(a.x + 30 < b.x && b.x + 30 < c.x);
    assert_in_range(find_value(path, 0).n, 0, 400); /* zeros above the diagonal are not drawn */
}

static void a_number_beside_the_rows_moves_them_and_takes_no_colour(void **state)
{
    (void) state;
    float cells[9];
    const float beside[] = {0, 5, 7}; /* above every cell: it must not change the scale */
    plot_map m = small_map(cells);
    assert_ok(plot_map_draw(tw_test_path("plain.png"), &m, err));
    m.beside = beside;
    m.beside_name = "older";
    assert_ok(plot_map_draw(tw_test_path("beside.png"), &m, err));
    blot plain = find_value(tw_test_path("plain.png"), 1);
    blot moved = find_value(tw_test_path("beside.png"), 1);
    assert_in_range(moved.n, plain.n - 50, plain.n + 50);
    assert_true(moved.x > plain.x + 60);
}

static const double blue[] = {0, 0.45, 0.70}, orange[] = {0.84, 0.37, 0};

static void a_rising_line_rises_and_ends_where_its_points_do(void **state)
{
    (void) state;
    const double x[] = {10, 20, 100}, up[] = {1, 2, 3}, down[] = {0.3, 0.2, 0.2};
    const char *path = tw_test_path("lines.png"), *half = tw_test_path("half.png");
    plot_chart c = {.title = "T", .subtitle = "", .x_title = "s", .n = 2};
    c.panels[0] = (plot_panel){.title = "up", .n = 1, .lines = {{.x = x, .y = up, .n = 3}}};
    c.panels[1] = (plot_panel){.title = "down", .n = 1, .lines = {{.x = x, .y = down, .n = 3}}};
    assert_ok(plot_chart_draw(path, &c, err));
    blot rising = find(path, blue), falling = find(path, orange);
    assert_true(rising.n > 200 && falling.n > 200);
    assert_true(rising.y < falling.y); /* the first panel is on top */
    /* from x = 10 of 0..100 to the right end, and no further on either side */
    assert_near(rising.left, 152 + 159, 12);
    assert_near(rising.right, 1744, 12);

    c.panels[0].lines[0].n = 2; /* without the last point: where is the rest? to the left, below */
    assert_ok(plot_chart_draw(half, &c, err));
    blot begin = find(half, blue);
    assert_true(begin.right < rising.right - 500);
    c.panels[0].lines[0].y = down;
    c.panels[1].lines[0].y = up;
    assert_ok(plot_chart_draw(half, &c, err));
    assert_true(find(half, blue).n > 50);
}

static void higher_is_larger(void **state)
{
    (void) state;
    const double x[] = {0, 1, 2}, low[] = {1, 1, 1}, high[] = {2, 2, 2};
    const char *path = tw_test_path("levels.png");
    plot_chart c = {.title = "T", .subtitle = "", .x_title = "s", .n = 1};
    c.panels[0] = (plot_panel){.title = "two",
                               .n = 2,
                               .lines = {{.name = "low", .x = x, .y = low, .n = 3},
                                         {.name = "high", .x = x, .y = high, .n = 3}}};
    assert_ok(plot_chart_draw(path, &c, err));
    assert_true(find(path, orange).y + 200 < find(path, blue).y);
}

static void any_bytes_make_a_label(void **state)
{
    (void) state;
    float cells[9];
    char longest[5000];
    memset(longest, 'm', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const odd[] = {"\xff\xfe broken \xc3", longest, "tab\tand \x1b[31m, Am\xc3\xa9lie"};
    plot_map m = small_map(cells);
    m.names = odd;
    m.title = longest;
    assert_ok(plot_map_draw(tw_test_path("odd.png"), &m, err));
    assert_ok(plot_map_draw(tw_test_path("odd.svg"), &m, err));
    assert_in_range(find_value(tw_test_path("odd.png"), 0.85).n, 2500, 6000);
}

static void what_cannot_be_drawn_says_why(void **state)
{
    (void) state;
    tw_error why = {0};
    float cells[9];
    const double x[] = {0, 1}, bad[] = {1, NAN};
    plot_map m = small_map(cells);
    plot_chart c = {.title = "T", .subtitle = "", .x_title = "s", .n = 1};
    c.panels[0] = (plot_panel){.title = "loss", .n = 1, .lines = {{.x = x, .y = bad, .n = 2}}};
    assert_true(plot_available());
    assert_int_equal(plot_check("map.gif", &why), TW_EINVAL);
    assert_string_equal(why.msg, "'map.gif' ends neither in .png nor in .svg");
    assert_status(plot_check(".png", err), TW_EINVAL);
    assert_int_equal(plot_chart_draw(tw_test_path("x.png"), &c, &why), TW_EINVAL);
    assert_string_equal(why.msg, "point 2 of 'loss' is not finite");
    c.panels[0].lines[0].n = 0;
    assert_int_equal(plot_chart_draw(tw_test_path("x.png"), &c, &why), TW_EINVAL);
    assert_string_equal(why.msg, "there is nothing to draw of 'loss'");
    assert_status(plot_map_draw(tw_test_path("no/such/folder.png"), &m, err), TW_ENOTFOUND);
    m.n = 0;
    assert_status(plot_map_draw(tw_test_path("x.png"), &m, err), TW_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_has_each_value_in_its_cell_and_nothing_above),
        cmocka_unit_test(a_number_beside_the_rows_moves_them_and_takes_no_colour),
        cmocka_unit_test(a_rising_line_rises_and_ends_where_its_points_do),
        cmocka_unit_test(higher_is_larger),
        cmocka_unit_test(any_bytes_make_a_label),
        cmocka_unit_test(what_cannot_be_drawn_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
