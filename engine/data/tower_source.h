/* engine/data/tower_source.h — described items for towers to read, media decoded in parallel.
 * Internal to engine/.
 */
#ifndef TW_ENGINE_DATA_TOWER_SOURCE_H
#define TW_ENGINE_DATA_TOWER_SOURCE_H

#include <stdint.h>

#include "base/error.h"
#include "base/types.h"
#include "engine/data/dataset.h"
#include "engine/item_reader.h"
#include "towers/towers.h"

/* Described items for towers to read, with a reader for each worker, so that media are decoded in
 * parallel. Opaque. */
typedef struct twi_source twi_source;
/* items (n), tower and unread are borrowed for its life. TW_ENOMEM. */
TW_NODISCARD tw_status twi_source_create(twi_source **out, const twi_described *items, int64_t n,
                                         const tw_tower *tower, twi_unreadable *unread,
                                         tw_error *err);
void twi_source_destroy(twi_source *s); /* accepts NULL */
tw_tower_source twi_source_of(twi_source *s);
/* The catalogue as samples of the tower, made on all of the engine's threads; c was loaded with
 * what the tower reads. As tw_tower_prepare. */
TW_NODISCARD tw_status twi_catalogue_samples(tw_engine *e, const tw_tower *tower,
                                             const twi_catalogue *c, twi_unreadable *unread,
                                             tw_progress_fn progress, void *ctx,
                                             tw_tower_samples **out, tw_error *err);

#endif
