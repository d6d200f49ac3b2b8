/* Requests: the rules of twindex.proto, to bytes and back. */
#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "rpc/internal.h"
#include "rpc/twindex.pb-c.h"
#include "rpc/wire.h"

/* ---- the rules, for what is sent and for what is received ------------------------------------ */

/* least: 1 where the text must be there, else 0. */
static tw_status check_text(const char *name, const char *s, size_t least, size_t most,
                            tw_error *err)
{
    size_t len = s == NULL ? 0 : strlen(s);
    if (len < least)
        return tw_fail(err, TW_EINVAL, "%s is missing or empty", name);
    if (len > most)
        return tw_fail(err, TW_EINVAL, "%s has %zu bytes, at most %zu are allowed", name, len,
                       most);
    return TW_OK;
}

/* An id, as the store has them. */
static tw_status check_key(const char *name, const char *s, tw_error *err)
{
    tw_status st = check_text(name, s, 1, TW_STORE_MAX_ID, err);
    const uint32_t control = st == TW_OK ? tw_utf8_control(s, strlen(s)) : 0;
    if (control == 0)
        return st;
    return tw_fail(err, TW_EINVAL, "%s holds the control character U+%04X", name,
                   (unsigned) control);
}

static tw_status check_k(int k, tw_error *err)
{
    if (k < 1 || k > TW_ENGINE_MAX_K)
        return tw_fail(err, TW_EINVAL, "k %d is outside 1..%d", k, TW_ENGINE_MAX_K);
    return TW_OK;
}

static tw_status check_media(const char *name, tw_bytes media, tw_error *err)
{
    if (media.len <= TW_WIRE_MAX_MEDIA)
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "%s has %zu bytes, at most %d are allowed", name, media.len,
                   TW_WIRE_MAX_MEDIA);
}

static tw_status check_shown(const tw_embed_query *q, tw_error *err)
{
    tw_status st = TW_OK;
    const bool shown = q->text != NULL || q->image.len > 0 || q->audio.len > 0;
    if ((q->item != NULL) == shown)
        return tw_fail(err, TW_EINVAL, "give either an item, or any of text, image and audio");
    if (q->item != NULL)
        return check_text("item", q->item, 1, TW_WIRE_MAX_NAME, err);
    if (q->text != NULL)
        TW_TRY(check_text("text", q->text, 0, TW_STORE_MAX_TEXT, err));
    TW_TRY(check_media("the image of the query", q->image, err));
    TW_TRY(check_media("the audio of the query", q->audio, err));
done:
    return st;
}

/* As the sequential model has them, which this side of the wire does not link; NaN is outside. */
static tw_status check_range(const char *name, double x, double most, tw_error *err)
{
    if (x >= 0 && x <= most)
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "%s %g is outside 0..%g", name, x, most);
}

static tw_status check_next(const tw_next_query *q, tw_error *err)
{
    tw_status st = TW_OK;
    bool has_user = q->user != NULL && q->user[0] != '\0';
    if (has_user == (q->n_history > 0))
        return tw_fail(err, TW_EINVAL, "give exactly one of user and history");
    if (q->n_history < 0 || q->n_history > TW_ENGINE_MAX_HISTORY)
        return tw_fail(err, TW_EINVAL, "a history of %d items is outside 1..%d", q->n_history,
                       TW_ENGINE_MAX_HISTORY);
    if (has_user)
        TW_TRY(check_key("user", q->user, err));
    for (int i = 0; i < q->n_history; i++)
        TW_TRY(check_text("an item of the history", q->history[i], 1, TW_WIRE_MAX_NAME, err));
    TW_TRY(check_k(q->k, err));
    TW_TRY(check_range("diversity", q->diversity, 1, err));
    TW_TRY(check_range("popularity_discount", q->popularity_discount, TW_ENGINE_MAX_DISCOUNT, err));
done:
    return st;
}

static tw_status check_put(const tw_item *item, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(check_key("id", item->id, err));
    TW_TRY(check_text("title", item->title, 0, TW_STORE_MAX_TITLE, err));
    TW_TRY(check_text("text", item->text, 0, TW_STORE_MAX_TEXT, err));
    TW_TRY(check_text("attributes", item->attributes, 0, TW_STORE_MAX_ATTRIBUTES, err));
    TW_TRY(check_text("image", item->image, 0, TW_STORE_MAX_MEDIA, err));
    TW_TRY(check_text("audio", item->audio, 0, TW_STORE_MAX_MEDIA, err));
done:
    return st;
}

