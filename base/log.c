#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/printable.h"

/* A line with its newline: no more than a pipe takes whole (PIPE_BUF is 4096 here, 512 at least).
 */
#define LINE_MAX_BYTES 1024

/* The level is set once at start; atomic only so that a late change is not a race. */
static atomic_int least_level = TW_LOG_WARN;

void tw_log_set_level(tw_log_level least) { atomic_store(&least_level, (int) least); }

/* ---- writing without ever waiting ----
 *
 * O_NONBLOCK is no way to it: it would belong to everybody who shares this stderr, the shell
 * included. So each kind of file is asked in its own manner; a regular file takes lines at once. */

/* A pipe that is ready takes PIPE_BUF bytes whole; RWF_NOWAIT is for another process that fills it
 * just then, and old kernels do not know it. */
static ssize_t write_pipe(char *line, size_t len)
{
    struct iovec v = {.iov_base = line, .iov_len = len};
    ssize_t n = pwritev2(STDERR_FILENO, &v, 1, -1, RWF_NOWAIT);
    if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL))
        n = write(STDERR_FILENO, line, len);
    return n;
}

/* What write() would return, or -1 when it would wait, fail or raise SIGPIPE. */
static ssize_t write_now(char *line, size_t len)
{
    struct stat sb;
    if (fstat(STDERR_FILENO, &sb) != 0)
        return -1;
    if (S_ISSOCK(sb.st_mode))
        return send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&ready, 1, 0) != 1 || (ready.revents & (POLLOUT | POLLERR | POLLNVAL)) != POLLOUT)
        return -1;
    return S_ISFIFO(sb.st_mode) ? write_pipe(line, len) : write(STDERR_FILENO, line, len);
}

static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the three below */
static long long lost; /* lines since the last one that was written */
static bool cut;       /* the last line ends in its middle */
static char out[LINE_MAX_BYTES + 1];

/* Called with out_lock held. */
static bool put_line(const char *line, size_t len)
{
    size_t at = 0;
    if (cut)
        out[at++] = '\n';
    memcpy(out + at, line, len);
    at += len;
    ssize_t n = write_now(out, at);
    if (n > 0)
        cut = (size_t) n < at;
    return n > 0;
}

/* Called with out_lock held. */
static bool tell_lost(void)
{
    char line[128], when[32];
    int n = snprintf(line, sizeof line, "%s warn LOG-DROPPED dropped=%lld\n",
                     tw_clock_iso8601(when, sizeof when, tw_clock_unix()), lost);
    return n > 0 && put_line(line, (size_t) n);
}

/* "WHEN LEVEL ID TEXT\n" into line; the number of bytes. */
static size_t compose(char line[LINE_MAX_BYTES], tw_log_level level, const char *id,
                      const char *fmt, va_list ap)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    char when[32];
    int n = snprintf(line, LINE_MAX_BYTES, "%s %s %s ",
                     tw_clock_iso8601(when, sizeof when, tw_clock_unix()), names[level], id);
    size_t len = n > 0 ? (size_t) n : 0;
    size_t left = LINE_MAX_BYTES - len - 1;
    /* A peer's text forges neither a line nor, by a quote of its own, a field. */
    len += tw_printable_vsnprintf(line + len, left, true, fmt, ap);
    line[len++] = '\n';
    return len;
}

void tw_log(tw_log_level level, const char *id, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    if ((int) level < atomic_load(&least_level))
        return;

    va_list ap;
    va_start(ap, fmt);
    size_t len = compose(line, level, id, fmt, ap);
    va_end(ap);

    (void) pthread_mutex_lock(&out_lock);
    if (lost > 0 && tell_lost())
        lost = 0;
    if (lost > 0 || !put_line(line, len))
        lost++;
    (void) pthread_mutex_unlock(&out_lock);
}

int tw_log_allowed(tw_log_gate *state, int per_second, int *dropped)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards every gate's fields */
    int allowed = 0;
    long now = (long) tw_clock_monotonic();

    (void) pthread_mutex_lock(&lock);
    if (state->second != now) {
        state->second = now;
        state->used = 0;
    }
    *dropped = state->dropped;
    if (state->used < per_second) {
        state->used++;
        state->dropped = 0;
        allowed = 1;
    } else {
        state->dropped++;
    }
    (void) pthread_mutex_unlock(&lock);
    return allowed;
}
