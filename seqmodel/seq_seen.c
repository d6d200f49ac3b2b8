/* seqmodel/seq_seen.c — items that a user met before are no candidates of what comes next.
 *
 * A query for the next item leaves out the seen ones, and so do the protocols. A softmax that
 * compares the target with them, too, spends its weights on parting seen from unseen.
 *
 * A sequence has one list of candidates, in the order in which its user met them: first those
 * before its window, then its rows'. Row i leaves out a prefix of it: what was met before it, and
 * its own item.
 */
#include <string.h>

#include "base/alloc.h"
#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_seen.h"

tw_status twi_seen_init(twi_seen *seen, int sequences, int tokens, int64_t candidates,
                        int64_t longest, tw_error *err)
{
    size_t S = (size_t) sequences, N = (size_t) tokens;
    size_t most = (size_t) (longest < candidates ? longest : candidates); /* each stands once */

    seen->history = tw_alloc(S, sizeof *seen->history);
    seen->before = tw_alloc(S, sizeof *seen->before);
    seen->items = tw_alloc(N, sizeof *seen->items);
    seen->rows = tw_alloc(S, most * sizeof *seen->rows);
    seen->from = tw_alloc(N, sizeof *seen->from);
    seen->upto = tw_alloc(N, sizeof *seen->upto);
    seen->listed = tw_alloc((size_t) candidates, sizeof *seen->listed);
    if (seen->history == NULL || seen->before == NULL || seen->items == NULL ||
        seen->rows == NULL || seen->from == NULL || seen->upto == NULL || seen->listed == NULL)
        return tw_fail(err, TW_ENOMEM, "what %d users met", sequences);
    return TW_OK;
}

void twi_seen_fini(twi_seen *seen)
{
    tw_free(seen->history);
    tw_free(seen->before);
    tw_free(seen->items);
    tw_free(seen->rows);
    tw_free(seen->from);
    tw_free(seen->upto);
    tw_free(seen->listed);
    *seen = (twi_seen){0};
}

void twi_seen_add(twi_batch *b, const int32_t *history, int64_t before, const int32_t *items)
{
    int s = b->sequences - 1, begin = b->offsets[s];

    b->seen.history[s] = history;
    b->seen.before[s] = before;
    memcpy(b->seen.items + begin, items, (size_t) (b->tokens - begin) * sizeof *items);
}

/* Puts an item on the list of sequence s, which has n: where it is a candidate and is not there. */
static int32_t list(twi_seen *seen, int32_t n, int s, int32_t place)
{
    int32_t row = place - 1;
    if (row < 0 || seen->listed[row] == s + 1)
        return n;
    seen->listed[row] = s + 1;
    seen->rows[n] = row;
    return n + 1;
}

void twi_seen_collect(twi_batch *b, const int32_t *place)
{
    twi_seen *seen = &b->seen;
    int32_t n = 0;

    memset(seen->listed, 0, (size_t) b->candidates * sizeof *seen->listed);
    for (int s = 0; s < b->sequences; s++) {
        int32_t from = n;
        for (int64_t i = 0; i < seen->before[s]; i++)
            n = list(seen, n, s, place[seen->history[s][i]]);
        for (int i = b->offsets[s]; i < b->offsets[s + 1]; i++) {
            n = list(seen, n, s, place[seen->items[i]]);
            seen->from[i] = from;
            seen->upto[i] = n;
        }
    }
}
