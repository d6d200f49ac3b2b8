/* Service, server, wire and client together over real sockets; the engine is a fake (rpc_fake.c),
 * so that every outcome can be had at will. */
#include "rpc/service.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "tests/integration/rpc_echo.h"
#include "tests/integration/rpc_fake.h"
#include "tests/integration/rpc_raw.h"
#include "tests/support/test.h"

static void every_call_arrives_and_its_answer_too(void **state)
{
    (void) state;
    tw_service *svc = start_service((tw_service_config){0});
    tw_client *c = connect_to(tw_service_url(svc, 0), 0, NULL);
    const char *const history[] = {"a", "b", "c"};
    static float vec[TW_ENGINE_MAX_DIM];
    tw_answer a;
    tw_item item;
    tw_engine_stats stats;
    tw_health health;
    tw_put_kind kind;
    int dim, model;
    bool added;

    tw_answer_init(&a);
    assert_ok(
        tw_client_similar(c, &(tw_similar_query){.item = "x", .k = 3, .exact = true}, &a, err));
    assert_int_equal(a.n, 3);
    assert_string_equal(a.rows[2].id, "2");
    assert_string_equal(a.rows[2].title, "x");
    assert_near(a.rows[2].score, -1, 0);
    assert_string_equal(a.query_id, "7");
    assert_string_equal(a.query_title, "Seven");
    assert_string_equal(a.basis, "item");
    assert_int_equal(a.model, 2);
    assert_string_equal(a.also, "\"8\"");
    assert_ok(tw_client_similar(c, &(tw_similar_query){.text = "t", .k = 1000}, &a, err));
    assert_int_equal(a.n, 1000);
    assert_string_equal(a.also, "");
    assert_string_equal(a.basis, "text");
    assert_ok(
        tw_client_next(c, &(tw_next_query){.history = history, .n_history = 3, .k = 9}, &a, err));
    assert_int_equal(a.n, 3);
    assert_string_equal(a.rows[1].id, "b");
    assert_string_equal(a.basis, "history");
    assert_int_equal(a.model, 4);
    assert_ok(
        tw_client_next(c, &(tw_next_query){.user = "u", .k = 9, .include_seen = true}, &a, err));
    assert_int_equal(a.n, 0);
    assert_int_equal(a.model, 5);
    assert_ok(tw_client_embed(c, &(tw_embed_query){.text = "t"}, vec, &dim, &model, err));
    assert_int_equal(dim, TW_ENGINE_MAX_DIM);
    assert_int_equal(model, 9);
    assert_near(vec[TW_ENGINE_MAX_DIM - 1], TW_ENGINE_MAX_DIM - 1, 0);
    char also[TW_ALSO_MAX];
    assert_ok(tw_client_get_also(c, "17", &item, also, err));
    assert_string_equal(item.id, "17");
    assert_string_equal(also, "\"18\", \"19\"");
    assert_string_equal(item.attributes, "{\"year\":1995}");
    assert_null(item.block);
    assert_ok(tw_client_put(c, &(tw_item){.id = "1", .title = "R"}, &kind, err));
    assert_int_equal(kind, TW_PUT_REPLACED);
    assert_ok(tw_client_delete(c, "1", err));
    assert_ok(tw_client_record(c, "u", "i", 77, &added, err));
    assert_true(added);
    assert_int_equal(atomic_load(&fake.last_time), 77);
    assert_ok(tw_client_record(c, "u", "u", 0, &added, err));
    assert_false(added);
    assert_true(atomic_load(&fake.last_time) > 1600000000); /* stamped by the client */
    assert_ok(tw_client_stats(c, &stats, err));
    assert_int_equal(stats.items, 3);
    assert_string_equal(stats.tower_index, "Flat");
    assert_ok(tw_client_health(c, &health, err));
    assert_string_equal(health.version, TW_VERSION);
    assert_int_equal(health.requests, 12);
    assert_int_equal(health.rejected + health.failed + health.busy, 0);
    assert_int_equal(atomic_load(&fake.items_out), 0);
    tw_answer_fini(&a);
    tw_client_close(c);
    tw_service_stop(svc);
}

