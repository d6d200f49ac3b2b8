/* Any bytes to the checkpoint reader. What it takes must lie in the data and tile it, and every
 * tensor must be found by its name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static size_t bytes_of(const tw_st_tensor *t)
{
    return (size_t) t->rows * (t->cols > 0 ? (size_t) t->cols : 1) * tw_dtype_size(t->type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tw_st_file *f = NULL;
    if (tw_st_parse(&f, data, size, NULL) != TW_OK) {
        require(f == NULL);
        return 0;
    }
    size_t total = 0;
    unsigned sum = 0;
    for (int i = 0; i < tw_st_count(f); i++) {
        tw_st_tensor t = tw_st_at(f, i), found;
        const unsigned char *at = t.data;
        require(tw_st_find(f, t.name, t.type, &found, NULL) == TW_OK && found.data == t.data);
        require(at >= data && at + bytes_of(&t) <= data + size);
        for (size_t j = 0; j < bytes_of(&t); j++)
            sum += at[j]; /* so that the sanitizer sees every byte read */
        total += bytes_of(&t);
    }
    uint64_t header;
    memcpy(&header, data, sizeof header);
    require(total == size - sizeof header - (size_t) header);
    require(sum <= 255 * total);
    tw_st_close(f);
    return 0;
}
