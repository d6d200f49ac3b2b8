/* Arbitrary bytes as a text: the vector is of length 1 or zero, whole or in a bulk. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "towers/towers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { D = 8 };

static void check(tw_tower *t, const char *text, size_t size)
{
    tw_tower_session *s = NULL;
    float one[D], many[D];
    double sum = 0;

    if (tw_tower_session_create(&s, t, NULL) != TW_OK)
        abort();
    int found = -1;
    if (tw_tower_embed_text(s, text, size, one, &found, NULL) != TW_OK)
        abort();
    for (int i = 0; i < D; i++)
        sum += (double) one[i] * (double) one[i];
    if (found < 0 || found > 1 || !(fabs(sum - found) < 1e-5))
        abort();
    if (tw_tower_embed_texts(t, NULL, &text, &size, 1, many, NULL, NULL, NULL) != TW_OK ||
        memcmp(one, many, sizeof one) != 0)
        abort();
    tw_tower_session_destroy(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const tw_tower_config cfg = {.bits = 8,
                                 .idf_power = 1,
                                 .embed_dim = D,
                                 .dim = D,
                                 .ngram_min = 1 + (int) (size % 3),
                                 .ngram_max = 5,
                                 .max_features = 64,
                                 .text_rules = 1 + (int) (size / 3 % 2),
                                 .compounds = size % 5 == 0,
                                 .seed = 1};
    const char *text = (const char *) data;
    tw_tower *t = NULL;

    if (tw_tower_create(&t, &cfg, NULL, NULL) != TW_OK ||
        tw_tower_fit_texts(t, &text, &size, 1, NULL) != TW_OK)
        abort();
    check(t, text, size);
    tw_tower_destroy(t);
    return 0;
}
