/* twindex check: every checksum and invariant of a directory, read only, also beside a process that
 * writes it.
 *
 * The store is read at one moment. Models and snapshots are files that another process may replace
 * or remove meanwhile; so what is found of them counts only if the versions that are kept were the
 * same before and after, else it is looked at again. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/check_index.h"
#include "engine/data/seq_cut.h"
#include "engine/directory.h"
#include "engine/engine_state.h"
#include "engine/findings.h"
#include "engine/generation.h"
#include "engine/inspection.h"
#include "engine/models/model_dir.h"
#include "engine/models/model_open.h"
#include "engine/models/registry.h"

#define FROM_COPY                                                                                  \
    "put it back from a copy, let another version serve (twindex models DIR lists them), or "      \
    "train "                                                                                       \
    "again"

enum { LOOKS = 20 }; /* a version comes once a training, so even two are many */

#define MAX_FINDINGS ((size_t) 1 << 20) /* bytes of sentences */

typedef struct reporter {
    tw_problem_fn found;
    void *ctx;
    int n;
} reporter;

static void report(void *ctx, const char *sentence)
{
    reporter *t = ctx;
    t->n++;
    t->found(t->ctx, sentence);
}

static void report_all(reporter *t, const twi_findings *f)
{
    for (size_t at = 0; at < f->text.len; at += strlen(f->text.data + at) + 1)
        t->found(t->ctx, f->text.data + at);
    t->n += f->n;
}

/* ---- models ---------------------------------------------------------------------------------- */

static void check_opened(const twi_opened *o, const char *dir, const twi_version *v,
                         twi_findings *f)
{
    const char *const problems[] = {o->towers_problem, o->seq_problem};
    char what[TW_PATH_MAX + 64];
    (void) snprintf(what, sizeof what, "%s%s", dir,
                    v->served == 1 ? "" : " (which does not serve)");
    for (int i = 0; i < 2; i++)
        if (problems[i][0] != '\0')
            twi_findings_add(f, what, problems[i], FROM_COPY);
}

/* A version without the record is an older one's, and as good. */
static tw_status check_cut(const char *dir, twi_findings *f, tw_error *err)
{
    twi_cut c;
    tw_error why = {0};
    const tw_status st = twi_cut_load(&c, dir, &why);
    if (st != TW_OK && st != TW_ENOTFOUND && st != TW_ENOMEM)
        twi_findings_add(f, dir, why.msg, "or remove that file, and eval seq only warns");
    twi_cut_fini(&c);
    return st == TW_ENOMEM ? tw_fail(err, st, "%s", why.msg) : TW_OK;
}

/* Opens a version; g NULL, or takes what could be opened. */
static tw_status check_version(tw_engine *e, const twi_version *v, twi_generation *g,
                               twi_findings *f, tw_error *err)
{
    char dir[TW_PATH_MAX];
    twi_opened o;
    tw_status st = twi_model_dir(e, v->version, dir, err);
    if (st != TW_OK)
        return st;
    if (v->problem[0] != '\0') {
        twi_findings_add(f, dir, v->problem, FROM_COPY);
        return TW_OK;
    }
    st = twi_models_open(e, v->version, v->parts, false, &o, err);
    if (st != TW_OK)
        return st;
    check_opened(&o, dir, v, f);
    if (v->parts.seq_version > 0)
        st = check_cut(dir, f, err);
    if (g != NULL) {
        g->tower = o.tower;
        g->seq = o.seq;
        o.tower = NULL;
        o.seq = NULL;
    }
    twi_opened_fini(&o);
    return st;
}

