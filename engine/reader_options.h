/* engine/reader_options.h — a file opened as a caller of the library says. Internal to engine/. */
#ifndef TW_ENGINE_READER_OPTIONS_H
#define TW_ENGINE_READER_OPTIONS_H

#include "engine/engine.h"
#include "ingest/ingest.h"
#include "store/store.h"

/* tw_reader_open with the options' texts taken apart. TW_EINVAL also where one is no option.
 *
 *   catalogue   that a log belongs to; NULL: none */
TW_NODISCARD tw_status twi_open_reader(tw_reader **out, const char *path, tw_ingest_kind kind,
                                       const tw_ingest_options *opt, tw_store *catalogue,
                                       tw_error *err);

#endif
