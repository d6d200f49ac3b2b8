/* How good the indexes are. */
#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "engine/engine_state.h"
#include "engine/evaluation.h"
#include "engine/generation.h"
#include "engine/json_text.h"

enum { INDEX_QUERIES = 200, INDEX_K = 10 };

#define LOW_RECALL 0.9

/* A warning about such an index; "": none. */
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
