/* engine/models/versions.h — the versions of the models. Internal to engine/. */
#ifndef TW_ENGINE_MODELS_VERSIONS_H
#define TW_ENGINE_MODELS_VERSIONS_H

#include "engine/internal.h"
#include "engine/models/model_dir.h"

#endif
