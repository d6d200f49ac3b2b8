/* The search that finds hard negatives while towers train: our own index over the vectors of the
 * moment. */
#include "engine/train/hard_negatives.h"

#include <string.h>

#include "base/alloc.h"

static tw_status open_index(void *ctx, const float *vecs, int64_t n, int dim, tw_error *err)
{
    tw_status st = TW_OK;
    twi_hard_search *s = ctx;
    const tw_index_config cfg = {.dim = dim, .build_threads = s->threads};
    int64_t *ids = tw_alloc((size_t) n, sizeof *ids);

    if (ids == NULL)
        return tw_fail(err, TW_ENOMEM, "an index of %lld items", (long long) n);
    for (int64_t i = 0; i < n; i++)
        ids[i] = i + 1;
    if (s->index == NULL)
        TW_TRY(tw_index_create(&s->index, &cfg, err));
    TW_TRY(tw_index_build(s->index, ids, vecs, n, NULL, NULL, err));
    s->vecs = vecs;
    s->dim = dim;
done:
    tw_free(ids);
    return st;
}

static tw_status find(void *ctx, const int32_t *anchors, int count, int k, int32_t *items,
                      float *cosines, tw_error *err)
{
    tw_status st = TW_OK;
    const twi_hard_search *s = ctx;
    const size_t dim = (size_t) s->dim, lists = (size_t) count * (size_t) k;
    float *queries = tw_alloc((size_t) count, dim * sizeof *queries);
    tw_hit *hits = tw_alloc(lists, sizeof *hits);
    int *n_hits = tw_alloc((size_t) count, sizeof *n_hits);

    if (queries == NULL || hits == NULL || n_hits == NULL) {
        st = tw_fail(err, TW_ENOMEM, "neighbours of %d items", count);
        goto done;
    }
    for (int i = 0; i < count; i++)
        memcpy(queries + (size_t) i * dim, s->vecs + (size_t) anchors[i] * dim,
               dim * sizeof *queries);
    TW_TRY(tw_index_search_batch(s->index, queries, count, k, NULL, hits, n_hits, err));
    for (size_t c = 0; c < lists; c++) {
        const bool there = (int) (c % (size_t) k) < n_hits[c / (size_t) k];
        items[c] = there ? (int32_t) hits[c].item - 1 : -1;
        cosines[c] = there ? hits[c].score : 0;
    }
done:
    tw_free(queries);
    tw_free(hits);
    tw_free(n_hits);
    return st;
}

void twi_hard_search_init(twi_hard_search *s, int threads)
{
    *s = (twi_hard_search){.threads = threads};
    s->search = (tw_tower_search){.open = open_index, .find = find, .ctx = s};
}

void twi_hard_search_fini(twi_hard_search *s)
{
    tw_index_destroy(s->index);
    s->index = NULL;
}
