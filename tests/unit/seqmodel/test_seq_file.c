#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "nn/safetensors.h"
#include "seqmodel/seq_model.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 3, ITEMS = 6 };

static const int64_t item_ids[ITEMS + 1] = {
    0, 70, INT64_MIN, INT64_MAX, 70 + (INT64_C(1) << 33), 70 - (INT64_C(1) << 40), 3};
static const int64_t user_ids[USERS + 1] = {0, 900, 100, 500};

static tw_seq_model *model(void)
{
    tw_seq_config c = toy_config();
    c.sse_user = 0.92;
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    toy_scramble(m, 0.5);
    return m;
}

static void a_saved_model_answers_as_before(void **state)
{
    (void) state;
    tw_seq_model *m = model(), *back = NULL;
    const char *path = tw_test_path("seq.safetensors");
    const int32_t history[] = {1, 5, 2};
    tw_seq_session *a = NULL, *b = NULL;
    tw_real qa[4], qb[4];

    assert_ok(tw_seq_model_set_ids(m, item_ids, user_ids, err));
    assert_ok(tw_seq_model_save(m, path, err));
    assert_ok(tw_seq_model_load(&back, path, err));
    assert_int_equal(tw_seq_model_users(back), USERS);
    assert_int_equal(tw_seq_model_items(back), ITEMS);
    assert_int_equal(tw_seq_model_size(back), tw_seq_model_size(m));
    tw_text was, is; /* as JSON, for a struct's padding may differ */
    tw_text_init(&was, 4096);
    tw_text_init(&is, 4096);
    assert_ok(tw_seq_config_to_json(tw_seq_model_config(m), &was, err));
    assert_ok(tw_seq_config_to_json(tw_seq_model_config(back), &is, err));
    assert_string_equal(tw_text_cstr(&was), tw_text_cstr(&is));
    tw_text_fini(&was);
    tw_text_fini(&is);
    assert_ok(tw_seq_session_create(&a, m, err));
    assert_ok(tw_seq_session_create(&b, back, err));
    assert_ok(tw_seq_query(a, 2, history, 3, qa, err));
    assert_ok(tw_seq_query(b, 2, history, 3, qb, err));
    assert_memory_equal(qa, qb, sizeof qa);
    for (int32_t i = 1; i <= ITEMS; i++) {
        assert_true(tw_seq_item_id(back, i) == item_ids[i]);
        assert_int_equal(tw_seq_item_index(back, item_ids[i]), i);
    }
    for (int32_t u = 1; u <= USERS; u++)
        assert_int_equal(tw_seq_user_index(back, user_ids[u]), u);
    assert_int_equal(tw_seq_item_index(back, 71), 0);
    assert_int_equal(tw_seq_user_index(back, 0), 0);
    tw_seq_session_destroy(a);
    tw_seq_session_destroy(b);
    tw_seq_model_destroy(back);
    tw_seq_model_destroy(m);
}

static void without_ids_an_id_is_the_index(void **state)
{
    (void) state;
    tw_seq_model *m = model(), *back = NULL;
    const char *path = tw_test_path("plain.safetensors");
    assert_int_equal(tw_seq_item_index(m, 6), 6);
    assert_int_equal(tw_seq_item_index(m, 7), 0);
    assert_int_equal(tw_seq_item_index(m, -1), 0);
    assert_true(tw_seq_item_id(m, 4) == 4);
    assert_ok(tw_seq_model_save(m, path, err));
    assert_ok(tw_seq_model_load(&back, path, err));
    assert_int_equal(tw_seq_item_index(back, 6), 6);
    assert_int_equal(tw_seq_user_index(back, 3), 3);
    tw_seq_model_destroy(back);
    tw_seq_model_destroy(m);
}

