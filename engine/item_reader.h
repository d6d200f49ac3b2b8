/* engine/item_reader.h — an item as its towers read it: text put together, attributes, media
 * decoded. Internal to engine/.
 */
#ifndef TW_ENGINE_ITEM_READER_H
#define TW_ENGINE_ITEM_READER_H

#include <pthread.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/error.h"
#include "base/file.h"
#include "base/media_root.h"
#include "base/text.h"
#include "engine/data/dataset.h"
#include "engine/engine.h"
#include "towers/towers.h"

/* Media that could not be read, counted by all readers of one job. */
typedef struct twi_unreadable {
    pthread_mutex_t lock; /* guards the next two */
    int64_t n;
    char first[TW_ERROR_MSG_MAX]; /* the sentence of the first; "": none */
} twi_unreadable;

/* What reading an item into its towers needs on one thread. */
typedef struct twi_item_reader {
    tw_text text;
    unsigned modalities;    /* bits 1 << tw_modality: what the towers read */
    double seconds;         /* of a recording, as the towers read it */
    twi_unreadable *unread; /* borrowed; NULL: they are not counted */
    tw_deadline deadline;   /* of decoding; 0: none */
    tw_image image;         /* owned, of the item that was read last */
    tw_audio audio;         /* likewise */
} twi_item_reader;

#define TWI_AUDIO_SECONDS 60 /* the most that any tower reads, so nothing behind it is decoded */

void twi_unreadable_init(twi_unreadable *u);
void twi_unreadable_fini(twi_unreadable *u);
/* One line in the log when anything was unreadable. */
void twi_unreadable_log(const twi_unreadable *u, const char *during);

/*   tower   NULL: none; the media that it reads are decoded, others are not
 *   unread  NULL, or where media that cannot be read are counted; borrowed */
void twi_item_reader_init(twi_item_reader *r, const tw_tower *tower, twi_unreadable *unread);
void twi_item_reader_fini(twi_item_reader *r);
/* TW_EINVAL for whatever is wrong with media that a caller gives: it is the caller's mistake,
 * neither damage of ours nor a disk's. TW_OK, TW_ENOMEM and TW_ETIMEOUT stay. */
TW_NODISCARD tw_status twi_invalid_media(tw_status st, const tw_error *why, tw_error *err);
/* From now on r reads for this tower; NULL: for none. What it holds stays. */
void twi_item_reader_use(twi_item_reader *r, const tw_tower *tower);

/* Decodes all media of an item that is to be stored, whatever the towers read, into r. TW_EINVAL:
 * one cannot be read; the sentence names path and reason. TW_ENOMEM. */
TW_NODISCARD tw_status twi_item_check(twi_item_reader *r, const tw_item *item, tw_error *err);
/* The same of an item whose paths a client gave (tw_write_options). *stored: the item with the
 * paths to be stored, which lie in it. TW_ETIMEOUT, besides. */
typedef struct twi_client_item {
    tw_item item;
    char image[TW_PATH_MAX], audio[TW_PATH_MAX];
} twi_client_item;
TW_NODISCARD tw_status twi_item_check_client(tw_engine *e, twi_item_reader *r, const tw_item *item,
                                             const tw_media_root *root, twi_client_item *stored,
                                             tw_error *err);
/* What towers can read of an item whose media r holds (after twi_item_check): *out borrows from r
 * and item until the next call. TW_ENOMEM. */
TW_NODISCARD tw_status twi_item_compose(twi_item_reader *r, const tw_item *item, tw_tower_item *out,
                                        tw_error *err);
/* The same for an item that is stored already: decodes what the towers read. A file that has gone
 * or changed since is a modality that the item lacks, counted in r->unread. TW_ENOMEM. */
TW_NODISCARD tw_status twi_item_read(twi_item_reader *r, const tw_item *item, tw_tower_item *out,
                                     tw_error *err);

/* The same for one whose description is at hand. */
TW_NODISCARD tw_status twi_described_read(twi_item_reader *r, const twi_described *d,
                                          tw_tower_item *out, tw_error *err);

/* Appends what the text tower reads of an item: title, text, and string-list attributes. */
TW_NODISCARD tw_status twi_item_text(const tw_item *item, tw_text *out, tw_error *err);

#endif
