/* The hashes of stored files: their values are fixed for ever, so they are written out here. */
#include "base/hash.h"

#include <string.h>

#include "tests/support/test.h"

static const char pangram[] = "The quick brown fox jumps over the lazy dog";

/* From the test suite of the authors (Fowler, Noll, Vo). */
static void fnv_1a_has_the_published_values(void **state)
{
    static const struct {
        const char *s;
        uint64_t hash;
    } rows[] = {
        {"", 0xcbf29ce484222325},       {"a", 0xaf63dc4c8601ec8c},  {"b", 0xaf63df4c8601f1a5},
        {"foobar", 0x85944171f73967e8}, {"fo", 0x08985907b541d342},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(tw_fnv1a(TW_FNV_START, rows[i].s, strlen(rows[i].s)) == rows[i].hash);
}

/* The check value of CRC-32/ISO-HDLC, and the well-known one of the pangram. */
static void crc_32_has_the_published_values(void **state)
{
    (void) state;
    assert_int_equal(tw_crc32(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(tw_crc32(0, pangram, 43), 0x414fa339);
    assert_int_equal(tw_crc32(0, "", 0), 0);
}

static void parts_give_the_hash_of_the_whole(void **state)
{
    (void) state;
    for (size_t cut = 0; cut <= 43; cut++) {
        const uint64_t fnv = tw_fnv1a(TW_FNV_START, pangram, cut);
        const uint32_t crc = tw_crc32(0, pangram, cut);
        assert_true(tw_fnv1a(fnv, pangram + cut, 43 - cut) == tw_fnv1a(TW_FNV_START, pangram, 43));
        assert_int_equal(tw_crc32(crc, pangram + cut, 43 - cut), 0x414fa339);
    }
    assert_int_equal(tw_crc32(0x414fa339, NULL, 0), 0x414fa339); /* nothing is no new start */
}

/* Worked out from the formula by another program, on words of little-endian bytes. */
static void row_hashes_are_as_they_always_were(void **state)
{
    static const struct {
        size_t len;
        uint64_t bytes, end;
    } rows[] = {
        {0, 0x33c3a2e4c6fd228b, 0x1fe563759bfbe870},  {1, 0x609d3f3367f69f3a, 0x5d460360e6a52c39},
        {7, 0xcf0cb99c22664ffa, 0xb4ad10065c71f585},  {8, 0x7378e21056f956ff, 0x3fb5604d45d7a118},
        {9, 0x65cce05fd0fd4a31, 0x7e775d76028c95e1},  {16, 0x93d0bd3a26d97242, 0x49443353fc46df68},
        {43, 0x84f5b8eacdb1d837, 0x5d6933d9b9a141c0},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint64_t h = tw_hash_bytes(TW_HASH_START, pangram, rows[i].len);
        assert_true(h == rows[i].bytes);
        assert_true(tw_hash_end(h) == rows[i].end);
    }
    assert_true(tw_hash_word(TW_HASH_START, 0x0123456789abcdef) == 0x1dfa2bc05b64f50c);
}

/* Each flipped bit and each byte more changes the hash; so does a zero at the end. */
static void damage_changes_the_row_hash(void **state)
{
    unsigned char bytes[24] = {1, 2, 3};
    const uint64_t before = tw_hash_bytes(TW_HASH_START, bytes, 20);
    (void) state;
    for (int bit = 0; bit < 8 * 20; bit++) {
        bytes[bit / 8] = (unsigned char) (bytes[bit / 8] ^ 1 << bit % 8);
        assert_true(tw_hash_bytes(TW_HASH_START, bytes, 20) != before);
        bytes[bit / 8] = (unsigned char) (bytes[bit / 8] ^ 1 << bit % 8);
    }
    assert_true(tw_hash_bytes(TW_HASH_START, bytes, 20) == before);
    for (size_t len = 0; len <= 24; len++)
        assert_true(len == 20 || tw_hash_bytes(TW_HASH_START, bytes, len) != before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fnv_1a_has_the_published_values),
        cmocka_unit_test(crc_32_has_the_published_values),
        cmocka_unit_test(parts_give_the_hash_of_the_whole),
        cmocka_unit_test(row_hashes_are_as_they_always_were),
        cmocka_unit_test(damage_changes_the_row_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
