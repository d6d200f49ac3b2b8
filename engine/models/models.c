/* The model versions of a directory, as a person looks at them. */
#include <stdio.h>

#include "base/alloc.h"
#include "engine/inspection.h"
#include "engine/models/model_dir.h"
#include "engine/models/model_open.h"
#include "engine/models/registry.h"

#define MAX_REPORT ((size_t) 16 << 20)

/* A report beside the model; "" where it has none or it cannot be read. */
static tw_status read_report(const char *dir, const char *name, char **out, tw_error *err)
{
    char path[TW_PATH_MAX];
    size_t len;
    tw_status st = tw_path_join(path, dir, name, err);
    if (st != TW_OK)
        return st;
    st = tw_file_read(path, MAX_REPORT, out, &len, NULL);
    if (st != TW_OK && st != TW_ENOMEM) {
        *out = tw_strdup("");
        st = *out != NULL ? TW_OK : TW_ENOMEM;
    }
    return st == TW_OK ? st : tw_fail(err, TW_ENOMEM, "report '%s'", path);
}

/* Why it cannot serve, as one sentence. */
static tw_status find_problem(tw_engine *e, const twi_version *v, char problem[TW_ERROR_MSG_MAX],
                              tw_error *err)
{
    twi_opened o;
    if (v->problem[0] != '\0') {
        (void) snprintf(problem, TW_ERROR_MSG_MAX, "%s", v->problem);
        return TW_OK;
    }
    if (v->newer_format > 0) {
        (void) snprintf(problem, TW_ERROR_MSG_MAX, "it was made by a newer twindex (format %d)",
                        v->newer_format);
        return TW_OK;
    }
    tw_status st = twi_models_open(e, v->version, v->parts, false, &o, err);
    if (st != TW_OK)
        return st;
    (void) snprintf(problem, TW_ERROR_MSG_MAX, "%s",
                    o.towers_problem[0] != '\0' ? o.towers_problem : o.seq_problem);
    twi_opened_fini(&o);
    return TW_OK;
}

static tw_status give_version(tw_engine *e, const twi_version *v, const char *dir,
                              tw_engine_model_fn fn, void *ctx, tw_error *err)
{
    tw_status st = TW_OK;
    char problem[TW_ERROR_MSG_MAX] = "";
    char *towers = NULL, *seq = NULL;

    TW_TRY(find_problem(e, v, problem, err));
    TW_TRY(read_report(dir, TWI_TOWERS_REPORT, &towers, err));
    TW_TRY(read_report(dir, TWI_SEQ_REPORT, &seq, err));
    const tw_engine_model m = {.version = v->version,
                               .served = v->served,
                               .towers_version = v->parts.towers_version,
                               .seq_version = v->parts.seq_version,
                               .created = v->created,
                               .withheld = v->withheld,
                               .problem = problem,
                               .towers_report = towers,
                               .seq_report = seq};
    st = fn(ctx, &m, err);
done:
    tw_free(towers);
    tw_free(seq);
    return st;
}

tw_status tw_engine_each_model(tw_engine *e, tw_engine_model_fn fn, void *ctx, tw_error *err)
{
    tw_status st = TW_OK;
    twi_registry r;
    char dir[TW_PATH_MAX];

    TW_TRY(twi_registry_load(e, &r, err));
    for (int i = 0; i < r.n; i++) {
        const twi_version *v = &r.versions[i];
        TW_TRY(twi_model_dir(e, v->version, dir, err));
        if (v->version == r.serves || tw_file_exists(dir))
            TW_TRY(give_version(e, v, dir, fn, ctx, err));
    }
done:
    twi_registry_fini(&r);
    return st;
}
