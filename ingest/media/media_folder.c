#include "ingest/media/media_folder.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "base/text.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "ingest/internal.h"

typedef struct entry {
    char *name, *id; /* owned; from the root, and the same composed */
    int64_t size, changed_ns;
} entry;

struct tw_media_folder {
    char root[TW_PATH_MAX]; /* absolute, "" for "/" */
    entry *files;
    size_t n, room;
    char **folders; /* found, to be listed: names from the root; owned */
    size_t n_folders, folders_room;
    size_t at;          /* files given */
    const char *listed; /* the folder that is being listed: within folders */
    tw_status st;       /* of listing it */
    tw_error *err;
    int64_t links;
    const char *catalogue; /* within files */
    int catalogues;
    char path[TW_PATH_MAX]; /* of the last file */
    tw_text title, attributes;
};

/* ---- listing --------------------------------------------------------------------------------- */

static tw_status compose(char **id, const char *name, tw_error *err)
{
    tw_text t;
    tw_text_init(&t, (size_t) 3 * TW_PATH_MAX);
    tw_status st = tw_unicode_nfc(&t, name, strlen(name), err);
    if (st == TW_OK) {
        *id = tw_strdup(tw_text_cstr(&t));
        st = *id != NULL ? TW_OK : tw_fail(err, TW_ENOMEM, "memory for a name");
    }
    tw_text_fini(&t);
    return st;
}

static tw_status add_file(tw_media_folder *m, const char *name, const struct stat *sb,
                          tw_error *err)
{
    entry e = {.size = sb->st_size,
               .changed_ns = (int64_t) sb->st_mtim.tv_sec * 1000000000 + sb->st_mtim.tv_nsec};
    tw_status st = tw_grow(&m->files, &m->room, m->n + 1, "files", err);
    if (st != TW_OK)
        return st;
    e.name = tw_strdup(name);
    st = e.name != NULL ? compose(&e.id, name, err) : tw_fail(err, TW_ENOMEM, "memory for a name");
    m->files[m->n++] = e;
    return st;
}

static tw_status add_folder(tw_media_folder *m, const char *name, tw_error *err)
{
    tw_status st = tw_grow(&m->folders, &m->folders_room, m->n_folders + 1, "folders", err);
    if (st != TW_OK)
        return st;
    m->folders[m->n_folders] = tw_strdup(name);
    if (m->folders[m->n_folders] == NULL)
        return tw_fail(err, TW_ENOMEM, "memory for a name");
    m->n_folders++;
    return TW_OK;
}

/* The path of a name from the root. */
static tw_status full_path(char out[TW_PATH_MAX], const tw_media_folder *m, const char *name,
                           tw_error *err)
{
    const int n = snprintf(out, TW_PATH_MAX, "%s/%s", m->root, name);
    return n < TW_PATH_MAX ? TW_OK
                           : tw_fail(err, TW_EINVAL, "the path '%.60s...' is longer than %d bytes",
                                     name, TW_PATH_MAX - 1);
}

/* What is neither file, folder nor link (a pipe, a socket) is no file to skip either. */
static tw_status add(tw_media_folder *m, const char *name, tw_error *err)
{
    char path[TW_PATH_MAX];
    struct stat sb;
    tw_status st = full_path(path, m, name, err);
    if (st != TW_OK)
        return st;
    if (lstat(path, &sb) != 0)
        return TW_OK; /* removed meanwhile */
    m->links += S_ISLNK(sb.st_mode);
    if (S_ISDIR(sb.st_mode))
        return add_folder(m, name, err);
    return S_ISREG(sb.st_mode) ? add_file(m, name, &sb, err) : TW_OK;
}

static bool take_name(void *ctx, const char *name)
{
    tw_media_folder *m = ctx;
    char below[TW_PATH_MAX];
    if (name[0] == '.')
        return true;
    const int n = m->listed[0] == '\0' ? snprintf(below, sizeof below, "%s", name)
                                       : snprintf(below, sizeof below, "%s/%s", m->listed, name);
    m->st = n < TW_PATH_MAX ? add(m, below, m->err)
                            : tw_fail(m->err, TW_EINVAL, "a path below '%.60s' is longer than %d",
                                      m->listed, TW_PATH_MAX - 1);
    return m->st == TW_OK;
}

