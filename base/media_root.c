#include "base/media_root.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

struct tw_media_root {
    int fd;
    char path[PATH_MAX]; /* whole, without links, without a slash at its end */
};

tw_status tw_media_root_open(tw_media_root **out, const char *dir, tw_error *err)
{
    tw_status st = TW_OK;

    *out = NULL;
    tw_media_root *root = tw_alloc(1, sizeof *root);
    if (root == NULL)
        return tw_fail(err, TW_ENOMEM, "the media root");
    root->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root->fd < 0 || realpath(dir, root->path) == NULL) {
        st = tw_fail_errno(err, "cannot use '%.300s' as the media root", dir);
        goto done;
    }
    if (strcmp(root->path, "/") == 0) {
        st = tw_fail(err, TW_EINVAL, "the media root cannot be '/': all files are below it");
        goto done;
    }
    *out = root;
    root = NULL;
done:
    tw_media_root_close(root);
    return st;
}

void tw_media_root_close(tw_media_root *root)
{
    if (root != NULL && root->fd >= 0)
        (void) close(root->fd);
    tw_free(root);
}

const char *tw_media_root_name(const tw_media_root *root, const char *path)
{
    const size_t len = root != NULL ? strlen(root->path) : 0;
    const bool below = root != NULL && strncmp(path, root->path, len) == 0 && path[len] == '/' &&
                       path[len + 1] != '/' && path[len + 1] != '\0';
    return below ? path + len + 1 : path;
}

tw_status tw_media_root_file(const tw_media_root *root, const char *given, int *fd,
                             char full[TW_PATH_MAX], tw_error *err)
{
    const char *below = tw_media_root_name(root, given);
    *fd = -1;
    tw_status st = tw_path_join(full, root->path, below, err);
    return st == TW_OK ? tw_file_open_below(fd, root->fd, below, err) : st;
}