static void an_id_that_occurs_twice_is_refused_and_changes_nothing(void **state)
{
    (void) state;
    tw_seq_model *m = model();
    const int64_t twice[] = {0, 8, 9, 8};
    tw_error why = {0};
    assert_ok(tw_seq_model_set_ids(m, item_ids, user_ids, err));
    assert_int_equal(tw_seq_model_set_ids(m, item_ids, twice, &why), TW_EINVAL);
    assert_string_equal(why.msg, "user id 8 occurs twice");
    assert_int_equal(tw_seq_user_index(m, 900), 1);
    tw_seq_model_destroy(m);
}

/* What one row of the table below spoils in a file that is fine otherwise. */
typedef struct forged {
    const char *rule, *kind, *version, *config;
    const char *said; /* part of the message */
    int64_t items, users;
    int drop;      /* tensor not written; -1: none */
    tw_real spoil; /* value at [1] of tensor 0 */
    tw_real row0;  /* value at [0] of tensor 0 */
    bool twice;    /* two users have one id */
    tw_status want;
} forged;

#define GOOD_CONFIG                                                                                \
    "{\"user_dim\": 2, \"item_dim\": 4, \"max_len\": 4, \"blocks\": 1, \"heads\": 1}"

static const char *forge(const forged *f)
{
    const char *path = tw_test_path("forged.safetensors");
    tw_seq_model *m = model();
    tw_st_writer *w = NULL;
    int64_t ids[16];

    for (int i = 0; i < 16; i++)
        ids[i] = i;
    ids[2] = f->twice ? 1 : 2;
    m->items->value[5] = f->spoil;
    m->items->value[0] = f->row0;
    assert_ok(tw_st_writer_create(&w, err));
    if (f->kind != NULL)
        assert_ok(tw_st_add_meta(w, "twindex.kind", f->kind, err));
    if (f->version != NULL)
        assert_ok(tw_st_add_meta(w, "twindex.version", f->version, err));
    if (f->config != NULL)
        assert_ok(tw_st_add_meta(w, "twindex.config", f->config, err));
    assert_ok(tw_st_add(w, "item_ids", TW_I64, f->items, 0, ids, err));
    assert_ok(tw_st_add(w, "user_ids", TW_I64, f->users, 0, ids, err));
    for (int i = 0; i < tw_params_count(m->params); i++) {
        const tw_param *p = tw_params_at(m->params, i);
        if (i != f->drop)
            assert_ok(tw_st_add(w, p->name, TW_F32, p->rows, p->cols, p->value, err));
    }
    assert_ok(tw_st_save(w, path, err));
    tw_st_writer_destroy(w);
    tw_seq_model_destroy(m);
    return path;
}

