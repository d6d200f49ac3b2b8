/* Bytes are written out by hand: tag = number << 3 | type, so 0x52 begins field 10 (similar) and
 * 0x0a begins field 1 of it, both with a length behind. */
#include "rpc/wire.h"

#include <string.h>

#include "base/alloc.h"
#include "tests/support/test.h"
#include "tests/unit/rpc/wire_rows.h"

static const row requests[] = {
    ROW("similar by item", V1 "\x52\x05\x0a\x01\x37\x18\x0a", TW_OK, ""),
    ROW("similar by text", V1 "\x52\x05\x12\x01\x37\x18\x0a", TW_OK, ""),
    ROW("k 1000 is the most", V1 "\x52\x06\x0a\x01\x37\x18\xe8\x07", TW_OK, ""),
    ROW("health is empty", V1 "\x92\x01\x00", TW_OK, ""),
    ROW("stats is empty", V1 "\x8a\x01\x00", TW_OK, ""),
    ROW("a field from the future is ignored", V1 "\x92\x01\x00\xa2\x06\x01x", TW_OK, ""),
    ROW("and one in a part", V1 "\x92\x01\x02\x38\x05", TW_OK, ""),
    ROW("next by user", V1 "\x5a\x05\x0a\x01u\x18\x01", TW_OK, ""),
    ROW("next by history",
        V1 "\x5a\x08\x12\x01"
           "a"
           "\x12\x01"
           "b"
           "\x18\x01",
        TW_OK, ""),
    ROW("a diverse list",
        V1 "\x5a\x17\x0a\x01u\x18\x01\x29\0\0\0\0\0\0\xf0\x3f\x31\0\0\0\0\0\0\x24\x40", TW_OK,
        ""), /* 1.0 and 10.0 */
    ROW("delete",
        V1 "\x72\x03\x0a\x01"
           "d",
        TW_OK, ""),
    ROW("the last call wins",
        V1 "\x72\x03\x0a\x01"
           "d\x92\x01\x00",
        TW_OK, ""),
    ROW("put", V1 "\x6a\x05\x0a\x03\x0a\x01i", TW_OK, ""),

    ROW("version must be known", "\x08\x02\x92\x01\x00", TW_EUNSUPPORTED, "version 2"),
    ROW("version must be there", "\x92\x01\x00", TW_EUNSUPPORTED, "version 0"),
    ROW("nothing is no request", "", TW_EUNSUPPORTED, "version 0"),
    ROW("a call must be there", V1, TW_EUNSUPPORTED, "names no call"),
    ROW("k is at least 1", V1 "\x52\x03\x0a\x01\x37", TW_EINVAL, "k 0 is outside 1..1000"),
    ROW("k is at most 1000", V1 "\x52\x06\x0a\x01\x37\x18\xe9\x07", TW_EINVAL, "k 1001"),
    ROW("k does not wrap", V1 "\x52\x09\x0a\x01\x37\x18\xff\xff\xff\xff\x0f", TW_EINVAL, "k 2147"),
    ROW("item or something else", V1 "\x52\x02\x18\x0a", TW_EINVAL, "either an item"),
    ROW("an image alone",
        V1 "\x52\x05\x18\x0a\x2a\x01"
           "\xff",
        TW_OK, ""),
    ROW("text and audio",
        V1 "\x52\x08\x12\x01t\x18\x0a\x32\x01"
           "\0",
        TW_OK, ""),
    ROW("an empty image is none", V1 "\x52\x04\x18\x0a\x2a\x00", TW_EINVAL, "either an item"),
    ROW("an item and an image",
        V1 "\x52\x08\x0a\x01\x37\x18\x0a\x2a\x01"
           "x",
        TW_EINVAL, "either an item"),
    ROW("an image to embed",
        V1 "\x62\x04\x1a\x02"
           "ab",
        TW_OK, ""),
    ROW("an audio file to embed and an item",
        V1 "\x62\x06\x0a\x01\x37\x22\x01"
           "a",
        TW_EINVAL, "either an item"),
    ROW("an item is not empty", V1 "\x52\x04\x0a\x00\x18\x0a", TW_EINVAL, "item is missing"),
    ROW("a text may be empty: the towers say what they make of it", V1 "\x62\x02\x12\x00", TW_OK,
        ""),
    ROW("user or history", V1 "\x5a\x02\x18\x01", TW_EINVAL, "exactly one of user and history"),
    ROW("not both",
        V1 "\x5a\x08\x0a\x01u\x12\x01"
           "a\x18\x01",
        TW_EINVAL, "exactly one of user"),
    ROW("history items are not empty", V1 "\x5a\x04\x12\x00\x18\x01", TW_EINVAL, "of the history"),
    ROW("diversity is at most 1", V1 "\x5a\x0e\x0a\x01u\x18\x01\x29\0\0\0\0\0\0\xf8\x3f", TW_EINVAL,
        "diversity 1.5 is outside 0..1"),
    ROW("diversity is a number", V1 "\x5a\x0e\x0a\x01u\x18\x01\x29\0\0\0\0\0\0\xf8\x7f", TW_EINVAL,
        "diversity nan is outside 0..1"),
    ROW("a discount takes off", V1 "\x5a\x0e\x0a\x01u\x18\x01\x31\0\0\0\0\0\0\xf0\xbf", TW_EINVAL,
        "popularity_discount -1 is outside 0..10"),
    ROW("put needs an item", V1 "\x6a\x00", TW_EINVAL, "id is missing"),
    ROW("put needs an id", V1 "\x6a\x02\x0a\x00", TW_EINVAL, "id is missing"),
    ROW("a put's id has no newline",
        V1 "\x6a\x06\x0a\x04\x0a\x02"
           "a\n",
        TW_EINVAL, "id holds the control character U+000A"),
    ROW("a deleted id has no escape",
        V1 "\x72\x04\x0a\x02"
           "a\x1b",
        TW_EINVAL, "id holds the control character U+001B"),
    ROW("a user has no C1",
        V1 "\x5a\x07\x0a\x03"
           "a\xc2\x9b"
           "\x18\x01",
        TW_EINVAL, "user holds the control character U+009B"),
    ROW("who records has no DEL",
        V1 "\x82\x01\x07\x0a\x02"
           "a\x7f"
           "\x12\x01i",
        TW_EINVAL, "user holds the control character U+007F"),
    ROW("delete needs an id", V1 "\x72\x00", TW_EINVAL, "id is missing"),
    ROW("get needs an item", V1 "\x7a\x00", TW_EINVAL, "item is missing"),
    ROW("record needs a user", V1 "\x82\x01\x03\x12\x01i", TW_EINVAL, "user is missing"),
    ROW("record needs an item", V1 "\x82\x01\x03\x0a\x01u", TW_EINVAL, "item is missing"),
    ROW("a deadline has a limit", V1 "\x18\xff\xff\xff\x7f\x92\x01\x00", TW_EINVAL, "deadline_ms"),
    ROW("strings are UTF-8", V1 "\x72\x03\x0a\x01\xff", TW_EINVAL,
        "id of DeleteRequest is not UTF"),
    ROW("strings have no NUL",
        V1 "\x72\x05\x0a\x03"
           "a\0b",
        TW_EINVAL, "holds a NUL byte"),
    ROW("the key too", V1 "\x22\x01\x80\x92\x01\x00", TW_EINVAL, "api_key of Request"),

    ROW("text is no request", "hello, world", TW_ECORRUPT, "garbled"),
    ROW("a length past the end", V1 "\x52\x05\x0a\x01\x37\x18", TW_ECORRUPT, "broken off"),
    ROW("an inner length past the end",
        V1 "\x72\x03\x0a\x05"
           "d",
        TW_ECORRUPT, "DeleteRequest"),
    ROW("a varint without end", V1 "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", TW_ECORRUPT,
        "garbled"),
    ROW("a varint broken off", V1 "\x18\x80", TW_ECORRUPT, "broken off"),
    ROW("a group", V1 "\x93\x01\x94\x01", TW_ECORRUPT, "garbled"),
    ROW("field number 0", V1 "\x02\x00", TW_ECORRUPT, "garbled"),
    ROW("a fixed64 broken off", V1 "\xa1\x06\x01\x02", TW_ECORRUPT, "broken off"),
    ROW("a number where a string belongs", V1 "\x72\x02\x08\x01", TW_ECORRUPT, "wrong type"),
    ROW("a string where a number belongs", V1 "\x52\x06\x0a\x01\x37\x1a\x01x", TW_ECORRUPT,
        "wrong type"),
};

