/* The only C++ file. Written against FAISS 1.7.3; keeps to what 1.11 and 1.13 also have: row
 * numbers are int64_t in all of them, under different names. */
#include "index/faiss_compat.h"

#include <faiss/Clustering.h>
#include <faiss/Index.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <omp.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <exception>
#include <new>

namespace
{

/* The C API's handle is this pointer under another name. */
faiss::Index *cpp(FaissIndex_H *g) { return reinterpret_cast<faiss::Index *>(g); }
const faiss::Index *cpp(const FaissIndex_H *g) { return reinterpret_cast<const faiss::Index *>(g); }

class threads_for_now
{
    int before;

  public:
    explicit threads_for_now(int n) : before(omp_get_max_threads()) { omp_set_num_threads(n); }
    ~threads_for_now() { omp_set_num_threads(before); }
    threads_for_now(const threads_for_now &) = delete;
    threads_for_now &operator=(const threads_for_now &) = delete;
};

/* Ours to throw, so that it can be distinguished from FAISS's own. */
struct io_refused : std::exception {
    const char *what() const noexcept override { return "the stream refused"; }
};

class stream_writer : public faiss::IOWriter
{
    bool (*write)(void *, const void *, size_t);
    void *ctx;

  public:
    stream_writer(bool (*write_)(void *, const void *, size_t), void *ctx_)
        : write(write_), ctx(ctx_)
    {
    }
    size_t operator()(const void *data, size_t size, size_t items) override
    {
        if (!write(ctx, data, size * items))
            throw io_refused();
        return items;
    }
};

class stream_reader : public faiss::IOReader
{
    bool (*read)(void *, void *, size_t);
    void *ctx;

  public:
    stream_reader(bool (*read_)(void *, void *, size_t), void *ctx_) : read(read_), ctx(ctx_) {}
    size_t operator()(void *data, size_t size, size_t items) override
    {
        return read(ctx, data, size * items) ? items : 0;
    }
};

int failed(char *msg, int code, const char *what)
{
    (void) std::snprintf(msg, TWI_COMPAT_MSG, "%s", what);
    return code;
}

/* FAISS's text begins with the place in its source ("Error in ... at ...: "), which helps no user.
 */
const char *without_place(const char *text)
{
    const char *from = text;
    for (const char *p = text; *p != '\0'; p++)
        if (p[0] == ':' && p[1] == ' ')
            from = p + 2;
    return from;
}

/* Runs body, which returns nothing, and turns what it throws into a code. */
template <typename F> int guarded(char *msg, F body) noexcept
{
    try {
        body();
        return TWI_COMPAT_OK;
    } catch (const io_refused &e) {
        return failed(msg, TWI_COMPAT_IO, e.what());
    } catch (const std::bad_alloc &) {
        return failed(msg, TWI_COMPAT_NOMEM, "out of memory");
    } catch (const std::exception &e) {
        return failed(msg, TWI_COMPAT_REFUSED, without_place(e.what()));
    } catch (...) {
        return failed(msg, TWI_COMPAT_REFUSED, "an unknown exception");
    }
}

void search_hnsw(const faiss::IndexHNSW &index, int64_t n, const float *q, int64_t k, int ef,
                 float *distances, int64_t *rows)
{
    faiss::SearchParametersHNSW params;
    params.efSearch = ef;
    index.search(n, q, k, distances, rows, &params);
}

/* Here ef is the number of lists to probe. */
void search_ivf(const faiss::IndexIVF &index, int64_t n, const float *q, int64_t k, int ef,
                float *distances, int64_t *rows)
{
    faiss::SearchParametersIVF params;
    params.nprobe = std::min(static_cast<size_t>(ef), static_cast<size_t>(index.nlist));
    index.search(n, q, k, distances, rows, &params);
}

/* The full rows inside an HNSW or flat index; NULL when it keeps only codes of them. */
const faiss::IndexFlat *flat_storage(const FaissIndex_H *g)
{
    const auto *hnsw = dynamic_cast<const faiss::IndexHNSW *>(cpp(g));
    return dynamic_cast<const faiss::IndexFlat *>(hnsw != nullptr ? hnsw->storage : cpp(g));
}

} // namespace

