#include "tests/integration/rpc_fake.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/integration/rpc_echo.h"
#include "tests/support/test.h"

tw_engine fake;

static tw_status outcome(tw_engine *e, tw_error *err)
{
    atomic_fetch_add(&e->calls, 1);
    tw_status st = (tw_status) atomic_load(&e->fail);
    if (st == TW_OK)
        return TW_OK;
    (void) tw_fail(err, st, "the engine says %d", (int) st);
    err->system = atomic_load(&e->system);
    return st;
}

tw_status tw_engine_similar(tw_engine *e, const tw_similar_query *q, tw_answer *out, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(outcome(e, err));
    TW_TRY(tw_answer_clear(out, q->k, err));
    for (int i = 0; i < q->k; i++) {
        char id[32];
        (void) snprintf(id, sizeof id, "%d", i);
        TW_TRY(tw_answer_add(out, id, q->item != NULL ? q->item : q->text, 1 - (float) i, err));
    }
    TW_TRY(tw_answer_set_query(out, "7", "Seven", err));
    out->basis = q->item != NULL ? "item" : "text";
    out->model = q->exact ? 2 : 1;
    (void) snprintf(out->also, sizeof out->also, "%s", q->exact ? "\"8\"" : "");
done:
    return st;
}

tw_status tw_engine_next(tw_engine *e, const tw_next_query *q, tw_answer *out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_server_reply unused;
    if (q->user != NULL) /* holds when the user is "hold" */
        echo(NULL, 0, (tw_bytes){q->user, strlen(q->user)}, 0, &unused);
    TW_TRY(outcome(e, err));
    TW_TRY(tw_answer_clear(out, q->k + 1, err));
    for (int i = 0; i < q->n_history; i++)
        TW_TRY(tw_answer_add(out, q->history[i], NULL, (float) i, err));
    out->basis = q->user != NULL ? "user" : "history";
    out->model = q->include_seen ? 5 : 4;
done:
    return st;
}

tw_status tw_engine_embed(tw_engine *e, const tw_embed_query *q, float *vec, int *dim, int *model,
                          tw_error *err)
{
    tw_status st = outcome(e, err);
    *dim = q->item != NULL ? 2 : TW_ENGINE_MAX_DIM;
    *model = q->text != NULL ? 9 : 8;
    for (int i = 0; i < *dim; i++)
        vec[i] = (float) i;
    return st;
}

tw_status tw_engine_get_also(tw_engine *e, const char *item, tw_item *out, char also[TW_ALSO_MAX],
                             tw_error *err)
{
    tw_status st = outcome(e, err);
    if (st != TW_OK)
        return st;
    (void) snprintf(also, TW_ALSO_MAX, "\"18\", \"19\"");
    atomic_fetch_add(&e->items_out, 1);
    *out = (tw_item){.id = item,
                     .title = "T",
                     .text = "x",
                     .attributes = "{\"year\":1995}",
                     .image = "",
                     .audio = "",
                     .block = tw_alloc(1, 1)};
    return TW_OK;
}

void tw_item_fini(tw_item *item)
{
    if (item->block != NULL)
        atomic_fetch_sub(&fake.items_out, 1);
    tw_free(item->block);
    *item = (tw_item){0};
}

tw_status tw_engine_put_with(tw_engine *e, const tw_item *item, const tw_write_options *opt,
                             tw_put_kind *kind, tw_error *err)
{
    assert_true(opt->from_client && opt->deadline > 0);
    *kind = item->title[0] == 'R' ? TW_PUT_REPLACED : TW_PUT_CREATED;
    return outcome(e, err);
}

tw_status tw_engine_delete_with(tw_engine *e, const char *id, const tw_write_options *opt,
                                tw_error *err)
{
    assert_true(opt->deadline > 0);
    return strcmp(id, "none") == 0 ? tw_fail(err, TW_ENOTFOUND, "no item '%s'; near: '7'", id)
                                   : outcome(e, err);
}

tw_status tw_engine_record_with(tw_engine *e, const char *user, const char *item, double time,
                                const tw_write_options *opt, bool *added, tw_error *err)
{
    assert_true(opt->deadline > 0);
    *added = strcmp(user, item) != 0;
    atomic_store(&e->last_time, (long long) time);
    return outcome(e, err);
}

tw_status tw_engine_stats_get(tw_engine *e, tw_engine_stats *out, tw_error *err)
{
    *out = (tw_engine_stats){.items = 3, .seq = 8, .model = 1, .tower_index = "Flat"};
    return outcome(e, err);
}

tw_service *start_service(tw_service_config cfg)
{
    static const char *const urls[] = {ANY};
    tw_service *svc;
    if (cfg.urls == NULL)
        cfg.urls = urls;
    cfg.n_urls = 1;
    atomic_store(&fake.fail, TW_OK);
    assert_ok(tw_service_start(&svc, &fake, &cfg, err));
    return svc;
}

tw_client *connect_to(const char *url, int timeout_ms, const char *key)
{
    tw_client *c;
    tw_client_options opt = {.timeout_ms = timeout_ms, .api_key = key};
    assert_ok(tw_client_open(&c, url, &opt, err));
    return c;
}

void *hold_the_worker(void *client)
{
    tw_answer a;
    tw_answer_init(&a);
    assert_ok(tw_client_next(client, &(tw_next_query){.user = "hold", .k = 1}, &a, err));
    tw_answer_fini(&a);
    return NULL;
}