static void requests_follow_the_table(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        const row *r = &requests[i];
        tw_request q;
        tw_error e = {0};
        char *exact = tw_alloc(r->len, 1); /* of exactly its size, for ASan */
        memcpy(exact, r->bytes, r->len);
        tw_status st = tw_request_decode(wire, &q, exact, r->len, &e);
        tw_free(exact);
        if (st != r->want || strstr(e.msg, r->sentence) == NULL)
            fail_msg("%s: '%s' (%s)", r->rule, tw_status_name(st), e.msg);
        assert_true((q.call == TW_CALL_NONE) == (st != TW_OK));
    }
}

static void each_field_arrives(void **state)
{
    (void) state;
    const char *const history[] = {"a", "b\xc3\xa4", "c"};
    tw_bytes bytes;
    tw_request q = {.id = {"ID", 2},
                    .deadline_ms = 250,
                    .api_key = "key",
                    .call = TW_CALL_NEXT,
                    .next = {.history = history,
                             .n_history = 3,
                             .k = 9,
                             .include_seen = true,
                             .diversity = 0.25,
                             .popularity_discount = 1.5}};
    assert_ok(tw_request_encode(wire, &q, &bytes, err));
    tw_request r;
    assert_ok(tw_request_decode(wire, &r, bytes.data, bytes.len, err));
    assert_int_equal(r.version, TW_WIRE_VERSION);
    assert_int_equal(r.id.len, 2);
    assert_memory_equal(r.id.data, "ID", 2);
    assert_int_equal(r.deadline_ms, 250);
    assert_string_equal(r.api_key, "key");
    assert_int_equal(r.call, TW_CALL_NEXT);
    assert_null(r.next.user);
    assert_int_equal(r.next.n_history, 3);
    assert_string_equal(r.next.history[0], "a");
    assert_string_equal(r.next.history[1], "b\xc3\xa4");
    assert_string_equal(r.next.history[2], "c");
    assert_int_equal(r.next.k, 9);
    assert_true(r.next.include_seen);
    assert_true(r.next.diversity == 0.25);
    assert_true(r.next.popularity_discount == 1.5);

    q = (tw_request){.call = TW_CALL_RECORD, .record = {"u", "i", -5, -999999, true}};
    assert_ok(tw_request_encode(wire, &q, &bytes, err));
    assert_ok(tw_request_decode(wire, &r, bytes.data, bytes.len, err));
    assert_string_equal(r.record.user, "u");
    assert_string_equal(r.record.item, "i");
    assert_int_equal(r.record.time, -5);
    assert_int_equal(r.record.micros, -999999);
    assert_true(r.record.allow_future);
    q.record.micros = 1000000;
    assert_status(tw_request_encode(wire, &q, &bytes, err), TW_EINVAL);

    tw_item item = {.id = "1", .title = "T", .text = "x", .attributes = "{}", .image = "p"};
    q = (tw_request){.call = TW_CALL_PUT, .put = item};
    assert_ok(tw_request_encode(wire, &q, &bytes, err));
    assert_ok(tw_request_decode(wire, &r, bytes.data, bytes.len, err));
    assert_string_equal(r.put.id, "1");
    assert_string_equal(r.put.title, "T");
    assert_string_equal(r.put.text, "x");
    assert_string_equal(r.put.attributes, "{}");
    assert_string_equal(r.put.image, "p");
    assert_string_equal(r.put.audio, "");
}

