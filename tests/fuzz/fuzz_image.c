/* Arbitrary bytes as an image: it is within its bounds, or there is a sentence. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ingest/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const tw_image_options opt = {.background = {1, 2, 3}, .max_pixels = 4096};
    tw_image im;
    tw_error err = {0};
    unsigned sum = 0;

    if (tw_image_parse(&im, data, size, "fuzz", &opt, &err) != TW_OK) {
        require(im.px == NULL && strncmp(err.msg, "'fuzz' ", 7) == 0);
        return 0;
    }
    require(im.width >= 1 && im.height >= 1 && (int64_t) im.width * im.height <= opt.max_pixels);
    require(im.channels == 1 || im.channels == 3);
    for (int64_t i = 0; i < (int64_t) im.width * im.height * im.channels; i++)
        sum += im.px[i]; /* so that the sanitizer sees every byte */
    require(sum != UINT32_MAX);
    tw_free(im.px);
    return 0;
}
