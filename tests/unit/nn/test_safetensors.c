#include "nn/safetensors.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "nn/trainer.h"
#include "tests/support/test.h"

static void what_is_written_is_read(void **state)
{
    (void) state;
    const float f[4] = {1, 2, 3, 4};
    const double d[2] = {5, 6};
    const int64_t n[3] = {-1, 1LL << 40, 7};
    const uint8_t bytes[5] = {1, 2, 3, 4, 5};
    const char *path = tw_test_path("a.safetensors");
    tw_st_writer *w = NULL;
    tw_st_file *file = NULL;
    tw_st_tensor t;

    assert_ok(tw_st_writer_create(&w, err));
    assert_ok(tw_st_add(w, "bytes", TW_U8, 5, 0, bytes, err));
    assert_ok(tw_st_add(w, "f \"quoted\" \xc3\xa9", TW_F32, 2, 2, f, err));
    assert_ok(tw_st_add(w, "d", TW_F64, 1, 2, d, err));
    assert_ok(tw_st_add(w, "n", TW_I64, 3, 0, n, err));
    assert_ok(tw_st_add(w, "empty", TW_I32, 0, 0, NULL, err));
    assert_ok(tw_st_add_meta(w, "who", "a test", err));
    assert_ok(tw_st_save(w, path, err));
    tw_st_writer_destroy(w);

    assert_ok(tw_st_open(&file, path, err));
    assert_int_equal(tw_st_count(file), 5);
    assert_string_equal(tw_st_meta(file, "who"), "a test");
    assert_null(tw_st_meta(file, "what"));
    assert_non_null(tw_st_meta(file, "twindex.crc32"));
    assert_ok(tw_st_find(file, "f \"quoted\" \xc3\xa9", TW_F32, &t, err));
    assert_true(t.rows == 2 && t.cols == 2);
    assert_memory_equal(t.data, f, sizeof f);
    assert_ok(tw_st_find(file, "n", TW_I64, &t, err));
    assert_true(t.rows == 3 && t.cols == 0);
    assert_memory_equal(t.data, n, sizeof n);
    assert_ok(tw_st_find(file, "empty", TW_I32, &t, err));
    assert_int_equal(t.rows, 0);
    assert_string_equal(tw_st_at(file, 0).name, "bytes"); /* in the order of the bytes */
    assert_status(tw_st_find(file, "d", TW_F32, &t, err), TW_ECORRUPT);
    assert_status(tw_st_find(file, "x", TW_F32, &t, err), TW_ECORRUPT);
    tw_st_close(file);
    tw_st_close(NULL);
}

static void the_writer_refuses_what_no_reader_could_take(void **state)
{
    (void) state;
    tw_st_writer *w = NULL;
    const float f[1] = {0};
    assert_ok(tw_st_writer_create(&w, err));
    assert_ok(tw_st_add(w, "a", TW_F32, 1, 1, f, err));
    assert_status(tw_st_add(w, "a", TW_F32, 1, 1, f, err), TW_EINVAL);
    assert_status(tw_st_add(w, "", TW_F32, 1, 1, f, err), TW_EINVAL);
    assert_status(tw_st_add(w, "__metadata__", TW_F32, 1, 1, f, err), TW_EINVAL);
    assert_status(tw_st_add(w, "\xff", TW_F32, 1, 1, f, err), TW_EINVAL);
    assert_status(tw_st_add(w, "b", TW_F32, -1, 1, f, err), TW_EINVAL);
    assert_status(tw_st_add(w, "b", TW_F32, INT64_MAX, 8, f, err), TW_ENOMEM);
    assert_status(tw_st_add_meta(w, "k", "\xff", err), TW_EINVAL);
    assert_status(tw_st_save(w, tw_test_path("none/x"), err), TW_ENOTFOUND);
    tw_st_writer_destroy(w);
    tw_st_writer_destroy(NULL);
}

/* A header, `pad` bytes of data (1, 2, 3, ...); the length field says what the header is. */
typedef struct row {
    const char *rule, *header;
    size_t pad;
    tw_status want;
} row;

