/* Width, count and total of the vectors of each model: a line of a table, kept in memory while a
 * transaction writes. */
#include "store/store_state.h"
#include "store/store_statement.h"
#include "store/store_sum.h"
#include "store/store_totals.h"

static uint64_t hash_space(const twi_space *space)
{
    uint64_t h =
        twi_hash_i64(twi_hash_i64(twi_hash_start(TWI_TAG_SPACE), space->model), space->dim);
    return twi_hash_i64(twi_hash_i64(h, space->vectors), (int64_t) space->total);
}

static tw_status flush_space(tw_store *s, twi_space *space, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_status st = TW_OK;
    if (!space->changed)
        return TW_OK;
    if (space->recount)
        st = twi_recount_space(s, space, err);
    if (st == TW_OK)
        st = twi_prepare(s->writer, TWI_SQL_SPACE_SET, &q, err);
    if (st != TW_OK)
        return st;
    (void) sqlite3_bind_int(q, 1, space->model);
    (void) sqlite3_bind_int(q, 2, space->dim);
    (void) sqlite3_bind_int64(q, 3, space->vectors);
    (void) sqlite3_bind_int64(q, 4, (int64_t) space->total);
    (void) sqlite3_bind_int64(q, 5, twi_sum_of(TWI_TAG_SPACE, hash_space(space)));
    space->changed = false;
    return twi_run(s->writer, q, err);
}

tw_status twi_flush_spaces(tw_store *s, tw_error *err)
{
    tw_status st = TW_OK;
    for (int i = 0; i < TWI_SPACE_SLOTS && st == TW_OK; i++)
        st = flush_space(s, &s->spaces[i], err);
    return st;
}

/* Reads one line of the table; dim 0 when the model has none. */
tw_status twi_read_space(twi_conn *c, int model, twi_space *space, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st;

    *space = (twi_space){.model = model};
    TW_TRY(twi_prepare(c, TWI_SQL_SPACE_GET, &q, err));
    (void) sqlite3_bind_int(q, 1, model);
    TW_TRY(twi_step(c, q, &found, err));
    if (found) {
        space->dim = sqlite3_column_int(q, 0);
        space->vectors = sqlite3_column_int64(q, 1);
        space->total = (uint64_t) sqlite3_column_int64(q, 2);
        if (!twi_is_intact(c, q, 3, TWI_TAG_SPACE, hash_space(space)))
            st = twi_damaged(c, err, TWI_FROM_COPY, "the line of the vectors of model %d", model);
    }
done:
    twi_done(q);
    return st;
}

/* The writer's own copy, kept until commit. */
tw_status twi_space_of(tw_store *s, int model, twi_space **out, tw_error *err)
{
    twi_space *slot = NULL;
    tw_status st;

    for (int i = 0; i < TWI_SPACE_SLOTS; i++) {
        if (s->spaces[i].model == model) {
            *out = &s->spaces[i];
            return TW_OK;
        }
        if (s->spaces[i].model == 0)
            slot = &s->spaces[i];
    }
    if (slot == NULL) {
        slot = &s->spaces[0];
        TW_TRY(flush_space(s, slot, err));
    }
    slot->model = 0;
    TW_TRY(twi_read_space(s->writer, model, slot, err));
    *out = slot;
done:
    return st;
}
