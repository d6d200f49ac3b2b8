/* Replies: to bytes and back. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "rpc/internal.h"
#include "rpc/twindex.pb-c.h"
#include "rpc/wire.h"

void twi_item_to_message(Twindex__V1__Item *m, const tw_item *item)
{
    twindex__v1__item__init(m);
    m->id = twi_lend(item->id);
    m->title = twi_lend(item->title);
    m->text = twi_lend(item->text);
    m->attributes = twi_lend(item->attributes);
    m->image = twi_lend(item->image);
    m->audio = twi_lend(item->audio);
}

void twi_item_from_message(tw_item *item, const Twindex__V1__Item *m)
{
    *item = (tw_item){
        .live = true,
        .id = m->id,
        .title = m->title,
        .text = m->text,
        .attributes = m->attributes,
        .image = m->image,
        .audio = m->audio,
    };
}

/* ---- to bytes -------------------------------------------------------------------------------- */

typedef union result_message {
    Twindex__V1__Answer answer;
    Twindex__V1__EmbedReply embed;
    Twindex__V1__PutReply put;
    Twindex__V1__DeleteReply erase;
    Twindex__V1__Item item;
    Twindex__V1__RecordReply record;
    Twindex__V1__StatsReply stats;
    Twindex__V1__HealthReply health;
} result_message;

static tw_status fill_answer(tw_wire *w, Twindex__V1__Answer *m, const tw_answer *a, tw_error *err)
{
    twindex__v1__answer__init(m);
    if (a->n < 0 || a->n > TW_ENGINE_MAX_K)
        return tw_fail(err, TW_EINVAL, "an answer of %d rows is outside 0..%d", a->n,
                       TW_ENGINE_MAX_K);
    m->query_id = twi_lend(a->query_id);
    m->query_title = twi_lend(a->query_title);
    m->basis = twi_lend(a->basis);
    m->model = (uint32_t) a->model;
    m->also = twi_lend(a->also);
    m->skipped = twi_lend(a->skipped);

    size_t n = (size_t) a->n;
    Twindex__V1__Row *rows = twi_wire_take(w, n, sizeof *rows);
    m->rows = twi_wire_take(w, n, sizeof(Twindex__V1__Row *));
    if (rows == NULL || m->rows == NULL)
        return tw_fail(err, TW_ENOMEM, "answer of %d rows", a->n);
    m->n_rows = n;
    for (size_t i = 0; i < n; i++) {
        twindex__v1__row__init(&rows[i]);
        rows[i].id = twi_lend(a->rows[i].id);
        rows[i].title = twi_lend(a->rows[i].title);
        rows[i].score = a->rows[i].score;
        m->rows[i] = &rows[i];
    }
    return TW_OK;
}

static tw_status fill_embed(Twindex__V1__EmbedReply *m, const tw_reply *r, tw_error *err)
{
    twindex__v1__embed_reply__init(m);
    if (r->embed.dim < 0 || r->embed.dim > TW_ENGINE_MAX_DIM)
        return tw_fail(err, TW_EINVAL, "a vector of %d floats is outside 0..%d", r->embed.dim,
                       TW_ENGINE_MAX_DIM);
    m->n_vector = (size_t) r->embed.dim;
    memcpy(&m->vector, &r->embed.vec, sizeof m->vector); /* see twi_lend */
    m->model = (uint32_t) r->embed.model;
    return TW_OK;
}

/* X(field, type on the wire): the numbers of StatsReply, once. */
#define STATS(X)                                                                                   \
    X(items, int64_t)                                                                              \
    X(deleted_items, int64_t)                                                                      \
    X(users, int64_t)                                                                              \
    X(events, int64_t)                                                                             \
    X(seq, int64_t)                                                                                \
    X(store_bytes, int64_t)                                                                        \
    X(model, uint32_t)                                                                             \
    X(has_towers, protobuf_c_boolean)                                                              \
    X(has_seq, protobuf_c_boolean)                                                                 \
    X(tower_dim, uint32_t)                                                                         \
    X(seq_dim, uint32_t)                                                                           \
    X(seq_items, int64_t)                                                                          \
    X(seq_users, int64_t)                                                                          \
    X(seq_indexed, int64_t)                                                                        \
    X(seq_item_features, protobuf_c_boolean)                                                       \
    X(seq_item_features_live, protobuf_c_boolean)                                                  \
    X(tower_recall, double)                                                                        \
    X(seq_recall, double)                                                                          \
    X(tower_lacks_graph, protobuf_c_boolean)                                                       \
    X(seq_lacks_graph, protobuf_c_boolean)                                                         \
    X(indexed, int64_t)                                                                            \
    X(delta, int64_t)                                                                              \
    X(unread, int64_t)                                                                             \
    X(dead, int64_t)                                                                               \
    X(index_bytes, int64_t)

#define HEALTH(X) X(requests) X(rejected) X(busy) X(failed) X(unsent) X(queued)

