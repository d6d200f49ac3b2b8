/* A look inside the models: what attention attends to, and how a training went. */
#include <string.h>

#include "base/alloc.h"
#include "engine/engine_state.h"
#include "engine/generation.h"
#include "engine/history.h"
#include "engine/inspection.h"
#include "engine/models/model_dir.h"

#define MAX_TRAINING_LOG ((size_t) 64 << 20)

void tw_attention_map_init(tw_attention_map *m)
{
    *m = (tw_attention_map){0};
    tw_answer_init(&m->items);
}

void tw_attention_map_fini(tw_attention_map *m)
{
    tw_answer_fini(&m->items);
    tw_free(m->weights);
    tw_attention_map_init(m);
}

/* Keeps of ws->seen (*n) what the model reads: the last max_len items that it knows. Leaves their
 * rows in ws->seen and the model's numbers in ws->items, side by side. */
static void keep_known(const tw_seq_model *m, twi_workspace *ws, int *n)
{
    int known = 0, longest = tw_seq_model_config(m)->max_len;
    for (int i = 0; i < *n; i++) {
        int32_t item = tw_seq_item_index(m, ws->seen[i]);
        if (item == 0)
            continue;
        ws->seen[known] = ws->seen[i];
        ws->items[known++] = item;
    }
    int skip = known > longest ? known - longest : 0;
    *n = known - skip;
    memmove(ws->seen, ws->seen + skip, (size_t) *n * sizeof *ws->seen);
    memmove(ws->items, ws->items + skip, (size_t) *n * sizeof *ws->items);
}

/* Names the n items of ws->seen, TW_ENGINE_MAX_K at a time: so many names a ws has room for. */
static tw_status name_items(tw_engine *e, twi_workspace *ws, tw_attention_map *out, tw_error *err)
{
    tw_status st = TW_OK;
    const float *last = out->weights + (size_t) (out->n - 1) * (size_t) out->n;
    TW_TRY(tw_answer_clear(&out->items, out->n, err));
    for (int begin = 0; begin < out->n; begin += TW_ENGINE_MAX_K) {
        int count = out->n - begin < TW_ENGINE_MAX_K ? out->n - begin : TW_ENGINE_MAX_K;
        TW_TRY(tw_store_names(e->store, ws->seen + begin, count, ws->names, &ws->text, err));
        for (int i = 0; i < count; i++)
            TW_TRY(tw_answer_add(&out->items, ws->names[i].id, ws->names[i].title, last[begin + i],
                                 err));
    }
done:
    return st;
}

static tw_status choose_part(const tw_seq_config *c, const tw_attention_query *q,
                             tw_attention_map *out, tw_error *err)
{
    out->blocks = c->blocks;
    out->heads = c->heads;
    out->block = q->block == 0 ? c->blocks : q->block;
    out->head = q->head;
    if (out->block < 1 || out->block > c->blocks)
        return tw_fail(err, TW_EINVAL, "block %d is outside 1..%d", q->block, c->blocks);
    if (out->head < 0 || out->head > c->heads)
        return tw_fail(err, TW_EINVAL, "head %d is outside 1..%d", q->head, c->heads);
    return TW_OK;
}

tw_status tw_engine_attention(tw_engine *e, const tw_attention_query *q, tw_attention_map *out,
                              tw_error *err)
{
    tw_status st = TW_OK;
    twi_workspace *ws = NULL;
    twi_generation *g = twi_acquire(e);
    int64_t user = 0;
    char skipped[TW_ALSO_MAX] = "";
    const tw_next_query who = {
        .user = q->user, .history = q->history, .n_history = q->n_history, .k = 1};

    tw_free(out->weights);
    out->weights = NULL;
    TW_TRY(twi_check_next(&who, err));
    if (g->seq == NULL) {
        st = twi_no_seq(e, err);
        goto done;
    }
    TW_TRY(choose_part(tw_seq_model_config(g->seq), q, out, err));
    TW_TRY(twi_workspace_take(g, &ws, err));
    TW_TRY(twi_history_of(e, &who, ws, &user, &out->n, skipped, err));
    keep_known(g->seq, ws, &out->n);
    if (out->n == 0) {
        st = tw_fail(err, TW_ENOTFOUND, "the model knows no item of this history");
        goto done;
    }
    out->weights = tw_alloc((size_t) out->n * (size_t) out->n, sizeof *out->weights);
    if (out->weights == NULL) {
        st = tw_fail(err, TW_ENOMEM, "a map of %d items", out->n);
        goto done;
    }
    TW_TRY(tw_seq_attention(ws->seq, user > 0 ? tw_seq_user_index(g->seq, user) : 0, ws->items,
                            out->n, out->block - 1,
                            out->head == 0 ? TW_SEQ_ALL_HEADS : out->head - 1, out->weights, err));
    TW_TRY(name_items(e, ws, out, err));
    memcpy(out->items.skipped, skipped, sizeof skipped);
    out->items.model = g->version;
    out->items.basis = q->user != NULL ? "user" : "history";
done:
    if (st != TW_OK)
        tw_attention_map_fini(out);
    twi_workspace_give(g, ws);
    twi_release(e, g);
    return st;
}

tw_status tw_engine_training_log(tw_engine *e, bool towers, int *model, char **text, size_t *len,
                                 tw_error *err)
{
    tw_status st = TW_OK;
    char dir[TW_PATH_MAX], path[TW_PATH_MAX];
    twi_generation *g = twi_acquire(e);

    *text = NULL;
    *len = 0;
    if (*model == 0 && (towers ? g->tower == NULL : g->seq == NULL)) {
        st = towers ? twi_no_towers(e, err) : twi_no_seq(e, err);
        goto done;
    }
    *model = *model == 0 ? g->version : *model;
    TW_TRY(twi_model_dir(e, *model, dir, err));
    TW_TRY(tw_path_join(path, dir, towers ? TWI_TOWERS_METRICS : TWI_SEQ_METRICS, err));
    TW_TRY(tw_file_read(path, MAX_TRAINING_LOG, text, len, err));
done:
    twi_release(e, g);
    return st;
}