/* A version that does not serve may have been swept long ago, by an earlier rule. */
static tw_status check_others(tw_engine *e, const twi_registry *r, twi_findings *f, tw_error *err)
{
    char dir[TW_PATH_MAX];
    for (int i = 0; i < r->n; i++) {
        const twi_version *v = &r->versions[i];
        if (v->served == 1 || v->newer_format > 0 || !twi_registry_keeps(r, v->version) ||
            twi_model_dir(e, v->version, dir, NULL) != TW_OK || !tw_file_exists(dir))
            continue;
        tw_status st = check_version(e, v, NULL, f, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

static tw_status count_item(void *ctx, const tw_item *item, tw_error *err)
{
    (void) item;
    (void) err;
    ++*(int64_t *) ctx;
    return TW_OK;
}

static tw_status check_pending(tw_engine *e, int towers_version, twi_findings *f, tw_error *err)
{
    int64_t pending = 0;
    if (towers_version == 0)
        return TW_OK;
    tw_status st = tw_store_each_pending(e->store, towers_version, 0, count_item, &pending, err);
    if (st == TW_OK && pending > 0) {
        char what[64];
        (void) snprintf(what, sizeof what, "%lld items", (long long) pending);
        twi_findings_add(
            f, what, "the active towers have not embedded them",
            "the next command that opens the directory for writing does, if the towers can "
            "be used");
    }
    return st;
}

static tw_status check_active(tw_engine *e, const twi_version *v, twi_findings *f, tw_error *err)
{
    tw_status st = TW_OK;
    twi_generation *g = NULL;

    TW_TRY(twi_generation_empty(&g, err));
    g->version = v->version;
    g->towers_version = v->parts.towers_version;
    g->seq_version = v->parts.seq_version;
    g->content_version = v->parts.content_version;
    TW_TRY(check_version(e, v, g, f, err));
    g->projects =
        g->tower != NULL && g->content_version > 0 && g->content_version == g->towers_version;
    TW_TRY(check_pending(e, g->towers_version, f, err));
    TW_TRY(twi_check_indexes(e, g, f, err));
done:
    twi_generation_free(g);
    return st;
}

/* One look at everything that the registry r names. */
static tw_status look(tw_engine *e, const twi_registry *r, twi_findings *f, tw_error *err)
{
    const twi_version *active = twi_registry_find(r, r->serves);
    if (active != NULL && active->newer_format > 0)
        return tw_fail(err, TW_EUNSUPPORTED, "model %d was made by a newer twindex (format %d)",
                       active->version, active->newer_format);
    tw_status st = active != NULL ? check_active(e, active, f, err) : TW_OK;
    return st == TW_OK ? check_others(e, r, f, err) : st;
}

static bool same_versions(const twi_registry *a, const twi_registry *b)
{
    return a->n == b->n && a->serves == b->serves && a->before == b->before;
}

/* Looks until nothing came in between. */
static tw_status check_derived(tw_engine *e, reporter *t, tw_error *err)
{
    tw_status st = TW_OK;
    twi_registry before = {0}, after = {0};
    twi_findings f = {0};
    bool stable = false;

    tw_text_init(&f.text, MAX_FINDINGS);
    TW_TRY(twi_registry_load(e, &after, err));
    for (int i = 0; i < LOOKS && !stable; i++) {
        twi_registry_fini(&before);
        before = after;
        after = (twi_registry){0};
        tw_text_clear(&f.text);
        f.n = 0;
        TW_TRY(look(e, &before, &f, err));
        TW_TRY(twi_registry_load(e, &after, err));
        stable = f.n == 0 || same_versions(&before, &after);
    }
    if (!stable) {
        st = tw_fail(err, TW_EBUSY, "the models of '%s' change faster than they can be checked",
                     e->dir);
        goto done;
    }
    report_all(t, &f);
done:
    tw_text_fini(&f.text);
    twi_registry_fini(&before);
    twi_registry_fini(&after);
    return st;
}

tw_status tw_engine_check(const char *dir, void (*found)(void *ctx, const char *what), void *ctx,
                          tw_error *err)
{
    tw_status st = TW_OK;
    reporter t = {.found = found, .ctx = ctx};
    tw_engine *e = tw_alloc(1, sizeof *e); /* only its dir, mode and store are used */

    if (e == NULL)
        return tw_fail(err, TW_ENOMEM, "check");
    (void) snprintf(e->dir, sizeof e->dir, "%s", dir);
    e->mode = TW_ENGINE_READ;
    e->dir_fd = -1;
    TW_TRY(twi_store_open(&e->store, dir, TW_STORE_READ, err));
    st = tw_store_check(e->store, false, report, &t, err);
    if (st != TW_OK && st != TW_ECORRUPT)
        goto done;
    TW_TRY(check_derived(e, &t, err));
    if (t.n > 0)
        st = tw_fail(err, TW_ECORRUPT, "'%s' has %d problem%s", dir, t.n, t.n == 1 ? "" : "s");
done:
    tw_store_close(e->store);
    tw_free(e);
    return st;
}