static void fill_stats(Twindex__V1__StatsReply *m, const tw_engine_stats *s)
{
    twindex__v1__stats_reply__init(m);
#define X(field, type) m->field = (type) s->field;
    STATS(X)
#undef X
    m->tower_index = twi_lend(s->tower_index);
    m->seq_index = twi_lend(s->seq_index);
    m->towers_problem = twi_lend(s->towers_problem);
    m->seq_problem = twi_lend(s->seq_problem);
}

static void fill_health(Twindex__V1__HealthReply *m, const tw_health *h)
{
    twindex__v1__health_reply__init(m);
    m->version = twi_lend(h->version);
    m->uptime_s = h->uptime_s;
#define X(field) m->field = h->field;
    HEALTH(X)
#undef X
}

/* Sets m->result_case and the member it names, which lives in *c. The calls are numbered like the
 * fields, less 9. */
static tw_status fill_result(tw_wire *w, Twindex__V1__Reply *m, result_message *c,
                             const tw_reply *r, tw_error *err)
{
    m->result_case = (Twindex__V1__Reply__ResultCase) (r->call + 9);
    m->similar = &c->answer; /* all members are pointers to the one union */
    switch (r->call) {
    case TW_CALL_SIMILAR:
    case TW_CALL_NEXT: return fill_answer(w, &c->answer, &r->answer, err);
    case TW_CALL_EMBED: return fill_embed(&c->embed, r, err);
    case TW_CALL_PUT:
        twindex__v1__put_reply__init(&c->put);
        c->put.result = (Twindex__V1__PutReply__Result) r->put;
        break;
    case TW_CALL_DELETE: twindex__v1__delete_reply__init(&c->erase); break;
    case TW_CALL_GET:
        twi_item_to_message(&c->item, &r->item);
        c->item.also = twi_lend(r->also);
        break;
    case TW_CALL_RECORD:
        twindex__v1__record_reply__init(&c->record);
        c->record.added = r->added;
        break;
    case TW_CALL_STATS: fill_stats(&c->stats, &r->stats); break;
    case TW_CALL_HEALTH: fill_health(&c->health, &r->health); break;
    case TW_CALL_NONE: return tw_fail(err, TW_EINVAL, "the reply names no call");
    }
    return TW_OK;
}

/* Copies s without what is not UTF-8: a sentence may quote the system, or have been cut. */
static void clean(char out[TW_ERROR_MSG_MAX], const char *s)
{
    size_t n = 0, left = s == NULL ? 0 : strlen(s);
    while (left > 0) {
        size_t used, room = TW_ERROR_MSG_MAX - 1 - n;
        char put[4];
        size_t width = tw_utf8_put(put, tw_utf8_next(s, left, &used));
        if (width > room)
            break;
        memcpy(out + n, put, width);
        n += width;
        s += used;
        left -= used;
    }
    out[n] = '\0';
}

tw_status tw_reply_encode(tw_wire *w, const tw_reply *r, tw_bytes *out, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t before = w->used; /* the request is alive below it */
    Twindex__V1__Reply m;
    result_message c;
    char message[TW_ERROR_MSG_MAX];

    *out = (tw_bytes){0};
    clean(message, r->message);
    twindex__v1__reply__init(&m);
    m.request_id = (ProtobufCBinaryData){r->id.len, twi_lend_bytes(r->id.data)};
    m.status = (Twindex__V1__Status) r->status;
    m.message = message;
    if (r->status == TW_RPC_OK)
        TW_TRY(fill_result(w, &m, &c, r, err));
    TW_TRY(twi_wire_pack(w, &m.base, TW_WIRE_MAX_REPLY, "reply", out, err));
done:
    w->used = before;
    return st;
}

/* ---- and back -------------------------------------------------------------------------------- */

static tw_status read_answer(tw_wire *w, tw_answer *a, const Twindex__V1__Answer *m, tw_error *err)
{
    if (m->n_rows > TW_ENGINE_MAX_K || m->model > INT_MAX)
        return tw_fail(err, TW_ECORRUPT, "the reply has %zu rows, at most %d are allowed",
                       m->n_rows, TW_ENGINE_MAX_K);
    a->query_id = m->query_id;
    a->query_title = m->query_title;
    a->basis = m->basis;
    a->model = (int) m->model;
    (void) snprintf(a->also, sizeof a->also, "%s", m->also);
    (void) snprintf(a->skipped, sizeof a->skipped, "%s", m->skipped);
    a->rows = twi_wire_take(w, m->n_rows, sizeof *a->rows);
    if (a->rows == NULL)
        return tw_fail(err, TW_ECORRUPT, "the reply needs too much memory to read");
    a->n = (int) m->n_rows;
    for (size_t i = 0; i < m->n_rows; i++)
        a->rows[i] = (tw_answer_row){m->rows[i]->id, m->rows[i]->title, m->rows[i]->score};
    return TW_OK;
}

static tw_status read_embed(tw_reply *r, const Twindex__V1__EmbedReply *m, tw_error *err)
{
    if (m->n_vector > TW_ENGINE_MAX_DIM || m->model > INT_MAX) {
        return tw_fail(err, TW_ECORRUPT,
                       "the reply's vector has %zu floats, at most %d are allowed", m->n_vector,
                       TW_ENGINE_MAX_DIM);
    }
    r->embed.vec = m->vector;
    r->embed.dim = (int) m->n_vector;
    r->embed.model = (int) m->model;
    return TW_OK;
}