static void a_file_that_breaks_a_rule_is_refused(void **state)
{
    (void) state;
    static const forged rows[] = {
        {"a good file", "seqmodel", "1", GOOD_CONFIG, "", 7, 4, -1, 1, 0, false, TW_OK},
        {"kind", "towers", "1", GOOD_CONFIG, "holds towers, not a seqmodel", 7, 4, -1, 1, 0, false,
         TW_ECORRUPT},
        {"no kind", NULL, "1", GOOD_CONFIG, "something else", 7, 4, -1, 1, 0, false, TW_ECORRUPT},
        {"later version", "seqmodel", "2", GOOD_CONFIG, "version 2", 7, 4, -1, 1, 0, false,
         TW_EUNSUPPORTED},
        {"no version", "seqmodel", NULL, GOOD_CONFIG, "no version", 7, 4, -1, 1, 0, false,
         TW_ECORRUPT},
        {"odd version", "seqmodel", "one", GOOD_CONFIG, "no version", 7, 4, -1, 1, 0, false,
         TW_ECORRUPT},
        {"no config", "seqmodel", "1", NULL, "twindex.config", 7, 4, -1, 1, 0, false, TW_ECORRUPT},
        {"config not JSON", "seqmodel", "1", "{", "line 1", 7, 4, -1, 1, 0, false, TW_ECORRUPT},
        {"config range", "seqmodel", "1", "{\"blocks\": 99}", "blocks 99", 7, 4, -1, 1, 0, false,
         TW_ECORRUPT},
        {"config cross", "seqmodel", "1", "{\"user_dim\": 3, \"heads\": 2, \"item_dim\": 4}",
         "heads 2", 7, 4, -1, 1, 0, false, TW_ECORRUPT},
        {"huge model, small file", "seqmodel", "1",
         "{\"item_dim\": 1024, \"user_dim\": 0, \"blocks\": 16}", "the model's is 7 x 1024", 7, 4,
         -1, 1, 0, false, TW_ECORRUPT},
        {"fewer items", "seqmodel", "1", GOOD_CONFIG, "'items'", 6, 4, -1, 1, 0, false,
         TW_ECORRUPT},
        {"same count, other shapes", "seqmodel", "1", GOOD_CONFIG, "'items'", 6, 6, -1, 1, 0, false,
         TW_ECORRUPT},
        {"no item", "seqmodel", "1", GOOD_CONFIG, "item_ids", 1, 4, -1, 1, 0, false, TW_ECORRUPT},
        {"a tensor missing", "seqmodel", "1", GOOD_CONFIG, "no tensor", 7, 4, 3, 1, 0, false,
         TW_ECORRUPT},
        {"not a number", "seqmodel", "1", GOOD_CONFIG, "not finite", 7, 4, -1, (tw_real) NAN, 0,
         false, TW_ECORRUPT},
        {"row 0", "seqmodel", "1", GOOD_CONFIG, "row 0", 7, 4, -1, 1, 1, false, TW_ECORRUPT},
        {"an id twice", "seqmodel", "1", GOOD_CONFIG, "occurs twice", 7, 4, -1, 1, 0, true,
         TW_ECORRUPT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_seq_model *m = NULL;
        tw_error why = {0};
        tw_status st = tw_seq_model_load(&m, forge(&rows[i]), &why);
        if (st != rows[i].want || strstr(why.msg, rows[i].said) == NULL)
            print_message("in row '%s': %s\n", rows[i].rule, why.msg);
        assert_int_equal(st, rows[i].want);
        assert_non_null(strstr(why.msg, rows[i].said));
        assert_int_equal(why.code, rows[i].want);
        assert_true((m != NULL) == (st == TW_OK));
        tw_seq_model_destroy(m);
    }
}

static void no_prefix_of_a_file_is_a_model(void **state)
{
    (void) state;
    tw_seq_model *m = model(), *back = NULL;
    const char *path = tw_test_path("whole.safetensors");
    char *bytes = NULL;
    size_t len = 0;

    assert_ok(tw_seq_model_save(m, path, err));
    assert_ok(tw_file_read(path, 1 << 20, &bytes, &len, err));
    for (size_t cut = 0; cut < len; cut += cut < 16 || len - cut < 16 ? 1 : 37) {
        char *part =
            tw_alloc(cut, 1); /* exactly as long as it says, so that ASan sees over-reads */
        assert_non_null(part);
        memcpy(part, bytes, cut);
        assert_status(tw_seq_model_parse(&back, part, cut, err), TW_ECORRUPT);
        assert_null(back);
        tw_free(part);
    }
    assert_ok(tw_seq_model_parse(&back, bytes, len, err));
    tw_seq_model_destroy(back);
    tw_free(bytes);
    tw_seq_model_destroy(m);
}

static void a_file_that_is_not_there_is_not_found(void **state)
{
    (void) state;
    tw_seq_model *m = NULL;
    assert_status(tw_seq_model_load(&m, tw_test_path("nowhere"), err), TW_ENOTFOUND);
    assert_null(m);
    tw_seq_model *good = model();
    assert_status(tw_seq_model_save(good, tw_test_path("no/such/folder"), err), TW_ENOTFOUND);
    tw_seq_model_destroy(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_model_answers_as_before),
        cmocka_unit_test(without_ids_an_id_is_the_index),
        cmocka_unit_test(an_id_that_occurs_twice_is_refused_and_changes_nothing),
        cmocka_unit_test(a_file_that_breaks_a_rule_is_refused),
        cmocka_unit_test(no_prefix_of_a_file_is_a_model),
        cmocka_unit_test(a_file_that_is_not_there_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
