/* What ids and titles are compared by. They are stored as they were given. */
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "base/unicode.h"
#include "store/store_fold.h"
#include "store/store_statement.h"

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool twi_is_ascii(const char *s, size_t len)
{
    unsigned char all = 0;
    for (size_t i = 0; i < len; i++)
        all |= (unsigned char) s[i];
    return all < 0x80;
}

static void trim(tw_text *t)
{
    size_t from = 0;
    if (t->data == NULL)
        return;
    while (t->len > 0 && is_space(t->data[t->len - 1]))
        t->len--;
    while (from < t->len && is_space(t->data[from]))
        from++;
    t->len -= from;
    memmove(t->data, t->data + from, t->len);
    t->data[t->len] = '\0';
}

tw_status twi_store_fold(tw_text *out, const char *s, size_t len, tw_error *err)
{
    tw_status st;
    tw_text_clear(out);
    if (twi_is_ascii(s, len)) { /* most are, and the answer is the same */
        st = tw_text_add(out, s, len, err);
        for (size_t i = 0; i < out->len && st == TW_OK; i++)
            if (out->data[i] >= 'A' && out->data[i] <= 'Z')
                out->data[i] = (char) (out->data[i] + ('a' - 'A'));
    } else {
        st = tw_unicode_fold(out, s, len, err);
    }
    if (st == TW_OK)
        trim(out);
    return st;
}

/* The top bit is dropped so that the value is a plain positive integer in every language. */
static int64_t hash_of(const char *s, size_t len)
{
    const int64_t hash = (int64_t) (tw_fnv1a(TW_FNV_START, s, len) >> 1);
    return hash != 0 ? hash : 1;
}

tw_status twi_fold_hash(const char *title, int64_t *hash, tw_error *err)
{
    tw_text folded;
    *hash = 0;
    tw_text_init(&folded, TWI_FOLD_MAX);
    tw_status st = twi_store_fold(&folded, title, strnlen(title, TW_STORE_MAX_TITLE), err);
    if (st == TW_OK && folded.len > 0)
        *hash = hash_of(folded.data, folded.len);
    tw_text_fini(&folded);
    return st;
}

tw_status twi_nfc_hash(const char *id, int64_t *hash, tw_error *err)
{
    const size_t len = strnlen(id, TW_STORE_MAX_ID);
    tw_text nfc;
    *hash = 0;
    if (twi_is_ascii(id, len))
        return TW_OK;
    tw_text_init(&nfc, TWI_NFC_MAX);
    tw_status st = tw_unicode_nfc(&nfc, id, len, err);
    if (st == TW_OK)
        *hash = hash_of(tw_text_cstr(&nfc), nfc.len);
    tw_text_fini(&nfc);
    return st;
}

/* ---- The same for SQL ------------------------------------------------------------------------ */

typedef tw_status (*hash_fn)(const char *s, int64_t *hash, tw_error *err);

static void sql_hash(sqlite3_context *to, sqlite3_value *value, hash_fn fn)
{
    int64_t hash;
    const unsigned char *s = sqlite3_value_text(value);
    if (s == NULL)
        return;
    if (fn((const char *) s, &hash, NULL) != TW_OK)
        sqlite3_result_error_nomem(to);
    else if (hash != 0) /* else NULL: nothing is left to be found by */
        sqlite3_result_int64(to, hash);
}

static void sql_fold(sqlite3_context *to, int n, sqlite3_value **values)
{
    (void) n;
    sql_hash(to, values[0], twi_fold_hash);
}

static void sql_nfc(sqlite3_context *to, int n, sqlite3_value **values)
{
    (void) n;
    sql_hash(to, values[0], twi_nfc_hash);
}

tw_status twi_fold_functions(twi_conn *c, tw_error *err)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    int rc =
        sqlite3_create_function_v2(c->db, "twi_fold", 1, flags, NULL, sql_fold, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc =
            sqlite3_create_function_v2(c->db, "twi_nfc", 1, flags, NULL, sql_nfc, NULL, NULL, NULL);
    return rc == SQLITE_OK ? TW_OK : twi_sql_fail(c, rc, err);
}
