/* ingest/media/media_folder.h — a folder of image and audio files as rows of a catalogue.
 *
 * Every regular file below the folder comes once, in the order of ids, whatever order the disk has
 * them in. Its id is its path from the folder, in canonical composition (macOS writes accents
 * apart), with slashes; its title the name without extension, '_' and '-' as spaces; the path of
 * the folder it lies in is the attribute "folder", where it is not the folder itself. Names that
 * begin with a dot are left out, with all below them. Links are not followed: what one leads to
 * within the folder is found in its own place, and what lies elsewhere is not in the folder.
 *
 *     tw_media_file f;
 *     tw_row row;
 *     st = tw_media_folder_open(&m, "pics", &err);
 *     while (st == TW_OK && tw_media_folder_next(m, &f)) {
 *         if (is_known(&f)) continue;
 *         st = tw_media_folder_row(m, &row, &kind, &err);     ...
 *     }
 *     tw_media_folder_close(m);
 */
#ifndef TW_INGEST_MEDIA_FOLDER_H
#define TW_INGEST_MEDIA_FOLDER_H

#include "ingest/ingest.h"
#include "ingest/media/media_kind.h"

typedef struct tw_media_folder tw_media_folder;

/* One file as it was when the folder was opened. Strings are the folder's. */
typedef struct tw_media_file {
    const char *id;
    const char *path;   /* absolute */
    const char *name;   /* from the folder, as the disk has it: any bytes but NUL */
    int64_t size;       /* bytes */
    int64_t changed_ns; /* time of change */
} tw_media_file;

/* Lists the folder. TW_ENOTFOUND, TW_EDENIED, TW_EIO, TW_EINVAL: it cannot be opened, is no folder,
 * or a path is too long. TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status tw_media_folder_open(tw_media_folder **out, const char *path, tw_error *err);

int64_t tw_media_folder_count(const tw_media_folder *m); /* of files */
int64_t tw_media_folder_links(const tw_media_folder *m); /* that were not followed */

/* The one file that looks like a catalogue of the others (CSV, TSV, JSON), from the folder on; NULL
 * where there is none, or several. */
const char *tw_media_folder_catalogue(const tw_media_folder *m);

const char *tw_media_folder_root(const tw_media_folder *m); /* absolute, "" for "/" */

/* The next file; false: there is none. Valid until the next call. */
bool tw_media_folder_next(tw_media_folder *m, tw_media_file *file);

/* The last file as a row, if its first bytes are those of an image or audio file, or its name says
 * that they should be; else *kind is TW_MEDIA_NEITHER and the row empty. row->line is 0.
 *
 * TW_EINVAL: it cannot be opened, its name is no UTF-8, or the same as another's but for how
 * accents are written. TW_ENOMEM. */
TW_NODISCARD tw_status tw_media_folder_row(tw_media_folder *m, tw_row *row, tw_media_kind *kind,
                                           tw_error *err);

void tw_media_folder_close(tw_media_folder *m); /* accepts NULL */

#endif
