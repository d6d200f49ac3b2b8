#include "rpc/api_keys.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "base/utf8.h"

typedef char padded[TW_WIRE_MAX_API_KEY]; /* the key, then zeros: all comparisons are this long */

typedef struct list {
    int n;
    padded keys[TW_API_KEYS_MAX];
} list;

struct tw_api_keys {
    char *path;            /* owned */
    pthread_rwlock_t lock; /* guards list */
    list *list;            /* owned */
};

static void wipe(list *l)
{
    if (l != NULL)
        explicit_bzero(l, sizeof *l);
    tw_free(l);
}

static tw_status add_line(list *k, const char *line, size_t len, int number, tw_error *err)
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

static tw_status read_list(list **out, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    char *data = NULL;
    size_t len = 0;

    list *k = tw_alloc(1, sizeof *k);
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
    wipe(k);
    return st;
}

tw_status tw_api_keys_load(tw_api_keys **out, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    list *first = NULL;

    *out = NULL;
    TW_TRY(read_list(&first, path, err));
    tw_api_keys *k = tw_alloc(1, sizeof *k);
    char *copy = tw_strdup(path);
    if (k == NULL || copy == NULL || pthread_rwlock_init(&k->lock, NULL) != 0) {
        tw_free(k);
        tw_free(copy);
        st = tw_fail(err, TW_ENOMEM, "keys");
        goto done;
    }
    k->path = copy;
    k->list = first;
    first = NULL;
    *out = k;
done:
    wipe(first);
    return st;
}

tw_status tw_api_keys_reload(tw_api_keys *k, tw_error *err)
{
    list *now = NULL, *before;
    tw_status st = read_list(&now, k->path, err);
    if (st != TW_OK)
        return st;
    (void) pthread_rwlock_wrlock(&k->lock);
    before = k->list;
    k->list = now;
    (void) pthread_rwlock_unlock(&k->lock);
    wipe(before);
    return TW_OK;
}

void tw_api_keys_free(tw_api_keys *k)
{
    if (k == NULL)
        return;
    (void) pthread_rwlock_destroy(&k->lock);
    wipe(k->list);
    tw_free(k->path);
    tw_free(k);
}

int tw_api_keys_count(tw_api_keys *k)
{
    (void) pthread_rwlock_rdlock(&k->lock);
    int n = k->list->n;
    (void) pthread_rwlock_unlock(&k->lock);
    return n;
}

static bool in_list(const list *k, const char *key)
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

bool tw_api_keys_allow(tw_api_keys *k, const char *key)
{
    (void) pthread_rwlock_rdlock(&k->lock);
    bool found = in_list(k->list, key);
    (void) pthread_rwlock_unlock(&k->lock);
    return found;
}
