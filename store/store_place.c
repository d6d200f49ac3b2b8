/* The file that was opened stays the one that is meant, whatever its name leads to later: the
 * folder may be renamed, and another put in its place, while the store is open.
 *
 * SQLite opens by name, so connections that are opened later take another name where the first
 * leads elsewhere by now. At the end it looks itself: a log whose name is not its own it leaves,
 * and the next open merges it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/store_state.h"

/* The part of the path behind the last slash. */
static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void twi_place_remember(tw_store *s)
{
    char folder[TW_PATH_MAX];
    const size_t len = (size_t) (last_part(s->path) - s->path);
    struct stat sb;

    (void) snprintf(folder, sizeof folder, "%.*s", (int) len, s->path); /* check_path: it fits */
    s->folder_fd =
        open(len > 0 ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); // banned-ok: a folder
    if (s->folder_fd < 0 || stat(s->path, &sb) != 0) {
        twi_place_forget(s);
        return;
    }
    s->dev = sb.st_dev;
    s->ino = sb.st_ino;
}

void twi_place_forget(tw_store *s)
{
    if (s->folder_fd >= 0)
        (void) close(s->folder_fd);
    s->folder_fd = -1;
}

static bool is_moved(const tw_store *s)
{
    struct stat sb;
    return s->folder_fd >= 0 &&
           (stat(s->path, &sb) != 0 || sb.st_dev != s->dev || sb.st_ino != s->ino);
}

const char *twi_place_path(const tw_store *s, char out[TW_PATH_MAX])
{
    if (!is_moved(s))
        return s->path;
    (void) snprintf(out, TW_PATH_MAX, "/proc/self/fd/%d/%.4000s", s->folder_fd, last_part(s->path));
    return out;
}
