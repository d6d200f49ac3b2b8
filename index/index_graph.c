/* FAISS, status by status. With faiss_compat.cpp the only place that knows its headers, which claim
 * names as short as OK and idx_t. */
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/index_factory_c.h>

#include "index/faiss_compat.h"
#include "index/index.h"
#include "index/index_graph.h"

void tw_index_single_thread(void) { twi_compat_set_threads(1); }

static tw_status compat_status(int code, const char *what, const char *msg, tw_error *err)
{
    switch (code) {
    case TWI_COMPAT_OK: return TW_OK;
    case TWI_COMPAT_NOMEM: return tw_fail(err, TW_ENOMEM, "FAISS %s: %s", what, msg);
    case TWI_COMPAT_IO: return tw_fail(err, TW_EIO, "FAISS %s: %s", what, msg);
    default: return tw_fail(err, TW_EINVAL, "FAISS %s: %s", what, msg);
    }
}

tw_status twi_graph_create(twi_graph **out, int dim, const char *factory, int ef_construction,
                           tw_error *err)
{
    char msg[TWI_COMPAT_MSG] = "";
    twi_graph *g = NULL;

    *out = NULL;
    int rc = faiss_index_factory(&g, dim, factory, METRIC_INNER_PRODUCT);
    if (rc != 0) {
        /* Its text stays in thread-local storage until the next call: copied at once. */
        return tw_fail(err, rc == STD_EXCEPT ? TW_ENOMEM : TW_EINVAL,
                       "FAISS refuses factory '%s' for dimension %d: %.200s", factory, dim,
                       faiss_get_last_error());
    }
    tw_status st = compat_status(twi_compat_set_construction(g, ef_construction, msg),
                                 "ef_construction", msg, err);
    if (st != TW_OK) {
        twi_graph_free(g);
        return st;
    }
    *out = g;
    return TW_OK;
}

void twi_graph_free(twi_graph *g)
{
    if (g != NULL)
        faiss_Index_free(g);
}

bool twi_graph_trained(const twi_graph *g) { return faiss_Index_is_trained(g) != 0; }

tw_status twi_graph_train(twi_graph *g, int64_t n, const float *x, int threads, tw_error *err)
{
    char msg[TWI_COMPAT_MSG] = "";
    return compat_status(twi_compat_train(g, n, x, threads, msg), "train", msg, err);
}

tw_status twi_graph_add(twi_graph *g, int64_t n, const float *x, int threads, tw_error *err)
{
    char msg[TWI_COMPAT_MSG] = "";
    return compat_status(twi_compat_add(g, n, x, threads, msg), "add", msg, err);
}

tw_status twi_graph_search(const twi_graph *g, int n, const float *q, int k, int ef,
                           float *distances, int64_t *rows, tw_error *err)
{
    char msg[TWI_COMPAT_MSG] = "";
    return compat_status(twi_compat_search(g, n, q, k, ef, distances, rows, msg), "search", msg,
                         err);
}

tw_status twi_graph_write(const twi_graph *g, twi_write_fn write, void *ctx, tw_error *err)
{
    char msg[TWI_COMPAT_MSG] = "";
    return compat_status(twi_compat_write(g, write, ctx, msg), "write", msg, err);
}

tw_status twi_graph_read(twi_graph **out, int64_t n, int dim, twi_read_fn read, void *ctx,
                         tw_error *err)
{
    char msg[TWI_COMPAT_MSG] = "";
    twi_graph *g = NULL;

    *out = NULL;
    int code = twi_compat_read(&g, read, ctx, msg);
    if (code == TWI_COMPAT_NOMEM)
        return tw_fail(err, TW_ENOMEM, "FAISS read: %s", msg);
    if (code != TWI_COMPAT_OK)
        return tw_fail(err, TW_ECORRUPT, "FAISS does not understand the graph: %s", msg);
    if (faiss_Index_ntotal(g) != n || faiss_Index_d(g) != dim) {
        tw_status st =
            tw_fail(err, TW_ECORRUPT, "graph has %lld rows of %d floats, want %lld of %d",
                    (long long) faiss_Index_ntotal(g), faiss_Index_d(g), (long long) n, dim);
        twi_graph_free(g);
        return st;
    }
    *out = g;
    return TW_OK;
}

bool twi_graph_keeps_rows(const twi_graph *g) { return twi_compat_keeps_rows(g); }
const float *twi_graph_vectors(const twi_graph *g) { return twi_compat_vectors(g); }
int64_t twi_graph_link_bytes(const twi_graph *g) { return twi_compat_link_bytes(g); }
