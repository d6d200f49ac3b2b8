/* A hostile peer: a plain socket, speaking nng's framing by hand, so that it can break off, flood,
 * lie or never read. One thread each; every wait ends after RAW_PATIENCE_S.
 *
 * SP over TCP: both sides send 00 'S' 'P' 00, their protocol (REQ 0x30, REP 0x31) as two bytes, 00
 * 00. Then messages: on ipc a byte 1, then 8 bytes of length, big-endian, and the bytes. A REQ
 * message begins with 4 bytes of number, the highest bit set; the reply repeats them. */
#ifndef TW_TESTS_INTEGRATION_RPC_RAW_H
#define TW_TESTS_INTEGRATION_RPC_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAW_PATIENCE_S 20

/* Connected, nothing said. url is tcp://127.0.0.1:PORT or ipc://PATH. rcvbuf: 0 or SO_RCVBUF in
 * bytes. Fails the test when it cannot. */
int raw_connect(const char *url, int rcvbuf);

/* The same with both handshakes done. */
int raw_peer(const char *url, int rcvbuf);

/* All bytes are out, or (false) the other side has closed. */
bool raw_send(int fd, const void *data, size_t len);

/* One request whose number is `number`. */
bool raw_request(int fd, uint32_t number, const void *body, size_t len);

/* Exactly len bytes, or (false) the other side has closed. */
bool raw_receive(int fd, void *data, size_t len);

/* One reply of at most room bytes: its length, its number in *number; -1: closed. */
long raw_reply(int fd, uint32_t *number, void *body, size_t room);

/* Reads until nothing has come for a quarter of a second, or the other side closes. */
void raw_read_all(int fd);

/* True when the other side closes, whatever it sends before. */
bool raw_closed(int fd);

/* A TCP port of this machine that accepts and never says a word; *url (64 bytes) names it. */
int raw_silent_listener(char *url);

#endif
