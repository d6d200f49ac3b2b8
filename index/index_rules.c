/* Which rows a query may have: those that its filter allows, less those that it excludes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "index/index_rules.h"

static const tw_index_options everything;

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

tw_status twi_rules_init(twi_rules *r, const tw_index_options *opt, tw_error *err)
{
    r->opt = opt != NULL ? opt : &everything;
    r->excluded = r->few;
    r->n_excluded = 0;
    if (r->opt->ef < 0 || r->opt->ef > TW_INDEX_MAX_EF)
        return tw_fail(err, TW_EINVAL, "ef %d is outside 0..%d", r->opt->ef, TW_INDEX_MAX_EF);
    if (r->opt->n_exclude < 0)
        return tw_fail(err, TW_EINVAL, "n_exclude %d is negative", r->opt->n_exclude);
    if (r->opt->n_exclude == 0)
        return TW_OK;

    const size_t n = (size_t) r->opt->n_exclude;
    if (n > sizeof r->few / sizeof r->few[0]) {
        r->excluded = tw_alloc(n, sizeof *r->excluded);
        if (r->excluded == NULL)
            return tw_fail(err, TW_ENOMEM, "%zu excluded ids", n);
    }
    memcpy(r->excluded, r->opt->exclude, n * sizeof *r->excluded);
    r->n_excluded = (int) n;
    qsort(r->excluded, n, sizeof *r->excluded, by_value);
    return TW_OK;
}

void twi_rules_fini(twi_rules *r)
{
    if (r->excluded != r->few)
        tw_free(r->excluded);
}

bool twi_rules_allow(const twi_rules *r, int64_t id)
{
    const tw_index_options *opt = r->opt;
    if (opt->allow == NULL)
        return true;
    const size_t word = (size_t) id / 64;
    return word < opt->allow_words && (opt->allow[word] >> ((size_t) id % 64) & 1) != 0;
}

bool twi_rules_excluded(const twi_rules *r, int64_t id)
{
    return r->n_excluded > 0 &&
           bsearch(&id, r->excluded, (size_t) r->n_excluded, sizeof *r->excluded, by_value) != NULL;
}