#define T4 "\"dtype\":\"F32\",\"shape\":[1]"
static const row table[] = {
    {"one tensor", "{\"a\":{" T4 ",\"data_offsets\":[0,4]}}", 4, TW_OK},
    {"no tensor", "{}", 0, TW_OK},
    {"spaces after the JSON", "{}      ", 0, TW_OK},
    {"out of order is fine",
     "{\"b\":{" T4 ",\"data_offsets\":[4,8]},\"a\":{" T4 ",\"data_offsets\":[0,4]}}", 8, TW_OK},
    {"a scalar", "{\"a\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}", 8, TW_OK},
    {"three dimensions", "{\"a\":{\"dtype\":\"U8\",\"shape\":[2,3,2],\"data_offsets\":[0,12]}}", 12,
     TW_OK},
    {"metadata of strings", "{\"__metadata__\":{\"k\":\"v\"}}", 0, TW_OK},
    {"the right checksum",
     "{\"__metadata__\":{\"twindex.crc32\":\"b63cfbcd\"},\"a\":{" T4 ",\"data_offsets\":[0,4]}}", 4,
     TW_OK},
    {"the wrong checksum",
     "{\"__metadata__\":{\"twindex.crc32\":\"b63cfbce\"},\"a\":{" T4 ",\"data_offsets\":[0,4]}}", 4,
     TW_ECORRUPT},
    {"a checksum of other digits", "{\"__metadata__\":{\"twindex.crc32\":\" 0x00000\"}}", 0,
     TW_ECORRUPT},
    {"no JSON", "{", 0, TW_ECORRUPT},
    {"no object", "[]", 0, TW_ECORRUPT},
    {"a space first", " {}", 0, TW_ECORRUPT},
    {"text after the JSON", "{}x", 0, TW_ECORRUPT},
    {"a name twice",
     "{\"a\":{" T4 ",\"data_offsets\":[0,4]},\"a\":{" T4 ",\"data_offsets\":[0,4]}}", 4,
     TW_ECORRUPT},
    {"an empty name", "{\"\":{" T4 ",\"data_offsets\":[0,4]}}", 4, TW_ECORRUPT},
    {"metadata that is a list", "{\"__metadata__\":[]}", 0, TW_ECORRUPT},
    {"metadata with a number", "{\"__metadata__\":{\"k\":1}}", 0, TW_ECORRUPT},
    {"an entry that is a number", "{\"a\":1}", 4, TW_ECORRUPT},
    {"a field too many", "{\"a\":{" T4 ",\"data_offsets\":[0,4],\"x\":1}}", 4, TW_ECORRUPT},
    {"no dtype", "{\"a\":{\"x\":1,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, TW_ECORRUPT},
    {"a dtype we lack", "{\"a\":{\"dtype\":\"I16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
     TW_ECORRUPT},
    {"no shape", "{\"a\":{\"dtype\":\"F32\",\"x\":[1],\"data_offsets\":[0,4]}}", 4, TW_ECORRUPT},
    {"a negative dimension", "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4,
     TW_ECORRUPT},
    {"a fractional dimension", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}",
     4, TW_ECORRUPT},
    {"no columns", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,0],\"data_offsets\":[0,0]}}", 0,
     TW_ECORRUPT},
    {"a product past 2^64",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
     TW_ECORRUPT},
    {"bytes past 2^64",
     "{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}", 0,
     TW_ECORRUPT},
    {"too many dimensions",
     "{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1,
     TW_ECORRUPT},
    {"a shape that wants more bytes",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, TW_ECORRUPT},
    {"offsets past the end", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4,
     TW_ECORRUPT},
    {"offsets backwards", "{\"a\":{" T4 ",\"data_offsets\":[4,0]}}", 4, TW_ECORRUPT},
    {"negative offsets", "{\"a\":{" T4 ",\"data_offsets\":[-4,0]}}", 4, TW_ECORRUPT},
    {"three offsets", "{\"a\":{" T4 ",\"data_offsets\":[0,4,8]}}", 8, TW_ECORRUPT},
    {"offsets that are strings", "{\"a\":{" T4 ",\"data_offsets\":[\"0\",\"4\"]}}", 4, TW_ECORRUPT},
    {"an overlap", "{\"a\":{" T4 ",\"data_offsets\":[0,4]},\"b\":{" T4 ",\"data_offsets\":[2,6]}}",
     6, TW_ECORRUPT},
    {"the same bytes twice",
     "{\"a\":{" T4 ",\"data_offsets\":[0,4]},\"b\":{" T4 ",\"data_offsets\":[0,4]}}", 4,
     TW_ECORRUPT},
    {"a gap", "{\"a\":{" T4 ",\"data_offsets\":[1,5]}}", 5, TW_ECORRUPT},
    {"bytes left over", "{\"a\":{" T4 ",\"data_offsets\":[0,4]}}", 5, TW_ECORRUPT},
};

static void the_reader_follows_the_table(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const row *r = &table[i];
        uint64_t len = strlen(r->header);
        size_t total = 8 + (size_t) len + r->pad;
        unsigned char *block = tw_alloc(total, 1); /* exactly its size: ASan sees over-reads */
        assert_non_null(block);
        memcpy(block, &len, 8);
        memcpy(block + 8, r->header, (size_t) len);
        for (size_t j = 0; j < r->pad; j++)
            block[8 + len + j] = (unsigned char) (j + 1);
        tw_st_file *f = NULL;
        tw_error err = {0};
        tw_status st = tw_st_parse(&f, block, total, &err);
        if (st != r->want || (f != NULL) != (st == TW_OK) || (err.msg[0] != '\0') != (st != TW_OK))
            fail_msg("in row '%s': %s (%s)", r->rule, tw_status_name(st), err.msg);
        tw_st_close(f);
        tw_free(block);
    }
}

