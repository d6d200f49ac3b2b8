/* Makes the files that test_media.sh needs: a small image of a shape, or a tone.
 *
 *     media_draw picture PATH ring|cross KIND        KIND 0..9 moves and thickens it
 *     media_draw sound PATH HERTZ                    a quarter of a second, 8 kHz, 16 bits */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "ingest/image.h"

enum { SIDE = 32, FRAMES = 2000, RATE = 8000 };

static int image(const char *path, const char *shape, int kind)
{
    static unsigned char px[SIDE * SIDE * 3];
    const tw_image im = {.width = SIDE, .height = SIDE, .channels = 3, .px = px};
    const double thick = 1.5 + 0.3 * kind;
    memset(px, 255, sizeof px);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            const double dx = x - 15.5 + 0.4 * (kind - 5), dy = y - 15.5;
            const double off = strcmp(shape, "ring") == 0 ? fabs(sqrt(dx * dx + dy * dy) - 9)
                                                          : fmin(fabs(dx), fabs(dy));
            if (off < thick)
                memset(px + ((size_t) y * SIDE + (size_t) x) * 3, 20 * kind, 3);
        }
    }
    return tw_image_save_png(path, &im, NULL) == TW_OK ? 0 : 1;
}

static void put_le(unsigned char *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char) (value >> 8 * i);
}

static int audio(const char *path, double hertz)
{
    static unsigned char wav[44 + 2 * FRAMES] = "RIFF....WAVEfmt ....................data";
    const uint32_t words[] = {16, 1 | 1U << 16, RATE, 2 * RATE, 2 | 16U << 16};
    put_le(wav + 4, sizeof wav - 8, 4);
    for (int i = 0; i < 5; i++)
        put_le(wav + 16 + 4 * i, words[i], 4);
    put_le(wav + 40, 2 * FRAMES, 4);
    for (int i = 0; i < FRAMES; i++) {
        const double v = 12000 * exp(-3.0 * i / FRAMES) * sin(6.283185307179586 * hertz * i / RATE);
        put_le(wav + 44 + 2 * i, (uint32_t) (int32_t) v, 2);
    }
    return tw_file_replace(path, wav, sizeof wav, NULL) == TW_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    int64_t n;
    if (argc == 5 && strcmp(argv[1], "picture") == 0 && tw_parse_i64(argv[4], &n))
        return image(argv[2], argv[3], (int) n);
    if (argc == 4 && strcmp(argv[1], "sound") == 0 && tw_parse_i64(argv[3], &n))
        return audio(argv[2], (double) n);
    (void) fprintf(stderr, "media_draw: wrong usage\n");
    return 2;
}