static bool is_share(double x) { return x >= 0 && x <= 1; }

static tw_status read_stats(tw_engine_stats *s, const Twindex__V1__StatsReply *m, tw_error *err)
{
    if (m->model > INT_MAX || m->tower_dim > INT_MAX || m->seq_dim > INT_MAX ||
        !is_share(m->tower_recall) || !is_share(m->seq_recall) ||
        strlen(m->tower_index) >= sizeof s->tower_index ||
        strlen(m->seq_index) >= sizeof s->seq_index ||
        strlen(m->towers_problem) >= sizeof s->towers_problem ||
        strlen(m->seq_problem) >= sizeof s->seq_problem)
        return tw_fail(err, TW_ECORRUPT, "the reply's statistics are out of range");
#define X(field, type) s->field = (__typeof__(s->field)) m->field;
    STATS(X)
#undef X
    (void) snprintf(s->tower_index, sizeof s->tower_index, "%s", m->tower_index);
    (void) snprintf(s->seq_index, sizeof s->seq_index, "%s", m->seq_index);
    (void) snprintf(s->towers_problem, sizeof s->towers_problem, "%s", m->towers_problem);
    (void) snprintf(s->seq_problem, sizeof s->seq_problem, "%s", m->seq_problem);
    return TW_OK;
}

static void read_health(tw_health *h, const Twindex__V1__HealthReply *m)
{
    h->version = m->version;
    h->uptime_s = m->uptime_s;
#define X(field) h->field = m->field;
    HEALTH(X)
#undef X
}

static tw_status read_put(tw_reply *r, const Twindex__V1__PutReply *m, tw_error *err)
{
    switch (m->result) {
    case TWINDEX__V1__PUT_REPLY__RESULT__CREATED: r->put = TW_PUT_CREATED; return TW_OK;
    case TWINDEX__V1__PUT_REPLY__RESULT__REPLACED: r->put = TW_PUT_REPLACED; return TW_OK;
    case TWINDEX__V1__PUT_REPLY__RESULT__UNCHANGED: r->put = TW_PUT_UNCHANGED; return TW_OK;
    default: return tw_fail(err, TW_ECORRUPT, "put result %d is none", (int) m->result);
    }
}

static tw_status read_result(tw_wire *w, tw_reply *r, const Twindex__V1__Reply *m, tw_error *err)
{
    r->call = (tw_call) (m->result_case > 9 ? (int) m->result_case - 9 : 0);
    switch (m->result_case) {
    case TWINDEX__V1__REPLY__RESULT_SIMILAR: return read_answer(w, &r->answer, m->similar, err);
    case TWINDEX__V1__REPLY__RESULT_NEXT: return read_answer(w, &r->answer, m->next, err);
    case TWINDEX__V1__REPLY__RESULT_EMBED: return read_embed(r, m->embed, err);
    case TWINDEX__V1__REPLY__RESULT_PUT: return read_put(r, m->put, err);
    case TWINDEX__V1__REPLY__RESULT_DELETE: return TW_OK;
    case TWINDEX__V1__REPLY__RESULT_GET:
        twi_item_from_message(&r->item, m->get);
        r->also = m->get->also;
        return TW_OK;
    case TWINDEX__V1__REPLY__RESULT_RECORD: r->added = m->record->added != 0; return TW_OK;
    case TWINDEX__V1__REPLY__RESULT_STATS: return read_stats(&r->stats, m->stats, err);
    case TWINDEX__V1__REPLY__RESULT_HEALTH: read_health(&r->health, m->health); return TW_OK;
    default: return tw_fail(err, TW_ECORRUPT, "the reply says OK but holds no result");
    }
}

tw_status tw_reply_decode(tw_wire *w, tw_reply *r, const void *bytes, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    ProtobufCMessage *base;

    *r = (tw_reply){.message = ""};
    TW_TRY(twi_wire_unpack(w, &twindex__v1__reply__descriptor, bytes, len, &base, err));
    const Twindex__V1__Reply *m = (const Twindex__V1__Reply *) base;
    if (m->request_id.len > TW_WIRE_MAX_REQUEST_ID) {
        TW_TRY(tw_fail(err, TW_ECORRUPT,
                       "the reply's request_id has %zu bytes, at most %d are allowed",
                       m->request_id.len, TW_WIRE_MAX_REQUEST_ID));
    }
    r->id = (tw_bytes){m->request_id.data, m->request_id.len};
    int code = (int) m->status;
    r->status = code >= 0 && code <= TW_RPC_UNAUTHENTICATED ? (tw_rpc_code) code : TW_RPC_UNKNOWN;
    r->message = m->message;
    if (r->status == TW_RPC_OK)
        TW_TRY(read_result(w, r, m, err));
done:
    if (st != TW_OK) {
        *r = (tw_reply){.message = ""};
        if (st == TW_EINVAL) /* to a client a reply that breaks the rules is damage */
            st = TW_ECORRUPT;
        if (err != NULL)
            err->code = st;
    }
    return st;
}
