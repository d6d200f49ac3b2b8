/* Snapshots: what goes in comes out, and nothing damaged does. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "index/index.h"
#include "tests/support/test.h"

enum { D = 3, N = 40 };

/* Rows in main and delta, dead in both; the last ten of main are copies of three, one of them dead.
 */
static tw_index *lively(const char *factory)
{
    tw_index *ix = NULL;
    int64_t ids[N];
    float vecs[N * D];
    tw_rng rng;
    const tw_index_config cfg = {.dim = D, .factory = factory};
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N; i++)
        ids[i] = 100 + i;
    for (int i = 0; i < N * D; i++)
        vecs[i] = (float) tw_rng_normal(&rng);
    for (int i = N - 10; i < N; i++)
        memcpy(vecs + i * D, vecs + (i % 3 * 2) * D, D * sizeof *vecs);
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, ids, vecs, N, NULL, NULL, err));
    for (int i = 0; i < 5; i++) {
        assert_ok(tw_index_delete(ix, 100 + i, err));
        assert_ok(tw_index_put(ix, 110 + i, vecs + i * D, err));
        assert_ok(tw_index_put(ix, 200 + i, vecs + i, err));
    }
    assert_ok(tw_index_delete(ix, 204, err));
    assert_ok(tw_index_delete(ix, 100 + N - 4, err));
    return ix;
}

/* Both give the same answers and hold the same vectors. */
static void expect_same(const tw_index *a, const tw_index *b)
{
    const float q[D] = {1, -1, 0.5f};
    tw_hit x[64], y[64];
    float va[D], vb[D];
    int n, m;
    assert_int_equal(tw_index_size(a), tw_index_size(b));
    assert_ok(tw_index_search(a, q, 64, NULL, x, &n, err));
    assert_ok(tw_index_search(b, q, 64, NULL, y, &m, err));
    assert_int_equal(n, m);
    assert_int_equal(n, tw_index_size(a));
    for (int i = 0; i < n; i++) {
        assert_int_equal(x[i].item, y[i].item);
        assert_near(x[i].score, y[i].score, 0);
        assert_ok(tw_index_get(a, x[i].item, va, err));
        assert_ok(tw_index_get(b, x[i].item, vb, err));
        assert_memory_equal(va, vb, sizeof va);
    }
}

static void a_snapshot_gives_back_the_index(void **state)
{
    (void) state;
    const char *const kinds[] = {NULL, "HNSW4", "SQ8"};
    for (int i = 0; i < 3; i++) {
        const char *path = tw_test_path("round.twi");
        tw_index *ix = lively(kinds[i]), *back = NULL;
        tw_index_snapshot info = {0}, peeked = {0};
        const tw_index_config cfg = {.factory = kinds[i]}; /* dim 0: the file's */
        tw_index_stats s;

        assert_ok(tw_index_save(ix, path, "towers-7", 123456789012, err));
        assert_ok(tw_index_load(&back, &cfg, path, &info, err));
        expect_same(ix, back);
        assert_ok(tw_index_peek(path, &peeked, err));
        assert_int_equal(info.dim, D);
        assert_int_equal(info.live, N - 5 + 4 - 1);
        assert_int_equal(info.seq, 123456789012);
        assert_string_equal(info.tag, "towers-7");
        assert_memory_equal(&peeked, &info, sizeof info);

        /* and it lives on: writes, merges, the next generation of snapshots */
        tw_index_get_stats(back, &s);
        assert_int_equal(s.exact, kinds[i] == NULL);
        assert_ok(tw_index_delete(back, 120, err));
        assert_ok(tw_index_delete(ix, 120, err));
        expect_same(ix, back);
        assert_ok(tw_index_save(back, path, NULL, 0, err));
        tw_index_destroy(back);
        assert_ok(tw_index_load(&back, &cfg, path, &info, err));
        assert_string_equal(info.tag, "");
        expect_same(ix, back);
        assert_ok(tw_index_merge(back, NULL, NULL, err));
        expect_same(ix, back);
        tw_index_destroy(back);
        tw_index_destroy(ix);
    }
}

