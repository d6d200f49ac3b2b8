/* How a JSON file holds its rows: decided once, before the first is read. */
#include <string.h>

#include "ingest/internal.h"

/* The first byte that is no space, from *at on in the window; '\0' where there is none. */
static char next_byte(const twi_source *s, size_t *at)
{
    while (s->start + *at < s->end) {
        const char c = s->buf[s->start + *at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return c;
        (*at)++;
    }
    return '\0';
}

/* {'id': 'x', 'price': None}: what Python prints of a dict. */
static tw_status refuse_python(const tw_reader *r, tw_error *err)
{
    size_t at = 0;
    char c = next_byte(&r->src, &at);
    if (c == '[') {
        at++;
        c = next_byte(&r->src, &at);
    }
    at++;
    if (c != '{' || next_byte(&r->src, &at) != '\'')
        return TW_OK;
    return tw_fail(err, TW_EINVAL,
                   "'%.150s' holds Python dicts ('single quotes', None), not JSON; where each line "
                   "is one, this makes JSON of them: python3 -c \"import ast,json,sys; "
                   "[print(json.dumps(ast.literal_eval(l))) for l in sys.stdin]\" < FILE > "
                   "FILE.jsonl",
                   r->path);
}

/* True when the document's own members name what a row of the kind must have. */
static bool is_row(const twi_plan *p, const twi_json_outline *o)
{
    static const unsigned needed[] = {
        [TW_INGEST_ITEMS] = 1u << TWI_ID,
        [TW_INGEST_EVENTS] = 1u << TWI_USER | 1u << TWI_ITEM,
        [TW_INGEST_PAIRS] = 1u << TWI_A | 1u << TWI_B,
        [TW_INGEST_TRIPLETS] = 1u << TWI_ANCHOR | 1u << TWI_POSITIVE | 1u << TWI_NEGATIVE,
    };
    return (o->fields & needed[p->kind]) == needed[p->kind];
}

static tw_status enter_object(tw_reader *r, tw_error *err)
{
    twi_json_outline o;
    size_t at = 0;
    tw_status st = twi_json_look(&r->src, &r->plan, &o, err);
    if (st != TW_OK || o.documents > 1 || is_row(&r->plan, &o) || o.objects * 2 < o.members)
        return st;
    (void) next_byte(&r->src, &at);
    r->json.shape = TWI_JSON_MEMBERS;
    twi_source_skip(&r->src, at + 1);
    return TW_OK;
}

tw_status twi_json_enter(tw_reader *r, tw_error *err)
{
    size_t at = 0;
    tw_status st = refuse_python(r, err);
    if (st != TW_OK || r->format != TW_FORMAT_JSON)
        return st;
    const char c = next_byte(&r->src, &at);
    if (c == '{')
        return enter_object(r, err);
    if (c == '[') {
        r->json.shape = TWI_JSON_LIST;
        twi_source_skip(&r->src, at + 1);
    }
    return TW_OK;
}
