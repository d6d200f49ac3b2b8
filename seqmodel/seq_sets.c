/* seqmodel/seq_sets.c — the train parts as a relation between users and items.
 *
 * Two lists of lists in one block each: a user's items, and an item's users. A pair stands once,
 * however often the user came back to the item.
 */
#include <string.h>

#include "base/alloc.h"
#include "seqmodel/seq_sets.h"

/* The distinct items of each user, in the order of their first event. seen (n_items+1) holds the
 * latest user that an item was met by. */
static void collect_items(twi_sets *s, const tw_seq_data *data, int64_t latest, int32_t *seen)
{
    int64_t at = 0;

    for (int32_t u = 1; u <= s->n_users; u++) {
        const int32_t *items = tw_seq_data_items(data, u);
        int64_t n = tw_seq_data_train_length(data, u);
        for (int64_t i = n > latest ? n - latest : 0; i < n; i++) {
            if (seen[items[i]] == u)
                continue;
            seen[items[i]] = u;
            s->items[at++] = items[i];
            s->item_at[items[i]]++;
        }
        s->user_at[u] = at;
        s->active += n > 0;
    }
}

/* Turns counts into ends; then, users taken from the last down, each item's end falls to its start,
 * and starts are what the layout wants one place further down. */
static void collect_users(twi_sets *s)
{
    for (int32_t i = 1; i <= s->n_items; i++)
        s->item_at[i] += s->item_at[i - 1];
    int64_t pairs = s->item_at[s->n_items];
    for (int32_t u = s->n_users; u >= 1; u--)
        for (int64_t k = s->user_at[u - 1]; k < s->user_at[u]; k++)
            s->users[--s->item_at[s->items[k]]] = u;
    memmove(s->item_at, s->item_at + 1, (size_t) s->n_items * sizeof *s->item_at);
    s->item_at[s->n_items] = pairs;
}

tw_status twi_sets_init(twi_sets *s, const tw_seq_data *data, int64_t latest, tw_error *err)
{
    tw_status st = TW_OK;
    size_t events = (size_t) data->offsets[data->n_users];
    int32_t *seen = tw_alloc((size_t) data->n_items + 1, sizeof *seen);

    *s = (twi_sets){.n_users = data->n_users, .n_items = data->n_items};
    s->user_at = tw_alloc((size_t) data->n_users + 1, sizeof *s->user_at);
    s->item_at = tw_alloc((size_t) data->n_items + 1, sizeof *s->item_at);
    s->items = tw_alloc(events, sizeof *s->items);
    s->users = tw_alloc(events, sizeof *s->users);
    if (seen == NULL || s->user_at == NULL || s->item_at == NULL || s->items == NULL ||
        s->users == NULL) {
        st = tw_fail(err, TW_ENOMEM, "users and items of %zu events", events);
        goto done;
    }
    collect_items(s, data, latest, seen);
    collect_users(s);
done:
    tw_free(seen);
    if (st != TW_OK)
        twi_sets_fini(s);
    return st;
}

void twi_sets_fini(twi_sets *s)
{
    tw_free(s->user_at);
    tw_free(s->item_at);
    tw_free(s->items);
    tw_free(s->users);
    *s = (twi_sets){0};
}