static void an_empty_index_can_be_saved(void **state)
{
    (void) state;
    const char *path = tw_test_path("empty.twi");
    tw_index *ix = NULL, *back = NULL;
    const tw_index_config cfg = {.dim = D};
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_save(ix, path, NULL, -1, err));
    assert_ok(tw_index_load(&back, &cfg, path, NULL, err));
    assert_int_equal(tw_index_size(back), 0);
    tw_index_destroy(ix);
    tw_index_destroy(back);
}

static void wrong_arguments_are_distinguished(void **state)
{
    (void) state;
    const char *path = tw_test_path("args.twi");
    tw_index *ix = lively(NULL), *back = NULL;
    const tw_index_config wider = {.dim = D + 1}, bad = {.ef_search = -1}, any = {0};
    char tag[TW_INDEX_TAG_MAX + 1];

    memset(tag, 'x', sizeof tag);
    tag[TW_INDEX_TAG_MAX] = '\0';
    assert_status(tw_index_save(ix, path, tag, 0, err), TW_EINVAL);
    assert_false(tw_file_exists(path));
    tag[TW_INDEX_TAG_MAX - 1] = '\0';
    assert_ok(tw_index_save(ix, path, tag, 0, err));
    assert_status(tw_index_load(&back, &wider, path, NULL, err), TW_EDIM);
    assert_status(tw_index_load(&back, &bad, path, NULL, err), TW_EINVAL);
    assert_null(back);
    assert_status(tw_index_load(&back, &any, tw_test_path("none.twi"), NULL, err), TW_ENOTFOUND);
    assert_status(tw_index_load(&back, &any, tw_test_dir(), NULL, err), TW_ECORRUPT);
    assert_status(tw_index_save(ix, tw_test_path("no/such/folder"), NULL, 0, err), TW_ENOTFOUND);
    tw_index_destroy(ix);
}

static tw_status load_bytes(const char *bytes, size_t len, tw_error *err)
{
    const char *path = tw_test_path("bytes.twi");
    const tw_index_config any = {0};
    tw_index *ix = NULL;
    FILE *f = fopen(path, "wb"); /* not tw_file_replace: thousands of syncs */
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    tw_status st = tw_index_load(&ix, &any, path, NULL, err);
    assert_int_equal(ix != NULL, st == TW_OK);
    tw_index_destroy(ix);
    return st;
}

static void every_cut_and_every_flipped_bit_is_found(void **state)
{
    (void) state;
    const char *const kinds[] = {NULL, "HNSW4"};
    for (int i = 0; i < 2; i++) {
        const char *path = tw_test_path("whole.twi");
        tw_index *ix = lively(kinds[i]);
        char *bytes;
        size_t len;
        assert_ok(tw_index_save(ix, path, "tag", 5, err));
        assert_ok(tw_file_read(path, 1 << 20, &bytes, &len, err));
        assert_ok(load_bytes(bytes, len, err));

        const size_t step = i == 0 ? 1 : 7;
        for (size_t cut = 0; cut < len; cut += step)
            assert_status(load_bytes(bytes, cut, err), TW_ECORRUPT);
        for (size_t at = 0; at < len; at += step) {
            const int bit = (int) (at * 5 % 8);
            bytes[at] = (char) (bytes[at] ^ (1 << bit));
            /* the version's bytes may turn it into a later one */
            const tw_status st = load_bytes(bytes, len, NULL);
            assert_true(st == TW_ECORRUPT || (st == TW_EUNSUPPORTED && at >= 8 && at < 12));
            bytes[at] = (char) (bytes[at] ^ (1 << bit));
        }
        char *longer = tw_alloc(len + 1, 1);
        memcpy(longer, bytes, len);
        assert_status(load_bytes(longer, len + 1, err), TW_ECORRUPT);
        tw_free(longer);
        tw_free(bytes);
        tw_index_destroy(ix);
    }
}