static tw_status check_record(const tw_request *q, tw_error *err)
{
    tw_status st = check_key("user", q->record.user, err);
    if (st == TW_OK)
        st = check_text("item", q->record.item, 1, TW_WIRE_MAX_NAME, err);
    if (st == TW_OK && (q->record.micros <= -1000000 || q->record.micros >= 1000000))
        st = tw_fail(err, TW_EINVAL, "micros %d are outside -999999..999999",
                     (int) q->record.micros);
    return st;
}

static tw_status check_call(const tw_request *q, tw_error *err)
{
    tw_status st = TW_OK;
    switch (q->call) {
    case TW_CALL_SIMILAR:
        TW_TRY(check_shown(&(tw_embed_query){.item = q->similar.item,
                                             .text = q->similar.text,
                                             .image = q->similar.image,
                                             .audio = q->similar.audio},
                           err));
        TW_TRY(check_k(q->similar.k, err));
        break;
    case TW_CALL_NEXT: TW_TRY(check_next(&q->next, err)); break;
    case TW_CALL_EMBED: TW_TRY(check_shown(&q->embed, err)); break;
    case TW_CALL_PUT: TW_TRY(check_put(&q->put, err)); break;
    case TW_CALL_DELETE: TW_TRY(check_key("id", q->erase.id, err)); break;
    case TW_CALL_GET: TW_TRY(check_text("item", q->get.item, 1, TW_WIRE_MAX_NAME, err)); break;
    case TW_CALL_RECORD: TW_TRY(check_record(q, err)); break;
    case TW_CALL_STATS:
    case TW_CALL_HEALTH: break;
    case TW_CALL_NONE:
        st = tw_fail(err, TW_EUNSUPPORTED, "the request names no call that this server knows");
    }
done:
    return st;
}

static tw_status check_request(const tw_request *q, tw_error *err)
{
    tw_status st = TW_OK;
    if (q->version != TW_WIRE_VERSION)
        return tw_fail(err, TW_EUNSUPPORTED, "version %u of the contract is not known here, %d is",
                       (unsigned) q->version, TW_WIRE_VERSION);
    if (q->id.len > TW_WIRE_MAX_REQUEST_ID)
        return tw_fail(err, TW_EINVAL, "request_id has %zu bytes, at most %d are allowed",
                       q->id.len, TW_WIRE_MAX_REQUEST_ID);
    if (q->deadline_ms > TW_WIRE_MAX_DEADLINE_MS)
        return tw_fail(err, TW_EINVAL, "deadline_ms %u is over %d", (unsigned) q->deadline_ms,
                       TW_WIRE_MAX_DEADLINE_MS);
    TW_TRY(check_text("api_key", q->api_key, 0, TW_WIRE_MAX_API_KEY, err));
    TW_TRY(check_call(q, err));
done:
    return st;
}

/* ---- to bytes -------------------------------------------------------------------------------- */

typedef union call_message {
    Twindex__V1__SimilarRequest similar;
    Twindex__V1__NextRequest next;
    Twindex__V1__EmbedRequest embed;
    Twindex__V1__PutRequest put;
    Twindex__V1__DeleteRequest erase;
    Twindex__V1__GetRequest get;
    Twindex__V1__RecordRequest record;
    Twindex__V1__StatsRequest stats;
    Twindex__V1__HealthRequest health;
} call_message;

static ProtobufCBinaryData media_to_message(tw_bytes media)
{
    return (ProtobufCBinaryData){media.len, twi_lend_bytes(media.data)};
}

static void fill_similar(Twindex__V1__SimilarRequest *m, const tw_similar_query *q)
{
    twindex__v1__similar_request__init(m);
    m->k = (uint32_t) q->k;
    m->exact = q->exact;
    m->image = media_to_message(q->image);
    m->audio = media_to_message(q->audio);
    if (q->item != NULL) {
        m->query_case = TWINDEX__V1__SIMILAR_REQUEST__QUERY_ITEM;
        m->item = twi_lend(q->item);
    } else if (q->text != NULL) {
        m->query_case = TWINDEX__V1__SIMILAR_REQUEST__QUERY_TEXT;
        m->text = twi_lend(q->text);
    }
}

static tw_status fill_next(tw_wire *w, Twindex__V1__NextRequest *m, const tw_next_query *q,
                           tw_error *err)
{
    twindex__v1__next_request__init(m);
    m->user = twi_lend(q->user);
    m->k = (uint32_t) q->k;
    m->include_seen = q->include_seen;
    m->diversity = q->diversity;
    m->popularity_discount = q->popularity_discount;
    if (q->n_history == 0)
        return TW_OK;
    m->history = twi_wire_take(w, (size_t) q->n_history, sizeof *m->history);
    if (m->history == NULL)
        return tw_fail(err, TW_ENOMEM, "history of %d items", q->n_history);
    m->n_history = (size_t) q->n_history;
    for (size_t i = 0; i < m->n_history; i++)
        m->history[i] = twi_lend(q->history[i]);
    return TW_OK;
}

