/* What was liked together, kept apart by people; and how good the index is. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "engine/evaluation.h"
#include "engine/internal.h"

/* ---- mining ---------------------------------------------------------------------------------- */

/* Which people a part of the split holds, by the last digit of their hash. */
typedef struct people {
    int first, last; /* 0..9 */
    int64_t seed;
} people;

static bool belongs(const people *p, int64_t user)
{
    tw_rng rng; /* a hash of (seed, user): adding people moves nobody */
    tw_rng_seed3(&rng, (uint64_t) p->seed, (uint64_t) user, 0);
    int digit = (int) tw_rng_below(&rng, 10);
    return digit >= p->first && digit <= p->last;
}

#define LIKED 0.8 /* of the highest rating: 4 of 5, 8 of 10 */

static bool liked(const twi_events *log, int64_t i)
{
    return isnan(log->ratings[i]) || log->ratings[i] >= LIKED * log->most;
}

/* What these people liked, each history a run of positions in the catalogue. */
typedef struct runs {
    int32_t *items;
    int64_t *offsets, users;
} runs;

static tw_status histories(const twi_catalogue *c, const twi_events *log, const people *who,
                           runs *out, tw_error *err)
{
    int64_t n = 0;
    *out = (runs){.items = tw_alloc((size_t) log->n, sizeof *out->items),
                  .offsets = tw_alloc((size_t) log->n + 1, sizeof *out->offsets)};
    if (out->items == NULL || out->offsets == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld events", (long long) log->n);
    for (int64_t i = 0; i < log->n; i++) {
        if (belongs(who, log->users[i]) && liked(log, i) && log->items[i] <= c->max_row &&
            c->position[log->items[i]] >= 0)
            out->items[n++] = c->position[log->items[i]];
        bool last = i + 1 == log->n || log->users[i + 1] != log->users[i];
        if (last && n > out->offsets[out->users])
            out->offsets[++out->users] = n;
    }
    return TW_OK;
}

/* Appends what one part of the people gives; *count pairs. */
static tw_status mine_part(const twi_catalogue *c, const twi_events *log, const people *who,
                           const tw_mine_config *cfg, twi_tower_split *out, int64_t *count,
                           tw_error *err)
{
    tw_status st = TW_OK;
    runs r = {0};
    tw_item_pair *pairs = NULL, *all;

    *count = 0;
    TW_TRY(histories(c, log, who, &r, err));
    TW_TRY(tw_mine_events(&pairs, count, r.items, r.offsets, r.users, c->n, cfg, err));
    all = tw_realloc(out->pairs, (size_t) (out->n + *count), sizeof *all);
    if (all == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld pairs", (long long) (out->n + *count));
        goto done;
    }
    if (*count > 0)
        memcpy(all + out->n, pairs, (size_t) *count * sizeof *all);
    out->pairs = all;
    out->n += *count;
done:
    tw_free(pairs);
    tw_free(r.items);
    tw_free(r.offsets);
    return st;
}

tw_status twi_mine(const twi_catalogue *c, const twi_events *log, const tw_mine_config *cfg,
                   int64_t seed, twi_tower_split *out, tw_error *err)
{
    tw_status st = TW_OK;
    const people train = {0, 5, seed}, valid = {6, 7, seed}, test = {8, 9, seed};

    *out = (twi_tower_split){.apart = true};
    TW_TRY(mine_part(c, log, &train, cfg, out, &out->parts.train, err));
    TW_TRY(mine_part(c, log, &valid, cfg, out, &out->parts.valid, err));
    TW_TRY(mine_part(c, log, &test, cfg, out, &out->parts.test, err));
done:
    return st;
}

/* ---- the index ------------------------------------------------------------------------------- */

enum { INDEX_QUERIES = 200, INDEX_K = 10 };

#define LOW_RECALL 0.9

/* What is to be said of such an index; "": nothing. */
static void warn_of(const tw_index_stats *s, double recall, char out[TW_ERROR_MSG_MAX])
{
    out[0] = '\0';
    if (s->lacks_graph) {
        (void) snprintf(out, TW_ERROR_MSG_MAX,
                        "its graph is not built yet, so it is searched exactly; a server builds it "
                        "while it answers");
    } else if (s->exact && s->recall > 0) {
        (void) snprintf(out, TW_ERROR_MSG_MAX,
                        "its graph found only %.2f of the nearest when it was built, so it is not "
                        "used and the index is searched exactly",
                        s->recall);
    } else if (recall < LOW_RECALL) {
        (void) snprintf(out, TW_ERROR_MSG_MAX,
                        "the index finds only %.2f of the nearest; one that is built anew is "
                        "measured and, below %.1f, searched exactly: delete its snapshot in the "
                        "folder index and start again",
                        recall, LOW_RECALL);
    }
}

static tw_status index_json(const tw_index *ix, json_t **out, tw_error *err)
{
    tw_status st = TW_OK;
    int dim = tw_index_dim(ix), n = 0;
    tw_index_stats stats;
    double recall = 1, us = 0;
    char warning[TW_ERROR_MSG_MAX];
    float *queries = tw_alloc(INDEX_QUERIES, (size_t) dim * sizeof *queries);

    *out = NULL;
    if (queries == NULL)
        return tw_fail(err, TW_ENOMEM, "index queries");
    tw_index_get_stats(ix, &stats);
    for (int64_t id = 1, step = stats.live / INDEX_QUERIES + 1;
         n < INDEX_QUERIES && n < stats.live && id <= TW_INDEX_MAX_ID && step > 0; id++) {
        if (id > 4 * (stats.live + stats.dead_rows) + 1000)
            break; /* ids are nearly dense: the rest were deleted */
        if (id % step == 0 &&
            tw_index_get(ix, id, queries + (size_t) n * (size_t) dim, NULL) == TW_OK)
            n++;
    }
    if (n > 0)
        TW_TRY(tw_index_recall(ix, queries, n, INDEX_K, NULL, &recall, &us, err));
    warn_of(&stats, recall, warning);
    *out = json_pack("{s:s, s:I, s:I, s:I, s:I, s:i, s:f, s:f, s:o, s:s*}", "kind", stats.kind,
                     "vectors", (json_int_t) stats.live, "delta", (json_int_t) stats.delta_rows,
                     "dead", (json_int_t) stats.dead_rows, "bytes", (json_int_t) stats.bytes,
                     "queries", n, "recall_at_10", recall, "us_per_query", us, "graph_recall",
                     stats.recall > 0 ? json_real(stats.recall) : json_null(), "warning",
                     warning[0] != '\0' ? warning : NULL);
done:
    tw_free(queries);
    return st;
}

tw_status tw_engine_eval_index(tw_engine *e, const tw_eval_options *opt, char **report,
                               tw_error *err)
{
    (void) opt;
    tw_status st = TW_OK;
    twi_generation *g = twi_acquire(e);
    json_t *root = json_object(), *one = NULL;

    *report = NULL;
    if (g->items == NULL && g->next == NULL) {
        st = tw_fail(err, TW_ESTATE,
                     "no model is trained yet, so there is no index; run: twindex "
                     "train towers %s",
                     e->dir);
        goto done;
    }
    if (g->items != NULL) {
        TW_TRY(index_json(g->items, &one, err));
        json_object_set_new(root, "items", one);
    }
    if (g->next != NULL) {
        TW_TRY(index_json(g->next, &one, err));
        json_object_set_new(root, "next", one);
    }
    TW_TRY(twi_json_dump(root, report, err));
done:
    json_decref(root);
    twi_release(e, g);
    return st;
}
