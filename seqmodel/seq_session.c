/* seqmodel/seq_session.c — one history into one query vector, for serving. */
#include <string.h>

#include "base/alloc.h"
#include "nn/blas.h"
#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_forward.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_session.h"

tw_status tw_seq_session_create(tw_seq_session **out, const tw_seq_model *m, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_session *s = NULL;

    *out = NULL;
    s = tw_alloc(1, sizeof *s);
    if (s == NULL) {
        st = tw_fail(err, TW_ENOMEM, "query session");
        goto done;
    }
    s->m = m;
    s->known = tw_alloc((size_t) m->cfg.max_len, sizeof *s->known);
    s->features = tw_alloc((size_t) m->cfg.max_len, sizeof *s->features);
    if (s->known == NULL || s->features == NULL) {
        st = tw_fail(err, TW_ENOMEM, "history of %d items", m->cfg.max_len);
        goto done;
    }
    TW_TRY(twi_seq_batch_init(&s->batch, 1, m->cfg.max_len, false, 0, err));
    if (m->features != NULL)
        TW_TRY(twi_seq_batch_features(&s->batch, 0, err));
    TW_TRY(tw_tape_create(&s->tape, NULL, err));
    *out = s;
    s = NULL;
done:
    tw_seq_session_destroy(s);
    return st;
}

void tw_seq_session_destroy(tw_seq_session *s)
{
    if (s == NULL)
        return;
    tw_tape_destroy(s->tape);
    twi_seq_batch_fini(&s->batch);
    tw_free(s->known);
    tw_free(s->features);
    tw_free(s);
}

/* Keeps the last max_len items that the model can read at the end of s->known and s->features;
 * *at is where they begin. */
static tw_status keep(tw_seq_session *s, const int32_t *items, const tw_real *const *features,
                      int64_t n, int *at, tw_error *err)
{
    const tw_seq_model *m = s->m;

    *at = m->cfg.max_len;
    for (int64_t i = n; i-- > 0 && *at > 0;) {
        const tw_real *own = features != NULL && m->features != NULL ? features[i] : NULL;
        if (items[i] > m->n_items)
            return tw_fail(err, TW_EINVAL, "item %d is above %d", items[i], m->n_items);
        if (items[i] <= 0 && own == NULL)
            continue;
        --*at;
        s->known[*at] = items[i] > 0 ? items[i] : 0;
        s->features[*at] = own;
    }
    if (*at == m->cfg.max_len)
        return tw_fail(err, TW_ENOTFOUND, "the history has no item that the model knows");
    return TW_OK;
}

tw_status tw_seq_query_item_features(tw_seq_session *s, int32_t user, const int32_t *items,
                                     const tw_real *const *features, int64_t n, tw_real *query,
                                     tw_error *err)
{
    const tw_seq_model *m = s->m;
    int T = m->cfg.max_len, at;

    if (user < 0 || user > m->n_users)
        return tw_fail(err, TW_EINVAL, "user %d is outside 0..%d", user, m->n_users);
    tw_status st = tw_blas_ready(err);
    if (st == TW_OK)
        st = keep(s, items, features, n, &at, err);
    if (st != TW_OK)
        return st;

    tw_tape_reset(s->tape, 0, 0, 0);
    twi_batch_clear(&s->batch);
    (void) twi_batch_add(&s->batch, T, user, s->known + at, T - at);
    twi_batch_fill_features(&s->batch, m, NULL);
    for (int i = 0; m->features != NULL && i < T - at; i++)
        if (s->features[at + i] != NULL)
            s->batch.features[i] = s->features[at + i];
    tw_tensor *q = twi_forward_queries(m, s->tape, &s->batch);
    st = tw_tape_status(s->tape, err);
    if (st == TW_OK)
        memcpy(query, q->v, (size_t) twi_query_dim(m) * sizeof *query);
    return st;
}

tw_status tw_seq_query(tw_seq_session *s, int32_t user, const int32_t *items, int64_t n,
                       tw_real *query, tw_error *err)
{
    return tw_seq_query_item_features(s, user, items, NULL, n, query, err);
}
