#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crash.h"

tw_status tw_path_join(char out[TW_PATH_MAX], const char *dir, const char *name, tw_error *err)
{
    size_t len = strlen(dir);
    const char *slash = len > 0 && dir[len - 1] == '/' ? "" : "/";
    int n = snprintf(out, TW_PATH_MAX, "%s%s%s", dir, slash, name);
    if (n < 0 || n >= TW_PATH_MAX)
        return tw_fail(err, TW_EINVAL, "path '%.60s...' is longer than %d bytes", dir, TW_PATH_MAX);
    return TW_OK;
}

bool tw_file_exists(const char *path)
{
    struct stat sb;
    return stat(path, &sb) == 0;
}

tw_status tw_sync_dir(const char *dir, tw_error *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(err, "cannot open folder '%s'", dir);
    int rc = fsync(fd);
    int keep = errno;
    (void) close(fd);
    errno = keep;
    return rc == 0 ? TW_OK : tw_fail_errno(err, "cannot sync folder '%s'", dir);
}

tw_status tw_sync_parent(const char *path, tw_error *err)
{
    char dir[TW_PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash == NULL   ? snprintf(dir, sizeof dir, ".")
            : slash == path ? snprintf(dir, sizeof dir, "/")
                            : snprintf(dir, sizeof dir, "%.*s", (int) (slash - path), path);
    if (n < 0 || (size_t) n >= sizeof dir)
        return tw_fail(err, TW_EINVAL, "path is longer than %d bytes", TW_PATH_MAX);
    return tw_sync_dir(dir, err);
}

tw_status tw_dir_create(const char *path, tw_error *err)
{
    char part[TW_PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part)
        return tw_fail(err, TW_EINVAL, "folder name of %zu bytes is outside 1..%d", len,
                       TW_PATH_MAX - 1);
    memcpy(part, path, len + 1);

    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        char keep = part[i];
        part[i] = '\0';
        if (mkdir(part, 0755) == 0) {
            tw_status st = tw_sync_parent(part, err);
            if (st != TW_OK)
                return st;
        } else if (errno != EEXIST) {
            return tw_fail_errno(err, "cannot create folder '%s'", part);
        }
        part[i] = keep;
    }
    struct stat sb;
    if (stat(path, &sb) != 0 || !S_ISDIR(sb.st_mode))
        return tw_fail(err, TW_EEXIST, "'%s' exists and is no folder", path);
    return TW_OK;
}

static int remove_entry(const char *path, const struct stat *sb, int type, struct FTW *at)
{
    (void) sb;
    (void) type;
    (void) at;
    return remove(path);
}

tw_status tw_dir_each(const char *path, tw_dir_fn fn, void *ctx, tw_error *err)
{
    DIR *d = opendir(path);
    if (d == NULL)
        return tw_fail_errno(err, "cannot open '%s'", path);
    const struct dirent *at;
    do {
        at = readdir(d); /* NOLINT(concurrency-mt-unsafe): the stream is ours alone */
    } while (at != NULL && (strcmp(at->d_name, ".") == 0 || strcmp(at->d_name, "..") == 0 ||
                            fn(ctx, at->d_name)));
    (void) closedir(d);
    return TW_OK;
}

tw_status tw_remove_tree(const char *path, tw_error *err)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): without FTW_CHDIR it has no state to share */
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return tw_fail_errno(err, "cannot remove '%s'", path);
    return TW_OK;
}

/* ---- opening to read ------------------------------------------------------------------------- */

