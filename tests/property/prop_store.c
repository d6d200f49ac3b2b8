/* Random work on a store and on a plain array beside it, which must agree after every transaction,
 * after reopening, and for a replica that only ever asks for what is new. */
#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "store/store.h"

#define IDS    30
#define USERS  5
#define TIMES  6
#define EVENTS (USERS * IDS * TIMES)
#define STEPS  3000

typedef struct plain_item {
    int64_t row; /* 0: never put */
    bool live;
    int title;
    int vec; /* 0: none */
} plain_item;

typedef struct plain {
    plain_item items[IDS];
    int64_t rows; /* given out so far */
    int64_t user_rows[USERS];
    int64_t users;
    struct {
        int user;
        int id;
        int64_t time;
    } events[EVENTS];
    int n_events;
} plain;

static tw_store *s;
static plain oracle;
static plain committed; /* what rollback returns to */
static tw_rng rng;
static bool inside;

static int below(int n) { return (int) tw_rng_below(&rng, (uint64_t) n); }

static void name_of(char out[16], int id) { (void) snprintf(out, 16, "id-%d", id); }

/* ---- One step on both ------------------------------------------------------------------------ */

static void step_put(void)
{
    char id[16];
    char title[16];
    int which = below(IDS);
    plain_item *p = &oracle.items[which];
    tw_put_result r;
    int number = 1 + below(3);
    name_of(id, which);
    (void) snprintf(title, sizeof title, "%d", number);
    const tw_item item = {.id = id, .title = title};
    assert_ok(tw_store_put_item(s, &item, &r, err));
    assert_int_equal(r.kind, !p->live             ? TW_PUT_CREATED
                             : p->title == number ? TW_PUT_UNCHANGED
                                                  : TW_PUT_REPLACED);
    if (p->row == 0)
        p->row = ++oracle.rows;
    p->live = true;
    p->title = number;
    assert_int_equal(r.row, p->row);
}

static void step_delete(void)
{
    char id[16];
    int which = below(IDS);
    plain_item *p = &oracle.items[which];
    name_of(id, which);
    assert_status(tw_store_delete_item(s, id, NULL, err), p->live ? TW_OK : TW_ENOTFOUND);
    p->live = false;
    p->title = 0;
    p->vec = 0;
}

static void step_vector(void)
{
    plain_item *p = &oracle.items[below(IDS)];
    float vec[3] = {(float) (1 + below(1000)), 2, 3};
    assert_status(tw_store_put_vector(s, p->row, 1, vec, 3, NULL, err),
                  p->live ? TW_OK : TW_ENOTFOUND);
    if (p->live)
        p->vec = (int) vec[0];
}

static bool has_event(int user, int id, int64_t time)
{
    for (int i = 0; i < oracle.n_events; i++) {
        if (oracle.events[i].user == user && oracle.events[i].id == id &&
            oracle.events[i].time == time)
            return true;
    }
    return false;
}

static void step_event(void)
{
    char key[16];
    int user = below(USERS);
    int id = below(IDS);
    tw_event e = {.item = oracle.items[id].row, .time = below(TIMES), .rating = NAN, .value = NAN};
    bool added;
    (void) snprintf(key, sizeof key, "user-%d", user);
    if (oracle.items[id].row == 0) {
        assert_status(tw_store_add_event(s, key, &e, &added, err), TW_ENOTFOUND);
        return;
    }
    assert_ok(tw_store_add_event(s, key, &e, &added, err));
    assert_int_equal(added, !has_event(user, id, e.time));
    if (!added)
        return;
    if (oracle.user_rows[user] == 0)
        oracle.user_rows[user] = ++oracle.users;
    assert_int_equal(e.user, oracle.user_rows[user]);
    oracle.events[oracle.n_events].user = user;
    oracle.events[oracle.n_events].id = id;
    oracle.events[oracle.n_events++].time = e.time;
}

/* ---- Comparison ------------------------------------------------------------------------------ */

typedef struct replica {
    plain_item by_row[IDS + 1];
    int64_t item_seq;
    int64_t vector_seq;
} replica;

static tw_status replay_item(void *ctx, const tw_item *item, tw_error *err)
{
    replica *r = ctx;
    (void) err;
    assert_true(item->seq > r->item_seq && item->row >= 1 && item->row <= IDS);
    r->item_seq = item->seq;
    r->by_row[item->row].live = item->live;
    r->by_row[item->row].title = (int) strtol(item->title, NULL, 10);
    return TW_OK;
}

static tw_status replay_vector(void *ctx, const tw_store_vector_change *c, tw_error *err)
{
    replica *r = ctx;
    (void) err;
    assert_true(c->seq > r->vector_seq);
    r->vector_seq = c->seq;
    r->by_row[c->row].vec = c->live ? (int) c->vec[0] : 0;
    return TW_OK;
}

