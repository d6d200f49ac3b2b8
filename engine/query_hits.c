/* From hits to rows of an answer. The store is the truth and the index follows it: a hit may have
 * been deleted since it was searched, or just before the index was told. Such hits are left out and
 * others searched in their place, so that an answer has min(k, live) rows whoever deletes. */
#include <string.h>

#include "base/alloc.h"
#include "engine/internal.h"

tw_status twi_leave_out(twi_seat *seat, const int64_t *rows, int n, tw_error *err)
{
    if (seat->n_out + n > seat->out_room) {
        const int room =
            2 * seat->out_room > seat->n_out + n ? 2 * seat->out_room : seat->n_out + n;
        int64_t *more = tw_realloc(seat->out, (size_t) room, sizeof *more);
        if (more == NULL)
            return tw_fail(err, TW_ENOMEM, "%d items to leave out", room);
        seat->out = more;
        seat->out_room = room;
    }
    if (n > 0)
        memcpy(seat->out + seat->n_out, rows, (size_t) n * sizeof *rows);
    seat->n_out += n;
    return TW_OK;
}

/* Names hits from number `at` on. */
static tw_status name_hits(tw_engine *e, twi_seat *seat, int at, int n, tw_error *err)
{
    for (int i = 0; i < n; i++)
        seat->rows[i] = seat->hits[at + i].item;
    return tw_store_names(e->store, seat->rows, n, seat->names, &seat->text, err);
}

/* Adds those of the n named hits from number `at` on that live, until the answer has k rows. */
static tw_status add_live(const twi_seat *seat, int at, int n, int k, tw_answer *out, tw_error *err)
{
    for (int i = 0; i < n && out->n < k; i++) {
        const tw_item_name *name = &seat->names[i];
        tw_status st =
            !name->live ? TW_OK
                        : tw_answer_add(out, name->id, name->title, seat->hits[at + i].score, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

tw_status twi_answer_listed(tw_engine *e, twi_seat *seat, int n, int k, tw_answer *out,
                            tw_error *err)
{
    tw_status st = TW_OK;
    for (int at = 0, some; at < n && out->n < k; at += some) {
        some = n - at < k ? n - at : k;
        TW_TRY(name_hits(e, seat, at, some, err));
        TW_TRY(add_live(seat, at, some, k, out, err));
    }
done:
    return st;
}

/* Moves the rows of named hits that are gone to the front of seat->rows and returns how many. */
static int find_gone(twi_seat *seat, int n)
{
    int gone = 0;
    for (int i = 0; i < n; i++)
        if (!seat->names[i].live)
            seat->rows[gone++] = seat->rows[i];
    return gone;
}

/* Every round leaves out rows that it found gone, so there is a last one. It asks for more than the
 * one before: a reader's index may be far behind. */
tw_status twi_answer_search(tw_engine *e, twi_seat *seat, const twi_search *s, tw_answer *out,
                            tw_error *err)
{
    tw_status st = TW_OK;
    int ask = s->pool, n = 0, gone = 1;

    while (gone > 0) {
        TW_TRY(tw_deadline_check(s->deadline, "the index was searched", err));
        const tw_index_options opt = {.exact = s->exact,
                                      .exclude = seat->out,
                                      .n_exclude = seat->n_out,
                                      .deadline = s->deadline};
        TW_TRY(tw_index_search(s->ix, seat->vec, ask, &opt, seat->hits, &n, err));
        const bool all = n < ask; /* there are no others to take a place */
        if (s->choose != NULL)
            TW_TRY(s->choose(s->ctx, seat, &n, err));
        TW_TRY(name_hits(e, seat, 0, n, err));
        gone = find_gone(seat, n);
        if (n - gone >= s->k || (all && s->choose == NULL))
            break;
        TW_TRY(twi_leave_out(seat, seat->rows, gone, err));
        if (s->choose == NULL) /* who chooses gets as many as ever */
            ask = ask < TW_ENGINE_MAX_K / 2 ? 2 * ask : TW_ENGINE_MAX_K;
    }
    TW_TRY(add_live(seat, 0, n, s->k, out, err));
done:
    return st;
}