static void what_breaks_a_rule_is_not_sent(void **state)
{
    (void) state;
    static char big[TW_STORE_MAX_TEXT + 2];
    memset(big, 'x', sizeof big - 1);
    tw_bytes bytes;
    tw_error e;
    const tw_request bad[] = {
        {.call = TW_CALL_NONE},
        {.call = TW_CALL_SIMILAR, .similar = {.k = 5}},
        {.call = TW_CALL_SIMILAR, .similar = {.item = "a", .text = "b", .k = 5}},
        {.call = TW_CALL_SIMILAR, .similar = {.item = "a", .k = -1}},
        {.call = TW_CALL_SIMILAR, .similar = {.item = "\xff", .k = 1}},
        {.call = TW_CALL_EMBED, .embed = {.text = big}},
        {.call = TW_CALL_DELETE},
        {.call = TW_CALL_DELETE, .erase = {.id = big}},
        {.call = TW_CALL_HEALTH, .version = 7},
        {.call = TW_CALL_HEALTH, .id = {big, TW_WIRE_MAX_REQUEST_ID + 1}},
        {.call = TW_CALL_HEALTH, .api_key = big},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        e.msg[0] = '\0';
        tw_status st = tw_request_encode(wire, &bad[i], &bytes, &e);
        if (st != TW_EINVAL && st != TW_EUNSUPPORTED)
            fail_msg("row %zu gave '%s'", i, tw_status_name(st));
        assert_true(e.msg[0] != '\0');
        assert_int_equal(bytes.len, 0);
    }
    static char huge[TW_WIRE_MAX_MEDIA + 1];
    tw_request media = {.call = TW_CALL_EMBED, .embed = {.audio = {huge, sizeof huge}}};
    assert_status(tw_request_encode(wire, &media, &bytes, err), TW_EINVAL);
    media.embed.audio.len--; /* exactly the limit */
    assert_ok(tw_request_encode(wire, &media, &bytes, err));
    media.embed.image = media.embed.audio; /* each is allowed, both are over the request's limit */
    assert_status(tw_request_encode(wire, &media, &bytes, err), TW_EINVAL);
    big[TW_STORE_MAX_TEXT] = '\0'; /* exactly the limit */
    tw_request most = {.call = TW_CALL_EMBED, .embed = {.text = big}};
    assert_ok(tw_request_encode(wire, &most, &bytes, err));
}

