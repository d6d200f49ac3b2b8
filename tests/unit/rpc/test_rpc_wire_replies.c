/* Replies on the wire: what is encoded is decoded again, and bytes that break a rule are refused.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "rpc/wire.h"
#include "tests/support/test.h"
#include "tests/unit/rpc/wire_rows.h"

static void the_largest_answer_fits(void **state)
{
    (void) state;
    static tw_answer_row rows[TW_ENGINE_MAX_K];
    static char id[TW_STORE_MAX_ID + 1], title[TW_STORE_MAX_TITLE + 1];
    memset(id, 'i', sizeof id - 1);
    memset(title, 't', sizeof title - 1);
    for (int i = 0; i < TW_ENGINE_MAX_K; i++)
        rows[i] = (tw_answer_row){id, title, (float) i};
    tw_reply back, r = {.call = TW_CALL_NEXT, .answer = {.rows = rows, .n = TW_ENGINE_MAX_K}};
    tw_bytes bytes;
    assert_ok(tw_reply_encode(wire, &r, &bytes, err));
    assert_ok(tw_reply_decode(wire, &back, bytes.data, bytes.len, err));
    assert_int_equal(back.answer.n, TW_ENGINE_MAX_K);
    assert_string_equal(back.answer.rows[999].title, title);
    assert_near(back.answer.rows[999].score, 999, 0);
    r.answer.n++;
    assert_status(tw_reply_encode(wire, &r, &bytes, err), TW_EINVAL);
}

static const row replies[] = {
    ROW("an error", "\x10\x05\x1a\x02no", TW_OK, ""),
    ROW("an unknown code is an error too", "\x10\x7f", TW_OK, ""),
    ROW("deleted", "\x72\x00", TW_OK, ""),
    ROW("OK needs a result", "\x1a\x02no", TW_ECORRUPT, "no result"),
    ROW("nothing is no reply", "", TW_ECORRUPT, "no result"),
    ROW("a put result that is none", "\x6a\x02\x08\x03", TW_ECORRUPT, "put result 3"),
    ROW("a model that is none", "\x52\x05\x28\xff\xff\xff\xff\x0f", TW_ECORRUPT, ""),
    ROW("a title that is not UTF-8", "\x52\x05\x0a\x03\x12\x01\xff", TW_ECORRUPT, "title of Row"),
    ROW("broken off", "\x52\x05\x0a", TW_ECORRUPT, "broken off"),
};

static void replies_follow_the_table(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        const row *r = &replies[i];
        tw_reply reply;
        tw_error e = {0};
        char *exact = tw_alloc(r->len, 1);
        memcpy(exact, r->bytes, r->len);
        tw_status st = tw_reply_decode(wire, &reply, exact, r->len, &e);
        tw_free(exact);
        if (st != r->want || strstr(e.msg, r->sentence) == NULL)
            fail_msg("%s: '%s' (%s)", r->rule, tw_status_name(st), e.msg);
        assert_true(st == e.code);
    }
}

static void statistics_and_health_arrive(void **state)
{
    (void) state;
    tw_reply back, r = {.id = {"7", 1},
                        .call = TW_CALL_STATS,
                        .stats = {.items = 1,
                                  .deleted_items = 2,
                                  .users = 3,
                                  .events = 4,
                                  .seq = 5,
                                  .store_bytes = 6,
                                  .model = 7,
                                  .has_seq = true,
                                  .tower_dim = 8,
                                  .seq_dim = 9,
                                  .seq_items = 10,
                                  .seq_users = 11,
                                  .seq_indexed = 15,
                                  .seq_item_features = true,
                                  .seq_item_features_live = true,
                                  .tower_index = "Flat",
                                  .seq_index = "HNSW32",
                                  .tower_recall = 0.39,
                                  .seq_recall = 0.996,
                                  .tower_lacks_graph = true,
                                  .seq_lacks_graph = true,
                                  .indexed = 12,
                                  .delta = 13,
                                  .dead = 14,
                                  .unread = 16,
                                  .index_bytes = (int64_t) 1 << 40}};
    tw_bytes bytes;
    assert_ok(tw_reply_encode(wire, &r, &bytes, err));
    assert_ok(tw_reply_decode(wire, &back, bytes.data, bytes.len, err));
    assert_int_equal(back.id.len, 1);
    assert_memory_equal(&back.stats, &r.stats, sizeof r.stats);

    const double no_share[] = {-0.1, 1.1, NAN};
    for (int i = 0; i < 6; i++) {
        r.stats.tower_recall = i < 3 ? no_share[i] : 1;
        r.stats.seq_recall = i < 3 ? 1 : no_share[i - 3];
        assert_ok(tw_reply_encode(wire, &r, &bytes, err));
        assert_status(tw_reply_decode(wire, &back, bytes.data, bytes.len, err), TW_ECORRUPT);
    }

    r = (tw_reply){.call = TW_CALL_HEALTH, .health = {"1.2", 3.5, 4, 5, 6, 7, 8, 9}};
    assert_ok(tw_reply_encode(wire, &r, &bytes, err));
    assert_ok(tw_reply_decode(wire, &back, bytes.data, bytes.len, err));
    assert_string_equal(back.health.version, "1.2");
    assert_near(back.health.uptime_s, 3.5, 0);
    assert_int_equal(back.health.requests, 4);
    assert_int_equal(back.health.queued, 9);
}

/* Python's decoder, for one, refuses a whole message for one bad byte. */
static void a_message_that_is_not_utf8_is_made_so(void **state)
{
    (void) state;
    static char text[2 * TW_ERROR_MSG_MAX];
    memset(text, 'm', sizeof text - 1);
    memcpy(text, "no \xff file \xc3", 11);
    text[11] = '\0';
    tw_reply back, r = {.status = TW_RPC_NOT_FOUND, .message = text};
    tw_bytes bytes;
    assert_ok(tw_reply_encode(wire, &r, &bytes, err));
    assert_ok(tw_reply_decode(wire, &back, bytes.data, bytes.len, err));
    assert_string_equal(back.message, "no \xef\xbf\xbd file \xef\xbf\xbd");
    assert_int_equal(back.status, TW_RPC_NOT_FOUND);
    text[11] = 'm'; /* now it is too long as well */
    assert_ok(tw_reply_encode(wire, &r, &bytes, err));
    assert_ok(tw_reply_decode(wire, &back, bytes.data, bytes.len, err));
    assert_in_range(strlen(back.message), TW_ERROR_MSG_MAX - 4, TW_ERROR_MSG_MAX - 1);
}

