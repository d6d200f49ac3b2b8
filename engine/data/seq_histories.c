/* The log as the histories of a sequential model. */
#include "engine/data/seq_histories.h"

#include "base/alloc.h"

tw_status twi_seq_data(const tw_seq_model *m, const twi_events *log, tw_seq_data **out,
                       tw_error *err)
{
    tw_status st = TW_OK;
    int64_t n = 0;
    int32_t *users = tw_alloc((size_t) log->n, sizeof *users);
    int32_t *items = tw_alloc((size_t) log->n, sizeof *items);
    int64_t *times = tw_alloc((size_t) log->n, sizeof *times);

    *out = NULL;
    if (users == NULL || items == NULL || times == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld events", (long long) log->n);
        goto done;
    }
    for (int64_t i = 0; i < log->n; i++) {
        users[n] = tw_seq_user_index(m, log->users[i]);
        items[n] = tw_seq_item_index(m, log->items[i]);
        times[n] = log->times[i];
        n += users[n] > 0 &&
             items[n] > 0; /* users and items that came after the training are left out */
    }
    TW_TRY(tw_seq_data_create(out, tw_seq_model_users(m), tw_seq_model_items(m), users, items,
                              times, n, err));
done:
    tw_free(users);
    tw_free(items);
    tw_free(times);
    return st;
}
