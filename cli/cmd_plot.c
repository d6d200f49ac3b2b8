/* plot: the log of a training as an image. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/plot/plot.h"
#include "cli/plot/training_plot.h"

int cmd_plot(int argc, char **argv)
{
    const char *path = NULL;
    const flag flags[] = {{"out", 'o', FLAG_TEXT, &path, "FILE", "a .png or .svg", 0, 0}, {0}};
    const usage u = {
        .synopsis = "plot towers|seq DIR -o FILE",
        .about = "Draws how the active model was trained: loss and validation NDCG@10 against\n"
                 "wall-clock time, from the log that is kept with the model.",
        .example = "  twindex plot seq films -o curve.png",
        .flags = flags,
    };
    tw_engine *e = NULL;
    tw_error err = {0};
    int rc = parse_args(&u, &argc, argv, 2, 2);
    if (rc >= 0)
        return rc;
    bool towers = strcmp(argv[0], "towers") == 0;
    if (!towers && strcmp(argv[0], "seq") != 0)
        return wrong_usage(&u, "what to draw is '%s'; give towers or seq", argv[0]);
    if (path == NULL)
        return wrong_usage(&u, "say where to draw it: -o FILE");
    tw_status st = plot_check(path, &err);
    if (st == TW_OK)
        st = tw_engine_open(&e, argv[1], &(tw_engine_options){.mode = TW_ENGINE_READ}, &err);
    if (st == TW_OK)
        st = training_plot_draw(e, towers, 0, path, &err);
    rc = st == TW_OK ? EXIT_SUCCESS : failed(&err);
    if (st == TW_OK)
        (void) printf("drew %s\n", path);
    tw_engine_close(e);
    return rc;
}
