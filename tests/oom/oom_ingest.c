/* Every allocation of the readers fails in turn: the status says so and nothing leaks. */
#include <string.h>

#include "base/alloc.h"
#include "ingest/ingest.h"
#include "tests/support/test.h"

static const tw_column_map map = {"text", "note"};

static const struct {
    const char *name, *content;
    tw_ingest_kind kind;
    tw_reader_options opt;
} files[] = {
    {"a.csv",
     "id,title,year,note,tags:list,c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12,c13\n"
     "1,\"a \"\"b\"\"\",1995,n,x|y,,,,,,,,,,,,,\n2,x\n",
     TW_INGEST_ITEMS,
     {.title_template = "{title} ({year})", .columns = &map, .n_columns = 1}},
    {"a.jsonl",
     "{\"id\":1,\"n\":[1,2],\"text\":[\"a\",\"b\"]}\n{\"id\":\"x\",\"m\":1.5}\n",
     TW_INGEST_ITEMS,
     {0}},
    {"a.json", "{\"x\": {\"title\":\"a\"}, \"y\": 5}", TW_INGEST_ITEMS, {0}},
    {"w.json",
     "{\"n\":1,\"data\":[{\"id\":1,\"x\":NaN},{\"_id\":{\"$oid\":\"5f\"},\"at\":{\"$date\":{\"$"
     "numberLong\":\"5\"}},\"n\":[{\"$numberDouble\":\"1.5\"}]}]}",
     TW_INGEST_ITEMS,
     {0}},
    {"e.json",
     "{\"_index\":\"p\",\"_id\":\"a\",\"_source\":{\"title\":\"T\"}}\n",
     TW_INGEST_ITEMS,
     {0}},
    {"c.json",
     "{\"id\":{\"0\":1,\"1\":2},\"title\":{\"0\":\"a\",\"1\":\"b\"}}",
     TW_INGEST_ITEMS,
     {0}},
    {"l.json", "{\"id\":[1,2],\"p\":[1.5,NaN]}", TW_INGEST_ITEMS, {0}},
    {"s.json", "{\"columns\":[\"id\",\"title\"],\"data\":[[1,\"a\"],[2]]}", TW_INGEST_ITEMS, {0}},
    {"h.json", "[[\"id\",\"title\"],[1,\"a\"]]", TW_INGEST_ITEMS, {0}},
    {"g.json", "[[1,\"a\"]]", TW_INGEST_ITEMS, {.header = "id,title"}},
    {"q.json", "{\n\"id\":1}\n{\"id\":2,}\n[{", TW_INGEST_ITEMS, {0}},
    {"u.item", "1|Caf\xe9 (1995)||||0|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n", TW_INGEST_ITEMS, {0}},
    {"movies.dat", "1::a::b|c\n", TW_INGEST_ITEMS, {0}},
    {"s.txt", "1 2\n1 3\n", TW_INGEST_EVENTS, {0}},
};

/* Opens and reads to the end or to the first failure that is not a bad row. */
static tw_status read_file(const char *path, size_t i, int *rows)
{
    tw_reader *r = NULL;
    tw_row row;
    bool got = true;
    *rows = 0;
    tw_status st = tw_reader_open(&r, path, files[i].kind, &files[i].opt, NULL);
    assert_true((r == NULL) == (st != TW_OK));
    while (st == TW_OK && got) {
        st = tw_reader_next(r, &row, &got, NULL);
        *rows += got;
        if (st == TW_EINVAL && got)
            st = TW_OK;
    }
    tw_reader_close(r);
    return st;
}

static void a_reader_survives_every_failed_allocation(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *path = tw_test_file(files[i].name, files[i].content);
        int want = 0, rows = 0;
        assert_int_equal(read_file(path, i, &want), TW_OK);
        assert_true(want > 0);
        long nth = 0;
        for (bool fired = true; fired;) {
            tw_torture_arm(++nth);
            tw_status st = read_file(path, i, &rows);
            fired = tw_torture_fired();
            tw_torture_arm(0);
            assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
        }
        assert_int_equal(rows, want);
        assert_true(nth > 5);
    }
}

static void rejects_survive_too(void **state)
{
    (void) state;
    const tw_reader_place start = {0};
    tw_rejects *j;
    tw_torture_arm(1);
    assert_int_equal(tw_rejects_open(&j, tw_test_path("r"), start, NULL), TW_ENOMEM);
    tw_torture_arm(0);
    assert_null(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_survives_every_failed_allocation),
        cmocka_unit_test(rejects_survive_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
