/* "{title} ({year})": literals and column names, cut up once. */
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "ingest/internal.h"

#define TEMPLATE_MAX 4096

static tw_status add_part(twi_template *t, int column, const char *s, size_t len, tw_error *err)
{
    const size_t from = t->text.len;
    if (column == TWI_LITERAL && len == 0)
        return TW_OK;
    if (t->n == TWI_MAX_PARTS)
        return tw_fail(err, TW_EINVAL, "the template has more than %d parts", TWI_MAX_PARTS);
    tw_status st = tw_text_add(&t->text, s, len, err);
    if (st == TW_OK)
        st = tw_text_add(&t->text, "", 1, err);
    if (st == TW_OK)
        t->parts[t->n++] = (twi_part){from, len, column};
    return st;
}

/* One step: a column in braces, a doubled brace, or the literal up to the next brace. */
static tw_status parse_part(twi_template *t, const char **at, tw_error *err)
{
    const char *p = *at;
    if ((p[0] == '{' || p[0] == '}') && p[1] == p[0]) {
        *at = p + 2;
        return add_part(t, TWI_LITERAL, p, 1, err);
    }
    if (p[0] == '}')
        return tw_fail(err, TW_EINVAL, "the template '%.200s' closes a brace that is not open", p);
    if (p[0] != '{') {
        size_t len = strcspn(p, "{}");
        *at = p + len;
        return add_part(t, TWI_LITERAL, p, len, err);
    }
    size_t len = strcspn(p + 1, "{}");
    if (p[1 + len] != '}' || len == 0)
        return tw_fail(err, TW_EINVAL, "the template '%.200s' has no column name between braces",
                       p);
    *at = p + len + 2;
    return add_part(t, -1, p + 1, len, err);
}

tw_status twi_template_parse(twi_template *t, const char *pattern, tw_error *err)
{
    tw_status st = TW_OK;
    int columns = 0;
    const char *at = pattern;

    *t = (twi_template){.n = 0};
    tw_text_init(&t->text, TEMPLATE_MAX);
    if (strlen(pattern) > TEMPLATE_MAX / 2 || !tw_utf8_valid(pattern, strlen(pattern)))
        TW_TRY(tw_fail(err, TW_EINVAL, "the template of %zu bytes is longer than %d or no UTF-8",
                       strlen(pattern), TEMPLATE_MAX / 2));
    while (*at != '\0')
        TW_TRY(parse_part(t, &at, err));
    for (int i = 0; i < t->n; i++)
        columns += t->parts[i].column != TWI_LITERAL;
    if (columns == 0)
        TW_TRY(tw_fail(err, TW_EINVAL,
                       "the template '%.200s' names no column; write a name in braces", pattern));
done:
    if (st != TW_OK)
        twi_template_fini(t);
    return st;
}

void twi_template_fini(twi_template *t)
{
    tw_text_fini(&t->text);
    *t = (twi_template){.n = 0};
}
