/* bench/speed/bench.h — how a benchmark says what it measured.
 *
 * A figure is a list of rounds, each beside its peer of the same round, and what
 * is reported is the ratio of the two: on a busy machine both move together. The
 * absolute numbers stand beside it and mean little elsewhere.
 *
 *     bench b;
 *     bench_begin(&b, "bench_index", "what does the graph buy?");
 *     bench_row(&b, "HNSW32, ef 64", "us/query", BENCH_LESS, us, "exact scan", exact_us, ROUNDS);
 *     return bench_end(&b, st, &err);
 *
 * stderr gets a table as it comes, stdout one JSON object at the end.
 */
#ifndef TW_BENCH_SPEED_BENCH_H
#define TW_BENCH_SPEED_BENCH_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

typedef enum bench_better { BENCH_LESS, BENCH_MORE } bench_better;

enum { BENCH_MAX_ROUNDS = 64 };

typedef struct bench {
    json_t *root, *rows;
    double start;
} bench;

void bench_begin(bench *b, const char *program, const char *question);

/* What was measured on: "users" 400. */
void bench_fact(bench *b, const char *key, double value);

/*   value, peer_value (n)  one number a round, n <= BENCH_MAX_ROUNDS; the peer's is not zero
 *
 * Reports median and best of value, the peer's median, and the median and best of value /
 * peer_value, taken round by round. */
void bench_row(bench *b, const char *name, const char *unit, bench_better better,
               const double *value, const char *peer, const double *peer_value, int n);

/* Writes the object when st is TW_OK, else err's sentence; frees b and returns main's exit code. */
int bench_end(bench *b, tw_status st, const tw_error *err);

/* Of n >= 1 values, which it sorts; share 0.5 is the median. */
double bench_quantile(double *values, int64_t n, double share);

#endif
