/* towers/encoder.h — what a tower asks of the encoder of one modality.
 *
 * Between an item and its vector stand two steps. *Preparing* turns a text, an
 * image or an audio file into a sample: a run of bytes that only its encoder
 * understands (features, token ids, pixels of the tower's size, a log-mel).
 * It is done once per item, on any thread, and its result is what training
 * keeps in memory. *Forward* runs samples through the weights, on a tape.
 *
 * A new encoder is one file that fills a twi_encoder_class and one line in
 * encoder_table.c. Internal to towers/.
 */
#ifndef TW_TOWERS_ENCODER_H
#define TW_TOWERS_ENCODER_H

#include "base/rng.h"
#include "nn/params.h"
#include "nn/safetensors.h"
#include "nn/tape/tape.h"
#include "towers/towers.h"

/* Bytes that grow; the cap is what the item's own limits allow. */
typedef struct twi_bytes {
    unsigned char *data; /* aligned for any scalar */
    size_t len, room;
} twi_bytes;

/* n more bytes at the end, zeroed, after padding to 8; NULL: out of memory. */
void *twi_bytes_more(twi_bytes *b, size_t n);
void twi_bytes_fini(twi_bytes *b);

/* A prepared input, aligned to 8 bytes; len 0: the item lacks this modality. */
typedef struct twi_sample {
    const unsigned char *data;
    size_t len;
} twi_sample;

/* How inputs are disturbed in training; NULL where nothing is. */
typedef struct twi_augment {
    double dropout; /* share of a text's features or words hidden */
    tw_image_augment image;
    double strength; /* of what is done to images and audio files, 1: as designed */
} twi_augment;

typedef struct twi_encoder twi_encoder;

typedef struct twi_encoder_class {
    const char *name;
    void (*destroy)(twi_encoder *e);
    /* First weights. */
    void (*init)(twi_encoder *e, tw_rng *rng);

    /* One thread's memory for preparing; a class that needs none leaves both NULL. */
    tw_status (*open)(void **out, const twi_encoder *e, tw_error *err);
    void (*close)(void *reader);
    /* Appends the sample of `item` to out, or nothing when it has none. TW_ENOMEM. */
    tw_status (*prepare)(const twi_encoder *e, void *reader, const tw_tower_item *item,
                         twi_bytes *out, tw_error *err);

    /* Learns from all samples what is no weight (idf, means); NULL: there is nothing. */
    tw_status (*fit)(twi_encoder *e, const twi_sample *samples, int64_t n, tw_error *err);
    /* Copies what fit learnt. NULL: nothing. */
    void (*copy_fit)(twi_encoder *to, const twi_encoder *from);

    /* x (n, width) of n samples, none empty. augment NULL: as they are. Samples are borrowed until
     * the tape is reset. */
    tw_tensor *(*forward)(const twi_encoder *e, tw_tape *tape, const twi_sample *samples, int n,
                          const twi_augment *augment);
    /* The same for one sample without a tape: x (width), in an order of sums that does not depend
     * on what else is embedded. NULL: forward on a tape of one. */
    void (*embed)(const twi_encoder *e, void *reader, twi_sample s, tw_real *x);

    /* What is no weight, in the tower's file. NULL: nothing. load checks all it reads:
     * TW_ECORRUPT. */
    tw_status (*save)(const twi_encoder *e, tw_st_writer *w, tw_error *err);
    tw_status (*load)(twi_encoder *e, const tw_st_file *f, tw_error *err);
} twi_encoder_class;

struct twi_encoder {
    const twi_encoder_class *class;
    int width; /* columns of forward */
    int chunk; /* bytes of samples that one forward takes best when many are embedded; 0: one by one
                */
};

/* What a text encoder that reads tokens is given besides its settings; for others all is NULL. */
typedef struct twi_texts {
    const char *vocabulary; /* one token a line */
    const char *added;      /* tokens added to it, as text_added.h reads them; NULL: none */
    const char *prompt;     /* stands before every text; NULL: nothing does; the encoder keeps it */
} twi_texts;

#endif
