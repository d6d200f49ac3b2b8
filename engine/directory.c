/* The files of a data directory: its store, its lock, its folders. */
#include "engine/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/engine_state.h"

/* The directory stays the one that was opened, whatever its name means later. */
tw_status twi_directory_open(tw_engine *e, tw_error *err)
{
    e->dir_fd = open(e->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC); // banned-ok: a folder
    if (e->dir_fd < 0 && errno == ENOENT) {
        return tw_fail(err, TW_ENOTFOUND,
                       "'%s' is no twindex directory; make one with: twindex init %s", e->dir,
                       e->dir);
    }
    (void) snprintf(e->dir_by_fd, sizeof e->dir_by_fd, "/proc/self/fd/%d", e->dir_fd);
    return e->dir_fd >= 0 ? TW_OK : tw_fail_errno(err, "cannot open '%s'", e->dir);
}

static tw_status store_missing(const char *dir, const char *path, tw_error *err)
{
    char models[TW_PATH_MAX];
    struct stat sb;
    if (lstat(path, &sb) == 0)
        return tw_fail(err, TW_EIO,
                       "'%s' is a link that leads to no file; put the store in its place", path);
    if (tw_path_join(models, dir, "models", NULL) == TW_OK && tw_file_exists(models)) {
        return tw_fail(err, TW_ENOTFOUND,
                       "'%s' is missing, though '%s' is there; put it back from a copy", path,
                       models);
    }
    return tw_fail(err, TW_ENOTFOUND,
                   "'%s' is no twindex directory; make one with: twindex init %s", dir, dir);
}

tw_status twi_store_open(tw_store **out, const char *dir, tw_store_mode mode, tw_error *err)
{
    char path[TW_PATH_MAX];
    tw_error why = {0};
    tw_status st = tw_path_join(path, dir, "twindex.db", err);
    if (st != TW_OK)
        return st;
    if (!tw_file_exists(path))
        return store_missing(dir, path, err);
    st = tw_store_open(out, path, mode, &why);
    if (st == TW_OK)
        tw_store_pass_damaged(*out); /* one row must not keep the others from being used */
    if (st != TW_ECORRUPT && st != TW_EINVAL && st != TW_ENOTFOUND)
        return st == TW_OK ? st : tw_fail(err, st, "%s", why.msg);
    return tw_fail(err, st, "%.440s%s", why.msg,
                   strstr(why.msg, "copy") != NULL ? "" : "; put the file back from a copy");
}

static tw_status is_busy(const tw_engine *e, tw_error *err)
{
    char pid[32] = "";
    const ssize_t n = e->lock_fd < 0 ? 0 : pread(e->lock_fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    return tw_fail(err, TW_EBUSY,
                   "'%s' is being written by process %s; stop it, or ask it with --connect", e->dir,
                   pid[0] != '\0' ? pid : "(unknown)");
}

/* One writer process per directory: the kernel drops the lock with the process, however it ends.
 * The folder itself is locked, for a file in it may be removed by a user who tidies up; and the
 * file, which holds the process id for the message, because earlier programs lock that. */
tw_status twi_directory_lock(tw_engine *e, tw_error *err)
{
    char path[TW_PATH_MAX], pid[32];
    struct stat sb;
    tw_status st = tw_path_join(path, e->dir, "lock", err);
    if (st != TW_OK)
        return st;
    /* banned-ok: to write; a pipe is not waited for */
    e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644); // banned-ok: as above
    if (tw_file_lock(e->dir_fd, e->dir, NULL) == TW_EBUSY) /* not every file system locks folders */
        return is_busy(e, err);
    if (e->lock_fd < 0 || fstat(e->lock_fd, &sb) != 0 || !S_ISREG(sb.st_mode)) {
        return tw_fail(err, TW_EIO,
                       "'%s' is no file that can be opened; remove it, twindex makes a new one",
                       path);
    }
    st = tw_file_lock(e->lock_fd, path, err);
    if (st != TW_OK)
        return st == TW_EBUSY ? is_busy(e, err) : st;
    const int len = snprintf(pid, sizeof pid, "%ld\n", (long) getpid());
    if (ftruncate(e->lock_fd, 0) != 0 || pwrite(e->lock_fd, pid, (size_t) len, 0) != len)
        return tw_fail_errno(err, "cannot write '%s'", path);
    return TW_OK;
}

/* Derived folders that were removed come back. */
tw_status twi_directory_folders(const tw_engine *e, tw_error *err)
{
    static const char *const folders[] = {"models", "index"};
    for (int i = 0; i < 2; i++) {
        char path[TW_PATH_MAX];
        struct stat sb;
        tw_status st = tw_path_join(path, e->dir, folders[i], err);
        if (st != TW_OK)
            return st;
        if (stat(path, &sb) != 0 && errno == ENOENT && lstat(path, &sb) != 0)
            (void) !tw_dir_create(path, NULL); /* the first use of it reports what is wrong */
    }
    return TW_OK;
}
