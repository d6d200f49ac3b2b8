/* engine/engine_state.h — an open data directory: what all files of engine/ work on. Internal to
 * engine/.
 *
 * Order of locks, outermost first: bulk, saving, writer, lock, pool_lock of a generation. None is
 * held across a training run or the building of an index but `bulk`, whose purpose that is, nor
 * across the writing of a snapshot but `saving`. Under the locks of popularity and of maintenance
 * no other of these is taken.
 */
#ifndef TW_ENGINE_ENGINE_STATE_H
#define TW_ENGINE_ENGINE_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "engine/engine.h"
#include "engine/maintenance.h"
#include "engine/popularity.h"

#define TWI_BATCH_ROWS 1000 /* rows in a transaction of a bulk load */

struct twi_generation;

struct tw_engine {
    char dir[TW_PATH_MAX];
    tw_engine_mode mode;
    int threads;
    int64_t exact_below; /* of every index; 0: the default */
    int dir_fd;          /* the directory that was opened, whatever `dir` means later */
    char dir_by_fd[32];
    bool move_logged; /* guarded by lock */
    int lock_fd;      /* DIR/lock, held while writing; -1 when reading */
    tw_store *store;

    pthread_mutex_t bulk;   /* held by the one ingest, events or train */
    pthread_mutex_t writer; /* store commit + index update happen in one order; guards applied */
    int64_t applied;        /* sequence number up to which the current indexes are */

    pthread_mutex_t saving; /* held while snapshots are written, or swept; outside of writer */

    pthread_mutex_t lock; /* guards current and every refs */
    struct twi_generation *current;

    twi_popularity popularity;
    twi_maintenance maintenance;
};

/* The path of the directory that was opened: its name, or where that leads elsewhere by now,
 * another path of it. For each use anew. */
const char *twi_root(tw_engine *e);

/* TW_EDENIED: the directory was opened for reading. */
TW_NODISCARD tw_status twi_need_write(const tw_engine *e, tw_error *err);

/* Takes the place of the one long work on an open directory: ingest, events, training, activation.
 * On TW_OK end it with twi_bulk_end. TW_EBUSY: another has it. */
TW_NODISCARD tw_status twi_bulk_begin(tw_engine *e, tw_error *err);
void twi_bulk_end(tw_engine *e);

#endif
