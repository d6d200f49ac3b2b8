/* base/log.h — one line to stderr per event that no caller can learn otherwise.
 *
 *     tw_log(TW_LOG_WARN, "RPC-REJECT", "status=%d reason=\"%s\"", st, err.msg);
 *
 * prints what %s brings made printable (base/printable.h), quotes escaped: write "%s" with quotes.
 * So this is `2026-05-01T12:00:00Z warn RPC-REJECT status=1 reason="..."`. Ids are
 * stable and listed in docs/logging.md. Libraries return what a caller can
 * see; they log the rest. Thread-safe: a line is one write.
 *
 * A line never makes its caller wait: where stderr takes none (a pipe that
 * no process reads, a stopped terminal, a full disk, closed) it is dropped, and the
 * next that gets through is preceded by `LOG-DROPPED dropped=N`.
 */
#ifndef TW_BASE_LOG_H
#define TW_BASE_LOG_H

#include "base/decls.h"

TW_BEGIN_DECLS

typedef enum tw_log_level {
    TW_LOG_DEBUG = 0,
    TW_LOG_INFO = 1,
    TW_LOG_WARN = 2,
    TW_LOG_ERROR = 3,
} tw_log_level;

/* Lines below `least` are dropped. Default TW_LOG_WARN. Set before threads start. */
void tw_log_set_level(tw_log_level least);

void tw_log(tw_log_level level, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* For events that a peer can trigger: true at most `per_second` times a second and call site;
 * `*dropped` then tells how many were swallowed since the last true. Zero-initialise `state`,
 * one static per call site. Thread-safe. */
typedef struct tw_log_gate {
    long second;
    int used;
    int dropped;
} tw_log_gate;
int tw_log_allowed(tw_log_gate *state, int per_second, int *dropped);

TW_END_DECLS

#endif
