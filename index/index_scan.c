/* Exact search: every vector is scored. Vectors are taken in blocks that stay in the first-level
 * cache while all queries of a batch meet them. */
#include <math.h>

#include "index/index_codes.h"
#include "index/index_delta.h"
#include "index/index_main.h"
#include "index/index_map.h"
#include "index/index_rules.h"
#include "index/index_scan.h"
#include "index/index_state.h"
#include "index/index_topk.h"

#define BLOCK 64

/* Codes are asked where the wanted rows are fewer than one in so many: else they rule out little.
 */
#define CODES_RULE_OUT 50

/* Whether a scan that is at row `at` is to be given up: asked once in 16,384 rows, a millisecond or
 * so. tw_index_search_batch has the sentence. */
static bool late(const twi_rules *r, int64_t at)
{
    return at % ((int64_t) BLOCK * 256) == 0 && tw_deadline_passed(r->opt->deadline);
}

/* The order of the three questions is their price: most rows fail the first. */
static void offer(twi_topk *top, int64_t id, float score, const twi_rules *r)
{
    if (twi_topk_wants(top, id, score) && !twi_rules_excluded(r, id))
        twi_topk_push(top, id, score);
}

bool twi_offer_node(twi_view v, const twi_rules *r, int64_t node, float score, twi_topk *top)
{
    const twi_main *m = &v.state->main;
    const int64_t end = twi_main_first(m, node + 1);
    bool any = false;

    for (int64_t row = twi_main_first(m, node); row < end; row++) {
        /* Ids ascend: when one row is not wanted, no later one is. */
        const bool wanted = twi_topk_wants(top, m->ids[row], score);
        if (any && !wanted)
            break;
        if (!twi_main_sees(m, row, v.version) || !twi_rules_allow(r, m->ids[row]) ||
            twi_rules_excluded(r, m->ids[row]))
            continue;
        any = true;
        if (!wanted)
            break;
        twi_topk_push(top, m->ids[row], score);
    }
    return any;
}

/* Whether the first row behind a node, which has the smallest id, would be wanted. */
static bool node_wanted(const twi_main *m, int64_t node, float score, const twi_topk *top)
{
    return twi_topk_wants(top, m->ids[twi_main_first(m, node)], score);
}

/* One query over coded rows: the bound rules out, the row itself decides. */
static void scan_codes(const tw_index *ix, twi_view v, const twi_rules *r, const float *q,
                       twi_topk *top)
{
    const twi_main *m = &v.state->main;
    float bound[TWI_CODE_ROWS], score;
    twi_asked asked;

    twi_codes_ask(&asked, &m->codes, q, m->dim);
    for (int64_t at = 0; at < m->nodes; at += TWI_CODE_ROWS) {
        if (late(r, at))
            return;
        const float least = top->n < top->k ? -INFINITY : top->hits[0].score;
        const int rows = m->nodes - at < TWI_CODE_ROWS ? (int) (m->nodes - at) : TWI_CODE_ROWS;
        if (!m->codes.pass(bound, &m->codes, &asked, at / TWI_CODE_ROWS, least))
            continue;
        for (int j = 0; j < rows; j++) {
            if (bound[j] < least)
                continue;
            ix->scores(&score, q, twi_main_node_vec(m, at + j), 0, m->dim, 1);
            if (node_wanted(m, at + j, score, top))
                (void) twi_offer_node(v, r, at + j, score, top);
        }
    }
}

void twi_scan_main(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                   twi_topk *tops)
{
    const twi_main *m = &v.state->main;
    float scores[BLOCK];

    if (m->codes.code != NULL && m->nodes / CODES_RULE_OUT > tops[0].k) {
        for (int i = 0; i < n; i++)
            scan_codes(ix, v, r, q + (size_t) i * (size_t) m->dim, &tops[i]);
        return;
    }
    for (int64_t at = 0; at < m->nodes && !late(r, at); at += BLOCK) {
        const int rows = m->nodes - at < BLOCK ? (int) (m->nodes - at) : BLOCK;
        for (int i = 0; i < n; i++) {
            ix->scores(scores, q + (size_t) i * (size_t) m->dim, twi_main_node_vec(m, at),
                       (size_t) m->dim, m->dim, rows);
            for (int j = 0; j < rows; j++)
                if (node_wanted(m, at + j, scores[j], &tops[i]))
                    (void) twi_offer_node(v, r, at + j, scores[j], &tops[i]);
        }
    }
}

void twi_scan_delta(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                    twi_topk *tops)
{
    const twi_delta *d = &v.state->delta;
    const int64_t count = twi_delta_count(d);
    float scores[BLOCK];

    for (int64_t at = d->first, next; at < count && !late(r, at); at = next) {
        next = (at / BLOCK + 1) * BLOCK; /* a chunk is a whole number of blocks */
        const int rows = (int) ((next < count ? next : count) - at);
        const twi_chunk *c = twi_delta_chunk(d, at);
        const int64_t base = at & (TWI_CHUNK_ROWS - 1);
        for (int i = 0; i < n; i++) {
            ix->scores(scores, q + (size_t) i * (size_t) d->dim, twi_delta_vec(d, at),
                       (size_t) d->dim, d->dim, rows);
            for (int j = 0; j < rows; j++) {
                const int64_t id = c->ids[base + j];
                if (twi_topk_wants(&tops[i], id, scores[j]) &&
                    twi_delta_sees(d, at + j, v.version) && twi_rules_allow(r, id))
                    offer(&tops[i], id, scores[j], r);
            }
        }
    }
}

/* The map gives the newest row of an id, which may be younger than the view: still one of the two
 * versions that a search during the write may find. */
static void offer_id(const tw_index *ix, const twi_state *s, const twi_rules *r, int64_t id,
                     const float *q, int n, twi_topk *tops)
{
    const twi_loc loc = twi_map_get(&s->map, id);
    if (loc == 0)
        return;
    const float *row =
        loc > 0 ? twi_main_vec(&s->main, loc - 1) : twi_delta_vec(&s->delta, -(int64_t) loc - 1);
    for (int i = 0; i < n; i++) {
        float score;
        ix->scores(&score, q + (size_t) i * (size_t) s->main.dim, row, 0, s->main.dim, 1);
        offer(&tops[i], id, score, r);
    }
}

void twi_scan_allowed(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                      twi_topk *tops)
{
    for (size_t w = 0; w < r->opt->allow_words && !late(r, (int64_t) (w * 64)); w++) {
        uint64_t bits = r->opt->allow[w];
        while (bits != 0) {
            const int64_t id = (int64_t) (w * 64) + __builtin_ctzll(bits);
            bits &= bits - 1;
            offer_id(ix, v.state, r, id, q, n, tops);
        }
    }
}

void twi_scan_all(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                  twi_topk *tops)
{
    if (r->opt->allow != NULL) {
        twi_scan_allowed(ix, v, r, q, n, tops);
    } else {
        twi_scan_main(ix, v, r, q, n, tops);
        twi_scan_delta(ix, v, r, q, n, tops);
    }
}
