/* engine/models/sweep.h — what a data directory holds that is needed no more. Internal to engine/.
 */
#ifndef TW_ENGINE_MODELS_SWEEP_H
#define TW_ENGINE_MODELS_SWEEP_H

#include "engine/engine.h"

/* Removes what no kept version needs any more: folders, snapshots, vectors, and what a killed
 * process was writing. Names that are not ours stay. Best effort: it is only space. The caller is
 * the one writer and trains nothing. */
void twi_sweep(tw_engine *e);

#endif
