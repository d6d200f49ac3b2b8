/* Arbitrary bytes as an audio file: finite numbers within the bounds, or a sentence. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ingest/audio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tw_audio s;
    tw_error err = {0};
    bool cut = false;

    if (tw_audio_parse(&s, data, size, "fuzz", &(tw_audio_options){.seconds = 0.25}, &cut, &err) !=
        TW_OK) {
        require(s.samples == NULL && strncmp(err.msg, "'fuzz' ", 7) == 0);
        return 0;
    }
    require(s.rate >= TW_AUDIO_MIN_RATE && s.rate <= TW_AUDIO_MAX_RATE);
    require(s.frames >= 1 && s.frames <= (s.rate + 3) / 4);
    require(!cut || s.frames == (s.rate + 3) / 4);
    for (int64_t i = 0; i < s.frames; i++)
        require(isfinite(s.samples[i]));
    tw_free(s.samples);
    return 0;
}