/* 2 bytes of message a field; protobuf-c alone would take 40 and more for each. */
static void a_flood_of_fields_is_refused_before_it_costs_memory(void **state)
{
    (void) state;
    static char flood[TW_WIRE_MAX_REQUEST];
    tw_error e = {0};
    tw_request q;
    for (size_t i = 0; i < sizeof flood; i += 2) {
        flood[i] = 0x18; /* deadline_ms: 0, again and again */
        flood[i + 1] = 0;
    }
    assert_int_equal(tw_request_decode(wire, &q, flood, sizeof flood, &e), TW_EINVAL);
    assert_non_null(strstr(e.msg, "more than 20000 fields"));
    /* just below the limit it is read, and found to hold no call */
    assert_int_equal(tw_request_decode(wire, &q, flood, 2 * TW_WIRE_MAX_FIELDS, &e),
                     TW_EUNSUPPORTED);
}

static void a_message_over_the_limit_is_refused(void **state)
{
    (void) state;
    tw_wire *small;
    tw_request q;
    tw_error e = {0};
    assert_ok(tw_wire_create(&small, 5, err));
    assert_int_equal(tw_request_decode(small, &q, V1 "\x92\x01\x00", 5, &e), TW_OK);
    assert_int_equal(tw_request_decode(small, &q, V1 "\x92\x01\x00 ", 6, &e), TW_EINVAL);
    assert_non_null(strstr(e.msg, "has 6 bytes, at most 5"));
    tw_wire_destroy(small);
    assert_status(tw_wire_create(&small, 0, err), TW_EINVAL);
    assert_status(tw_wire_create(&small, (size_t) TW_WIRE_MAX_REPLY + 1, err), TW_EINVAL);
    assert_null(small);
}

