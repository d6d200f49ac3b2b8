/* Random requests and replies come back as they went; damaged ones never crash or surprise. */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "rpc/wire.h"
#include "tests/support/test.h"

#define ROUNDS 2000

static tw_wire *here, *there;
static char pool[64][40]; /* strings to draw from, of 1 to 39 bytes, some with two bytes a letter */
static tw_rng rng;

static const char *word(void) { return pool[tw_rng_below(&rng, 64)]; }
static int up_to(int n) { return 1 + (int) tw_rng_below(&rng, (uint64_t) n); }

static int set_up(void **state)
{
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < 64; i++) {
        int n = up_to(19);
        for (int j = 0; j < n; j++) {
            size_t len = strlen(pool[i]);
            (void) snprintf(pool[i] + len, sizeof pool[i] - len, "%s",
                            tw_rng_below(&rng, 4) == 0 ? "\xc3\xa9" : "x");
        }
    }
    assert_ok(tw_wire_create(&here, TW_WIRE_MAX_REPLY, err));
    assert_ok(tw_wire_create(&there, TW_WIRE_MAX_REPLY, err));
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    tw_wire_destroy(here);
    tw_wire_destroy(there);
    return 0;
}

/* Any bytes, NUL and what is no UTF-8 among them, half the time none. */
static tw_bytes media(void)
{
    static unsigned char bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char) tw_rng_below(&rng, 256);
    return (tw_bytes){bytes, (size_t) (tw_rng_below(&rng, 2) * tw_rng_below(&rng, sizeof bytes))};
}

static tw_request random_request(void)
{
    static const char *history[50];
    tw_request q = {.id = {word(), (size_t) tw_rng_below(&rng, 2)},
                    .deadline_ms = (uint32_t) tw_rng_below(&rng, 1000),
                    .api_key = tw_rng_below(&rng, 2) == 0 ? "" : word(),
                    .call = (tw_call) up_to(TW_CALL_HEALTH)};
    bool first = tw_rng_below(&rng, 2) == 0;
    switch (q.call) {
    case TW_CALL_SIMILAR:
        q.similar = (tw_similar_query){.item = first ? word() : NULL,
                                       .text = first ? NULL : word(),
                                       .k = up_to(TW_ENGINE_MAX_K),
                                       .exact = tw_rng_below(&rng, 2) == 0,
                                       .image = first ? (tw_bytes){0} : media(),
                                       .audio = first ? (tw_bytes){0} : media()};
        break;
    case TW_CALL_NEXT:
        q.next = (tw_next_query){.k = up_to(TW_ENGINE_MAX_K),
                                 .include_seen = first,
                                 .diversity = up_to(8) / 8.0,
                                 .popularity_discount = up_to(80) / 8.0};
        if (first)
            q.next.user = word();
        else
            q.next.n_history = up_to(50);
        for (int i = 0; i < q.next.n_history; i++)
            history[i] = word();
        q.next.history = history;
        break;
    case TW_CALL_EMBED:
        q.embed.item = first ? word() : NULL;
        q.embed.image = first ? (tw_bytes){0} : media();
        q.embed.text = first || q.embed.image.len > 0 ? NULL : word();
        break;
    case TW_CALL_PUT: q.put = (tw_item){.id = word(), .title = word(), .text = ""}; break;
    case TW_CALL_DELETE: q.erase.id = word(); break;
    case TW_CALL_GET: q.get.item = word(); break;
    case TW_CALL_RECORD:
        q.record.user = word();
        q.record.item = word();
        q.record.time = (int64_t) tw_rng_u64(&rng);
        q.record.micros = (int32_t) (tw_rng_u64(&rng) % 1999999) - 999999;
        q.record.allow_future = first;
        break;
    default: break;
    }
    return q;
}

static void assert_text(const char *a, const char *b)
{
    assert_string_equal(a == NULL ? "" : a, b == NULL ? "" : b);
}

static void assert_bytes(tw_bytes a, tw_bytes b)
{
    assert_int_equal(a.len, b.len);
    if (a.len > 0)
        assert_memory_equal(a.data, b.data, a.len);
}