static void every_status_and_its_sentence_arrive(void **state)
{
    (void) state;
    tw_service *svc = start_service((tw_service_config){0});
    tw_client *c = connect_to(tw_service_url(svc, 0), 0, NULL);
    for (int st = TW_EINVAL; st <= TW_EUNSUPPORTED; st++) {
        char want[64];
        tw_error e = {0};
        tw_engine_stats stats;
        atomic_store(&fake.fail, st);
        (void) snprintf(want, sizeof want, "the engine says %d", st);
        assert_int_equal(tw_client_stats(c, &stats, &e), st == TW_EDIM ? TW_EINVAL : st);
        /* What the server's system says of its files is not for clients. */
        const bool own = st == TW_ENOMEM || st == TW_EIO || st == TW_ECORRUPT || st == TW_EBUSY ||
                         st == TW_EDENIED;
        if (own)
            assert_null(strstr(e.msg, "engine"));
        else
            assert_string_equal(e.msg, want);
    }
    atomic_store(&fake.system, true);
    for (int st = TW_EINVAL; st <= TW_EUNSUPPORTED; st++) {
        tw_error e = {0};
        tw_engine_stats stats;
        atomic_store(&fake.fail, st);
        assert_int_not_equal(tw_client_stats(c, &stats, &e), TW_OK);
        assert_null(strstr(e.msg, "engine"));
        assert_true(strlen(e.msg) > 10);
    }
    atomic_store(&fake.system, false);
    atomic_store(&fake.fail, TW_OK);
    tw_error e = {0};
    assert_int_equal(tw_client_delete(c, "none", &e), TW_ENOTFOUND);
    assert_string_equal(e.msg, "no item 'none'; near: '7'");
    tw_health h;
    assert_ok(tw_client_health(c, &h, err));
    assert_int_equal(h.failed, 2 * (TW_EUNSUPPORTED - TW_EINVAL + 1) + 1);
    assert_int_equal(h.rejected, 0);
    tw_client_close(c);
    tw_service_stop(svc);
}

static void a_mistake_is_reported_without_a_round_trip(void **state)
{
    (void) state;
    static char big[TW_STORE_MAX_TEXT + 2];
    tw_service *svc = start_service((tw_service_config){0});
    tw_client *c = connect_to(tw_service_url(svc, 0), 0, NULL);
    tw_error e = {0};
    tw_answer a;
    tw_answer_init(&a);
    int before = atomic_load(&fake.calls);
    assert_status(tw_client_similar(c, &(tw_similar_query){.item = "a", .k = 0}, &a, err),
                  TW_EINVAL);
    memset(big, 'x', sizeof big - 1);
    assert_int_equal(tw_client_put(c, &(tw_item){.id = "1", .text = big}, NULL, &e), TW_EINVAL);
    assert_string_equal(e.msg, "text has 1048577 bytes, at most 1048576 are allowed");
    assert_int_equal(atomic_load(&fake.calls), before);
    big[TW_STORE_MAX_TEXT] = '\0'; /* the longest that is allowed passes */
    assert_ok(tw_client_put(c, &(tw_item){.id = "1", .text = big}, NULL, err));
    tw_answer_fini(&a);
    tw_client_close(c);
    tw_service_stop(svc);
}

