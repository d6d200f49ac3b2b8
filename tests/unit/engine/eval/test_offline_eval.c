/* A log in, a table of results out, without a data directory. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "engine/eval/offline_eval.h"
#include "seqmodel/seqmodel.h"
#include "tests/support/test.h"

enum { USERS = 60, ITEMS = 20, LEN = 12 };

/* Everybody walks round the same ring of items from a place of their own. */
static const char *ring(const char *name)
{
    const char *path = tw_test_path(name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < LEN; i++)
            (void) fprintf(f, "%d %d\n", 1 + u, 1 + (7 * u + i) % ITEMS);
    assert_int_equal(fclose(f), 0);
    return path;
}

#define SMALL                                                                                      \
    "{\"user_dim\": 4, \"item_dim\": 12, \"heads\": 1, \"max_len\": 8, \"epochs\": 24, "           \
    "\"eval_every\": 3, \"patience\": 0, \"threads\": 1, \"lr\": 0.01, \"loss\": \"ce\"}"

static json_t *studied(const tw_offline_eval_options *opt)
{
    char *report = NULL;
    assert_ok(tw_offline_eval(opt, &report, err));
    json_t *r = json_loads(report, 0, NULL);
    assert_non_null(r);
    tw_free(report);
    return r;
}

static double figure(const json_t *r, const char *who, const char *protocol, const char *key)
{
    const json_t *x = json_object_get(json_object_get(json_object_get(r, who), protocol), key);
    assert_true(json_is_number(x));
    return json_number_value(x);
}

static void a_log_becomes_a_table_of_every_protocol_and_baseline(void **state)
{
    (void) state;
    static const char *const who[] = {"test", "popularity", "item_knn", "markov"};
    static const char *const protocols[] = {"full", "sampled100", "authors"};
    const tw_offline_eval_options opt = {.path = ring("ring.txt"),
                                         .config_json = SMALL,
                                         .metrics_path = tw_test_path("lines.jsonl"),
                                         .model_path = tw_test_path("seq.safetensors")};
    json_t *r = studied(&opt);
    char *lines = NULL;
    size_t len = 0, n = 0;

    for (int i = 0; i < 4; i++)
        for (int p = 0; p < 3; p++) {
            assert_true(figure(r, who[i], protocols[p], "hr_at_10") >= 0);
            assert_true(figure(r, who[i], protocols[p], "users") == USERS);
        }
    /* Who follows the ring knows what comes next, who counts does not. */
    assert_true(figure(r, "test", "full", "ndcg_at_10") > 0.9);
    assert_true(figure(r, "markov", "full", "ndcg_at_10") > 0.9);
    assert_true(figure(r, "popularity", "full", "ndcg_at_10") < 0.6);
    assert_int_equal(json_integer_value(json_object_get(r, "events")), USERS * LEN);
    assert_int_equal(json_integer_value(json_object_get(r, "epochs")), 24);
    assert_null(json_object_get(r, "unseen_users"));
    tw_seq_model *m = NULL;
    assert_ok(tw_seq_model_load(&m, opt.model_path, err));
    assert_int_equal(tw_seq_model_items(m), ITEMS);
    tw_seq_model_destroy(m);
    json_decref(r);

    assert_ok(tw_file_read(opt.metrics_path, 1 << 20, &lines, &len, err));
    for (size_t i = 0; i < len; i++)
        n += lines[i] == '\n';
    assert_int_equal(n, 24);
    tw_free(lines);
}

enum { FANS = 200, FAVOURITES = 5, VISITS = 24, PLACES = 100 };

/* Everybody comes back to five places of their own, in an order that nobody can know. */
static const char *visits(void)
{
    static char text[FANS * VISITS * 12];
    size_t n = 0;
    tw_rng rng;
    tw_rng_seed(&rng, 5);
    for (int u = 0; u < FANS; u++)
        for (int i = 0; i < VISITS; i++)
            n += (size_t) snprintf(text + n, sizeof text - n, "%d %d\n", 1 + u,
                                   1 + (u * FAVOURITES + (int) tw_rng_below(&rng, FAVOURITES)) %
                                           PLACES);
    return tw_test_file("visits.txt", text);
}

static double valid_figure(const json_t *r, const char *key)
{
    return json_number_value(json_object_get(json_object_get(r, "valid"), key));
}

/* Whoever leaves out what people had before can give none of these; whoever ranks it can guess one
 * in five. */
