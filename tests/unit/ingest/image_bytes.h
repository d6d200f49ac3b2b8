/* PNG and JPEG files made to order, in memory, by the libraries' own writers. */
#ifndef TW_TESTS_PICTURE_BYTES_H
#define TW_TESTS_PICTURE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct blob {
    unsigned char *data; /* free() */
    size_t len;
} blob;

typedef struct png_order {
    int width, height;
    int type, depth; /* as libpng: 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGB + alpha */
    bool interlaced;
    const uint16_t *samples;            /* (height, width, channels), each below 2^depth */
    const unsigned char *palette;       /* (palette_size, 3) */
    const unsigned char *palette_alpha; /* (palette_size) or NULL */
    int palette_size;
    const uint16_t *transparent; /* (1 or 3) the colour that tRNS names, or NULL */
} png_order;

int png_channels(int type);
blob make_png(const png_order *o);

blob joined(const void *a, size_t a_len, const void *b, size_t b_len);

/* Where a chunk begins in a PNG, and a copy of it with another chunk before that one. */
size_t find_chunk(blob png, const char *name);
blob with_chunk(blob png, const char *before, const char *name, const void *data, size_t len);

#define EXIF_BYTES 44

/* "Exif\0\0" and a directory with the orientation as an integer of a TIFF type: 1 byte, 3 short, 4
 * long, 6 to 9 the signed ones. */
void make_exif(unsigned char out[EXIF_BYTES], int orientation, int type, bool big);

typedef struct jpeg_order {
    int width, height, channels; /* 1 grey, 3 RGB, 4 CMYK with Adobe's marker */
    const unsigned char *px;     /* (height, width, channels) */
    bool progressive;
    int orientation; /* 0: no EXIF */
    bool big_endian; /* of the EXIF */
} jpeg_order;

blob make_jpeg(const jpeg_order *o); /* quality 100, no chroma subsampling; empty without libjpeg */

/* What the process writes to stderr between the two goes to a file; its length comes back. */
void watch_stderr(void);
long stderr_length(void);

#endif