/* A folder below that may not be read is a file that may not be: one bad row, not the end. */
static tw_status list(tw_media_folder *m, const char *name, tw_error *err)
{
    char path[TW_PATH_MAX];
    static const struct stat nothing;
    tw_error why = {0};
    tw_status st = full_path(path, m, name, err);
    if (st != TW_OK)
        return st;
    m->listed = name;
    m->st = TW_OK;
    m->err = err;
    st = tw_dir_each(path, take_name, m, &why);
    if (st != TW_OK && name[0] != '\0')
        return add_file(m, name, &nothing, err);
    return st != TW_OK ? tw_fail(err, st, "%s", why.msg) : m->st;
}

static int by_id(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const int order = strcmp(x->id, y->id);
    return order != 0 ? order : strcmp(x->name, y->name);
}

static void find_catalogue(tw_media_folder *m)
{
    static const char *const endings[] = {".csv", ".tsv", ".jsonl", ".json"};
    for (size_t i = 0; i < m->n; i++) {
        const char *dot = strrchr(m->files[i].name, '.');
        for (size_t k = 0; dot != NULL && k < sizeof endings / sizeof endings[0]; k++) {
            if (strcasecmp(dot, endings[k]) != 0)
                continue;
            m->catalogues++;
            m->catalogue = m->files[i].name;
        }
    }
}

static tw_status find_root(tw_media_folder *m, const char *path, tw_error *err)
{
    char full[PATH_MAX];
    if (realpath(path, full) == NULL)
        return tw_fail_errno(err, "cannot open '%.300s'", path);
    if (!tw_utf8_valid(full, strlen(full)))
        return tw_fail(err, TW_EINVAL, "the path '%.300s' is no UTF-8: rename the folder", full);
    (void) snprintf(m->root, sizeof m->root, "%s", strcmp(full, "/") == 0 ? "" : full);
    return TW_OK;
}

tw_status tw_media_folder_open(tw_media_folder **out, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    tw_media_folder *m = tw_alloc(1, sizeof *m);
    *out = NULL;
    if (m == NULL)
        return tw_fail(err, TW_ENOMEM, "memory for a folder");
    tw_text_init(&m->title, (size_t) 3 * TW_PATH_MAX);
    tw_text_init(&m->attributes, (size_t) 20 * TW_PATH_MAX); /* a byte is six as JSON at most */
    TW_TRY(find_root(m, path, err));
    TW_TRY(add_folder(m, "", err));
    for (size_t i = 0; i < m->n_folders; i++)
        TW_TRY(list(m, m->folders[i], err));
    if (m->n > 0)
        qsort(m->files, m->n, sizeof *m->files, by_id);
    find_catalogue(m);
    *out = m;
    m = NULL;
done:
    tw_media_folder_close(m);
    return st;
}

void tw_media_folder_close(tw_media_folder *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->n; i++) {
        tw_free(m->files[i].name);
        tw_free(m->files[i].id);
    }
    for (size_t i = 0; i < m->n_folders; i++)
        tw_free(m->folders[i]);
    tw_free(m->files);
    tw_free(m->folders);
    tw_text_fini(&m->title);
    tw_text_fini(&m->attributes);
    tw_free(m);
}

int64_t tw_media_folder_count(const tw_media_folder *m) { return (int64_t) m->n; }
int64_t tw_media_folder_links(const tw_media_folder *m) { return m->links; }
const char *tw_media_folder_root(const tw_media_folder *m) { return m->root; }

const char *tw_media_folder_catalogue(const tw_media_folder *m)
{
    return m->catalogues == 1 ? m->catalogue : NULL;
}

/* ---- files as rows --------------------------------------------------------------------------- */

