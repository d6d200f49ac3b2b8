/* index/index_graph.h — FAISS, status by status. Internal to index/.
 */
#ifndef TW_INDEX_INDEX_GRAPH_H
#define TW_INDEX_INDEX_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct FaissIndex_H; /* FAISS's index behind its C API; only index_graph.c and faiss_compat.cpp look
                        in */
typedef struct FaissIndex_H twi_graph;

typedef bool (*twi_write_fn)(void *ctx, const void *data, size_t len);
typedef bool (*twi_read_fn)(void *ctx, void *data, size_t len);

TW_NODISCARD tw_status twi_graph_create(twi_graph **out, int dim, const char *factory,
                                        int ef_construction, tw_error *err);
void twi_graph_free(twi_graph *g);
bool twi_graph_trained(const twi_graph *g);
TW_NODISCARD tw_status twi_graph_train(twi_graph *g, int64_t n, const float *x, int threads,
                                       tw_error *err);
TW_NODISCARD tw_status twi_graph_add(twi_graph *g, int64_t n, const float *x, int threads,
                                     tw_error *err);
/* rows (n, k), padded with -1, in no order to rely on; distances (n, k) are FAISS's own.
 * Thread-safe. */
TW_NODISCARD tw_status twi_graph_search(const twi_graph *g, int n, const float *q, int k, int ef,
                                        float *distances, int64_t *rows, tw_error *err);
TW_NODISCARD tw_status twi_graph_write(const twi_graph *g, twi_write_fn write, void *ctx,
                                       tw_error *err);
/* TW_ECORRUPT: FAISS does not understand it, or it has not n rows of width dim. */
TW_NODISCARD tw_status twi_graph_read(twi_graph **out, int64_t n, int dim, twi_read_fn read,
                                      void *ctx, tw_error *err);
/* Whether FAISS stores the rows as given, and where: (n, dim), valid while nothing is added. */
bool twi_graph_keeps_rows(const twi_graph *g);
const float *twi_graph_vectors(const twi_graph *g);
int64_t twi_graph_link_bytes(const twi_graph *g);

#endif