/* Bytes in a REQ message to the service; the decoded reply's code and message. */
static tw_rpc_code send_raw(const char *url, const void *bytes, size_t len, char *message)
{
    static uint8_t body[65536];
    tw_wire *w;
    tw_reply r;
    uint32_t number;
    int fd = raw_peer(url, 0);
    assert_true(raw_request(fd, 1, bytes, len));
    long n = raw_reply(fd, &number, body, sizeof body);
    assert_true(n > 0);
    close(fd);
    assert_ok(tw_wire_create(&w, TW_WIRE_MAX_REPLY, err));
    assert_ok(tw_reply_decode(w, &r, body, (size_t) n, err));
    (void) snprintf(message, TW_ERROR_MSG_MAX, "%s", r.message);
    tw_rpc_code code = r.status;
    tw_wire_destroy(w);
    return code;
}

static void garbage_is_answered_with_a_sentence(void **state)
{
    (void) state;
    static const char much[TW_WIRE_MAX_REQUEST + 1];
    const struct {
        const char *bytes;
        size_t len;
        tw_rpc_code code;
        const char *sentence;
    } rows[] = {
        {"hello, world", 12, TW_RPC_INVALID_ARGUMENT, "the bytes are no Request"},
        {"", 0, TW_RPC_UNIMPLEMENTED, "version 0 of the contract is not known"},
        {"\x08\x01", 2, TW_RPC_UNIMPLEMENTED, "names no call"},
        {"\x08\x01\x52\x03\x0a\x01\x37", 7, TW_RPC_INVALID_ARGUMENT, "k 0 is outside 1..1000"},
        {much, sizeof much, TW_RPC_INVALID_ARGUMENT, "has 8388609 bytes, at most 8388608"},
    };
    char message[TW_ERROR_MSG_MAX];
    tw_service *svc = start_service((tw_service_config){0});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_rpc_code code = send_raw(tw_service_url(svc, 0), rows[i].bytes, rows[i].len, message);
        if (code != rows[i].code || strstr(message, rows[i].sentence) == NULL)
            fail_msg("row %zu: %s (%s)", i, tw_rpc_code_name(code), message);
    }
    tw_health h;
    tw_service_health(svc, &h);
    assert_int_equal(h.rejected, 5);
    tw_client *c = connect_to(tw_service_url(svc, 0), 0, NULL);
    assert_ok(tw_client_health(c, &h, err));
    tw_client_close(c);
    tw_service_stop(svc);
}

static void without_its_key_no_call_is_served(void **state)
{
    (void) state;
    const char *keys = tw_test_file("keys", "0123456789abcdef\n");
    tw_service *svc = start_service((tw_service_config){.api_keys = keys});
    const char *const given[] = {NULL, "0123456789abcdeF", "0123456789abcdef"};
    const char *const sentence[] = {"the API key is missing", "the API key is not known", ""};
    for (int i = 0; i < 3; i++) {
        tw_client *c = connect_to(tw_service_url(svc, 0), 0, given[i]);
        tw_engine_stats stats;
        tw_error e = {0};
        assert_int_equal(tw_client_stats(c, &stats, &e), i == 2 ? TW_OK : TW_EDENIED);
        assert_string_equal(e.msg, sentence[i]);
        tw_client_close(c);
    }
    tw_service_stop(svc);

    tw_service *none;
    tw_service_config cfg = {.api_keys = tw_test_path("no-file"), .n_urls = 1};
    assert_status(tw_service_start(&none, &fake, &cfg, err), TW_ENOTFOUND);
    assert_null(none);
}

static void keys_are_read_again_and_guesses_are_slowed(void **state)
{
    (void) state;
    const char *keys = tw_test_file("keys", "0123456789abcdef\nfedcba9876543210\n");
    tw_service *svc = start_service((tw_service_config){.api_keys = keys});
    tw_client *c = connect_to(tw_service_url(svc, 0), 0, "0123456789abcdef");
    tw_client *other = connect_to(tw_service_url(svc, 0), 0, "fedcba9876543210");
    tw_health h;
    assert_ok(tw_client_health(c, &h, err));
    (void) tw_test_file("keys", "fedcba9876543210\n");
    assert_ok(tw_service_reload(svc, err));
    assert_status(tw_client_health(c, &h, err), TW_EDENIED);
    (void) tw_test_file("keys", "bad\n");
    assert_status(tw_service_reload(svc, err), TW_EINVAL);
    assert_ok(tw_client_health(other, &h, err)); /* as before */
    double began = tw_clock_monotonic();
    for (int i = 1; i < TW_SERVER_SLOW_FREE + 2; i++)
        assert_status(tw_client_health(c, &h, err), TW_EDENIED);
    assert_true(tw_clock_monotonic() - began > 1.5e-3 * TW_SERVER_SLOW_MS);
    tw_client_close(c);
    tw_client_close(other);
    tw_service_stop(svc);
}

