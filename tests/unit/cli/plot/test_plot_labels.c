/* Names on an image: none covers another, and each is as near as can be to what it names. */
#include <math.h>

#include "base/rng.h"
#include "cli/plot/plot_labels.h"
#include "tests/support/test.h"

enum { N = 60 };
static plot_label labels[N];

static void none_covers_another(int n)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) {
            const plot_label *a = &labels[i], *b = &labels[j];
            assert_true(!a->placed || !b->placed || a->left >= b->left + b->width ||
                        b->left >= a->left + a->width || a->top >= b->top + b->height ||
                        b->top >= a->top + a->height);
        }
}

static void a_lonely_name_is_in_the_middle_of_its_points(void **state)
{
    (void) state;
    labels[0] = (plot_label){.x = 100, .y = 50, .width = 80, .height = 20};
    labels[1] = (plot_label){.x = 300, .y = 150, .width = 40, .height = 10};
    plot_labels_place(labels, 2, 260, 0, 0, 400, 200);
    assert_true(labels[0].placed && labels[1].placed);
    assert_near(labels[0].left, 60, 1e-9);
    assert_near(labels[0].top, 40, 1e-9);
    assert_near(labels[1].left, 280, 1e-9);
    assert_near(labels[1].top, 145, 1e-9);
}

static void names_of_one_place_go_around_it(void **state)
{
    (void) state;
    for (int i = 0; i < 20; i++)
        labels[i] = (plot_label){.x = 400, .y = 300, .width = 90, .height = 14};
    plot_labels_place(labels, 20, 260, 0, 0, 800, 600);
    for (int i = 0; i < 20; i++)
        assert_true(labels[i].placed);
    none_covers_another(20);
}

static void a_name_without_room_near_by_is_left_out(void **state)
{
    (void) state;
    for (int i = 0; i < 20; i++)
        labels[i] = (plot_label){.x = 400, .y = 300, .width = 90, .height = 14};
    plot_labels_place(labels, 20, 50, 0, 0, 800, 600);
    int placed = 0;
    for (int i = 0; i < 20; i++) {
        const plot_label *l = &labels[i];
        placed += l->placed;
        assert_true(!l->placed || hypot(l->left + 45 - 400, l->top + 7 - 300) <= 50 + 1e-9);
    }
    assert_in_range(placed, 2, 8);
    none_covers_another(20);
}

static void names_stay_in_the_frame_however_many(void **state)
{
    (void) state;
    tw_rng rng;
    int placed = 0;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N; i++)
        labels[i] = (plot_label){.x = 500 * tw_rng_uniform(&rng),
                                 .y = 300 * tw_rng_uniform(&rng),
                                 .width = 40 + 100 * tw_rng_uniform(&rng),
                                 .height = 28};
    plot_labels_place(labels, N, 260, 10, 20, 490, 280);
    for (int i = 0; i < N; i++) {
        const plot_label *l = &labels[i];
        if (!l->placed)
            continue;
        placed++;
        assert_true(l->left >= 10 && l->left + l->width <= 490);
        assert_true(l->top >= 20 && l->top + l->height <= 280);
    }
    none_covers_another(N);
    assert_in_range(placed, 15,
                    N - 1);        /* there is no room for all: area 60 * 90 * 28 in 480 * 260 */
    assert_true(labels[0].placed); /* the first comes first */
}

static void a_name_wider_than_the_frame_is_left_out(void **state)
{
    (void) state;
    labels[0] = (plot_label){.x = 50, .y = 50, .width = 101, .height = 10};
    plot_labels_place(labels, 1, 260, 0, 0, 100, 100);
    assert_false(labels[0].placed);
}

static bool crosses(const plot_label *l, double x0, double y0, double x1, double y1)
{
    for (int i = 0; i <= 1000; i++) {
        const double x = x0 + (x1 - x0) * i / 1000, y = y0 + (y1 - y0) * i / 1000;
        if (x > l->left && x < l->left + l->width && y > l->top && y < l->top + l->height)
            return true;
    }
    return false;
}

static void a_name_beside_a_line_is_not_on_it(void **state)
{
    enum { POINTS = 12 };
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, 5);
    for (int round = 0; round < 200; round++) {
        double x[POINTS], y[POINTS], at = 300;
        for (int i = 0; i < POINTS; i++) { /* as curves of a training are: no saw */
            x[i] = 80 + 70 * i;
            at += 60 * (tw_rng_uniform(&rng) - 0.6);
            y[i] = at < 10 ? 10 : at;
        }
        const int mark = (int) (tw_rng_uniform(&rng) * POINTS);
        plot_label l = {.x = x[mark], .y = y[mark], .width = 130, .height = 14};
        plot_label_place_beside(&l, x, y, POINTS, 76, 0, 872, 320);
        assert_true(l.placed && l.left >= 76 && l.left + l.width <= 872 && l.top >= 0 &&
                    l.top + l.height <= 320);
        for (int i = 1; i < POINTS; i++)
            assert_false(crosses(&l, x[i - 1], y[i - 1], x[i], y[i]));
        assert_true(fabs(l.left + l.width / 2 - l.x) < 200 && fabs(l.top - l.y) < 120);
    }
}

static void where_the_line_is_everywhere_it_covers_least(void **state)
{
    double x[400], y[400];
    (void) state;
    for (int i = 0; i < 400; i++) {
        x[i] = 2 * i;
        y[i] = i % 2 == 0 ? 0 : 300;
    }
    plot_label l = {.x = 400, .y = 150, .width = 130, .height = 14};
    plot_label_place_beside(&l, x, y, 400, 0, 0, 800, 300);
    assert_true(l.placed && l.left >= 0 && l.top >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_beside_a_line_is_not_on_it),
        cmocka_unit_test(where_the_line_is_everywhere_it_covers_least),
        cmocka_unit_test(a_lonely_name_is_in_the_middle_of_its_points),
        cmocka_unit_test(names_of_one_place_go_around_it),
        cmocka_unit_test(a_name_without_room_near_by_is_left_out),
        cmocka_unit_test(names_stay_in_the_frame_however_many),
        cmocka_unit_test(a_name_wider_than_the_frame_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
