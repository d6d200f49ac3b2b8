/* engine/maintenance.h — the thread that merges indexes while they serve. Internal to engine/.
 */
#ifndef TW_ENGINE_MAINTENANCE_H
#define TW_ENGINE_MAINTENANCE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/types.h"
#include "engine/engine.h"

typedef struct twi_maintenance {
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t due;
    bool quit, wanted;
    double until; /* once it shall quit: when the merge under way has to end */
} twi_maintenance;

void twi_maintenance_init(twi_maintenance *m);
void twi_maintenance_fini(twi_maintenance *m);

/* Starts the thread; where that fails, indexes are merged by no one until the next open. */
void twi_maintenance_start(tw_engine *e);
/* Within seconds: a graph that is being built is given up. */
void twi_maintenance_stop(tw_engine *e);
/* Wakes it where an index wants a merge. Cheap. */
void twi_maintenance_wake(tw_engine *e);

#endif
