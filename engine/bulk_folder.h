/* engine/bulk_folder.h — tw_engine_ingest of a folder. Internal to engine/. */
#ifndef TW_ENGINE_BULK_FOLDER_H
#define TW_ENGINE_BULK_FOLDER_H

#include "engine/engine.h"

TW_NODISCARD tw_status twi_ingest_folder(tw_engine *e, const char *path,
                                         const tw_ingest_options *opt, tw_ingest_report *report,
                                         tw_error *err);

#endif