static void a_status_survives_the_round_trip(void **state)
{
    (void) state;
    for (int st = TW_OK; st <= TW_EUNSUPPORTED; st++)
        if (st != TW_EDIM)
            assert_int_equal(tw_rpc_status_of(tw_rpc_code_of((tw_status) st)), st);
    assert_int_equal(tw_rpc_code_of(TW_EDIM), TW_RPC_INVALID_ARGUMENT);
    assert_int_equal(tw_rpc_code_of(TW_ENOSPC), TW_RPC_RESOURCE_EXHAUSTED);
    assert_int_equal(tw_rpc_code_of((tw_status) 99), TW_RPC_UNKNOWN);
    assert_int_equal(tw_rpc_status_of((tw_rpc_code) 99), TW_EIO);
    assert_int_equal(tw_rpc_status_of(TW_RPC_UNAUTHENTICATED), TW_EDENIED);
    assert_string_equal(tw_rpc_code_name(TW_RPC_UNAVAILABLE), "UNAVAILABLE");
    assert_string_equal(tw_rpc_code_name((tw_rpc_code) -1), "UNKNOWN");
    assert_string_equal(tw_call_name(TW_CALL_HEALTH), "health");
    assert_string_equal(tw_call_name((tw_call) 10), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_answer_fits),
        cmocka_unit_test(replies_follow_the_table),
        cmocka_unit_test(statistics_and_health_arrive),
        cmocka_unit_test(a_message_that_is_not_utf8_is_made_so),
        cmocka_unit_test(a_status_survives_the_round_trip),
    };
    return cmocka_run_group_tests(tests, make_wire, drop_wire);
}
