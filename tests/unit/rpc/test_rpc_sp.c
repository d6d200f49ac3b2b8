/* Bytes to messages, in whatever portions they come. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "rpc/sp.h"
#include "tests/support/test.h"

#define HELLO "\0SP\0\0\x30\0\0"

/* What a stream led to: a letter an event, m for a message, and the bodies one after the other. */
typedef struct outcome {
    char events[64];
    char bodies[256];
    size_t n_events, n_bodies, last_path;
} outcome;

static const char letters[] = {
    [TWI_SP_MORE] = '.',      [TWI_SP_GREETED] = 'g',  [TWI_SP_MESSAGE] = 'm',
    [TWI_SP_FOREIGN] = 'F',   [TWI_SP_TOO_LONG] = 'L', [TWI_SP_PATHLESS] = 'P',
    [TWI_SP_NO_MEMORY] = 'M',
};

static void take_message(twi_sp *sp, outcome *o)
{
    twi_sp_request r = twi_sp_message(sp);
    size_t len = r.len - r.path;
    assert_true(o->n_bodies + len <= sizeof o->bodies);
    if (len > 0)
        memcpy(o->bodies + o->n_bodies, r.bytes + r.path, len);
    o->n_bodies += len;
    o->last_path = r.path;
    tw_free(r.bytes);
}

/* Feeds it in portions of `step` bytes. */
static outcome feed(bool ipc, const char *bytes, size_t len, size_t step)
{
    outcome o = {0};
    twi_sp sp;
    twi_sp_init(&sp, ipc, 100);
    for (size_t at = 0; at < len;) {
        size_t used, n = step < len - at ? step : len - at;
        uint8_t *exact = malloc(n); /* so that the address sanitizer sees its end */
        memcpy(exact, bytes + at, n);
        twi_sp_event e = twi_sp_take(&sp, exact, n, &used);
        free(exact);
        assert_true(used <= n);
        assert_true(e != TWI_SP_MORE || used == n);
        assert_true(sp.room <= 2 * sp.have + 256);
        at += used;
        if (e == TWI_SP_MESSAGE)
            take_message(&sp, &o);
        if (e != TWI_SP_MORE)
            o.events[o.n_events++] = letters[e];
        if (e > TWI_SP_MESSAGE)
            break;
    }
    twi_sp_fini(&sp);
    return o;
}

#define L           "\0\0\0\0\0\0\0"
#define BYTES(text) (text), sizeof(text) - 1

static void streams_are_cut_into_messages(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t len;
        bool ipc;
        const char *events, *bodies;
    } rows[] = {
        {BYTES(HELLO), false, "g", ""},
        {BYTES("\0SP"), false, "", ""},
        {BYTES(HELLO L "\x06\x80\0\0\1hi"), false, "gm", "hi"},
        {BYTES(HELLO L "\x06\x80\0\0\1hi" L "\x04\x80\0\0\2" L "\x05\xff\xff\xff\xff!"), false,
         "gmmm", "hi!"},
        {BYTES(HELLO "\1" L "\x06\x80\0\0\1hi\1" L "\x05\x80\0\0\2!"), true, "gmm", "hi!"},
        /* two hops before the number */
        {BYTES(HELLO L "\x0d\0\0\0\7\x7f\0\0\0\x80\0\0\1x"), false, "gm", "x"},
        {BYTES(HELLO "\2" L "\x06\x80\0\0\1hi"), true, "gF", ""}, /* not ipc's mark */
        {BYTES(HELLO L "\x65\x80\0\0\1"), false, "gL", ""},       /* 101 bytes of 100 */
        {BYTES(HELLO "\xff\xff\xff\xff\xff\xff\xff\xff"), false, "gL", ""},
        {BYTES(HELLO L "\3abc"), false, "gP", ""},
        {BYTES(HELLO L "\0"), false, "gP", ""},
        {BYTES(HELLO L "\x08\0\0\0\1\0\0\0\2"), false, "gP", ""}, /* the path never ends */
        {BYTES("GET / HTTP/1.1\r\n"), false, "F", ""},
        {BYTES("\0SP\0\0\x31\0\0"), false, "F", ""}, /* a REP, as we are */
        {BYTES("\0SP\1\0\x30\0\0"), false, "F", ""}, /* another version */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t step = 1; step < 40; step++) {
            outcome o = feed(rows[i].ipc, rows[i].bytes, rows[i].len, step);
            if (strcmp(o.events, rows[i].events) != 0 || o.n_bodies != strlen(rows[i].bodies) ||
                memcmp(o.bodies, rows[i].bodies, o.n_bodies) != 0)
                fail_msg("row %zu in steps of %zu: '%s', %zu bytes", i, step, o.events, o.n_bodies);
        }
    }
}

