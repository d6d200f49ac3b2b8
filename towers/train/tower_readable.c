/* What of a training's data the tower can read. */
#include "towers/train/tower_readable.h"

#include "base/alloc.h"

tw_status twi_readable_init(twi_readable *r, const tw_tower_data *data, const tw_tower_samples *s,
                            tw_error *err)
{
    tw_tower_data *d = &r->data;
    *r = (twi_readable){.data = *data};
    d->n_valid = 0;
    r->valid = tw_alloc((size_t) data->n_valid, sizeof *r->valid);
    r->classes = tw_alloc((size_t) data->n_items, sizeof *r->classes);
    if (r->valid == NULL || r->classes == NULL)
        return tw_fail(err, TW_ENOMEM, "what can be read of %lld items", (long long) data->n_items);
    for (int64_t k = 0; k < data->n_valid; k++) {
        const tw_item_pair *p = &data->valid[k];
        if (!tw_tower_samples_empty(s, p->a) && !tw_tower_samples_empty(s, p->b))
            r->valid[d->n_valid++] = *p;
    }
    d->valid = r->valid;
    for (int64_t i = 0; i < data->n_items && data->classes != NULL; i++)
        r->classes[i] = tw_tower_samples_empty(s, i) ? -1 : data->classes[i];
    d->classes = data->classes != NULL ? r->classes : NULL;
    return TW_OK;
}

void twi_readable_fini(twi_readable *r)
{
    tw_free(r->valid);
    tw_free(r->classes);
    *r = (twi_readable){0};
}

tw_status twi_readable_examples(twi_examples *x, const tw_tower_samples *s, tw_error *err)
{
    int64_t kept = 0;

    if (x->classes)
        return TW_OK; /* left out by their class */
    for (int64_t k = 0; k < x->n; k++) {
        const twi_example e = x->rows[k];
        if (!tw_tower_samples_empty(s, e.a) && !tw_tower_samples_empty(s, e.b) &&
            !(x->given && tw_tower_samples_empty(s, e.negative)))
            x->rows[kept++] = e;
    }
    x->n = kept;
    return kept > 0 ? TW_OK
                    : tw_fail(err, TW_EINVAL, "no example that the %s loss can learn from",
                              tw_tower_loss_name(x->loss));
}