static void fill_embed(Twindex__V1__EmbedRequest *m, const tw_embed_query *q)
{
    twindex__v1__embed_request__init(m);
    m->image = media_to_message(q->image);
    m->audio = media_to_message(q->audio);
    if (q->item != NULL) {
        m->query_case = TWINDEX__V1__EMBED_REQUEST__QUERY_ITEM;
        m->item = twi_lend(q->item);
    } else if (q->text != NULL) {
        m->query_case = TWINDEX__V1__EMBED_REQUEST__QUERY_TEXT;
        m->text = twi_lend(q->text);
    }
}

static void fill_record(Twindex__V1__RecordRequest *m, const tw_request *q)
{
    twindex__v1__record_request__init(m);
    m->user = twi_lend(q->record.user);
    m->item = twi_lend(q->record.item);
    m->time = q->record.time;
    m->micros = q->record.micros;
    m->allow_future = q->record.allow_future;
}

/* Sets m->call_case and the member it names, which lives in *c and *item. The calls are numbered
 * like the fields, less 9. */
static tw_status fill_call(tw_wire *w, Twindex__V1__Request *m, call_message *c,
                           Twindex__V1__Item *item, const tw_request *q, tw_error *err)
{
    m->call_case = (Twindex__V1__Request__CallCase) (q->call + 9);
    m->similar = &c->similar; /* all members are pointers to the one union */
    switch (q->call) {
    case TW_CALL_SIMILAR: fill_similar(&c->similar, &q->similar); break;
    case TW_CALL_NEXT: return fill_next(w, &c->next, &q->next, err);
    case TW_CALL_EMBED: fill_embed(&c->embed, &q->embed); break;
    case TW_CALL_PUT:
        twindex__v1__put_request__init(&c->put);
        twi_item_to_message(item, &q->put);
        c->put.item = item;
        break;
    case TW_CALL_DELETE:
        twindex__v1__delete_request__init(&c->erase);
        c->erase.id = twi_lend(q->erase.id);
        break;
    case TW_CALL_GET:
        twindex__v1__get_request__init(&c->get);
        c->get.item = twi_lend(q->get.item);
        break;
    case TW_CALL_RECORD: fill_record(&c->record, q); break;
    case TW_CALL_STATS: twindex__v1__stats_request__init(&c->stats); break;
    case TW_CALL_HEALTH: twindex__v1__health_request__init(&c->health); break;
    case TW_CALL_NONE: return tw_fail(err, TW_EUNSUPPORTED, "no call is named");
    }
    return TW_OK;
}

tw_status tw_request_encode(tw_wire *w, const tw_request *q, tw_bytes *out, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t before = w->used; /* a decoded message may be alive below it */
    tw_request checked = *q;
    Twindex__V1__Request m;
    Twindex__V1__Item item;
    call_message c;

    *out = (tw_bytes){0};
    if (checked.version == 0)
        checked.version = TW_WIRE_VERSION;
    TW_TRY(check_request(&checked, err));

    twindex__v1__request__init(&m);
    m.version = checked.version;
    m.request_id = (ProtobufCBinaryData){q->id.len, twi_lend_bytes(q->id.data)};
    m.deadline_ms = q->deadline_ms;
    m.api_key = twi_lend(q->api_key);
    TW_TRY(fill_call(w, &m, &c, &item, q, err));
    TW_TRY(twi_wire_pack(w, &m.base, TW_WIRE_MAX_REQUEST, "request", out, err));
    TW_TRY(twi_wire_scan(m.base.descriptor, out->data, out->len, err));
done:
    if (st != TW_OK)
        *out = (tw_bytes){0};
    w->used = before;
    return st;
}

/* ---- and back -------------------------------------------------------------------------------- */

/* A k that no int holds is out of range all the same. */
static int k_of(uint32_t k) { return k > INT_MAX ? INT_MAX : (int) k; }

static void read_similar(tw_similar_query *q, const Twindex__V1__SimilarRequest *m)
{
    q->k = k_of(m->k);
    q->exact = m->exact != 0;
    q->image = (tw_bytes){m->image.data, m->image.len};
    q->audio = (tw_bytes){m->audio.data, m->audio.len};
    if (m->query_case == TWINDEX__V1__SIMILAR_REQUEST__QUERY_ITEM)
        q->item = m->item;
    else if (m->query_case == TWINDEX__V1__SIMILAR_REQUEST__QUERY_TEXT)
        q->text = m->text;
}

