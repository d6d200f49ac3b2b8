#include "nn/model_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define KIND    "twindex.kind"
#define VERSION "twindex.version"

tw_status tw_model_file_begin(tw_st_writer *w, const char *kind, int version, tw_error *err)
{
    char number[16];
    (void) snprintf(number, sizeof number, "%d", version);
    const tw_status st = tw_st_add_meta(w, KIND, kind, err);
    return st == TW_OK ? tw_st_add_meta(w, VERSION, number, err) : st;
}

tw_status tw_model_file_check(const tw_st_file *f, const char *kind, int newest, tw_error *err)
{
    const char *has = tw_st_meta(f, KIND), *version = tw_st_meta(f, VERSION);
    int64_t number = 0;

    if (has == NULL || strcmp(has, kind) != 0)
        return tw_fail(err, TW_ECORRUPT, "the file holds %.40s, not a %s",
                       has == NULL ? "something else" : has, kind);
    if (version == NULL || !tw_parse_i64(version, &number) || number < 1)
        return tw_fail(err, TW_ECORRUPT, "the file has no version");
    if (number > newest)
        return tw_fail(err, TW_EUNSUPPORTED, "the file has version %lld, readable is up to %d",
                       (long long) number, newest);
    return TW_OK;
}

tw_status tw_model_file_meta(const tw_st_file *f, const char *key, const char **value,
                             tw_error *err)
{
    *value = tw_st_meta(f, key);
    return *value != NULL ? TW_OK : tw_fail(err, TW_ECORRUPT, "the file has no %s", key);
}

tw_status tw_model_file_settings(tw_status st, const tw_error *why, tw_error *err)
{
    if (st == TW_EINVAL)
        return tw_fail(err, TW_ECORRUPT, "the model's settings: %.300s", why->msg);
    return st == TW_OK ? TW_OK : tw_fail(err, st, "%.300s", why->msg);
}

static tw_status check_finite(const tw_params *ps, tw_error *err)
{
    for (int i = 0; i < tw_params_count(ps); i++) {
        const tw_param *p = tw_params_at(ps, i);
        for (int64_t k = 0; k < p->rows * p->cols; k++)
            if (!isfinite(p->value[k]))
                return tw_fail(err, TW_ECORRUPT, "'%s' holds a number that is not finite", p->name);
    }
    return TW_OK;
}

tw_status tw_model_file_load(const tw_st_file *f, tw_params *ps, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(tw_st_check_params(f, ps, err));
    TW_TRY(tw_params_allocate(ps, err));
    TW_TRY(tw_st_load_params(f, ps, false, err));
    TW_TRY(check_finite(ps, err));
done:
    return st;
}
