#include "cli/plot/training_log.h"

#include <jansson.h>
#include <string.h>

#include "base/alloc.h"

static tw_status make_curve(curve *c, size_t room, tw_error *err)
{
    c->x = tw_alloc(room, sizeof *c->x);
    c->y = tw_alloc(room, sizeof *c->y);
    return c->x != NULL && c->y != NULL ? TW_OK
                                        : tw_fail(err, TW_ENOMEM, "a curve of %zu epochs", room);
}

void training_log_free(training_log *c)
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

static void read_line(training_log *c, const json_t *line)
{
    const json_t *loss = json_object_get(line, "loss"), *valid = validation(line);
    const int epoch = (int) json_integer_value(json_object_get(line, "epoch"));
    double seconds = json_number_value(json_object_get(line, "seconds"));

    if (json_is_number(loss) && epoch > 0)
        add(&c->loss, seconds, json_number_value(loss));
    if (!json_is_number(valid))
        return;
    double y = json_number_value(valid);
    add(&c->valid, seconds, y);
    if (c->valid.n == 1 || y > c->best_y) {
        c->best_epoch = epoch;
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

tw_status training_log_read(training_log *c, const char *text, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    const char *end = text + len;
    const size_t room = count_lines(text, len);

    *c = (training_log){0};
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