enum { TO_READ = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

/* Takes the descriptor: it is in *out, ready to be read, or closed. */
static tw_status keep_regular(int fd, int *out, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    struct stat sb;
    if (fstat(fd, &sb) != 0)
        st = tw_fail_errno(err, "cannot stat '%.300s'", path);
    else if (!S_ISREG(sb.st_mode))
        st = tw_fail(err, TW_EINVAL, "'%.300s' is no regular file", path);
    else if (fcntl(fd, F_SETFL, 0) != 0)
        st = tw_fail_errno(err, "cannot read '%.300s'", path);
    if (st == TW_OK)
        *out = fd;
    else
        (void) close(fd);
    return st;
}

tw_status tw_file_open(int *fd, const char *path, tw_error *err)
{
    *fd = -1;
    const int opened = open(path, TO_READ);
    if (opened < 0 && errno == ENXIO) /* a socket, or a device that is not there */
        return tw_fail(err, TW_EINVAL, "'%.300s' is no regular file", path);
    if (opened < 0)
        return tw_fail_errno(err, "cannot open '%.300s'", path);
    return keep_regular(opened, fd, path, err);
}

tw_status tw_file_open_stream(FILE **out, const char *path, tw_error *err)
{
    int fd;
    *out = NULL;
    tw_status st = tw_file_open(&fd, path, err);
    if (st != TW_OK)
        return st;
    *out = fdopen(fd, "rb");
    if (*out == NULL) {
        st = tw_fail_errno(err, "cannot read '%.300s'", path);
        (void) close(fd);
    }
    return st;
}

tw_status tw_file_open_table(int *fd, const char *path, tw_error *err)
{
    struct stat sb;
    *fd = -1;
    if (stat(path, &sb) != 0) /* before it is opened, for opening some devices does something */
        return tw_fail_errno(err, "cannot open '%.300s'", path);
    if (S_ISDIR(sb.st_mode))
        return tw_fail(err, TW_EINVAL, "'%.300s' is a folder, not a file", path);
    if (!S_ISFIFO(sb.st_mode))
        return tw_file_open(fd, path, err);
    *fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    return *fd >= 0 ? TW_OK : tw_fail_errno(err, "cannot open '%.300s'", path);
}

/* The next part of a path, in part; false at its end. */
static bool next_part(const char **path, char part[TW_PATH_MAX])
{
    const char *p = *path;
    while (*p == '/')
        p++;
    const size_t len = strcspn(p, "/");
    memcpy(part, p, len);
    part[len] = '\0';
    *path = p + len;
    return len > 0;
}

tw_status tw_file_open_below(int *fd, int folder, const char *path, tw_error *err)
{
    char part[TW_PATH_MAX];
    const char *rest = path;
    int at = -1; /* the folder reached so far; -1: the one that was given */

    *fd = -1;
    if (path[0] == '/' || path[0] == '\0' || strlen(path) >= sizeof part)
        return tw_fail(err, TW_EINVAL, "'%.100s' is no path within the folder", path);
    while (next_part(&rest, part)) {
        const int way =
            *rest == '\0' ? TO_READ | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        const bool climbs = strcmp(part, "..") == 0;
        const int next = climbs ? -1 : openat(at >= 0 ? at : folder, part, way);
        const int why = errno;
        if (at >= 0)
            (void) close(at);
        at = next;
        errno = why;
        if (climbs)
            return tw_fail(err, TW_EINVAL, "'%.100s' climbs out of a folder", path);
        if (at < 0)
            return tw_fail_errno(err, "cannot open '%.300s'", path);
    }
    if (at < 0)
        return tw_fail(err, TW_EINVAL, "'%.100s' is no path within the folder", path);
    return keep_regular(at, fd, path, err);
}

static tw_status read_all(int fd, const char *name, char *block, size_t want, size_t *got,
                          tw_error *err)
{
    while (*got < want) {
        ssize_t n = read(fd, block + *got, want - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return tw_fail_errno(err, "cannot read '%.300s'", name);
        if (n == 0)
            break; /* it shrank meanwhile */
        *got += (size_t) n;
    }
    return TW_OK;
}

tw_status tw_file_read_open(int fd, const char *name, size_t max, char **data, size_t *len,
                            tw_error *err)
{
    struct stat sb;

    *data = NULL;
    *len = 0;
    if (fstat(fd, &sb) != 0)
        return tw_fail_errno(err, "cannot stat '%.300s'", name);
    if ((uintmax_t) sb.st_size > max)
        return tw_fail(err, TW_EINVAL, "'%.300s' has %jd bytes, the most allowed is %zu", name,
                       (intmax_t) sb.st_size, max);
    const size_t want = (size_t) sb.st_size;
    char *block = tw_alloc(want + 1, 1);
    if (block == NULL)
        return tw_fail(err, TW_ENOMEM, "%zu bytes for '%.300s'", want, name);
    tw_status st = read_all(fd, name, block, want, len, err);
    if (st == TW_OK) {
        *data = block;
        return TW_OK;
    }
    *len = 0;
    tw_free(block);
    return st;
}

tw_status tw_file_lock(int fd, const char *name, tw_error *err)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return TW_OK;
    return errno == EWOULDBLOCK ? tw_fail(err, TW_EBUSY, "another process has locked '%s'", name)
                                : tw_fail_errno(err, "cannot lock '%s'", name);
}

tw_status tw_file_read(const char *path, size_t max, char **data, size_t *len, tw_error *err)
{
    int fd;

    *data = NULL;
    *len = 0;
    tw_status st = tw_file_open(&fd, path, err);
    if (st != TW_OK)
        return st;
    st = tw_file_read_open(fd, path, max, data, len, err);
    (void) close(fd);
    return st;
}

/* ---- writing --------------------------------------------------------------------------------- */

static tw_status tmp_name(char tmp[TW_PATH_MAX], const char *path, tw_error *err)
{
    int n = snprintf(tmp, TW_PATH_MAX, "%s.tmp", path);
    if (n < 0 || n >= TW_PATH_MAX)
        return tw_fail(err, TW_EINVAL, "path is longer than %d bytes", TW_PATH_MAX - 5);
    return TW_OK;
}

tw_status tw_file_begin(FILE **out, const char *path, tw_error *err)
{
    char tmp[TW_PATH_MAX];
    *out = NULL;
    tw_status st = tmp_name(tmp, path, err);
    if (st != TW_OK)
        return st;
    *out = fopen(tmp, "w+be");
    if (*out == NULL)
        return tw_fail_errno(err, "cannot create '%s'", tmp);
    tw_crash_point(); /* an empty tmp */
    return TW_OK;
}

tw_status tw_file_commit(FILE *f, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    char tmp[TW_PATH_MAX];
    bool made = false;

    TW_TRY(tmp_name(tmp, path, err));
    made = true;
    if (fflush(f) != 0 || ferror(f)) {
        st = tw_fail_errno(err, "cannot write '%s'", tmp);
        goto done;
    }
    tw_crash_point(); /* written, not durable */
    if (fsync(fileno(f)) != 0) {
        st = tw_fail_errno(err, "cannot sync '%s'", tmp);
        goto done;
    }
    int closed = fclose(f);
    f = NULL; /* closed even when fclose() reports an error */
    if (closed != 0) {
        st = tw_fail_errno(err, "cannot close '%s'", tmp);
        goto done;
    }
    tw_crash_point(); /* durable under the wrong name */
    if (rename(tmp, path) != 0) {
        st = tw_fail_errno(err, "cannot rename '%s' to '%s'", tmp, path);
        goto done;
    }
    made = false;
    tw_crash_point(); /* renamed, the folder not synced */
    TW_TRY(tw_sync_parent(path, err));
done:
    if (f != NULL)
        (void) fclose(f);
    if (made)
        (void) unlink(tmp);
    return st;
}

void tw_file_abort(FILE *f, const char *path)
{
    char tmp[TW_PATH_MAX];
    if (f == NULL)
        return;
    (void) fclose(f);
    if (tmp_name(tmp, path, NULL) == TW_OK)
        (void) unlink(tmp);
}

tw_status tw_file_replace(const char *path, const void *data, size_t len, tw_error *err)
{
    FILE *f = NULL;
    tw_status st = tw_file_begin(&f, path, err);
    if (st != TW_OK)
        return st;
    if (fwrite(data, 1, len, f) != len) {
        st = tw_fail_errno(err, "cannot write '%s.tmp'", path);
        tw_file_abort(f, path);
        return st;
    }
    return tw_file_commit(f, path, err);
}
