/* The first byte chooses: 0, 1 the rest is a text for a fixed vocabulary; 2 it is a vocabulary; 3 a
 * tokenizer.json; 4 a text to learn from. Whatever is taken cuts texts within its bounds, and is
 * the same when it is stored and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "towers/text/text_wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 40 };

static void require(int condition)
{
    if (!condition)
        abort();
}

static void encode(const twi_wordpiece *w, const char *text, size_t len)
{
    int32_t ids[MOST], fewer[MOST];
    int n = twi_wordpiece_encode(w, text, len, MOST, ids);
    require(n >= 2 && n <= MOST);
    for (int k = 0; k < n; k++)
        require(ids[k] >= 0 && ids[k] < twi_wordpiece_size(w));
    int m = twi_wordpiece_encode(w, text, len, 5, fewer);
    require(m == (n < 5 ? n : 5) && memcmp(ids, fewer, (size_t) (m - 1) * sizeof *ids) == 0);
}

static void check(twi_wordpiece *w, const char *text, size_t len)
{
    twi_wordpiece *again = NULL;
    size_t n, n_again;
    const char *stored = twi_wordpiece_text(w, &n);

    encode(w, text, len);
    encode(w, "Caf\xc3\xa9 au lait", 12);
    require(twi_wordpiece_parse(&again, stored, n, twi_wordpiece_cutting(w), NULL) == TW_OK);
    const char *added = twi_wordpiece_added(w);
    if (added != NULL)
        require(twi_wordpiece_add(again, added, strlen(added), NULL) == TW_OK);
    const char *stored_again = twi_wordpiece_text(again, &n_again);
    require(n == n_again && memcmp(stored, stored_again, n) == 0);
    require(twi_wordpiece_size(w) == twi_wordpiece_size(again));
    twi_wordpiece_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char fixed[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nab\n##a\n##b\n##ab\n##e\ne\n1\n"
                                "##1\n.\n,\n\xc3\xa9\n##\xc3\xa9\n\xe4\xb8\xad\n\xe1\x84\x80\n";
    twi_wordpiece *w = NULL;
    if (size == 0)
        return 0;
    const char *rest = (const char *) data + 1;
    size_t len = size - 1;
    tw_status st = TW_ECORRUPT;

    switch (data[0]) {
    case 0:
    case 1:
        st = twi_wordpiece_parse(&w, fixed, sizeof fixed - 1,
                                 data[0] == 0 ? TWI_UNCASED : TWI_CASED, NULL);
        break;
    case 2: st = twi_wordpiece_parse(&w, rest, len, TWI_UNCASED, NULL); break;
    case 3: st = twi_wordpiece_parse_json(&w, rest, len, NULL, NULL); break;
    case 4: st = twi_wordpiece_learn(&w, &rest, &len, 1, 64, NULL); break;
    default: break;
    }
    require((st == TW_OK) == (w != NULL));
    if (w != NULL)
        check(w, rest, len);
    twi_wordpiece_destroy(w);
    return 0;
}
