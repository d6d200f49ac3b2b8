#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

void tw_text_init(tw_text *t, size_t cap) { *t = (tw_text){.cap = cap}; }

void tw_text_fini(tw_text *t)
{
    tw_free(t->data);
    *t = (tw_text){.cap = t->cap};
}

void tw_text_clear(tw_text *t)
{
    t->len = 0;
    if (t->data != NULL)
        t->data[0] = '\0';
}

const char *tw_text_cstr(const tw_text *t) { return t->data != NULL ? t->data : ""; }

static tw_status make_room(tw_text *t, size_t more, tw_error *err)
{
    if (more > t->cap || t->len > t->cap - more)
        return tw_fail(err, TW_EINVAL, "text of more than %zu bytes", t->cap);
    size_t need = t->len + more + 1;
    if (need <= t->room)
        return TW_OK;
    size_t room = t->room < 32 ? 64 : t->room * 2;
    if (room < need)
        room = need;
    if (room > t->cap + 1)
        room = t->cap + 1;
    char *data = tw_realloc(t->data, room, 1);
    if (data == NULL)
        return tw_fail(err, TW_ENOMEM, "%zu bytes of text", room);
    t->data = data;
    t->room = room;
    return TW_OK;
}

tw_status tw_text_add(tw_text *t, const char *data, size_t len, tw_error *err)
{
    tw_status st = make_room(t, len, err);
    if (st != TW_OK)
        return st;
    if (len > 0)
        memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = '\0';
    return TW_OK;
}

tw_status tw_text_adds(tw_text *t, const char *s, tw_error *err)
{
    return tw_text_add(t, s, strlen(s), err);
}

tw_status tw_text_addf(tw_text *t, tw_error *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return tw_fail(err, TW_EINVAL, "text that cannot be formatted");
    tw_status st = make_room(t, (size_t) n, err);
    if (st != TW_OK)
        return st;
    va_start(ap, fmt);
    (void) vsnprintf(t->data + t->len, (size_t) n + 1, fmt, ap);
    va_end(ap);
    t->len += (size_t) n;
    return TW_OK;
}

tw_status tw_text_add_latin1(tw_text *t, const char *s, size_t len, tw_error *err)
{
    for (size_t i = 0; i < len; i++) {
        char buf[4];
        tw_status st = tw_text_add(t, buf, tw_utf8_put(buf, (unsigned char) s[i]), err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

bool tw_parse_i64(const char *s, int64_t *out)
{
    if (!(s[0] == '-' ? s[1] >= '0' && s[1] <= '9' : s[0] >= '0' && s[0] <= '9'))
        return false;
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *out = (int64_t) v;
    return true;
}

bool tw_parse_f64(const char *s, double *out)
{
    if (s[0] == '\0' || s[0] == ' ' || s[0] == '\t' || s[0] == '\n')
        return false;
    char *end;
    errno = 0;
    double v = strtod(s, &end);
    if (*end != '\0' || !isfinite(v))
        return false;
    *out = v;
    return true;
}