static void a_header_length_beyond_the_file_or_the_cap_is_refused(void **state)
{
    (void) state;
    static const uint64_t lengths[] = {3, 1000, TW_ST_HEADER_MAX + 1, UINT64_MAX};
    const size_t large = TW_ST_HEADER_MAX + 100; /* zeros that cost nothing until touched */
    unsigned char *block = tw_alloc(large, 1);
    tw_st_file *f = NULL;
    assert_non_null(block);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        tw_error why = {0};
        memcpy(block, &lengths[i], 8);
        block[8] = '{';
        block[9] = '}';
        /* The last two are refused even where the file is as long as they say. */
        assert_int_equal(tw_st_parse(&f, block, i < 2 ? 10 : large, &why), TW_ECORRUPT);
        assert_null(f);
        assert_non_null(strstr(why.msg, "header of"));
    }
    memset(block, 0, 8);
    assert_status(tw_st_parse(&f, block, 10, err), TW_ECORRUPT); /* a header of nothing */
    for (size_t len = 0; len < 8; len++)
        assert_status(tw_st_parse(&f, block, len, err), TW_ECORRUPT);
    tw_free(block);
}

static void a_tensor_past_the_end_is_named(void **state)
{
    (void) state;
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    unsigned char block[8 + sizeof header] = {sizeof header - 1};
    tw_st_file *f = NULL;
    tw_error why = {0};
    memcpy(block + 8, header, sizeof header); /* one byte of data: the final NUL */
    assert_int_equal(tw_st_parse(&f, block, sizeof block, &why), TW_ECORRUPT);
    assert_string_equal(why.msg, "tensor 'a' ends at byte 8 of 1");
}

static void a_flipped_bit_is_noticed_and_the_file_named(void **state)
{
    (void) state;
    const float f[4] = {1, 2, 3, 4};
    const char *path = tw_test_path("flip");
    char *data;
    size_t len;
    tw_st_writer *w = NULL;
    tw_st_file *file = NULL;
    tw_error why = {0};
    assert_ok(tw_st_writer_create(&w, err));
    assert_ok(tw_st_add(w, "f", TW_F32, 4, 0, f, err));
    assert_ok(tw_st_save(w, path, err));
    tw_st_writer_destroy(w);
    assert_ok(tw_file_read(path, 10000, &data, &len, err));
    data[len - 1] ^= 1;
    assert_ok(tw_file_replace(path, data, len, err));
    tw_free(data);
    assert_int_equal(tw_st_open(&file, path, &why), TW_ECORRUPT);
    assert_non_null(strstr(why.msg, "flip"));
    assert_non_null(strstr(why.msg, "checksum"));
    assert_status(tw_st_open(&file, tw_test_path("no such file"), err), TW_ENOTFOUND);
}

/* ---- parameter sets -------------------------------------------------------------------------- */

static tw_params *make_params(int64_t rows, int cols, tw_real value)
{
    tw_params *ps = NULL;
    tw_param *a, *b;
    assert_ok(tw_params_create(&ps, err));
    assert_ok(tw_params_add(ps, &a, "a", rows, cols, TW_TABLE, err));
    assert_ok(tw_params_add(ps, &b, "b", 1, 3, TW_DENSE, err));
    tw_param_fill(a, value);
    tw_param_fill(b, value + 1);
    return ps;
}

static void save_params(const tw_params *ps, bool moments, const char *path)
{
    tw_st_writer *w = NULL;
    assert_ok(tw_st_writer_create(&w, err));
    assert_ok(tw_st_add_params(w, ps, moments, err));
    assert_ok(tw_st_save(w, path, err));
    tw_st_writer_destroy(w);
}

static void parameters_and_moments_come_back(void **state)
{
    (void) state;
    const char *path = tw_test_path("p");
    tw_params *from = make_params(4, 2, 5), *to = make_params(4, 2, 0);
    tw_trainer *tr = NULL;
    tw_st_file *f = NULL;
    tw_st_writer *w = NULL;
    const tw_trainer_config cfg = {.threads = 1, .adam = TW_ADAM_DEFAULT};

    assert_ok(tw_st_writer_create(&w, err));
    assert_status(tw_st_add_params(w, from, true, err), TW_ESTATE); /* no trainer yet */
    tw_st_writer_destroy(w);
    assert_ok(tw_trainer_create(&tr, from, &cfg, err));
    tw_params_find(from, "a")->m[7] = 70;
    tw_params_find(from, "b")->v[2] = 80;
    save_params(from, true, path);

    assert_ok(tw_st_open(&f, path, err));
    assert_int_equal(tw_st_count(f), 6);
    assert_ok(tw_st_load_params(f, to, true, err));
    assert_true(tw_params_find(to, "a")->value[7] == 5 && tw_params_find(to, "b")->value[2] == 6);
    assert_true(tw_params_find(to, "a")->m[7] == 70 && tw_params_find(to, "b")->v[2] == 80);
    tw_st_close(f);
    tw_trainer_destroy(tr);
    tw_params_destroy(from);
    tw_params_destroy(to);
}