static tw_status read_next(tw_wire *w, tw_next_query *q, const Twindex__V1__NextRequest *m,
                           tw_error *err)
{
    q->user = m->user[0] != '\0' ? m->user : NULL;
    q->k = k_of(m->k);
    q->include_seen = m->include_seen != 0;
    q->diversity = m->diversity;
    q->popularity_discount = m->popularity_discount;
    q->n_history = m->n_history > INT_MAX ? INT_MAX : (int) m->n_history;
    if (q->n_history == 0 || q->n_history > TW_ENGINE_MAX_HISTORY)
        return TW_OK; /* check_next has the sentence */
    const char **history = twi_wire_take(w, m->n_history, sizeof *history);
    if (history == NULL)
        return tw_fail(err, TW_EINVAL, "the history needs too much memory to read");
    for (size_t i = 0; i < m->n_history; i++)
        history[i] = m->history[i];
    q->history = history;
    return TW_OK;
}

static void read_embed(tw_embed_query *q, const Twindex__V1__EmbedRequest *m)
{
    q->image = (tw_bytes){m->image.data, m->image.len};
    q->audio = (tw_bytes){m->audio.data, m->audio.len};
    if (m->query_case == TWINDEX__V1__EMBED_REQUEST__QUERY_ITEM)
        q->item = m->item;
    else if (m->query_case == TWINDEX__V1__EMBED_REQUEST__QUERY_TEXT)
        q->text = m->text;
}

static tw_status read_call(tw_wire *w, tw_request *q, const Twindex__V1__Request *m, tw_error *err)
{
    switch (m->call_case) {
    case TWINDEX__V1__REQUEST__CALL_SIMILAR:
        q->call = TW_CALL_SIMILAR;
        read_similar(&q->similar, m->similar);
        break;
    case TWINDEX__V1__REQUEST__CALL_NEXT:
        q->call = TW_CALL_NEXT;
        return read_next(w, &q->next, m->next, err);
    case TWINDEX__V1__REQUEST__CALL_EMBED:
        q->call = TW_CALL_EMBED;
        read_embed(&q->embed, m->embed);
        break;
    case TWINDEX__V1__REQUEST__CALL_PUT:
        q->call = TW_CALL_PUT;
        if (m->put->item != NULL)
            twi_item_from_message(&q->put, m->put->item);
        break;
    case TWINDEX__V1__REQUEST__CALL_DELETE:
        q->call = TW_CALL_DELETE;
        q->erase.id = m->delete_->id;
        break;
    case TWINDEX__V1__REQUEST__CALL_GET:
        q->call = TW_CALL_GET;
        q->get.item = m->get->item;
        break;
    case TWINDEX__V1__REQUEST__CALL_RECORD:
        q->call = TW_CALL_RECORD;
        q->record.user = m->record->user;
        q->record.item = m->record->item;
        q->record.time = m->record->time;
        q->record.micros = m->record->micros;
        q->record.allow_future = m->record->allow_future != 0;
        break;
    case TWINDEX__V1__REQUEST__CALL_STATS: q->call = TW_CALL_STATS; break;
    case TWINDEX__V1__REQUEST__CALL_HEALTH: q->call = TW_CALL_HEALTH; break;
    default: break; /* check_call has the sentence */
    }
    return TW_OK;
}

tw_status tw_request_decode(tw_wire *w, tw_request *q, const void *bytes, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    ProtobufCMessage *base;

    *q = (tw_request){.api_key = ""};
    TW_TRY(twi_wire_unpack(w, &twindex__v1__request__descriptor, bytes, len, &base, err));
    const Twindex__V1__Request *m = (const Twindex__V1__Request *) base;
    q->version = m->version;
    if (m->request_id.len <= TW_WIRE_MAX_REQUEST_ID)
        q->id = (tw_bytes){m->request_id.data, m->request_id.len};
    else
        TW_TRY(tw_fail(err, TW_EINVAL, "request_id has %zu bytes, at most %d are allowed",
                       m->request_id.len, TW_WIRE_MAX_REQUEST_ID));
    q->deadline_ms = m->deadline_ms;
    q->api_key = m->api_key;
    TW_TRY(read_call(w, q, m, err));
    TW_TRY(check_request(q, err));
done:
    if (st != TW_OK)
        q->call = TW_CALL_NONE;
    return st;
}
