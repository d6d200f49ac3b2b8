/* What every call on an open directory asks first: where it is, and whether it may write. */
#include "engine/engine_state.h"

#include <sys/stat.h>

#include "base/log.h"

static bool is_where_it_was(const tw_engine *e)
{
    struct stat named, held;
    return e->dir_fd < 0 || fstat(e->dir_fd, &held) != 0 ||
           (stat(e->dir, &named) == 0 && named.st_dev == held.st_dev &&
            named.st_ino == held.st_ino);
}

/* By the name as long as it leads there, for people read it in messages; else by the descriptor,
 * where the system has such names, and to nowhere, where it has none. */
const char *twi_root(tw_engine *e)
{
    if (is_where_it_was(e))
        return e->dir;
    (void) pthread_mutex_lock(&e->lock);
    const bool logged = e->move_logged;
    e->move_logged = true;
    (void) pthread_mutex_unlock(&e->lock);
    if (!logged) {
        tw_log(TW_LOG_WARN, "DIR-MOVED",
               "dir=\"%s\" reason=\"renamed or replaced; this process goes on in the one that it "
               "opened\"",
               e->dir);
    }
    return e->dir_by_fd;
}

tw_status twi_need_write(const tw_engine *e, tw_error *err)
{
    if (e->mode == TW_ENGINE_WRITE)
        return TW_OK;
    return tw_fail(err, TW_EDENIED, "'%s' was opened for reading only", e->dir);
}

tw_status twi_bulk_begin(tw_engine *e, tw_error *err)
{
    if (pthread_mutex_trylock(&e->bulk) != 0)
        return tw_fail(err, TW_EBUSY, "another ingest, events or train is running");
    return TW_OK;
}

void twi_bulk_end(tw_engine *e) { (void) pthread_mutex_unlock(&e->bulk); }
