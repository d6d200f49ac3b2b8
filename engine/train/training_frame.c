/* What every training does around its own work. */
#include "engine/train/training_frame.h"

#include "base/alloc.h"
#include "engine/engine_state.h"

tw_status twi_training_run(tw_engine *e, twi_training_fn train, void *job, char **report,
                           tw_error *err)
{
    twi_training t = {0};
    *report = NULL;
    tw_status st = twi_bulk_begin(e, err);
    if (st != TW_OK)
        return st;
    t.base = twi_acquire(e);
    st = train(job, &t, report, err);
    if (t.metrics != NULL)
        (void) fclose(t.metrics);
    if (st != TW_OK && t.version > 0)
        (void) !tw_remove_tree(t.tmp, NULL); /* the next sweep would, too */
    twi_release(e, t.base);
    twi_bulk_end(e);
    if (st != TW_OK) {
        tw_free(*report);
        *report = NULL;
    }
    return st;
}
