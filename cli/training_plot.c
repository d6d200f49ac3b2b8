#include "cli/training_plot.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/plot.h"

/* One epoch a line; validations may be fewer. */
typedef struct curve {
    double *x, *y; /* (room) */
    int n;
} curve;

typedef struct curves {
    curve loss, valid;
    int best_epoch;
    double best_x, best_y;
} curves;

static tw_status make_curve(curve *c, size_t room, tw_error *err)
{
    c->x = tw_alloc(room, sizeof *c->x);
    c->y = tw_alloc(room, sizeof *c->y);
    return c->x != NULL && c->y != NULL ? TW_OK
                                        : tw_fail(err, TW_ENOMEM, "a curve of %zu epochs", room);
}

static void free_curves(curves *c)
{
    tw_free(c->loss.x);
    tw_free(c->loss.y);
    tw_free(c->valid.x);
    tw_free(c->valid.y);
}

static void add(curve *c, double x, double y)
{
    c->x[c->n] = x;
    c->y[c->n++] = y;
}

/* The towers have their figure under "valid", the sequential model all of its figures. */
static const json_t *validation(const json_t *line)
{
    const json_t *v = json_object_get(line, "valid");
    return json_is_object(v) ? json_object_get(v, "ndcg_at_10") : v;
}

static void read_line(curves *c, const json_t *line)
{
    const json_t *loss = json_object_get(line, "loss"), *valid = validation(line);
    double seconds = json_number_value(json_object_get(line, "seconds"));

    if (json_is_number(loss))
        add(&c->loss, seconds, json_number_value(loss));
    if (!json_is_number(valid))
        return;
    double y = json_number_value(valid);
    add(&c->valid, seconds, y);
    if (c->best_epoch == 0 || y > c->best_y) {
        c->best_epoch = (int) json_integer_value(json_object_get(line, "epoch"));
        c->best_x = seconds;
        c->best_y = y;
    }
}

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 1;
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

static tw_status read_log(curves *c, const char *text, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    const char *end = text + len;
    const size_t room = count_lines(text, len);

    TW_TRY(make_curve(&c->loss, room, err));
    TW_TRY(make_curve(&c->valid, room, err));
    for (int at = 1; text < end; at++) {
        const char *stop = memchr(text, '\n', (size_t) (end - text));
        size_t n = stop != NULL ? (size_t) (stop - text) : (size_t) (end - text);
        json_t *line = json_loadb(text, n, 0, NULL);
        if (json_is_object(line))
            read_line(c, line);
        else if (n > 0)
            st = tw_fail(err, TW_ECORRUPT, "line %d of the training's log is no JSON object", at);
        json_decref(line);
        TW_TRY(st);
        text += n + 1;
    }
done:
    return st;
}

tw_status training_plot_draw(tw_engine *e, bool towers, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    char *text = NULL, title[64], subtitle[96], mark[64];
    size_t len = 0;
    int model = 0;
    curves c = {0};

    TW_TRY(plot_check(path, err));
    TW_TRY(tw_engine_training_log(e, towers, &text, &len, &model, err));
    TW_TRY(read_log(&c, text, len, err));
    (void) snprintf(title, sizeof title, "Training of the %s",
                    towers ? "towers" : "sequential model");
    (void) snprintf(subtitle, sizeof subtitle,
                    "model %d, %d epochs; validation never sees the test "
                    "split",
                    model, c.loss.n);
    (void) snprintf(mark, sizeof mark, "best: epoch %d, %.4f", c.best_epoch, c.best_y);
    plot_chart chart = {.title = title, .subtitle = subtitle, .x_title = "seconds (wall clock)"};
    chart.panels[chart.n++] = (plot_panel){
        .title = "training loss", .lines = {{.x = c.loss.x, .y = c.loss.y, .n = c.loss.n}}, .n = 1};
    if (c.valid.n > 0) {
        chart.panels[chart.n++] =
            (plot_panel){.title = towers ? "validation NDCG@10 (scored pairs: Spearman's rho)"
                                         : "validation NDCG@10",
                         .lines = {{.x = c.valid.x, .y = c.valid.y, .n = c.valid.n}},
                         .n = 1,
                         .mark = mark,
                         .mark_x = c.best_x,
                         .mark_y = c.best_y};
    }
    TW_TRY(plot_chart_draw(path, &chart, err));
done:
    free_curves(&c);
    tw_free(text);
    return st;
}