static void a_later_format_is_distinguished_from_a_damaged_file(void **state)
{
    (void) state;
    const char *path = tw_test_path("later.twi");
    tw_index *ix = lively(NULL);
    char *bytes;
    size_t len;
    tw_error e = {0};
    assert_ok(tw_index_save(ix, path, NULL, 0, err));
    assert_ok(tw_file_read(path, 1 << 20, &bytes, &len, err));
    bytes[8] = 3;
    assert_int_equal(load_bytes(bytes, len, &e), TW_EUNSUPPORTED);
    assert_non_null(strstr(e.msg, "format 3, this build knows 2"));
    tw_free(bytes);
    tw_index_destroy(ix);
}

static void sign(char *bytes, size_t len)
{
    uint32_t crc = tw_crc32(0, bytes, 316);
    memcpy(bytes + 316, &crc, 4);
    crc = tw_crc32(0, bytes, len - 4);
    memcpy(bytes + len - 4, &crc, 4);
}

/* Searching relies on the ids of one vector ascending, and on every row being in a group. */
static void groups_that_contradict_themselves_are_refused(void **state)
{
    (void) state;
    enum { VECTORS = N - 10, IDS = 320, COUNTS = IDS + N * 4 + 8 };
    const char *path = tw_test_path("groups.twi");
    tw_index *ix = lively(NULL);
    char *bytes;
    size_t len;
    int64_t vectors;
    int32_t count, large = -1;
    assert_ok(tw_index_save(ix, path, NULL, 0, err));
    assert_ok(tw_file_read(path, 1 << 20, &bytes, &len, err));
    assert_int_equal(bytes[20], 2 + 4);
    memcpy(&vectors, bytes + 248, 8);
    assert_int_equal(vectors, VECTORS);
    memcpy(&count, bytes + COUNTS, 4);
    assert_int_equal(count, 5); /* ids 100, 130, 133, 136, 139 */

    for (int32_t i = 0; i < 3; i++) { /* too many, none, less than none */
        const int32_t wrong = i == 0 ? count + 1 : i == 1 ? 0 : large;
        memcpy(bytes + COUNTS, &wrong, 4);
        sign(bytes, len);
        assert_status(load_bytes(bytes, len, err), TW_ECORRUPT);
    }
    memcpy(bytes + COUNTS, &count, 4);
    char ids[8];
    memcpy(ids, bytes + IDS, 8);
    memcpy(bytes + IDS, ids + 4, 4); /* 130 before 100 */
    memcpy(bytes + IDS + 4, ids, 4);
    sign(bytes, len);
    assert_status(load_bytes(bytes, len, err), TW_ECORRUPT);
    memcpy(bytes + IDS, ids, 8);
    for (int i = 0; i < 3; i++) { /* as many as rows; none; more */
        vectors = i == 0 ? N : i == 1 ? 0 : N + 1;
        memcpy(bytes + 248, &vectors, 8);
        sign(bytes, len);
        assert_status(load_bytes(bytes, len, err), TW_ECORRUPT);
    }
    vectors = VECTORS;
    memcpy(bytes + 248, &vectors, 8);
    const double recalls[] = {-0.1, 1.1, NAN};
    for (int i = 0; i < 3; i++) {
        memcpy(bytes + 256, &recalls[i], 8);
        sign(bytes, len);
        assert_status(load_bytes(bytes, len, err), TW_ECORRUPT);
    }
    memset(bytes + 256, 0, 8);
    sign(bytes, len);
    assert_ok(load_bytes(bytes, len, err));
    tw_free(bytes);
    tw_index_destroy(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_gives_back_the_index),
        cmocka_unit_test(an_empty_index_can_be_saved),
        cmocka_unit_test(wrong_arguments_are_distinguished),
        cmocka_unit_test(every_cut_and_every_flipped_bit_is_found),
        cmocka_unit_test(groups_that_contradict_themselves_are_refused),
        cmocka_unit_test(a_later_format_is_distinguished_from_a_damaged_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