static void assert_same_request(const tw_request *a, const tw_request *b)
{
    assert_int_equal(a->call, b->call);
    assert_int_equal(a->deadline_ms, b->deadline_ms);
    assert_text(a->api_key, b->api_key);
    assert_int_equal(a->id.len, b->id.len);
    switch (a->call) {
    case TW_CALL_SIMILAR:
        assert_text(a->similar.item, b->similar.item);
        assert_text(a->similar.text, b->similar.text);
        assert_bytes(a->similar.image, b->similar.image);
        assert_bytes(a->similar.audio, b->similar.audio);
        assert_int_equal(a->similar.k, b->similar.k);
        assert_int_equal(a->similar.exact, b->similar.exact);
        break;
    case TW_CALL_NEXT:
        assert_text(a->next.user, b->next.user);
        assert_int_equal(a->next.n_history, b->next.n_history);
        for (int i = 0; i < a->next.n_history; i++)
            assert_string_equal(a->next.history[i], b->next.history[i]);
        assert_int_equal(a->next.include_seen, b->next.include_seen);
        assert_true(a->next.diversity == b->next.diversity);
        assert_true(a->next.popularity_discount == b->next.popularity_discount);
        break;
    case TW_CALL_EMBED:
        assert_text(a->embed.item, b->embed.item);
        assert_text(a->embed.text, b->embed.text);
        assert_bytes(a->embed.image, b->embed.image);
        break;
    case TW_CALL_PUT:
        assert_text(a->put.id, b->put.id);
        assert_text(a->put.title, b->put.title);
        break;
    case TW_CALL_DELETE: assert_text(a->erase.id, b->erase.id); break;
    case TW_CALL_GET: assert_text(a->get.item, b->get.item); break;
    case TW_CALL_RECORD:
        assert_text(a->record.user, b->record.user);
        assert_text(a->record.item, b->record.item);
        assert_true(a->record.time == b->record.time && a->record.micros == b->record.micros &&
                    a->record.allow_future == b->record.allow_future);
        break;
    default: break;
    }
}

static void requests_come_back_as_they_went(void **state)
{
    (void) state;
    for (int i = 0; i < ROUNDS; i++) {
        tw_request back, q = random_request();
        tw_bytes bytes;
        assert_ok(tw_request_encode(here, &q, &bytes, err));
        assert_ok(tw_request_decode(there, &back, bytes.data, bytes.len, err));
        assert_same_request(&q, &back);
    }
}

static void answers_come_back_as_they_went(void **state)
{
    (void) state;
    static tw_answer_row rows[50];
    static float vec[TW_ENGINE_MAX_DIM];
    for (int i = 0; i < ROUNDS; i++) {
        tw_reply back, r = {.id = {"id", 2}, .call = TW_CALL_NEXT};
        tw_bytes bytes;
        bool is_answer = tw_rng_below(&rng, 4) > 0;
        if (is_answer) {
            r.answer = (tw_answer){.rows = rows, .n = (int) tw_rng_below(&rng, 51)};
            r.answer.basis = "user";
            r.answer.model = up_to(9);
            for (int j = 0; j < r.answer.n; j++)
                rows[j] = (tw_answer_row){word(), word(), (float) tw_rng_normal(&rng)};
        } else {
            r.call = TW_CALL_EMBED;
            r.embed.dim = up_to(TW_ENGINE_MAX_DIM);
            r.embed.vec = vec;
            vec[r.embed.dim - 1] = (float) tw_rng_normal(&rng);
        }
        assert_ok(tw_reply_encode(here, &r, &bytes, err));
        assert_ok(tw_reply_decode(there, &back, bytes.data, bytes.len, err));
        assert_int_equal(back.call, r.call);
        if (!is_answer) {
            assert_int_equal(back.embed.dim, r.embed.dim);
            assert_memory_equal(back.embed.vec, vec, (size_t) r.embed.dim * sizeof *vec);
            continue;
        }
        assert_int_equal(back.answer.n, r.answer.n);
        assert_int_equal(back.answer.model, r.answer.model);
        for (int j = 0; j < r.answer.n; j++) {
            assert_string_equal(back.answer.rows[j].id, rows[j].id);
            assert_string_equal(back.answer.rows[j].title, rows[j].title);
            assert_true(back.answer.rows[j].score == rows[j].score);
        }
    }
}

/* One byte changed, or the end cut off: read or refused with a sentence, both ways. */
static void damage_is_read_or_refused(void **state)
{
    (void) state;
    int refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
        static uint8_t damaged[4096];
        tw_error e = {0};
        tw_request back, q = random_request();
        tw_reply reply;
        tw_bytes bytes;
        assert_ok(tw_request_encode(here, &q, &bytes, err));
        assert_in_range(bytes.len, 1, sizeof damaged);
        memcpy(damaged, bytes.data, bytes.len);
        size_t at = (size_t) tw_rng_below(&rng, bytes.len), len = bytes.len;
        if (tw_rng_below(&rng, 4) == 0)
            len = at;
        else
            damaged[at] ^= (uint8_t) up_to(255);
        tw_status st = tw_request_decode(there, &back, damaged, len, &e);
        assert_true((st == TW_OK) == (e.msg[0] == '\0'));
        refused += st != TW_OK;
        st = tw_reply_decode(there, &reply, damaged, len, NULL);
        assert_true(st == TW_OK || st == TW_ECORRUPT);
    }
    assert_in_range(refused, ROUNDS / 10, ROUNDS); /* power: damage is mostly noticed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_come_back_as_they_went),
        cmocka_unit_test(answers_come_back_as_they_went),
        cmocka_unit_test(damage_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
