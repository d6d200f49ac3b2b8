/* base/file.h — whole files, read with a cap and replaced atomically. */
#ifndef TW_BASE_FILE_H
#define TW_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/decls.h"
#include "base/error.h"

TW_BEGIN_DECLS

#define TW_PATH_MAX 4096

/* Joins with one slash into out (TW_PATH_MAX bytes). TW_EINVAL: too long. */
TW_NODISCARD tw_status tw_path_join(char out[TW_PATH_MAX], const char *dir, const char *name,
                                    tw_error *err);

bool tw_file_exists(const char *path);

/* mkdir -p, mode 0755; the new folder's parent is synced. TW_EIO and friends with the path. */
TW_NODISCARD tw_status tw_dir_create(const char *path, tw_error *err);

/* Called for each name in a folder but "." and "..", in no order; false ends it. */
typedef bool (*tw_dir_fn)(void *ctx, const char *name);
/* What is removed while it goes on may still come. TW_ENOTFOUND, TW_EDENIED, TW_EIO with the path:
 * it cannot be opened. */
TW_NODISCARD tw_status tw_dir_each(const char *path, tw_dir_fn fn, void *ctx, tw_error *err);

/* Removes a file or a folder with all it holds. A path that is not there is fine. Symbolic links
 * are removed, not followed. */
TW_NODISCARD tw_status tw_remove_tree(const char *path, tw_error *err);

/* ---- opening to read: how the project opens every file that it is given ----
 *
 * A pipe or a device in the place of a file would let open() wait without end, so none is opened to
 * be read: a descriptor is of a regular file, blocks no opening, and is closed on exec. What was
 * looked at is what is read, whatever the path names a moment later. */

/* TW_EINVAL: no regular file. TW_ENOTFOUND, TW_EDENIED, TW_EIO with the path: the system refuses.
 * On failure *fd is -1. */
TW_NODISCARD tw_status tw_file_open(int *fd, const char *path, tw_error *err);
/* The same as a stream; *out is NULL on failure. */
TW_NODISCARD tw_status tw_file_open_stream(FILE **out, const char *path, tw_error *err);

/* The same of a path that a client gave, and that must name a file below the open folder: parts
 * with slashes between them, none of them "..", and no symbolic link on the way, wherever it leads.
 * TW_EINVAL, besides: the path is absolute, empty or climbs; TW_EINVAL or TW_EIO: a link. */
TW_NODISCARD tw_status tw_file_open_below(int *fd, int folder, const char *path, tw_error *err);

/* A table may also come through a pipe ("<(zcat FILE.gz)", /dev/stdin): then opening waits for who
 * writes it. Devices, sockets and folders: TW_EINVAL. */
TW_NODISCARD tw_status tw_file_open_table(int *fd, const char *path, tw_error *err);

/* Locks an open file or folder for this process alone, without waiting; the lock goes with the last
 * copy of the descriptor, however the process ends. `name` stands for it in messages. TW_EBUSY:
 * another process has it. TW_EIO and friends: the file system cannot lock. */
TW_NODISCARD tw_status tw_file_lock(int fd, const char *name, tw_error *err);

/* Reads at most max bytes into a NUL-terminated block that the caller frees with tw_free.
 * TW_EINVAL: the file is larger than max, or is no regular file. */
TW_NODISCARD tw_status tw_file_read(const char *path, size_t max, char **data, size_t *len,
                                    tw_error *err);

/* The same of an open file, which stays open; `name` stands for it in messages. */
TW_NODISCARD tw_status tw_file_read_open(int fd, const char *name, size_t max, char **data,
                                         size_t *len, tw_error *err);

/* After this returns TW_OK, path holds exactly data, whatever happens to the machine; before, it
 * holds what it held. Order: write path.tmp, fsync, rename, fsync the folder. */
TW_NODISCARD tw_status tw_file_replace(const char *path, const void *data, size_t len,
                                       tw_error *err);

/* The same in two halves, for files too large for one block: open returns a stream on path.tmp;
 * commit flushes, syncs, renames and closes it; abort closes and removes it. Exactly one of the two
 * ends it, whatever it returns. */
TW_NODISCARD tw_status tw_file_begin(FILE **out, const char *path, tw_error *err);
TW_NODISCARD tw_status tw_file_commit(FILE *f, const char *path, tw_error *err);
void tw_file_abort(FILE *f, const char *path); /* accepts f == NULL */

/* fsync of the folder that holds path, so that a rename in it is durable. */
TW_NODISCARD tw_status tw_sync_parent(const char *path, tw_error *err);
TW_NODISCARD tw_status tw_sync_dir(const char *dir, tw_error *err);

TW_END_DECLS

#endif