static void a_late_request_is_not_done(void **state)
{
    (void) state;
    tw_service *svc = start_service((tw_service_config){.workers = 1, .queue = 1});
    tw_client *patient = connect_to(tw_service_url(svc, 0), 0, NULL);
    tw_client *hasty = connect_to(tw_service_url(svc, 0), 30, NULL);
    pthread_t thread;
    tw_health h;
    tw_error e = {0};

    set_open(false);
    assert_int_equal(pthread_create(&thread, NULL, hold_the_worker, patient), 0);
    wait_for_holding(1);
    int before = atomic_load(&fake.calls);
    assert_int_equal(tw_client_delete(hasty, "7", &e), TW_ETIMEOUT); /* it waits in the queue */
    assert_non_null(strstr(e.msg, "did not answer within 30 ms"));
    assert_int_equal(tw_client_delete(hasty, "7", &e), TW_EBUSY); /* which is full now */
    assert_string_equal(e.msg, "too many requests are waiting; try again");
    for (double end = tw_clock_monotonic() + 0.1; tw_clock_monotonic() < end;)
        (void) sched_yield(); /* the server's clock must pass the deadline as well */
    set_open(true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    tw_status st = TW_EBUSY;
    while (st == TW_EBUSY) /* the late one is still in the queue */
        st = tw_client_health(patient, &h, NULL);
    assert_int_equal(st, TW_OK);
    assert_int_equal(atomic_load(&fake.calls), before + 1); /* the one that was held */
    assert_true(h.busy >= 1);
    do { /* the hasty client is well again, whatever arrives late */
        st = tw_client_health(hasty, &h, NULL);
    } while (st == TW_ETIMEOUT || st == TW_EBUSY);
    assert_int_equal(st, TW_OK);
    tw_client_close(hasty);
    tw_client_close(patient);
    tw_service_stop(svc);
}

static void health_is_reported_while_all_workers_are_busy(void **state)
{
    (void) state;
    tw_service *svc = start_service((tw_service_config){.workers = 1, .queue = 1});
    tw_client *patient = connect_to(tw_service_url(svc, 0), 0, NULL);
    tw_client *c = connect_to(tw_service_url(svc, 0), 0, NULL);
    pthread_t thread;
    tw_health h;
    set_open(false);
    assert_int_equal(pthread_create(&thread, NULL, hold_the_worker, patient), 0);
    wait_for_holding(1);
    assert_ok(tw_client_health(c, &h, err));
    assert_int_equal(h.queued, 0);
    set_open(true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    tw_client_close(c);
    tw_client_close(patient);
    tw_service_stop(svc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_arrives_and_its_answer_too),
        cmocka_unit_test(every_status_and_its_sentence_arrive),
        cmocka_unit_test(a_mistake_is_reported_without_a_round_trip),
        cmocka_unit_test(garbage_is_answered_with_a_sentence),
        cmocka_unit_test(without_its_key_no_call_is_served),
        cmocka_unit_test(keys_are_read_again_and_guesses_are_slowed),
        cmocka_unit_test(a_late_request_is_not_done),
        cmocka_unit_test(health_is_reported_while_all_workers_are_busy),
    };
    return cmocka_run_group_tests(tests, echo_setup, NULL);
}
