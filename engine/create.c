/* A new data directory: three folders, and last the store, which marks it as one. */
#include <string.h>
#include <sys/stat.h>

#include "base/crash.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/engine.h"

#define STORE_FILE "twindex.db"

static const char *const folders[] = {"models", "index", "media"};
enum { N_FOLDERS = sizeof folders / sizeof folders[0] };

static bool note_entry(void *ctx, const char *name)
{
    (void) name;
    *(bool *) ctx = false;
    return false;
}

static bool is_empty_folder(const char *dir, const char *name)
{
    char path[TW_PATH_MAX];
    bool empty = true;
    return tw_path_join(path, dir, name, NULL) == TW_OK &&
           tw_dir_each(path, note_entry, &empty, NULL) == TW_OK && empty;
}

/* What a create that was killed may have left: empty folders, and a store that holds nothing (the
 * store itself knows). */
static bool may_be_ours(const char *dir, const char *name)
{
    if (strncmp(name, STORE_FILE, sizeof STORE_FILE - 1) == 0) {
        const char *end = name + sizeof STORE_FILE - 1;
        return end[0] == '\0' || strcmp(end, "-wal") == 0 || strcmp(end, "-shm") == 0 ||
               strcmp(end, "-journal") == 0 || strcmp(end, "-seq") == 0;
    }
    for (int i = 0; i < N_FOLDERS; i++)
        if (strcmp(name, folders[i]) == 0)
            return is_empty_folder(dir, name);
    return false;
}

/* What a folder holds that is not ours. */
typedef struct foreign {
    const char *dir;
    int n;
    tw_text names; /* of the first few */
} foreign;

static bool note_foreign(void *ctx, const char *name)
{
    enum { NAMED = 3 };
    foreign *f = ctx;
    if (may_be_ours(f->dir, name))
        return true;
    if (f->n++ < NAMED) /* what is too long for the sentence is left out */
        (void) !tw_text_addf(&f->names, NULL, "%s'%.60s'", f->n > 1 ? ", " : "", name);
    else
        (void) !tw_text_adds(&f->names, " and more", NULL);
    return f->n <= NAMED;
}

/* TW_EEXIST names some of what is there and not ours. */
static tw_status check_content(const char *dir, tw_error *err)
{
    foreign f = {.dir = dir};
    tw_text_init(&f.names, 256);
    tw_status st = tw_dir_each(dir, note_foreign, &f, err);
    if (st == TW_OK && f.n > 0) {
        st =
            tw_fail(err, TW_EEXIST, "'%s' is not empty: it holds %s; give a new or an empty folder",
                    dir, tw_text_cstr(&f.names));
    }
    tw_text_fini(&f.names);
    return st;
}

/* TW_OK: it may be made, or finished, here. */
static tw_status check_place(const char *dir, const char *store_path, tw_error *err)
{
    struct stat sb;
    tw_store *store = NULL;
    tw_error why = {0};

    if (stat(dir, &sb) != 0) /* whatever else is wrong with the name, making the folder reports */
        return TW_OK;
    if (!S_ISDIR(sb.st_mode))
        return tw_fail(err, TW_EEXIST, "'%s' exists and is no folder", dir);
    if (lstat(store_path, &sb) == 0) {
        tw_status st = tw_store_open(&store, store_path, TW_STORE_READ, &why);
        tw_store_close(store);
        if (st == TW_OK)
            return tw_fail(err, TW_EEXIST, "'%s' is a twindex directory already", dir);
        if (st != TW_ENOTFOUND) /* of another program, damaged, no file ... */
            return tw_fail(err, TW_EEXIST, "'%s' is not empty: %s", dir, why.msg);
    }
    return check_content(dir, err);
}

tw_status tw_engine_create(const char *dir, tw_error *err)
{
    tw_status st = TW_OK;
    char path[TW_PATH_MAX];
    tw_store *store = NULL;

    TW_TRY(tw_path_join(path, dir, STORE_FILE, err));
    TW_TRY(check_place(dir, path, err));
    TW_TRY(tw_dir_create(dir, err));
    tw_crash_point(); /* an empty folder */
    for (int i = 0; i < N_FOLDERS; i++) {
        char sub[TW_PATH_MAX];
        TW_TRY(tw_path_join(sub, dir, folders[i], err));
        TW_TRY(tw_dir_create(sub, err));
        tw_crash_point(); /* some of the folders, no store */
    }
    TW_TRY(tw_store_open(&store, path, TW_STORE_CREATE, err)); /* last: it marks the directory */
    TW_TRY(tw_sync_dir(dir, err));
done:
    tw_store_close(store);
    return st;
}
