/* From hits to rows of an answer. The store is the truth and the index follows it: a hit may have
 * been deleted since it was searched, or just before the index was changed. Such hits are left out
 * and others searched in their place, so that an answer has min(k, live) rows while others delete.
 */
#include "engine/query_hits.h"

#include <string.h>

#include "base/grow.h"
#include "engine/engine_state.h"

tw_status twi_leave_out(twi_workspace *ws, const int64_t *rows, int n, tw_error *err)
{
    tw_status st =
        tw_grow(&ws->out, &ws->out_room, (size_t) (ws->n_out + n), "items to leave out", err);
    if (st != TW_OK)
        return st;
    if (n > 0)
        memcpy(ws->out + ws->n_out, rows, (size_t) n * sizeof *rows);
    ws->n_out += n;
    return TW_OK;
}

/* Names hits from number `at` on. */
static tw_status name_hits(tw_engine *e, twi_workspace *ws, int at, int n, tw_error *err)
{
    for (int i = 0; i < n; i++)
        ws->rows[i] = ws->hits[at + i].item;
    return tw_store_names(e->store, ws->rows, n, ws->names, &ws->text, err);
}

/* Adds those of the n named hits from number `at` on that live, until the answer has k rows. */
static tw_status add_live(const twi_workspace *ws, int at, int n, int k, tw_answer *out,
                          tw_error *err)
{
    for (int i = 0; i < n && out->n < k; i++) {
        const tw_item_name *name = &ws->names[i];
        tw_status st = !name->live
                           ? TW_OK
                           : tw_answer_add(out, name->id, name->title, ws->hits[at + i].score, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

tw_status twi_answer_listed(tw_engine *e, twi_workspace *ws, int n, int k, tw_answer *out,
                            tw_error *err)
{
    tw_status st = TW_OK;
    for (int at = 0, some; at < n && out->n < k; at += some) {
        some = n - at < k ? n - at : k;
        TW_TRY(name_hits(e, ws, at, some, err));
        TW_TRY(add_live(ws, at, some, k, out, err));
    }
done:
    return st;
}

/* Moves the rows of named hits that are gone to the front of ws->rows and returns how many. */
static int find_gone(twi_workspace *ws, int n)
{
    int gone = 0;
    for (int i = 0; i < n; i++)
        if (!ws->names[i].live)
            ws->rows[gone++] = ws->rows[i];
    return gone;
}

/* Every round leaves out rows that it found gone, so there is a last one. It asks for more than the
 * one before: a reader's index may be far behind. */
tw_status twi_answer_search(tw_engine *e, twi_workspace *ws, const twi_search *s, tw_answer *out,
                            tw_error *err)
{
    tw_status st = TW_OK;
    int ask = s->pool, n = 0, gone = 1;

    while (gone > 0) {
        TW_TRY(tw_deadline_check(s->deadline, "the index was searched", err));
        const tw_index_options opt = {
            .exact = s->exact, .exclude = ws->out, .n_exclude = ws->n_out, .deadline = s->deadline};
        TW_TRY(tw_index_search(s->ix, ws->vec, ask, &opt, ws->hits, &n, err));
        const bool all = n < ask; /* there are no others to take a place */
        if (s->choose != NULL)
            TW_TRY(s->choose(s->ctx, ws, &n, err));
        TW_TRY(name_hits(e, ws, 0, n, err));
        gone = find_gone(ws, n);
        if (n - gone >= s->k || (all && s->choose == NULL))
            break;
        TW_TRY(twi_leave_out(ws, ws->rows, gone, err));
        if (s->choose == NULL) /* who chooses gets as many as ever */
            ask = ask < TW_ENGINE_MAX_K / 2 ? 2 * ask : TW_ENGINE_MAX_K;
    }
    TW_TRY(add_live(ws, 0, n, s->k, out, err));
done:
    return st;
}
