#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

const char *tw_status_name(tw_status code)
{
    switch (code) {
    case TW_OK: return "ok";
    case TW_EINVAL: return "invalid argument";
    case TW_ENOMEM: return "out of memory";
    case TW_EIO: return "input/output error";
    case TW_ECORRUPT: return "corrupt data";
    case TW_EDIM: return "wrong dimension";
    case TW_EBUSY: return "busy";
    case TW_ENOTFOUND: return "not found";
    case TW_EEXIST: return "already exists";
    case TW_ESTATE: return "failed precondition";
    case TW_ETIMEOUT: return "deadline exceeded";
    case TW_ECANCELLED: return "cancelled";
    case TW_EDENIED: return "permission denied";
    case TW_EUNSUPPORTED: return "unsupported";
    case TW_ENOSPC: return "no space left";
    }
    return "unknown status";
}

static void fill(tw_error *err, tw_status code, const char *file, int line, const char *fmt,
                 va_list ap)
{
    err->code = code;
    err->file = file;
    err->line = line;
    err->system = false;
    (void) tw_printable_vsnprintf(err->msg, sizeof err->msg, false, fmt, ap);
}

tw_status tw_fail_at(tw_error *err, tw_status code, const char *file, int line, const char *fmt,
                     ...)
{
    if (err != NULL) {
        va_list ap;
        va_start(ap, fmt);
        fill(err, code, file, line, fmt, ap);
        va_end(ap);
    }
    return code;
}

static tw_status from_errno(int code)
{
    switch (code) {
    case ENOENT: return TW_ENOTFOUND;
    case EEXIST: return TW_EEXIST;
    case EACCES:
    case EPERM:
    case EROFS: return TW_EDENIED;
    case ENOMEM: return TW_ENOMEM;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return TW_ENOSPC;
    default: return TW_EIO;
    }
}

tw_status tw_fail_errno_at(tw_error *err, const char *file, int line, const char *fmt, ...)
{
    int code = errno;
    tw_status st = from_errno(code);

    if (err != NULL) {
        va_list ap;
        va_start(ap, fmt);
        fill(err, st, file, line, fmt, ap);
        va_end(ap);
        err->system = true;

        char why[128];
        size_t len = strlen(err->msg);
        (void) snprintf(err->msg + len, sizeof err->msg - len, ": %s",
                        strerror_r(code, why, sizeof why)); /* the GNU form returns the text */
    }
    return st;
}
