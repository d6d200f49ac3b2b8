/* FILE.rejected: rows that could not be taken, with the reason, for a person to mend. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crash.h"
#include "ingest/internal.h"

struct tw_rejects {
    char path[TW_PATH_MAX];
    FILE *f; /* NULL until there is something to write */
    int64_t count;
};

static tw_status failed(const tw_rejects *j, tw_error *err)
{
    return tw_fail_errno(err, "cannot write '%.300s'", j->path);
}

/* Finds the end of the last complete line whose number is at most `line`, and counts those lines.
 */
static tw_status find_keep(tw_rejects *j, int64_t line, off_t *keep, tw_error *err)
{
    int64_t number = 0;
    off_t at = 0;
    bool in_number = true;
    char buf[8192];
    size_t n;

    *keep = 0;
    while ((n = fread(buf, 1, sizeof buf, j->f)) > 0) {
        for (size_t i = 0; i < n; i++) {
            at++;
            if (buf[i] == '\n') {
                if (number > line)
                    return TW_OK;
                *keep = at;
                j->count++;
                number = 0;
                in_number = true;
            } else if (in_number && buf[i] >= '0' && buf[i] <= '9' && number < INT64_MAX / 20) {
                number = number * 10 + (buf[i] - '0');
            } else {
                in_number = false;
            }
        }
    }
    return ferror(j->f) != 0 ? tw_fail_errno(err, "cannot read '%.300s'", j->path) : TW_OK;
}

/* An earlier run may have left rows: opens the file, if there is one, and cuts off what comes
 * later. */
static tw_status keep_until(tw_rejects *j, int64_t line, tw_error *err)
{
    off_t keep = 0;
    j->f = fopen(j->path, "r+be"); // banned-ok: to write behind what is kept
    if (j->f == NULL && errno == ENOENT)
        return TW_OK;
    if (j->f == NULL)
        return tw_fail_errno(err, "cannot open '%.300s'", j->path);
    tw_status st = find_keep(j, line, &keep, err);
    if (st == TW_OK && (ftruncate(fileno(j->f), keep) != 0 || fseeko(j->f, keep, SEEK_SET) != 0))
        st = failed(j, err);
    return st;
}

tw_status tw_rejects_open(tw_rejects **out, const char *path, tw_reader_place place, tw_error *err)
{
    tw_status st = TW_OK;
    struct stat sb;

    *out = NULL;
    if (strlen(path) >= TW_PATH_MAX)
        return tw_fail(err, TW_EINVAL, "the path of %zu bytes is longer than %d", strlen(path),
                       TW_PATH_MAX - 1);
    tw_rejects *j = tw_alloc(1, sizeof *j);
    if (j == NULL)
        return tw_fail(err, TW_ENOMEM, "no memory for rejected rows");
    (void) snprintf(j->path, sizeof j->path, "%s", path);
    if (stat(path, &sb) == 0 && S_ISFIFO(sb.st_mode)) /* opening it would wait for who reads it */
        st = tw_fail(err, TW_EINVAL, "'%.300s', where rejected rows go, is a pipe", path);
    if (st == TW_OK && place.row > 0)
        st = keep_until(j, place.line, err);
    if (st == TW_OK) {
        *out = j;
        j = NULL;
    }
    tw_rejects_close(j);
    return st;
}

static void put_escaped(FILE *f, const char *s, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        const char *as = s[i] == '\n' ? "\\n" : s[i] == '\r' ? "\\r" : s[i] == '\0' ? "\\0" : NULL;
        if (as == NULL)
            continue;
        (void) fwrite(s + from, 1, i - from, f);
        (void) fwrite(as, 1, 2, f);
        from = i + 1;
    }
    (void) fwrite(s + from, 1, len - from, f);
}

tw_status tw_rejects_add(tw_rejects *j, int64_t line, const char *reason, const char *raw,
                         size_t len, tw_error *err)
{
    if (j->f == NULL) {
        j->f = fopen(j->path, "wbe"); // banned-ok: to write
        if (j->f == NULL)
            return tw_fail_errno(err, "cannot create '%.300s'", j->path);
    }
    (void) fprintf(j->f, "%" PRId64 "\t", line);
    for (; *reason != '\0'; reason++)
        (void) fputc(strchr("\t\r\n", *reason) != NULL ? ' ' : *reason, j->f);
    (void) fputc('\t', j->f);
    put_escaped(j->f, raw, len);
    (void) fputc('\n', j->f);
    if (ferror(j->f) != 0) /* it stays set: one look is enough for all of the above */
        return failed(j, err);
    j->count++;
    return TW_OK;
}

tw_status tw_rejects_flush(tw_rejects *j, tw_error *err)
{
    if (j->f != NULL && fflush(j->f) != 0)
        return failed(j, err);
    tw_crash_point();
    return TW_OK;
}

int64_t tw_rejects_count(const tw_rejects *j) { return j->count; }

tw_status tw_rejects_finish(tw_rejects *j, tw_error *err)
{
    if (j->count == 0) {
        if (unlink(j->path) != 0 && errno != ENOENT && errno != EACCES && errno != EROFS)
            return tw_fail_errno(err, "cannot remove '%.300s'", j->path);
        return TW_OK;
    }
    tw_status st = tw_rejects_flush(j, err);
    if (st == TW_OK && fsync(fileno(j->f)) != 0)
        st = failed(j, err);
    return st == TW_OK ? tw_sync_parent(j->path, err) : st;
}

void tw_rejects_close(tw_rejects *j)
{
    if (j == NULL)
        return;
    if (j->f != NULL)
        (void) fclose(j->f);
    tw_free(j);
}
