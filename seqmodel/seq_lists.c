/* seqmodel/seq_lists.c — what users would be shown, and what such lists are like.
 *
 * Accuracy counts one item of a list; these measure the rest: do all users get the same few
 * best-sellers? All of them depend on the lists and on the train parts alone, so they mean the same
 * for every recommender. Sources: Herlocker et al. 2004 (coverage), Fleder and Hosanagar 2009
 * (Gini), Zhou et al. 2010 (novelty as self-information), Ziegler et al. 2005 (intra-list
 * diversity; here with collaborative cosines, as features is not always there).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "metrics/lists.h"
#include "seqmodel/seq_candidates.h"
#include "seqmodel/seq_lists.h"
#include "seqmodel/seq_sets.h"

void twi_hit_add(twi_hit *best, int *n, int k, tw_real score, int32_t item)
{
    int at = *n;

    if (isnan(score))
        return;
    while (at > 0 && (score > best[at - 1].score ||
                      (score == best[at - 1].score && item < best[at - 1].item)))
        at--;
    if (at == k)
        return;
    int moved = *n - at - (*n == k); /* of a full list the last falls out */
    memmove(best + at + 1, best + at, (size_t) moved * sizeof *best);
    best[at] = (twi_hit){score, item};
    *n += *n < k;
}

/* Nearly no item of a large catalogue reaches the list, so runs of items are asked as one whether
 * any of them does; only then each, and last of all whether it is marked. */
int twi_top_hits(twi_hit *best, int k, const tw_real *scores, int32_t n_items, const int32_t *mark,
                 int32_t stamp)
{
    enum { RUN = 32 };
    int n = 0;
    int64_t end = (int64_t) n_items + 1;

    for (int64_t at = 1; at < end; at += RUN) {
        int64_t stop = at + RUN < end ? at + RUN : end;
        int reach = n < k || stop - at < RUN;
        if (reach == 0) {
            tw_real bar = best[k - 1].score;
            for (int j = 0; j < RUN; j++)
                reach += scores[at + j] > bar; /* a tie has the larger number, and stays out */
        }
        for (int64_t i = at; reach > 0 && i < stop; i++) {
            if (mark[i] != stamp)
                twi_hit_add(best, &n, k, scores[i], (int32_t) i);
        }
    }
    return n;
}

void twi_top_list(int32_t *top, int k, const tw_real *scores, int32_t n_items, const int32_t *mark,
                  int32_t stamp)
{
    twi_hit best[TW_SEQ_TOP];
    int n = twi_top_hits(best, k, scores, n_items, mark, stamp);
    for (int i = 0; i < k; i++)
        top[i] = i < n ? best[i].item : 0;
}

/* ---- measures -------------------------------------------------------------------------------- */

typedef struct measuring {
    const int32_t *lists; /* (n, TW_SEQ_TOP) */
    int64_t n;
    twi_sets sets;
    double *diversity; /* (n); negative: a list without a pair */
    int32_t **mark;    /* (workers) of (n_users+1): the stamp of the item whose user it is */
    int workers;
} measuring;

static int64_t users_of(const twi_sets *s, int32_t item)
{
    return s->item_at[item] - s->item_at[item - 1];
}

static int length(const int32_t *list)
{
    int n = 0;
    while (n < TW_SEQ_TOP && list[n] != 0)
        n++;
    return n;
}

/* cos(a, b) = |A and B| / sqrt(|A| |B|) over the sets of users; items without users are unlike all.
 * mark has `stamp` for the users of a. */
static double cosine(const twi_sets *s, int32_t a, int32_t b, const int32_t *mark, int32_t stamp)
{
    int64_t both = 0;
    double all = (double) users_of(s, a) * (double) users_of(s, b);

    for (int64_t k = s->item_at[b - 1]; k < s->item_at[b]; k++)
        both += mark[s->users[k]] == stamp;
    return all > 0 ? (double) both / sqrt(all) : 0;
}

static void measure_share(void *ctx, int worker, int workers)
{
    measuring *x = ctx;
    const twi_sets *s = &x->sets;
    int32_t *mark = x->mark[worker], stamp = 0;
    int64_t begin, end;

    tw_pool_share(x->n, worker, workers, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int32_t *list = x->lists + i * TW_SEQ_TOP;
        int n = length(list);
        double sum = 0;
        for (int a = 0; a < n; a++) {
            if (++stamp == INT32_MAX) { /* a share of 200 million lists */
                memset(mark, 0, ((size_t) s->n_users + 1) * sizeof *mark);
                stamp = 1;
            }
            (void) twi_mark_all(mark, stamp, s->users + s->item_at[list[a] - 1],
                                users_of(s, list[a]));
            for (int b = a + 1; b < n; b++)
                sum += 1 - cosine(s, list[a], list[b], mark, stamp);
        }
        x->diversity[i] = n < 2 ? -1 : sum / (n * (n - 1) / 2.0);
    }
}

/* counts (n_items): how often each item is listed; zeroed by the caller. */
static void summarise(tw_seq_list_metrics *out, const measuring *x, int64_t *counts)
{
    double users = x->sets.active > 0 ? (double) x->sets.active : 1;
    int64_t listed = 0, paired = 0;

    *out = (tw_seq_list_metrics){.lists = x->n};
    for (int64_t i = 0; i < x->n; i++) {
        const int32_t *list = x->lists + i * TW_SEQ_TOP;
        for (int a = 0; a < length(list); a++, listed++) {
            double count = (double) users_of(&x->sets, list[a]);
            out->coverage += counts[list[a] - 1]++ == 0;
            out->popularity += count / users;
            out->novelty -= log2(fmax(count, 1) / users);
        }
        paired += x->diversity[i] >= 0;
        out->diversity += fmax(x->diversity[i], 0);
    }
    out->coverage /= (double) x->sets.n_items;
    out->popularity /= fmax((double) listed, 1);
    out->novelty /= fmax((double) listed, 1);
    out->diversity /= fmax((double) paired, 1);
    out->gini = tw_gini(counts, x->sets.n_items);
}

tw_status twi_measure_lists(tw_seq_list_metrics *out, const int32_t *lists, int64_t n,
                            const tw_seq_data *train, tw_pool *pool, tw_error *err)
{
    tw_status st = TW_OK;
    measuring x = {.lists = lists, .n = n, .workers = tw_pool_size(pool)};
    int64_t *counts = tw_alloc((size_t) train->n_items, sizeof *counts);

    x.diversity = tw_alloc((size_t) n, sizeof *x.diversity);
    x.mark = tw_alloc((size_t) x.workers, sizeof *x.mark);
    if (counts == NULL || x.diversity == NULL || x.mark == NULL) {
        st = tw_fail(err, TW_ENOMEM, "measures of %lld lists", (long long) n);
        goto done;
    }
    for (int w = 0; w < x.workers; w++) {
        x.mark[w] = tw_alloc((size_t) train->n_users + 1, sizeof **x.mark);
        if (x.mark[w] == NULL) {
            st = tw_fail(err, TW_ENOMEM, "marks of %d users", train->n_users);
            goto done;
        }
    }
    TW_TRY(twi_sets_init(&x.sets, train, INT64_MAX, err));
    tw_pool_run(pool, measure_share, &x);
    summarise(out, &x, counts);
done:
    for (int w = 0; x.mark != NULL && w < x.workers; w++)
        tw_free(x.mark[w]);
    tw_free(x.mark);
    tw_free(x.diversity);
    tw_free(counts);
    twi_sets_fini(&x.sets);
    return st;
}
