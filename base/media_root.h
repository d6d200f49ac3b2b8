/* base/media_root.h — the folder below which clients may name files.
 *
 * A path that comes over the wire must say nothing of files elsewhere, neither what they hold nor
 * that they are there. So it is opened part by part from this folder, and no part may climb or be a
 * link (tw_file_open_below); the client gets one sentence whatever was wrong.
 *
 *     TW_TRY(tw_media_root_open(&root, "/srv/images", err));
 *     TW_TRY(tw_media_root_file(root, "cats/7.png", &fd, full, err));
 *
 * Thread-safe once open.
 */
#ifndef TW_BASE_MEDIA_ROOT_H
#define TW_BASE_MEDIA_ROOT_H

#include "base/decls.h"
#include "base/error.h"
#include "base/file.h"

TW_BEGIN_DECLS

typedef struct tw_media_root tw_media_root;

/* The folder stays the same one even if its name comes to mean another. TW_ENOTFOUND, TW_EDENIED,
 * TW_EIO, TW_EINVAL: no folder, with the path. On failure *out is NULL. */
TW_NODISCARD tw_status tw_media_root_open(tw_media_root **out, const char *dir, tw_error *err);
void tw_media_root_close(tw_media_root *root); /* accepts NULL */

/* Opens a regular file below the root to be read.
 *
 *   given  a path from the root, or a whole one that begins with the root's
 *   fd     the file, to be closed; -1 on failure
 *   full   its whole path, which is what is stored
 *
 * The failures of tw_file_open_below; the sentence is for the server's log alone. */
TW_NODISCARD tw_status tw_media_root_file(const tw_media_root *root, const char *given, int *fd,
                                          char full[TW_PATH_MAX], tw_error *err);

/* What a client sees of a stored path: what stands behind the root, or the path itself where
 * it lies elsewhere or root is NULL. Within path. */
const char *tw_media_root_name(const tw_media_root *root, const char *path);

TW_END_DECLS

#endif