static void places_that_people_come_back_to(void **state)
{
    (void) state;
    static const char *const who[] = {"test", "popularity", "item_knn", "markov"};
    static const char *const protocols[] = {"full", "sampled100", "authors"};
    tw_offline_eval_options opt = {
        .path = visits(),
        .config_json = "{\"user_dim\": 4, \"item_dim\": 12, \"heads\": 1, \"max_len\": 8, "
                       "\"epochs\": 12, \"eval_every\": 3, \"threads\": 1, \"lr\": 0.01, "
                       "\"loss\": \"ce\", \"exclude_seen\": 0}"};
    for (int seen = 0; seen < 2; seen++) {
        opt.seen = seen == 1;
        json_t *r = studied(&opt);
        for (int i = 0; i < 4; i++) {
            for (int p = 0; p < 3; p++) {
                assert_true(figure(r, who[i], protocols[p], "repeat_share") > 0.97);
                assert_true(figure(r, who[i], protocols[p], "hr_at_10") <= (opt.seen ? 1 : 0.03));
            }
            assert_true(figure(r, who[i], "full", "hr_at_1") <= 0.2 + 3 * 0.03);
        }
        if (opt.seen)
            assert_true(figure(r, "test", "full", "hr_at_5") > 0.6);
        /* Chosen by what `next --seen` will be asked, as the training was told. */
        assert_true(valid_figure(r, "ndcg_at_10") > 0.4);
        json_decref(r);
    }
    opt.config_json = SMALL; /* exclude_seen 1 */
    json_t *r = studied(&opt);
    assert_true(valid_figure(r, "repeat_share") > 0.97 && valid_figure(r, "hr_at_10") < 0.03);
    json_decref(r);
}

static void unseen_users_are_measured_by_every_recipe(void **state)
{
    (void) state;
    static const char *const recipes[] = {"unknown", "mean", "folded", "popularity"};
    const tw_offline_eval_options opt = {
        .path = ring("ring2.txt"), .config_json = SMALL, .hold_out_users = 0.3};
    json_t *r = studied(&opt);
    const json_t *unseen_users = json_object_get(r, "unseen_users");
    int64_t n = 0;
    for (int i = 0; i < 4; i++) {
        const json_t *x = json_object_get(unseen_users, recipes[i]);
        n = json_integer_value(json_object_get(x, "users"));
        assert_in_range(n, 5, USERS / 2);
        if (i < 3)
            assert_true(json_number_value(json_object_get(x, "ndcg_at_10")) > 0.7);
    }
    assert_true(figure(r, "test", "full", "users") == (double) (USERS - n));
    json_decref(r);
}

static int stop_at_six(void *ctx, const tw_progress *p)
{
    (void) ctx;
    return p->done >= 6;
}

static void bad_rows_are_counted_and_bad_requests_get_a_sentence(void **state)
{
    (void) state;
    tw_error why = {0};
    char *report = NULL;
    tw_offline_eval_options opt = {.path = tw_test_path("nowhere.txt"), .config_json = SMALL};
    assert_int_equal(tw_offline_eval(&opt, &report, &why), TW_ENOTFOUND);
    assert_null(report);

    opt.path = ring("torn.txt");
    FILE *f = fopen(opt.path, "ae");
    assert_non_null(f);
    (void) fputs("7\nalone\n", f);
    assert_int_equal(fclose(f), 0);
    json_t *r = studied(&opt);
    assert_int_equal(json_integer_value(json_object_get(r, "rejected")), 2);
    json_decref(r);

    opt.path = tw_test_path("prose.txt");
    assert_ok(tw_file_replace(opt.path, "1 2\n1 3\nalone\n7\nlost\n", 21, err));
    assert_int_equal(tw_offline_eval(&opt, &report, &why), TW_EINVAL);
    assert_non_null(strstr(why.msg, "3 of 5 rows are no events"));
    opt.path = ring("again.txt");

    opt.config_json = "{\"item_features_dim\": 8, \"loss\": \"ce\"}";
    assert_int_equal(tw_offline_eval(&opt, &report, &why), TW_EINVAL);
    assert_string_equal(why.msg, "a log alone has no item features: item_features_dim must be 0");
    opt.config_json = "{\"lr\": -1}";
    assert_int_equal(tw_offline_eval(&opt, &report, &why), TW_EINVAL);

    opt.config_json = SMALL;
    opt.progress = stop_at_six;
    opt.checkpoint = tw_test_path("offline_eval.checkpoint");
    assert_int_equal(tw_offline_eval(&opt, &report, &why), TW_ECANCELLED);
    assert_null(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_becomes_a_table_of_every_protocol_and_baseline),
        cmocka_unit_test(places_that_people_come_back_to),
        cmocka_unit_test(unseen_users_are_measured_by_every_recipe),
        cmocka_unit_test(bad_rows_are_counted_and_bad_requests_get_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