/* The longest history that is allowed, each name as short as can be and as long as fits. */
static void the_largest_history_fits(void **state)
{
    (void) state;
    static const char *history[TW_ENGINE_MAX_HISTORY + 1];
    static char name[181];
    memset(name, 'n', sizeof name - 1);
    for (size_t i = 0; i <= TW_ENGINE_MAX_HISTORY; i++)
        history[i] = name;
    tw_bytes bytes;
    tw_wire *server;
    tw_request r, q = {.call = TW_CALL_NEXT,
                       .next = {.history = history, .n_history = TW_ENGINE_MAX_HISTORY, .k = 1}};
    assert_ok(tw_wire_create(&server, TW_WIRE_MAX_REQUEST, err));
    assert_ok(tw_request_encode(wire, &q, &bytes, err));
    assert_ok(tw_request_decode(server, &r, bytes.data, bytes.len, err));
    assert_int_equal(r.next.n_history, TW_ENGINE_MAX_HISTORY);
    assert_string_equal(r.next.history[TW_ENGINE_MAX_HISTORY - 1], name);
    q.next.n_history++;
    assert_status(tw_request_encode(wire, &q, &bytes, err), TW_EINVAL);
    tw_wire_destroy(server);
}

/* A server encodes its reply while the request it answers is still in the same wire. */
static void encoding_leaves_the_decoded_message_alone(void **state)
{
    (void) state;
    tw_request q;
    tw_bytes bytes;
    static tw_answer_row rows[50]; /* enough to fill what the request takes */
    for (int i = 0; i < 50; i++)
        rows[i] = (tw_answer_row){"r", "", 1};
    assert_ok(tw_request_decode(wire, &q,
                                V1 "\x12\x02"
                                   "AB\x72\x03\x0a\x01"
                                   "d",
                                11, err));
    for (int i = 0; i < 3; i++) {
        tw_reply r = {.id = q.id, .call = TW_CALL_NEXT, .answer = {.rows = rows, .n = 50}};
        assert_ok(tw_reply_encode(wire, &r, &bytes, err));
        assert_string_equal(q.erase.id, "d");
        assert_memory_equal(q.id.data, "AB", 2);
    }
}

static void a_look_tells_what_is_asked(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t len;
        tw_call call;
    } rows[] = {
        {"", 0, TW_CALL_NONE},
        {"\x08\x01\x92\x01\x00", 5, TW_CALL_HEALTH},
        {"\x92\x01\x00\x08\x01", 5, TW_CALL_HEALTH},
        {"\x08\x01\x8a\x01\x00", 5, TW_CALL_STATS},
        {"\x92\x01\x00\x8a\x01\x00", 6, TW_CALL_STATS},       /* of two the last */
        {"\x12\x03\x92\x01\x00\x52\x00", 7, TW_CALL_SIMILAR}, /* an id that looks like one */
        {"\x08\x01\x92\x01", 4, TW_CALL_NONE},
        {"\x08\x01\x92\x01\x05", 5, TW_CALL_NONE},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10, TW_CALL_NONE},
        {"\x9a\x01\x00", 3, TW_CALL_NONE}, /* a call to come */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (tw_request_call(rows[i].bytes, rows[i].len) != rows[i].call)
            fail_msg("row %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_tells_what_is_asked),
        cmocka_unit_test(requests_follow_the_table),
        cmocka_unit_test(each_field_arrives),
        cmocka_unit_test(what_breaks_a_rule_is_not_sent),
        cmocka_unit_test(a_flood_of_fields_is_refused_before_it_costs_memory),
        cmocka_unit_test(a_message_over_the_limit_is_refused),
        cmocka_unit_test(the_largest_history_fits),
        cmocka_unit_test(encoding_leaves_the_decoded_message_alone),
    };
    return cmocka_run_group_tests(tests, make_wire, drop_wire);
}
