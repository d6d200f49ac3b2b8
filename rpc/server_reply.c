/* The way out: answers to sockets. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "rpc/server_state.h"

#define BLOCK_FIRST ((size_t) 512) /* bytes; refusals share blocks, which then double to */
#define BLOCK_MOST  ((size_t) 16384)

/* ---- blocks ---------------------------------------------------------------------------------- */

static twi_block *make_block(tw_server *srv, size_t room)
{
    if (srv->unsent_bytes + room > TW_SERVER_UNSENT_BYTES)
        return NULL;
    twi_block *b = tw_realloc(NULL, 1, sizeof *b + room);
    if (b != NULL) {
        *b = (twi_block){.room = room};
        srv->unsent_bytes += room;
    }
    return b;
}

static void free_block(tw_server *srv, twi_block *b)
{
    srv->unsent_bytes -= b->room;
    tw_free(b);
}

static void append_bytes(twi_block *b, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
}

static void append_block(twi_connection *c, twi_block *b)
{
    if (c->out_last == NULL) {
        c->out = b;
        c->progress = tw_clock_monotonic();
        c->took = 0;
    } else {
        c->out_last->next = b;
    }
    c->out_last = b;
}

/* The connection can no longer be answered: the I/O thread hears of it and ends it. */
static void give_up(twi_connection *c)
{
    c->broken = true;
    (void) shutdown(c->fd, SHUT_RDWR);
}

static void lose(twi_connection *c, int answers)
{
    c->srv->count.unsent += answers;
    twi_queue_done(c->srv, answers);
}

static void drop_list(twi_connection *c, twi_block *b)
{
    while (b != NULL) {
        twi_block *next = b->next;
        lose(c, b->answers);
        free_block(c->srv, b);
        b = next;
    }
}

void twi_reply_drop(twi_connection *c)
{
    if (c->writing)
        return; /* the thread that writes will call this */
    drop_list(c, c->out);
    drop_list(c, c->held);
    c->out = c->out_last = c->held = NULL;
}

/* ---- writing --------------------------------------------------------------------------------- */

static ssize_t write_parts(int fd, struct iovec *parts, int n)
{
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = (size_t) n};
    ssize_t sent;
    do {
        sent = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK) ? sent : 0;
}

/* Writes the parts without the lock; how many bytes the connection took. */
static size_t write_unlocked(twi_connection *c, struct iovec *parts, int n)
{
    c->writing = true;
    (void) pthread_mutex_unlock(&c->srv->lock);
    ssize_t sent = write_parts(c->fd, parts, n);
    (void) pthread_mutex_lock(&c->srv->lock);
    c->writing = false;
    if (c->dead)
        twi_reply_drop(c);
    else if (sent < 0)
        give_up(c);
    return sent < 0 ? 0 : (size_t) sent;
}

static void note_progress(twi_connection *c, size_t sent)
{
    c->took += sent;
    if (sent > 0 && c->took >= TW_SERVER_SEND_STEP) {
        c->progress = tw_clock_monotonic();
        c->took = 0;
    }
}

/* What epoll is to watch, now that something has changed. */
static void watch(twi_connection *c)
{
    uint32_t interest = 0;
    if (!c->ended && !c->broken && !c->resting && c->out == NULL && c->held == NULL)
        interest |= EPOLLIN;
    if (c->out != NULL && !c->broken && !c->writing)
        interest |= EPOLLOUT;
    if (c->dead || interest == c->interest)
        return;
    struct epoll_event e = {.events = interest, .data.ptr = c};
    if (epoll_ctl(c->srv->epoll, EPOLL_CTL_MOD, c->fd, &e) != 0) {
        give_up(c);
        return;
    }
    c->interest = interest;
    if (c->out != NULL || c->held != NULL)
        twi_io_wake(c->srv);
}

/* A peer that has ended its side and got all its answers. */
static bool is_finished(const twi_connection *c)
{
    return c->ended && c->waiting == 0 && c->working == 0 && c->out == NULL && c->held == NULL &&
           !c->writing;
}

