/* cli/plot/training_plot.h — a training's own log as an image. */
#ifndef TW_CLI_PLOT_TRAINING_PLOT_H
#define TW_CLI_PLOT_TRAINING_PLOT_H

#include <stdbool.h>

#include "engine/engine.h"

/* Draws loss and validation against wall-clock seconds, from the log of a model (0: the active
 * one). Statuses of tw_engine_training_log and of plot_chart_draw; TW_ECORRUPT: a line is no JSON
 * object.
 */
TW_NODISCARD tw_status training_plot_draw(tw_engine *e, bool towers, int model, const char *path,
                                          tw_error *err);

#endif
