/* Every allocation of the wire code, the keys and the server's start fails once. */
#include "base/alloc.h"
#include "rpc/api_keys.h"
#include "rpc/server.h"
#include "rpc/wire.h"
#include "tests/support/test.h"

#include <string.h>

/* A round trip of a request and a reply with new wires. */
static tw_status round_trip(tw_error *err)
{
    tw_status st = TW_OK;
    static const char *const history[] = {"a", "b"};
    tw_answer_row rows[2] = {{"1", "one", 1}, {"2", "two", 0.5f}};
    tw_wire *client = NULL, *server = NULL;
    tw_bytes bytes;
    tw_request got, q = {.id = {"7", 1},
                         .call = TW_CALL_NEXT,
                         .next = {.history = history, .n_history = 2, .k = 2}};
    tw_reply back, r = {.call = TW_CALL_NEXT, .answer = {.rows = rows, .n = 2, .basis = "history"}};

    TW_TRY(tw_wire_create(&client, TW_WIRE_MAX_REPLY, err));
    TW_TRY(tw_wire_create(&server, TW_WIRE_MAX_REQUEST, err));
    TW_TRY(tw_request_encode(client, &q, &bytes, err));
    TW_TRY(tw_request_decode(server, &got, bytes.data, bytes.len, err));
    r.id = got.id;
    TW_TRY(tw_reply_encode(server, &r, &bytes, err));
    TW_TRY(tw_reply_decode(client, &back, bytes.data, bytes.len, err));
    assert_int_equal(back.answer.n, 2);
done:
    tw_wire_destroy(client);
    tw_wire_destroy(server);
    return st;
}

static tw_status load_keys(tw_error *err)
{
    tw_api_keys *k;
    tw_status st = tw_api_keys_load(&k, tw_test_path("keys"), err);
    assert_true((k == NULL) == (st != TW_OK));
    tw_api_keys_free(k);
    return st;
}

static void nothing(void *ctx, int worker, tw_bytes request, double waited_s,
                    tw_server_reply *reply)
{
    (void) ctx;
    (void) worker;
    (void) request;
    (void) waited_s;
    (void) reply;
}

static tw_status start_and_stop(tw_error *err)
{
    const char *url = "tcp://127.0.0.1:0";
    tw_server *srv;
    tw_server_config cfg = {
        .urls = &url, .n_urls = 1, .workers = 1, .handler = nothing, .busy = {"busy", 4}};
    tw_status st = tw_server_start(&srv, &cfg, err);
    assert_true((srv == NULL) == (st != TW_OK));
    tw_server_stop(srv);
    return st;
}

/* `least`: so many allocations there are at least. */
static void torture(tw_status (*run)(tw_error *err), long least)
{
    long nth = 0;
    bool fired;
    do {
        tw_error err = {0};
        tw_torture_arm(++nth);
        tw_status st = run(&err);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
        assert_true((st != TW_OK) == (err.msg[0] != '\0'));
    } while (fired);
    assert_true(nth > least);
}

static void a_round_trip_bears_every_failure(void **state)
{
    (void) state;
    torture(round_trip, 6);
}

static void keys_bear_every_failure(void **state)
{
    (void) state;
    (void) tw_test_file("keys", "0123456789abcdef\n");
    torture(load_keys, 4);
}

static void a_server_bears_every_failure(void **state)
{
    (void) state;
    torture(start_and_stop, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_trip_bears_every_failure),
        cmocka_unit_test(keys_bear_every_failure),
        cmocka_unit_test(a_server_bears_every_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
