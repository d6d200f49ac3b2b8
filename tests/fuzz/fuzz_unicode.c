/* Arbitrary bytes, composed and folded: well-formed, the same the second time, and folding does not
 * see whether it was composed before. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef tw_status (*change)(tw_text *out, const char *s, size_t len, tw_error *err);

static bool well_formed(const tw_text *t)
{
    for (size_t i = 0, used; i < t->len; i += used)
        if (tw_utf8_next(t->data + i, t->len - i, &used) == 0xfffd && used == 1)
            return false;
    return true;
}

static tw_text apply(change f, const char *s, size_t len)
{
    tw_text out;
    tw_text_init(&out, 11 * len);
    if (f(&out, s, len, NULL) != TW_OK || !well_formed(&out))
        abort();
    return out;
}

static void same(const tw_text *a, const tw_text *b)
{
    if (a->len != b->len || memcmp(a->data, b->data, a->len) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *) data;
    tw_text nfc = apply(tw_unicode_nfc, s, size), fold = apply(tw_unicode_fold, s, size);
    tw_text nfc_again = apply(tw_unicode_nfc, nfc.data, nfc.len);
    tw_text merge_again = apply(tw_unicode_fold, fold.data, fold.len);
    tw_text fold_of_nfc = apply(tw_unicode_fold, nfc.data, nfc.len);

    if (nfc.len > 3 * size)
        abort();
    same(&nfc, &nfc_again);
    same(&fold, &merge_again);
    same(&fold, &fold_of_nfc);
    tw_text *all[] = {&nfc, &fold, &nfc_again, &merge_again, &fold_of_nfc};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        tw_text_fini(all[i]);
    return 0;
}
