#include "rpc/api_keys.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"

typedef char padded[TW_WIRE_MAX_API_KEY]; /* the key, then zeros: all comparisons are this long */

struct tw_api_keys {
    int n;
    padded keys[TW_API_KEYS_MAX];
};

static tw_status add_line(tw_api_keys *k, const char *line, size_t len, int number, tw_error *err)
{
    while (len > 0 && strchr(" \t\r", line[0]) != NULL) {
        line++;
        len--;
    }
    while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
        len--;
    if (len == 0 || line[0] == '#')
        return TW_OK;
    if (len < TW_API_KEY_MIN_SIZE || len > sizeof(padded))
        return tw_fail(err, TW_EINVAL, "the key in line %d has %zu bytes, %d to %zu are allowed",
                       number, len, TW_API_KEY_MIN_SIZE, sizeof(padded));
    if (!tw_utf8_valid(line, len))
        return tw_fail(err, TW_EINVAL, "the key in line %d is not UTF-8", number);
    if (k->n == TW_API_KEYS_MAX)
        return tw_fail(err, TW_EINVAL, "there are more than %d keys", TW_API_KEYS_MAX);
    memcpy(k->keys[k->n++], line, len);
    return TW_OK;
}

tw_status tw_api_keys_load(tw_api_keys **out, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    char *data = NULL;
    size_t len = 0;

    *out = NULL;
    tw_api_keys *k = tw_alloc(1, sizeof *k);
    if (k == NULL) {
        st = tw_fail(err, TW_ENOMEM, "keys");
        goto done;
    }
    TW_TRY(tw_file_read(path, 2 * sizeof k->keys, &data, &len, err));
    int number = 0;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(data + at, '\n', len - at);
        size_t line = end != NULL ? (size_t) (end - data) - at : len - at;
        TW_TRY(add_line(k, data + at, line, ++number, err));
        at += line + 1;
    }
    if (k->n == 0)
        TW_TRY(tw_fail(err, TW_EINVAL, "there is no key in %s", path));
    *out = k;
    k = NULL;
done:
    if (data != NULL)
        explicit_bzero(data, len);
    tw_free(data);
    tw_api_keys_free(k);
    return st;
}

void tw_api_keys_free(tw_api_keys *k)
{
    if (k != NULL)
        explicit_bzero(k, sizeof *k);
    tw_free(k);
}

bool tw_api_keys_allow(const tw_api_keys *k, const char *key)
{
    padded asked = {0};
    size_t len = strlen(key);
    if (len == 0 || len > sizeof asked)
        return false;
    for (size_t j = 0; j < len; j++)
        asked[j] = key[j];

    /* volatile, so that the compiler may not stop early either */
    volatile unsigned found = 0;
    for (int i = 0; i < k->n; i++) {
        volatile unsigned char differ = 0;
        for (size_t j = 0; j < sizeof asked; j++)
            differ |= (unsigned char) (asked[j] ^ k->keys[i][j]);
        found |= differ == 0;
    }
    return found != 0;
}
