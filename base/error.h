/* base/error.h — how every fallible call of the project reports.
 *
 * A function that can fail returns tw_status and takes a tw_error as its last
 * parameter, which may be NULL. The error is filled once, where the failure is
 * discovered, with a sentence that holds the offending value, made printable
 * (base/printable.h). It lives on the caller's stack: nothing to free, nothing
 * thread-local.
 *
 *     tw_error err = {0};
 *     if (tw_index_search(ix, q, 10, &opt, hits, &n, &err) != TW_OK)
 *         fprintf(stderr, "%s\n", err.msg);
 */
#ifndef TW_BASE_ERROR_H
#define TW_BASE_ERROR_H

#include <stdbool.h>

#include "base/decls.h"

TW_BEGIN_DECLS

/* 0 is success; the numbers are on the wire, so never renumber them. */
typedef enum tw_status {
    TW_OK = 0,
    TW_EINVAL = 1,        /* an argument, row or message breaks a documented rule */
    TW_ENOMEM = 2,        /* allocation failed, or a size overflowed */
    TW_EIO = 3,           /* the operating system refused; see msg */
    TW_ECORRUPT = 4,      /* bytes from disk or wire are not what they claim */
    TW_EDIM = 5,          /* vector width differs from the index's or the model's */
    TW_EBUSY = 6,         /* try again later: queue or writer slot is full */
    TW_ENOTFOUND = 7,     /* no such item, user, file or model */
    TW_EEXIST = 8,        /* it is there already */
    TW_ESTATE = 9,        /* right call, wrong moment: e.g. no model is trained yet */
    TW_ETIMEOUT = 10,     /* the deadline passed first */
    TW_ECANCELLED = 11,   /* the caller asked to stop */
    TW_EDENIED = 12,      /* missing or wrong API key, or read-only directory */
    TW_EUNSUPPORTED = 13, /* this build or version cannot do that */
    TW_ENOSPC = 14,       /* no room on the disk, or a quota or size limit: free some, try again */
} tw_status;

#define TW_ERROR_MSG_MAX 512

/* A failure, reported once, where it happened. Lives on the caller's stack. */
typedef struct tw_error {
    tw_status code;
    const char *file; /* static string, never freed */
    int line;
    /* The sentence is the system's, about a file or an address: not for who asks over a wire. */
    bool system;
    char msg[TW_ERROR_MSG_MAX]; /* one sentence, no trailing newline */
} tw_error;

/* Short lower-case English name: "ok", "invalid argument", ... Never NULL. */
const char *tw_status_name(tw_status code);

/* Fills *err (which may be NULL) and returns `code`, so that
 * `return tw_fail(...)` and `st = tw_fail(...)` both read naturally. */
#define tw_fail(err, code, ...) tw_fail_at((err), (code), __FILE__, __LINE__, __VA_ARGS__)

/* As tw_fail with TW_EIO (TW_ENOTFOUND for ENOENT, TW_EDENIED for EACCES/EROFS, TW_ENOSPC): appends
 * what errno says, and sets err->system: "cannot open 'x.csv': No such file or directory". Reads
 * errno first. */
#define tw_fail_errno(err, ...) tw_fail_errno_at((err), __FILE__, __LINE__, __VA_ARGS__)

tw_status tw_fail_at(tw_error *err, tw_status code, const char *file, int line, const char *fmt,
                     ...) __attribute__((format(printf, 5, 6)));
tw_status tw_fail_errno_at(tw_error *err, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The only control-flow macro in the project. Needs a local `tw_status st`
 * and a label `done:` that releases everything the function acquired. */
#define TW_TRY(call)                                                                               \
    do {                                                                                           \
        st = (call);                                                                               \
        if (st != TW_OK)                                                                           \
            goto done;                                                                             \
    } while (0)

#define TW_NODISCARD __attribute__((warn_unused_result))

TW_END_DECLS

#endif
