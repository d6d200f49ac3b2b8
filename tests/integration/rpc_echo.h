/* A server with a handler of the tests' own: no wire format, no engine. It echoes; "hold..." waits
 * until it is let go; "...big" is answered with
 * ECHO_BIG bytes; the answer to "wrong" is slow;
 * "alive?" is answered "alive" by nobody's worker. And the clients to go with it. */
#ifndef TW_TESTS_INTEGRATION_RPC_ECHO_H
#define TW_TESTS_INTEGRATION_RPC_ECHO_H

#include <nng/nng.h>
#include <stdbool.h>
#include <stddef.h>

#include "rpc/server.h"

#define ECHO_BIG ((size_t) 256 * 1024)
#define ANY      "tcp://127.0.0.1:0"

/* The group's setup: calls that hold are let go. */
int echo_setup(void **state);

void echo(void *ctx, int worker, tw_bytes request, double waited_s, tw_server_reply *reply);

/* Whether "hold" waits (false) or goes on (true). */
void set_open(bool open);

/* The first letters of the requests that the handler got since set_open(false), in their order. */
void get_order(char out[64]);

/* Until n calls hold. */
void wait_for_holding(int n);

/* An echo server on url, whose refusals are "BUSY" and "STOPPING". */
tw_server *serve(const char *url, tw_server_config cfg);

tw_server_counters counters(tw_server *srv);

/* Until the counter at `offset` is `want`. */
void wait_for_counter(tw_server *srv, size_t offset, int64_t want);
#define WAIT_FOR(srv, counter, want)                                                               \
    wait_for_counter((srv), offsetof(tw_server_counters, counter), (want))

nng_socket good_client(const char *url);

/* 0, or nng's number for what went wrong; -1: the answer is not `want`. */
int ask(nng_socket s, const char *text, const char *want);

void assert_works(tw_server *srv);

/* A client for a thread of its own: it asks 200 times, or until the server is gone. */
typedef struct crowd {
    char url[TW_SERVER_MAX_URL];
    int number;
    bool until_refused;
    int answered; /* to be read after the thread has ended */
} crowd;

crowd one_of(tw_server *srv, int number, bool until_refused);
void *many_questions(void *arg);

#endif
