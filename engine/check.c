/* twindex check: every checksum and invariant of a directory, read only. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/internal.h"

typedef struct checker {
    void (*found)(void *ctx, const char *what);
    void *ctx;
    int problems;
} checker;

static void problem(void *ctx, const char *what)
{
    checker *c = ctx;
    c->problems++;
    c->found(c->ctx, what);
}

static void problem_with(checker *c, const char *what, const char *why, const char *remedy)
{
    tw_text line;
    tw_text_init(&line, (size_t) 2 * TW_PATH_MAX);
    if (tw_text_addf(&line, NULL, "%s: %s; %s", what, why, remedy) == TW_OK)
        problem(c, tw_text_cstr(&line));
    else
        problem(c, remedy);
    tw_text_fini(&line);
}

static void check_snapshot(checker *c, const tw_engine *e, const char *kind, int version,
                           int64_t newest)
{
    char path[TW_PATH_MAX];
    tw_index *ix = NULL;
    tw_index_snapshot info;
    tw_error why = {0};
    const tw_index_config cfg = {0};

    if (version == 0 || twi_index_path(e, kind, version, path, NULL) != TW_OK ||
        !tw_file_exists(path))
        return; /* derived: it may be missing */
    if (tw_index_load(&ix, &cfg, path, &info, &why) != TW_OK)
        problem_with(c, path, why.msg, "delete the file, the next start rebuilds it");
    else if (info.seq > newest)
        problem_with(c, path, "it is newer than the store",
                     "delete the file, the next start rebuilds it");
    tw_index_destroy(ix);
}

static void check_models(checker *c, tw_engine *e, const twi_model_parts *parts, int version)
{
    char dir[TW_PATH_MAX], path[TW_PATH_MAX];
    tw_error why = {0};
    tw_tower *tower = NULL;
    tw_seq_model *seq = NULL;
    static const char *const remedy =
        "put it back from a copy, go back with: twindex rollback, or train again";

    if (twi_model_dir(e, version, dir, NULL) != TW_OK)
        return;
    if (parts->towers_version > 0 && tw_path_join(path, dir, TWI_TOWERS_FILE, NULL) == TW_OK &&
        tw_tower_load(&tower, path, &why) != TW_OK)
        problem_with(c, path, why.msg, remedy);
    if (parts->seq_version > 0 && tw_path_join(path, dir, TWI_SEQ_FILE, NULL) == TW_OK &&
        tw_seq_model_load(&seq, path, &why) != TW_OK)
        problem_with(c, path, why.msg, remedy);
    tw_tower_destroy(tower);
    tw_seq_model_destroy(seq);
}

static tw_status count_item(void *ctx, const tw_item *item, tw_error *err)
{
    (void) item;
    (void) err;
    ++*(int64_t *) ctx;
    return TW_OK;
}

static tw_status check_vectors(checker *c, tw_engine *e, int towers_version, tw_error *err)
{
    int64_t pending = 0;
    if (towers_version == 0)
        return TW_OK;
    tw_status st = tw_store_each_pending(e->store, towers_version, 0, count_item, &pending, err);
    if (st == TW_OK && pending > 0) {
        char what[160];
        (void) snprintf(
            what, sizeof what,
            "%lld items have no vector of the active towers; train again, or put them again",
            (long long) pending);
        problem(c, what);
    }
    return st;
}

tw_status tw_engine_check(const char *dir, void (*found)(void *ctx, const char *what), void *ctx,
                          tw_error *err)
{
    tw_status st = TW_OK;
    checker c = {.found = found, .ctx = ctx};
    char path[TW_PATH_MAX];
    int version = 0;
    int64_t newest = 0;
    twi_model_parts parts = {0};
    twi_registry r = {0};
    tw_error why = {0};
    tw_engine *e = tw_alloc(1, sizeof *e); /* only its dir and store are used */

    if (e == NULL)
        return tw_fail(err, TW_ENOMEM, "check");
    (void) snprintf(e->dir, sizeof e->dir, "%s", dir);
    TW_TRY(tw_path_join(path, dir, "twindex.db", err));
    if (!tw_file_exists(path)) {
        st = tw_fail(err, TW_ENOTFOUND, "'%s' is no twindex directory", dir);
        goto done;
    }
    TW_TRY(tw_store_open(&e->store, path, TW_STORE_READ, err));
    st = tw_store_check(e->store, false, problem, &c, err);
    if (st != TW_OK && st != TW_ECORRUPT)
        goto done;
    TW_TRY(tw_store_active_model(e->store, &version, err));
    TW_TRY(tw_store_seq(e->store, &newest, err));
    if (version > 0) {
        TW_TRY(twi_registry_load(e, &r, err));
        st = twi_registry_parts(&r, version, &parts, &why);
        if (st == TW_ECORRUPT)
            problem_with(&c, dir, why.msg, "go back with: twindex rollback, or train again");
        else if (st != TW_OK) {
            st = tw_fail(err, st, "%s", why.msg);
            goto done;
        }
        check_models(&c, e, &parts, version);
        TW_TRY(check_vectors(&c, e, parts.towers_version, err));
        check_snapshot(&c, e, "items", parts.towers_version, newest);
        check_snapshot(&c, e, "next", parts.seq_version, newest);
    }
    st = c.problems == 0 ? TW_OK
                         : tw_fail(err, TW_ECORRUPT, "'%s' has %d problems", dir, c.problems);
done:
    twi_registry_fini(&r);
    tw_store_close(e->store);
    tw_free(e);
    return st;
}
