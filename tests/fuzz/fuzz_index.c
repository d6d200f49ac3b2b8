/* Arbitrary bytes as a snapshot. First as they are; then with both checksums made right, so that
 * what lies behind them is reached. Not so with a graph: FAISS trusts what it reads, and the
 * checksum is what stands before it. What loads must work and save. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "index/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(tw_index *ix)
{
    static float q[TW_INDEX_MAX_DIM];
    tw_hit hits[8];
    int n;
    tw_index_stats s;
    if (tw_index_search(ix, q, 8, NULL, hits, &n, NULL) != TW_OK)
        abort();
    tw_index_get_stats(ix, &s);
    if (s.live != tw_index_size(ix) || n != (s.live < 8 ? s.live : 8))
        abort();
    for (int i = 0; i < n; i++)
        if (tw_index_get(ix, hits[i].item, q, NULL) != TW_OK)
            abort();
    if (tw_index_put(ix, 7, q, NULL) != TW_OK || tw_index_merge(ix, NULL, NULL, NULL) != TW_OK)
        abort();
}

static void try_load(const uint8_t *data, size_t size)
{
    const tw_index_config cfg = {.factory = "Flat"};
    tw_index_snapshot info;
    tw_index *ix = NULL;
    char path[64];
    const int fd = memfd_create("snapshot", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t) size)
        abort();
    (void) snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const tw_status peeked = tw_index_peek(path, &info, NULL);
    const tw_status st = tw_index_load(&ix, &cfg, path, &info, NULL);
    if ((st == TW_OK) != (ix != NULL) || (st == TW_OK && peeked != TW_OK))
        abort();
    if (ix != NULL)
        use(ix);
    tw_index_destroy(ix);
    (void) close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_load(data, size);
    if (size < 348 || size > 1 << 16 || (data[20] & 1) != 0)
        return 0;

    uint8_t *copy = malloc(size);
    const uint64_t whole = size;
    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    uint32_t crc = tw_crc32(0, copy, 316);
    memcpy(copy + 316, &crc, 4);
    memcpy(copy + size - 20, &whole, 8);
    crc = tw_crc32(0, copy, size - 4);
    memcpy(copy + size - 4, &crc, 4);
    try_load(copy, size);
    free(copy);
    return 0;
}
