/* Index snapshots on disk. */
#include "engine/snapshot.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/engine_state.h"

tw_status twi_index_path(tw_engine *e, const char *kind, int version, char out[TW_PATH_MAX],
                         tw_error *err)
{
    char name[64];
    (void) snprintf(name, sizeof name, "index/%s-%04d.twx", kind, version);
    return tw_path_join(out, twi_root(e), name, err);
}

/* One model's `next` has other vectors once the towers that it reads no longer serve. Snapshots of
 * `items` without ":read" hold items of which the towers read nothing, and are built anew. */
static void index_tag(const twi_generation *g, const char *kind, int version,
                      char out[TW_INDEX_TAG_MAX])
{
    const bool next = strcmp(kind, "next") == 0, content = next && g->content_version > 0;
    (void) snprintf(out, TW_INDEX_TAG_MAX, "%s:%d%s", kind, version,
                    !next         ? ":read"
                    : !content    ? ""
                    : g->projects ? ":live"
                                  : ":frozen");
}

/* ---- whose snapshot it is ---------------------------------------------------------------------
 *
 * A store may be put back from an older copy, and then go on to other changes under the same
 * numbers. So each snapshot has a random name, and the store remembers two: that of the one which
 * is being written, and that of the one which stays if it does not come to that. */

#define SNAPSHOT_NAME 17 /* 16 hex digits and a NUL */

static void make_name(char out[SNAPSHOT_NAME])
{
    uint64_t bits = 0;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t) sizeof bits)
        bits = (uint64_t) tw_clock_unix() << 20 ^ (uint64_t) getpid();
    (void) snprintf(out, SNAPSHOT_NAME, "%016llx", (unsigned long long) bits);
}

static void names_key(const char *kind, char out[32])
{
    (void) snprintf(out, 32, "index.%s", kind);
}

/* names <- "NEW OLD", "NEW" or "". */
static tw_status read_names(tw_engine *e, const char *kind, char names[2 * SNAPSHOT_NAME],
                            tw_error *err)
{
    char key[32];
    tw_text text;
    tw_error why = {0};

    names[0] = '\0';
    names_key(kind, key);
    tw_text_init(&text, TW_STORE_MAX_META);
    tw_status st = tw_store_meta(e->store, key, &text, &why);
    if (st == TW_OK)
        (void) snprintf(names, (size_t) 2 * SNAPSHOT_NAME, "%.33s", tw_text_cstr(&text));
    tw_text_fini(&text);
    return st == TW_OK || st == TW_ENOTFOUND ? TW_OK : tw_fail(err, st, "%s", why.msg);
}

/* The name in a tag; "" in one of before snapshots had names. */
static const char *name_of(const char *tag)
{
    const char *at = strchr(tag, '@');
    return at != NULL ? at + 1 : "";
}

static bool is_among(const char *name, const char *names)
{
    return strlen(name) == SNAPSHOT_NAME - 1 && strstr(names, name) != NULL;
}

/* The name of the one that lies there now stays good until the new one is in its place, however
 * often that fails. */
static tw_status remember_name(tw_engine *e, const char *kind, const char *path, const char *name,
                               tw_error *err)
{
    char names[2 * SNAPSHOT_NAME], both[2 * SNAPSHOT_NAME], key[32];
    tw_index_snapshot there;
    tw_status st = read_names(e, kind, names, err);
    if (st != TW_OK)
        return st;
    const bool stays =
        tw_index_peek(path, &there, NULL) == TW_OK && is_among(name_of(there.tag), names);
    (void) snprintf(both, sizeof both, "%s %.16s", name, stays ? name_of(there.tag) : "");
    names_key(kind, key);
    return tw_store_set_meta(e->store, key, both, err);
}

tw_status twi_snapshot_unfit(tw_engine *e, const twi_generation *g, const char *kind, int version,
                             const char *tag, const char **why, tw_error *err)
{
    char names[2 * SNAPSHOT_NAME], want[TW_INDEX_TAG_MAX];
    const char *name = name_of(tag);
    const size_t len = name[0] != '\0' ? (size_t) (name - tag) - 1 : strlen(tag);

    index_tag(g, kind, version, want);
    *why = TWI_OF_OTHER_MODELS;
    if (strlen(want) != len || strncmp(want, tag, len) != 0)
        return TW_OK; /* as once after the towers that seq reads were trained anew */
    *why = "of another copy of the store";
    tw_status st = read_names(e, kind, names, err);
    /* Before snapshots had names, neither had the store. */
    if (st == TW_OK && (name[0] == '\0' ? names[0] == '\0' : is_among(name, names)))
        *why = NULL;
    return st;
}

static tw_status save(tw_engine *e, const twi_generation *g, tw_index *ix, const char *kind,
                      int version, int64_t applied, int64_t *saved, tw_error *err)
{
    char path[TW_PATH_MAX], tag[TW_INDEX_TAG_MAX], name[SNAPSHOT_NAME];
    tw_error why = {0};

    if (ix == NULL || *saved == applied)
        return TW_OK;
    tw_status st = twi_index_path(e, kind, version, path, err);
    if (st != TW_OK)
        return st;
    make_name(name);
    st = remember_name(e, kind, path, name, err);
    if (st != TW_OK)
        return st;
    index_tag(g, kind, version, tag);
    (void) snprintf(tag + strlen(tag), sizeof tag - strlen(tag), "@%s", name);
    st = tw_index_save(ix, path, tag, applied, &why);
    if (st != TW_OK) {
        tw_log(TW_LOG_WARN, "SNAPSHOT-FAILED", "path=\"%s\" reason=\"%s\"", path, why.msg);
        return tw_fail(err, st,
                       "%.400s; remove what is in the way, nothing is lost: the next start builds "
                       "the index anew",
                       why.msg);
    }
    *saved = applied;
    return TW_OK;
}

tw_status twi_snapshot(tw_engine *e, tw_error *err)
{
    (void) pthread_mutex_lock(&e->saving); /* two would write one file */
    (void) pthread_mutex_lock(&e->writer);
    twi_generation *g = twi_acquire(e); /* with the number that its indexes are up to */
    int64_t applied = e->applied, items = g->saved_items, next = g->saved_next;
    (void) pthread_mutex_unlock(&e->writer);

    /* Changes that come while a save runs may be in it or not; replaying them is harmless. */
    tw_status st = save(e, g, g->items, "items", g->towers_version, applied, &items, err);
    if (st == TW_OK)
        st = save(e, g, g->next, "next", g->seq_version, applied, &next, err);

    (void) pthread_mutex_lock(&e->writer);
    g->saved_items = items;
    g->saved_next = next;
    (void) pthread_mutex_unlock(&e->writer);
    (void) pthread_mutex_unlock(&e->saving);
    twi_release(e, g);
    return st;
}

tw_status tw_engine_snapshot(tw_engine *e, tw_error *err)
{
    tw_status st = twi_need_write(e, err);
    return st == TW_OK ? twi_snapshot(e, err) : st;
}
