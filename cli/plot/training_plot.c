#include "cli/plot/training_plot.h"

#include <stdio.h>

#include "base/alloc.h"
#include "cli/plot/plot.h"
#include "cli/plot/training_log.h"
#include "engine/inspection.h"

tw_status training_plot_draw(tw_engine *e, bool towers, int model, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    char *text = NULL, title[64], subtitle[96], mark[64];
    size_t len = 0;
    training_log c = {0};

    TW_TRY(plot_check(path, err));
    TW_TRY(tw_engine_training_log(e, towers, &model, &text, &len, err));
    TW_TRY(training_log_read(&c, text, len, err));
    (void) snprintf(title, sizeof title, "Training of the %s",
                    towers ? "towers" : "sequential model");
    (void) snprintf(subtitle, sizeof subtitle, "model %d, %d epochs; %s", model, c.loss.n,
                    c.valid.n > 0 ? "validation never sees the test split"
                                  : "nothing was kept apart to validate on");
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
    training_log_free(&c);
    tw_free(text);
    return st;
}