void twi_reply_flush(twi_connection *c)
{
    tw_server *srv = c->srv;
    while (c->out != NULL && !c->writing && !c->dead && !c->broken) {
        twi_block *b = c->out;
        struct iovec part = {b->data + b->sent, b->len - b->sent};
        size_t sent = write_unlocked(c, &part, 1);
        if (c->dead)
            return;
        b->sent += sent;
        note_progress(c, sent);
        if (sent < part.iov_len)
            break;
        if (b->sent < b->len)
            continue; /* it has grown meanwhile */
        c->out = b->next;
        if (c->out == NULL)
            c->out_last = NULL;
        srv->count.answered += b->answers;
        twi_queue_done(srv, b->answers);
        free_block(srv, b);
    }
    if (c->dead)
        return;
    if (is_finished(c) && !c->broken)
        give_up(c);
    twi_queue_enroll(c);
    watch(c);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* The parts, less `skip` bytes, in a block of their own; NULL: there is no room for it. */
static twi_block *keep(twi_connection *c, const struct iovec parts[2], size_t skip)
{
    size_t len = parts[0].iov_len + parts[1].iov_len - skip;
    twi_block *b = make_block(c->srv, len);
    for (int i = 0; b != NULL && i < 2; i++) {
        size_t gone = skip < parts[i].iov_len ? skip : parts[i].iov_len;
        skip -= gone;
        append_bytes(b, (const uint8_t *) parts[i].iov_base + gone, parts[i].iov_len - gone);
    }
    if (b != NULL)
        b->answers = 1;
    return b;
}

/* When the answer may go: a slow one moves the moment on for all that its peer asks. */
static double due_of(twi_connection *c, double now, bool slow)
{
    const double step = 1e-3 * TW_SERVER_SLOW_MS, most = now + 1e-3 * TW_SERVER_SLOW_MOST_MS;
    double *next = &c->srv->peers[c->peer];
    if (slow)
        *next = step + (*next > now ? *next : now);
    if (*next > most + TW_SERVER_SLOW_FREE * step)
        *next = most + TW_SERVER_SLOW_FREE * step;
    return *next - TW_SERVER_SLOW_FREE * step;
}

bool twi_reply_is_slowed(const twi_connection *c, double now)
{
    const double step = 1e-3 * TW_SERVER_SLOW_MS;
    return !c->trusted && c->srv->peers[c->peer] - TW_SERVER_SLOW_FREE * step > now;
}

/* True: the answer is dealt with, if only by giving up. */
static bool hold_back(twi_connection *c, const struct iovec parts[2], bool slow)
{
    double now = tw_clock_monotonic();
    double due = slow || !c->trusted ? due_of(c, now, slow) : now;
    c->trusted = c->trusted || !slow;
    if (due <= now || c->srv->stopping)
        return false;
    twi_block *b = keep(c, parts, 0);
    if (b == NULL) {
        lose(c, 1);
        give_up(c);
        return true;
    }
    b->due = due;
    twi_block **at = &c->held;
    while (*at != NULL)
        at = &(*at)->next;
    *at = b;
    return true;
}

/* Writes what the connection takes at once; the rest goes before what others added meanwhile. */
static void send_now(twi_connection *c, struct iovec parts[2])
{
    size_t len = parts[0].iov_len + parts[1].iov_len;
    size_t sent = write_unlocked(c, parts, 2);
    if (sent == len) {
        c->srv->count.answered++;
        twi_queue_done(c->srv, 1);
        return;
    }
    twi_block *b = c->dead || c->broken ? NULL : keep(c, parts, sent);
    if (b == NULL) {
        lose(c, 1);
        if (!c->dead && !c->broken)
            give_up(c);
        return;
    }
    twi_block *rest = c->out, *last = c->out_last;
    c->out = c->out_last = NULL;
    append_block(c, b);
    if (rest != NULL) {
        b->next = rest;
        c->out_last = last;
    }
}

static void send_parts(twi_connection *c, struct iovec parts[2], bool slow)
{
    if (c->dead || c->broken) {
        lose(c, 1);
        return;
    }
    if (hold_back(c, parts, slow))
        return;
    if (c->out == NULL && !c->writing) {
        send_now(c, parts);
        return;
    }
    twi_block *b = keep(c, parts, 0);
    if (b != NULL) {
        append_block(c, b);
    } else {
        lose(c, 1);
        give_up(c);
    }
}

/* sendmsg() reads only, but its struct has no const. */
static void *lend(const void *p)
{
    void *same;
    memcpy(&same, &p, sizeof same);
    return same;
}

void twi_reply_send(twi_connection *c, const twi_sp_request *to, const tw_server_reply *reply)
{
    uint8_t head[TWI_SP_MAX_HEAD];
    size_t n = twi_sp_reply_head(head, c->ipc, to->bytes, to->path, reply->bytes.len);
    struct iovec parts[2] = {{head, n}, {lend(reply->bytes.data), reply->bytes.len}};
    send_parts(c, parts, reply->slow);
    twi_reply_flush(c);
}

/* Room for a block after `last`, or for the first, that takes len bytes at least. */
static size_t next_room(const twi_block *last, size_t len)
{
    size_t room = last == NULL ? BLOCK_FIRST : 2 * last->room;
    if (room > BLOCK_MOST)
        room = BLOCK_MOST;
    return room < len ? len : room;
}

void twi_reply_append(twi_connection *c, const twi_sp_request *to, tw_bytes bytes, int answers)
{
    uint8_t head[TWI_SP_MAX_HEAD];
    size_t n = twi_sp_reply_head(head, c->ipc, to->bytes, to->path, bytes.len), len = n + bytes.len;
    twi_block *b = c->out_last;
    bool lost = c->dead || c->broken;
    if (!lost && (b == NULL || b->room - b->len < len)) {
        b = make_block(c->srv, next_room(b, len));
        if (b != NULL)
            append_block(c, b);
        lost = b == NULL;
    }
    if (lost) {
        lose(c, answers);
        if (!c->dead && !c->broken)
            give_up(c);
        return;
    }
    append_bytes(b, head, n);
    append_bytes(b, bytes.data, bytes.len);
    b->answers += answers;
}

void twi_reply_release(twi_connection *c, double now)
{
    while (c->held != NULL && (c->held->due <= now || c->srv->stopping)) {
        twi_block *b = c->held;
        c->held = b->next;
        b->next = NULL;
        append_block(c, b);
    }
}