static void a_path_has_sixteen_words_at_most(void **state)
{
    (void) state;
    for (size_t words = 15; words <= 17; words++) {
        char bytes[128] = HELLO;
        size_t len = 4 * words + 1, at = 16 + 4 * (words - 1);
        bytes[15] = (char) len;
        bytes[at] = (char) 0x80;
        bytes[at + 4] = 'x';
        outcome o = feed(false, bytes, 16 + len, 7);
        assert_string_equal(o.events, words <= 16 ? "gm" : "gP");
        if (words <= 16)
            assert_int_equal(o.last_path, 4 * words);
    }
}

static void a_length_alone_takes_no_memory(void **state)
{
    (void) state;
    twi_sp sp;
    size_t used;
    static uint8_t chunk[1000];
    twi_sp_init(&sp, false, (size_t) 10 << 20);
    assert_int_equal(twi_sp_take(&sp, (const uint8_t *) HELLO, 8, &used), TWI_SP_GREETED);
    assert_false(twi_sp_is_amid(&sp));
    assert_int_equal(twi_sp_take(&sp, (const uint8_t *) "\0\0\0\0\0\xa0\0\0", 8, &used),
                     TWI_SP_MORE);
    assert_true(twi_sp_is_amid(&sp));
    assert_int_equal(sp.room, 0);
    for (size_t sent = 0; sent < 200000; sent += sizeof chunk) {
        assert_int_equal(twi_sp_take(&sp, chunk, sizeof chunk, &used), TWI_SP_MORE);
        assert_in_range(sp.room, sent + sizeof chunk, 2 * (sent + sizeof chunk));
    }
    twi_sp_fini(&sp);
}

static void a_reply_repeats_the_path(void **state)
{
    (void) state;
    uint8_t head[TWI_SP_MAX_HEAD];
    const uint8_t path[8] = {0, 0, 0, 7, 0x80, 0, 0, 1};
    assert_int_equal(twi_sp_reply_head(head, false, path, 8, 0x10203), 16);
    assert_memory_equal(head, "\0\0\0\0\0\1\2\x0b\0\0\0\7\x80\0\0\1", 16);
    assert_int_equal(twi_sp_reply_head(head, true, path + 4, 4, 0), 13);
    assert_memory_equal(head, "\1\0\0\0\0\0\0\0\4\x80\0\0\1", 13);
}

#ifdef TW_TORTURE
static void without_memory_it_says_so(void **state)
{
    (void) state;
    tw_torture_arm(1);
    outcome o = feed(false, BYTES(HELLO L "\x06\x80\0\0\1hi"), 100);
    tw_torture_arm(0);
    assert_string_equal(o.events, "gM");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_cut_into_messages),
        cmocka_unit_test(a_path_has_sixteen_words_at_most),
        cmocka_unit_test(a_length_alone_takes_no_memory),
        cmocka_unit_test(a_reply_repeats_the_path),
#ifdef TW_TORTURE
        cmocka_unit_test(without_memory_it_says_so),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