static void a_file_of_another_shape_or_type_is_refused(void **state)
{
    (void) state;
    const char *path = tw_test_path("q");
    const double d[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const int32_t wrong[8] = {0};
    tw_params *a = make_params(4, 2, 5), *b = make_params(2, 4, 5);
    tw_st_file *f = NULL;
    tw_st_writer *w = NULL;
    save_params(a, false, path);
    assert_ok(tw_st_open(&f, path, err));
    assert_status(tw_st_load_params(f, b, false, err), TW_ECORRUPT);
    assert_status(tw_st_load_params(f, a, true, err), TW_ECORRUPT); /* it has no moments */
    tw_st_close(f);

    assert_ok(tw_st_writer_create(&w, err)); /* doubles and a flat bias are taken */
    assert_ok(tw_st_add(w, "a", TW_F64, 4, 2, d, err));
    assert_ok(tw_st_add(w, "b", TW_F64, 3, 0, d, err));
    assert_ok(tw_st_save(w, path, err));
    tw_st_writer_destroy(w);
    assert_ok(tw_st_open(&f, path, err));
    assert_ok(tw_st_load_params(f, a, false, err));
    assert_true(tw_params_find(a, "a")->value[7] == 8 && tw_params_find(a, "b")->value[0] == 1);
    tw_st_close(f);

    assert_ok(tw_st_writer_create(&w, err));
    assert_ok(tw_st_add(w, "a", TW_I32, 4, 2, wrong, err));
    assert_ok(tw_st_save(w, path, err));
    tw_st_writer_destroy(w);
    assert_ok(tw_st_open(&f, path, err));
    assert_status(tw_st_load_params(f, a, false, err), TW_ECORRUPT);
    tw_st_close(f);
    tw_params_destroy(a);
    tw_params_destroy(b);
}

/* Numbers of IEEE 754-2008, binary16, and upper halves of floats. */
static void halves_are_widened(void **state)
{
    (void) state;
    static const uint16_t half[] = {0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0x3555};
    static const double half_is[] = {1, -2, 65504, 0x1p-14, 0x1p-24, 0, 0.333251953125};
    static const uint16_t brain[] = {0x3f80, 0xc000, 0x4049, 0x0080, 0x8000, 0x7f7f, 0x3eab};
    static const double brain_is[] = {1, -2, 3.140625, 0x1p-126, 0, 0x1.fep127, 0.333984375};
    tw_st_tensor h = {.name = "h", .type = TW_F16, .rows = 7, .data = half};
    tw_st_tensor b = {.name = "b", .type = TW_BF16, .rows = 7, .data = brain};
    tw_real x[7], y[7];
    assert_ok(tw_st_numbers(&h, x, 7, err));
    assert_ok(tw_st_numbers(&b, y, 7, err));
    for (int i = 0; i < 7; i++)
        assert_true((double) x[i] == half_is[i] && (double) y[i] == brain_is[i]);
    static const uint16_t odd[] = {0x7c00, 0xfc00, 0x7e00};
    h = (tw_st_tensor){.name = "h", .type = TW_F16, .rows = 3, .data = odd};
    assert_ok(tw_st_numbers(&h, x, 3, err));
    assert_true(isinf(x[0]) && x[0] > 0 && isinf(x[1]) && x[1] < 0 && isnan(x[2]));
    assert_status(tw_st_numbers(&h, x, 4, err), TW_ECORRUPT);
    h.type = TW_I32;
    assert_status(tw_st_numbers(&h, x, 3, err), TW_ECORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_writer_refuses_what_no_reader_could_take),
        cmocka_unit_test(the_reader_follows_the_table),
        cmocka_unit_test(a_header_length_beyond_the_file_or_the_cap_is_refused),
        cmocka_unit_test(a_tensor_past_the_end_is_named),
        cmocka_unit_test(a_flipped_bit_is_noticed_and_the_file_named),
        cmocka_unit_test(parameters_and_moments_come_back),
        cmocka_unit_test(halves_are_widened),
        cmocka_unit_test(a_file_of_another_shape_or_type_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
