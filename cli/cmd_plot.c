/* plot: the log of a training as an image. */
#include "cli/commands.h"
#include "cli/plot/plot.h"
#include "cli/plot/training_plot.h"

typedef struct values {
    basics b;
    const char *out;
} values;

static int check(call *c)
{
    const values *v = c->values;
    tw_error err = {0};
    if (v->out == NULL)
        return wrong_usage(c->of, "say where to draw it: -o FILE");
    return plot_check(v->out, &err) == TW_OK ? -1 : failed(&err);
}

static tw_status plot(call *c, bool towers, tw_error *err)
{
    const values *v = c->values;
    const tw_status st = training_plot_draw(c->engine, towers, 0, v->out, err);
    if (st == TW_OK)
        (void) printf("drew %s\n", v->out);
    return st;
}

static tw_status plot_towers(call *c, tw_error *err) { return plot(c, true, err); }
static tw_status plot_seq(call *c, tw_error *err) { return plot(c, false, err); }

static const flag flags[] = {
    {"out", 'o', FLAG_TEXT, offsetof(values, out), "FILE", "a .png or .svg", 0, 0}, END_OF_FLAGS};

#define ABOUT                                                                                      \
    "Draws how the active model was trained: loss and validation NDCG@10 against\n"                \
    "wall-clock time, from the log that is kept with the model."

static const command towers = {
    .name = "plot towers",
    .summary = "the training of the towers",
    .synopsis = "plot towers DIR -o FILE",
    .about = ABOUT,
    .example = "  twindex plot towers films -o curve.png",
    .flags = flags,
    .size = sizeof(values),
    .opens = OPENS_TO_READ,
    .check = check,
    .run = plot_towers,
};

static const command seq = {
    .name = "plot seq",
    .summary = "the training of the sequential model",
    .synopsis = "plot seq DIR -o FILE",
    .about = ABOUT,
    .example = "  twindex plot seq films -o curve.svg",
    .flags = flags,
    .size = sizeof(values),
    .opens = OPENS_TO_READ,
    .check = check,
    .run = plot_seq,
};

static const command *const kinds[] = {&towers, &seq, NULL};

const command plot_command = {
    .name = "plot",
    .summary = "draw how a model was trained",
    .synopsis = "plot towers|seq DIR -o FILE",
    .about = ABOUT,
    .example = "  twindex plot seq films -o curve.png",
    .subs = kinds,
};
