#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <string.h>
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

tw_status tw_remove_tree(const char *path, tw_error *err)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): without FTW_CHDIR it has no state to share */
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return tw_fail_errno(err, "cannot remove '%s'", path);
    return TW_OK;
}

tw_status tw_file_read(const char *path, size_t max, char **data, size_t *len, tw_error *err)
{
    tw_status st = TW_OK;
    char *block = NULL;
    struct stat sb;

    *data = NULL;
    *len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(err, "cannot open '%s'", path);
    if (fstat(fd, &sb) != 0) {
        st = tw_fail_errno(err, "cannot stat '%s'", path);
        goto done;
    }
    if (!S_ISREG(sb.st_mode)) {
        st = tw_fail(err, TW_EINVAL, "'%s' is no regular file", path);
        goto done;
    }
    if ((uintmax_t) sb.st_size > max) {
        st = tw_fail(err, TW_EINVAL, "'%s' has %jd bytes, the most allowed is %zu", path,
                     (intmax_t) sb.st_size, max);
        goto done;
    }
    size_t want = (size_t) sb.st_size, got = 0;
    block = tw_alloc(want + 1, 1);
    if (block == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%zu bytes for '%s'", want, path);
        goto done;
    }
    while (got < want) {
        ssize_t n = read(fd, block + got, want - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            st = tw_fail_errno(err, "cannot read '%s'", path);
            goto done;
        }
        if (n == 0)
            break; /* it shrank meanwhile */
        got += (size_t) n;
    }
    *data = block;
    *len = got;
    block = NULL;
done:
    tw_free(block);
    (void) close(fd);
    return st;
}

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