bool tw_media_folder_next(tw_media_folder *m, tw_media_file *file)
{
    if (m->at == m->n)
        return false;
    const entry *e = &m->files[m->at++];
    (void) full_path(m->path, m, e->name, NULL); /* it fitted before */
    *file = (tw_media_file){.id = e->id,
                            .path = m->path,
                            .name = e->name,
                            .size = e->size,
                            .changed_ns = e->changed_ns};
    return true;
}

static tw_status find_kind(tw_media_folder *m, const char *name, tw_media_kind *kind, tw_error *err)
{
    char head[TW_MEDIA_HEAD];
    int fd;
    tw_error why = {0};
    if (tw_file_open(&fd, m->path, &why) != TW_OK)
        return tw_fail(err, TW_EINVAL, "%s", why.msg);
    const ssize_t n = read(fd, head, sizeof head);
    const tw_status st = n < 0 ? tw_fail(err, TW_EINVAL, "cannot read '%.300s'", m->path) : TW_OK;
    (void) close(fd);
    *kind = st == TW_OK ? tw_media_kind_of(head, (size_t) n) : TW_MEDIA_NEITHER;
    if (st == TW_OK && *kind == TW_MEDIA_NEITHER)
        *kind = tw_media_kind_named(name);
    return st;
}

static tw_status check_name(const tw_media_folder *m, tw_error *err)
{
    const entry *e = &m->files[m->at - 1];
    if (!tw_utf8_valid(e->name, strlen(e->name)))
        return tw_fail(err, TW_EINVAL, "the name '%.300s' is no UTF-8: rename the file", e->name);
    if (m->at >= 2 && strcmp(e[-1].id, e->id) == 0) {
        return tw_fail(err, TW_EINVAL,
                       "the name '%.300s' is that of another file, but for how its accents are "
                       "written: rename one of them",
                       e->name);
    }
    return TW_OK;
}

/* "red_ring-4.png" is "red ring 4". */
static tw_status make_title(tw_text *out, const char *base, tw_error *err)
{
    const char *dot = strrchr(base, '.');
    const size_t len = dot != NULL && dot != base ? (size_t) (dot - base) : strlen(base);
    tw_status st = TW_OK;
    tw_text_clear(out);
    for (size_t from = 0, to; from < len && st == TW_OK; from = to + 1) {
        for (to = from; to < len && strchr("_- ", base[to]) == NULL;)
            to++;
        if (to > from && out->len > 0)
            st = tw_text_add(out, " ", 1, err);
        if (st == TW_OK)
            st = tw_text_add(out, base + from, to - from, err);
    }
    return st;
}

static tw_status make_attributes(tw_text *out, const char *id, const char *base, tw_error *err)
{
    tw_status st = TW_OK;
    tw_text_clear(out);
    if (base == id)
        return tw_text_adds(out, "{}", err);
    TW_TRY(tw_text_adds(out, "{\"folder\": ", err));
    TW_TRY(twi_json_escape(out, id, (size_t) (base - id) - 1, err));
    TW_TRY(tw_text_adds(out, "}", err));
done:
    return st;
}

tw_status tw_media_folder_row(tw_media_folder *m, tw_row *row, tw_media_kind *kind, tw_error *err)
{
    tw_status st = TW_OK;
    const char *id = m->files[m->at - 1].id;
    const char *slash = strrchr(id, '/'), *base = slash != NULL ? slash + 1 : id;
    *row = (tw_row){.title = "", .text = "", .attributes = "{}", .image = "", .audio = ""};
    *kind = TW_MEDIA_NEITHER;
    TW_TRY(find_kind(m, base, kind, err));
    if (*kind == TW_MEDIA_NEITHER)
        goto done;
    TW_TRY(check_name(m, err));
    TW_TRY(make_title(&m->title, base, err));
    TW_TRY(make_attributes(&m->attributes, id, base, err));
    row->id = id;
    row->title = tw_text_cstr(&m->title);
    row->attributes = tw_text_cstr(&m->attributes);
    *(*kind == TW_MEDIA_IMAGE ? &row->image : &row->audio) = m->path;
done:
    return st;
}
