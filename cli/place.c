#include "cli/place.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"

bool place_take(place *p, const char *word)
{
    char store[TW_PATH_MAX];
    if (strstr(word, "://") != NULL) {
        p->connect = word;
        return true;
    }
    if (tw_path_join(store, word, "twindex.db", NULL) != TW_OK || access(store, F_OK) != 0)
        return false;
    p->dir = word;
    return true;
}
