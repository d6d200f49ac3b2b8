/* seqmodel/seq_diverse.c — re-ranked lists inside an evaluation: what do diversity and a popularity
 * discount cost in accuracy, and what do they bring?
 */
#include "seqmodel/seq_diverse.h"
#include "base/alloc.h"
#include "seqmodel/seq_lists.h"
#include "seqmodel/seq_model.h"

enum { POOL = 500 }; /* candidates that are re-ranked; as many as serving takes */

struct twi_diverse {
    const tw_seq_model *m;
    tw_seq_rerank_config cfg;
    const tw_real *popularity; /* (n_items+1) counts in the train parts */
    twi_hit hits[POOL];
    tw_real scores[POOL];
    int64_t counts[POOL];
    const tw_real *vectors[POOL];
    double scratch[POOL * TW_SEQ_RERANK_SCRATCH];
};

tw_status twi_diverse_create(twi_diverse **out, const tw_seq_model *m,
                             const tw_seq_rerank_config *cfg, const tw_real *popularity,
                             tw_error *err)
{
    *out = tw_alloc(1, sizeof **out);
    if (*out == NULL)
        return tw_fail(err, TW_ENOMEM, "a pool to re-rank");
    (*out)->m = m;
    (*out)->cfg = *cfg;
    (*out)->popularity = popularity;
    return TW_OK;
}

void twi_diverse_list(twi_diverse *d, int32_t list[TWI_DIVERSE_LIST], const tw_real *scores,
                      const int32_t *mark, int32_t stamp)
{
    const size_t Q = (size_t) twi_query_dim(d->m);
    int order[TWI_DIVERSE_LIST];
    int n = twi_top_hits(d->hits, POOL, scores, d->m->n_items, mark, stamp);
    const tw_seq_pool pool = {.n = n,
                              .scores = d->scores,
                              .counts = d->counts,
                              .vectors = d->vectors,
                              .dim = d->m->cfg.item_dim, /* likeness leaves popularity out */
                              .temperature = tw_seq_logit_temperature(d->m)};

    for (int i = 0; i < n; i++) {
        size_t item = (size_t) d->hits[i].item;
        d->scores[i] = d->hits[i].score;
        d->counts[i] = (int64_t) d->popularity[item];
        d->vectors[i] = twi_outputs(d->m) + item * Q;
    }
    int picked = tw_seq_rerank(order, &d->cfg, &pool, TWI_DIVERSE_LIST, d->scratch);
    for (int i = 0; i < TWI_DIVERSE_LIST; i++)
        list[i] = i < picked ? d->hits[order[i]].item : 0;
}
