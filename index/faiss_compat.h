/* index/faiss_compat.h — what FAISS's C API lacks, in C's terms.
 *
 * FAISS 1.7.3's C API has no search parameters, no HNSW settings, no writer that is not a file.
 * Each function here is one C++ call in one try: no exception, no C++ type leaves. They return one
 * of the codes below and, when it is not 0, leave FAISS's words in msg.
 *
 * Every call sets OpenMP to the threads it is to use and puts back what was there.
 */
#ifndef TW_INDEX_FAISS_COMPAT_H
#define TW_INDEX_FAISS_COMPAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TWI_COMPAT_MSG 256

enum {
    TWI_COMPAT_OK = 0,
    TWI_COMPAT_REFUSED = 1, /* FAISS threw: an argument it does not take */
    TWI_COMPAT_NOMEM = 2,
    TWI_COMPAT_IO = 3, /* our own writer or reader said no */
};

struct FaissIndex_H;

int twi_compat_set_construction(struct FaissIndex_H *g, int ef, char *msg);
int twi_compat_train(struct FaissIndex_H *g, int64_t n, const float *x, int threads, char *msg);
int twi_compat_add(struct FaissIndex_H *g, int64_t n, const float *x, int threads, char *msg);
int twi_compat_search(const struct FaissIndex_H *g, int64_t n, const float *q, int64_t k, int ef,
                      float *distances, int64_t *rows, char *msg);
int twi_compat_write(const struct FaissIndex_H *g,
                     bool (*write)(void *ctx, const void *data, size_t len), void *ctx, char *msg);
int twi_compat_read(struct FaissIndex_H **out, bool (*read)(void *ctx, void *data, size_t len),
                    void *ctx, char *msg);
bool twi_compat_keeps_rows(const struct FaissIndex_H *g);
const float *twi_compat_vectors(const struct FaissIndex_H *g);
int64_t twi_compat_link_bytes(const struct FaissIndex_H *g);
/* Spherical k-means from the given centroids (k,dim), which become those of the end. x (n,dim) and
 * centroids are of length 1; at most `most` rows a centroid take part, drawn by seed. n >= k. */
int twi_compat_kmeans(int dim, int k, int64_t n, const float *x, int iterations, int most, int seed,
                      float *centroids, char *msg);
/* Of each of n rows the `nearest` (<= k) of k centroids by inner product, best first: scores and
 * labels (n,nearest). */
int twi_compat_nearest(int dim, int k, const float *centroids, int64_t n, const float *x,
                       int nearest, float *scores, int64_t *labels, char *msg);
void twi_compat_set_threads(int n);

#ifdef __cplusplus
}
#endif

#endif
