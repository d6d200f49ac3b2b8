/* seqmodel/seq_eval_check.c — the rules between an evaluation's settings, its data and the model.
 */
#include "seqmodel/rerank.h"
#include "seqmodel/seq_eval.h"
#include "seqmodel/seq_model.h"

tw_status twi_eval_check(const tw_seq_model *m, const tw_seq_data *data,
                         const tw_seq_eval_config *cfg, tw_error *err)
{
    const tw_seq_data *learn = cfg->learn_from;

    if (m != NULL && (m->n_users != data->n_users || m->n_items != data->n_items)) {
        return tw_fail(err, TW_EINVAL,
                       "the model knows %d users and %d items, the data has %d and %d", m->n_users,
                       m->n_items, data->n_users, data->n_items);
    }
    if (learn != NULL && (learn->n_users != data->n_users || learn->n_items != data->n_items)) {
        return tw_fail(err, TW_EINVAL,
                       "the data to learn from has %d users and %d items, that to rank %d and %d",
                       learn->n_users, learn->n_items, data->n_users, data->n_items);
    }
    tw_status st = tw_seq_rerank_check(&cfg->rerank, err);
    if (st != TW_OK)
        return st;
    if (tw_seq_rerank_active(&cfg->rerank) && cfg->protocol != TW_SEQ_FULL) {
        return tw_fail(err, TW_EINVAL,
                       "diversity and the popularity discount re-rank whole lists: they need the "
                       "full protocol");
    }
    if ((unsigned) cfg->as > TW_SEQ_AS_FOLDED)
        return tw_fail(err, TW_EINVAL, "users presented as %d: no such choice", (int) cfg->as);
    if (m != NULL && m->users == NULL && cfg->as >= TW_SEQ_AS_MEAN)
        return tw_fail(err, TW_EINVAL, "the model has no user vectors (user_dim 0)");
    if ((unsigned) cfg->split > TW_SEQ_TEST || (unsigned) cfg->protocol > TW_SEQ_AS_AUTHORS)
        return tw_fail(err, TW_EINVAL, "split %d, protocol %d: no such choice", (int) cfg->split,
                       (int) cfg->protocol);
    return TW_OK;
}