static void compare_replica(replica *r)
{
    assert_ok(tw_store_each_change(s, r->item_seq, replay_item, r, err));
    assert_ok(tw_store_each_vector(s, 1, r->vector_seq, replay_vector, r, err));
    for (int i = 0; i < IDS; i++) {
        const plain_item *p = &oracle.items[i];
        const plain_item *have = &r->by_row[p->row];
        if (p->row != 0)
            assert_true(have->live == p->live && have->title == p->title && have->vec == p->vec);
    }
}

static tw_status count_item(void *ctx, const tw_item *item, tw_error *err)
{
    (void) item;
    (void) err;
    ++*(int *) ctx;
    return TW_OK;
}

typedef struct order {
    tw_event last;
    int n;
} order;

static tw_status check_event(void *ctx, const tw_event *e, tw_error *err)
{
    order *o = ctx;
    (void) err;
    assert_true(o->n == 0 || o->last.user < e->user ||
                (o->last.user == e->user &&
                 (o->last.time < e->time || (o->last.time == e->time && o->last.seq < e->seq))));
    o->last = *e;
    o->n++;
    return TW_OK;
}

static void compare_histories(void)
{
    static tw_event got[EVENTS];
    for (int user = 0; user < USERS; user++) {
        int n;
        int at = 0;
        assert_ok(tw_store_history(s, oracle.user_rows[user], EVENTS, got, &n, err));
        for (int64_t time = 0; time < TIMES; time++) { /* by time, then as they were added */
            for (int i = 0; i < oracle.n_events; i++) {
                const plain_item *p = &oracle.items[oracle.events[i].id];
                if (oracle.events[i].user != user || oracle.events[i].time != time || !p->live)
                    continue;
                assert_true(at < n && got[at].item == p->row && got[at].time == time);
                at++;
            }
        }
        assert_int_equal(at, n);
    }
}

static void compare_all(replica *old)
{
    replica fresh = {0};
    tw_store_stats stats;
    order o = {0};
    int listed = 0;
    int live = 0;
    int vectors = 0;
    int of_live = 0;

    compare_replica(old);
    compare_replica(&fresh);
    compare_histories();
    for (int i = 0; i < IDS; i++) {
        live += oracle.items[i].live ? 1 : 0;
        vectors += oracle.items[i].vec != 0 ? 1 : 0;
    }
    for (int i = 0; i < oracle.n_events; i++)
        of_live += oracle.items[oracle.events[i].id].live ? 1 : 0;
    assert_ok(tw_store_each_item(s, 0, count_item, &listed, err));
    assert_ok(tw_store_each_event(s, check_event, &o, err));
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_int_equal(listed, live);
    assert_int_equal(o.n, of_live);
    assert_int_equal(stats.items, live);
    assert_int_equal(stats.deleted, oracle.rows - live);
    assert_int_equal(stats.users, oracle.users);
    assert_int_equal(stats.events, oracle.n_events);
    if (stats.n_models > 0)
        assert_int_equal(stats.models[0].vectors, vectors);
    else
        assert_int_equal(vectors, 0);
}

/* ---- The walk -------------------------------------------------------------------------------- */

static void step_transaction(const char *path)
{
    if (!inside) {
        committed = oracle;
        assert_ok(tw_store_begin(s, err));
        inside = true;
    } else if (below(3) == 0) {
        tw_store_rollback(s);
        oracle = committed;
        inside = false;
    } else if (below(4) == 0) { /* closing takes back what is open */
        tw_store_close(s);
        assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
        oracle = committed;
        inside = false;
    } else {
        assert_ok(tw_store_commit(s, err));
        inside = false;
    }
}

static void no_problem(void *ctx, const char *sentence)
{
    (void) ctx;
    print_error("check: %s\n", sentence);
}

static void the_store_agrees_with_a_plain_array(void **state)
{
    (void) state;
    const char *path = tw_test_path("prop.db");
    replica old = {0}; /* follows committed states only */
    tw_rng_seed(&rng, tw_test_seed());
    assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err));
    assert_ok(tw_store_begin(s, err));
    committed = oracle;
    inside = true;
    for (int step = 0; step < STEPS; step++) {
        int what = below(20);
        if (what < 7)
            step_put();
        else if (what < 9)
            step_delete();
        else if (what < 13)
            step_vector();
        else if (what < 18)
            step_event();
        else
            step_transaction(path);
        if (step % 50 == 0) {
            replica scratch = old;
            compare_all(inside ? &scratch : &old);
        }
    }
    if (inside)
        assert_ok(tw_store_commit(s, err));
    tw_store_close(s);
    assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
    compare_all(&old);
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_agrees_with_a_plain_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