extern "C" {

int twi_compat_set_construction(FaissIndex_H *g, int ef, char *msg)
{
    return guarded(msg, [&] {
        auto *hnsw = dynamic_cast<faiss::IndexHNSW *>(cpp(g));
        if (hnsw != nullptr)
            hnsw->hnsw.efConstruction = ef;
    });
}

int twi_compat_train(FaissIndex_H *g, int64_t n, const float *x, int threads, char *msg)
{
    threads_for_now guard(threads);
    return guarded(msg, [&] { cpp(g)->train(n, x); });
}

int twi_compat_add(FaissIndex_H *g, int64_t n, const float *x, int threads, char *msg)
{
    threads_for_now guard(threads);
    return guarded(msg, [&] { cpp(g)->add(n, x); });
}

int twi_compat_search(const FaissIndex_H *g, int64_t n, const float *q, int64_t k, int ef,
                      float *distances, int64_t *rows, char *msg)
{
    assert(g != nullptr);
    threads_for_now guard(1);
    return guarded(msg, [&] {
        const faiss::Index &index = *cpp(g);
        const auto *hnsw = dynamic_cast<const faiss::IndexHNSW *>(&index);
        const auto *ivf = dynamic_cast<const faiss::IndexIVF *>(&index);

        if (hnsw != nullptr)
            search_hnsw(*hnsw, n, q, k, ef, distances, rows);
        else if (ivf != nullptr)
            search_ivf(*ivf, n, q, k, ef, distances, rows);
        else
            index.search(n, q, k, distances, rows);
    });
}

int twi_compat_write(const FaissIndex_H *g, bool (*write)(void *ctx, const void *data, size_t len),
                     void *ctx, char *msg)
{
    return guarded(msg, [&] {
        stream_writer writer(write, ctx);
        faiss::write_index(cpp(g), &writer);
    });
}

int twi_compat_read(FaissIndex_H **out, bool (*read)(void *ctx, void *data, size_t len), void *ctx,
                    char *msg)
{
    return guarded(msg, [&] {
        stream_reader reader(read, ctx);
        *out = reinterpret_cast<FaissIndex_H *>(faiss::read_index(&reader));
    });
}

bool twi_compat_keeps_rows(const FaissIndex_H *g) { return flat_storage(g) != nullptr; }

const float *twi_compat_vectors(const FaissIndex_H *g)
{
    const faiss::IndexFlat *flat = flat_storage(g);
    return flat != nullptr ? flat->get_xb() : nullptr;
}

int64_t twi_compat_link_bytes(const FaissIndex_H *g)
{
    const auto *hnsw = dynamic_cast<const faiss::IndexHNSW *>(cpp(g));
    if (hnsw == nullptr)
        return 0;
    return static_cast<int64_t>(hnsw->hnsw.neighbors.size() * sizeof(faiss::HNSW::storage_idx_t) +
                                hnsw->hnsw.offsets.size() * sizeof(size_t));
}

int twi_compat_kmeans(int dim, int k, int64_t n, const float *x, int iterations, int most, int seed,
                      float *centroids, char *msg)
{
    threads_for_now guard(1);
    return guarded(msg, [&] {
        faiss::Clustering clustering(dim, k);
        faiss::IndexFlatIP index(dim);
        clustering.niter = iterations;
        clustering.spherical = true;
        clustering.seed = seed;
        clustering.min_points_per_centroid = 1; /* below it FAISS prints a warning */
        clustering.max_points_per_centroid = most;
        clustering.centroids.assign(centroids, centroids + clustering.d * clustering.k);
        clustering.train(n, x, index);
        std::copy(clustering.centroids.begin(), clustering.centroids.end(), centroids);
    });
}

int twi_compat_nearest(int dim, int k, const float *centroids, int64_t n, const float *x,
                       int nearest, float *scores, int64_t *labels, char *msg)
{
    threads_for_now guard(1);
    return guarded(msg, [&] {
        faiss::IndexFlatIP index(dim);
        index.add(k, centroids);
        index.search(n, x, nearest, scores, labels);
    });
}

void twi_compat_set_threads(int n) { omp_set_num_threads(n); }
} /* extern "C" */
