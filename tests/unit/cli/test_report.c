/* Reports of the engine as text: which figure stands in which column, and what else is said. */
#include "tests/support/test.h"

#include <stdbool.h>
#include <string.h>

#include "cli/report.h"
#include "tests/unit/cli/captured.h"

static captured out, err;

static void begin(void)
{
    captured_begin(&out, stdout);
    captured_begin(&err, stderr);
}

static void end(void)
{
    (void) captured_end(&err);
    (void) captured_end(&out);
}

static void has(const char *text) { assert_non_null(strstr(out.text, text)); }
static void lacks(const char *text) { assert_null(strstr(out.text, text)); }

static bool within(const char *from, const char *to, const char *text)
{
    const char *at = strstr(from, text);
    return at != NULL && at < to;
}

/* clang-format off */
#define ROW(hr, ndcg) \
    "{\"users\": 20, \"hr_at_10\": " #hr ", \"ndcg_at_10\": " #ndcg ", \"ndcg_at_10_se\": 0.0625, \"mrr_at_10\": 0.03125}"

static const char training[] =
    "{\"model\": 2, \"users\": 20, \"items\": 30, \"events\": 400, \"preset\": \"short\", \"epochs\": 9, \"best_epoch\": 6, \"seconds\": 1.25,"
    " \"protocol\": \"leave one out\", \"test\": {\"name\": \"SASRec\","
    "  \"seq\": " ROW(0.5, 0.25) ","
    "  \"popularity\": " ROW(0.125, 0.1) "}}";

static const char on_a_log[] =
    "{\"users\": 8, \"items\": 9, \"events\": 70, \"rejected\": 1, \"seen\": false, \"name\": \"PT\","
    " \"test\": {\"full\": " ROW(0.5, 0.25) ", \"authors\": " ROW(0.75, 0.5) "},"
    " \"as_unknown_user\": {\"full\": " ROW(0.375, 0.2) "},"
    " \"markov\": {\"sampled100\": " ROW(0.625, 0.3) "},"
    " \"unseen_users\": {\"unknown\": " ROW(0.25, 0.1) ", \"folded\": " ROW(0.3125, 0.1) "}}";

static const char cold_start[] =
    "{\"users\": 50, \"held_out_users\": 5, \"items\": 40, \"held_out_items\": 4, \"events\": 600, \"item_features\": true,"
    " \"epochs\": 3, \"best_epoch\": 2, \"seconds\": 1, \"name\": \"SSE-PT\","
    " \"known\": {\"seq\": " ROW(0.5, 0.25) ", \"popularity\": " ROW(0.125, 0.1) "},"
    " \"new_items\": {\"random\": " ROW(0.0625, 0.1) ", \"popularity\": " ROW(0, 0) "}}";
/* clang-format on */

static void a_verdict_is_what_the_training_decided(void **state)
{
    training_verdict v;
    (void) state;
    read_verdict("{\"model\": 7, \"activated\": true}", &v);
    assert_int_equal(v.model, 7);
    assert_true(v.activated);
    assert_string_equal(v.reason, "");
    read_verdict("{\"model\": 8, \"activated\": false, \"reason\": \"no better\"}", &v);
    assert_int_equal(v.model, 8);
    assert_false(v.activated);
    assert_string_equal(v.reason, "no better");
    read_verdict("no JSON", &v);
    assert_int_equal(v.model, 0);
    assert_false(v.activated);
}

static void a_sequential_training_is_a_line_and_a_table(void **state)
{
    (void) state;
    begin();
    print_training_report(training, false);
    end();
    assert_string_equal(
        out.text,
        "model 2: 20 users, 30 items, 400 events, preset short, 9 epochs (best 6), 1.2 s\n"
        "  test: leave one out\n"
        "                              HR@10    NDCG@10         +-     MRR@10\n"
        "  SASRec                     0.5000     0.2500     0.0625     0.0312\n"
        "  popularity                 0.1250     0.1000     0.0625     0.0312\n");
    assert_string_equal(err.text, "");
}

static void why_a_model_serves_or_not_is_the_last_line(void **state)
{
    (void) state;
    begin();
    print_training_report("{\"model\": 2, \"activated\": false, \"reason\": \"it is worse\"}",
                          false);
    end();
    has("\n  not activated: it is worse\n");
    begin();
    print_training_report("{\"model\": 3, \"activated\": true, \"reason\": \"it is worse\"}", true);
    end();
    has("\n  activated, although: it is worse\n");
}

static void repeats_are_mentioned_where_they_are_many_and_left_out(void **state)
{
    static const struct {
        const char *json;
        bool mentioned;
    } rows[] = {
        {"{\"repeats\": 0.25, \"config\": {\"exclude_seen\": 1}}", true},
        {"{\"repeats\": 0.25, \"config\": {\"exclude_seen\": 0}}", false},
        {"{\"repeats\": 0.04, \"config\": {\"exclude_seen\": 1}}", false},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        print_training_report(rows[i].json, false);
        end();
        assert_int_equal(strstr(err.text, "a user came back to an item") != NULL,
                         rows[i].mentioned);
    }
}

static void a_training_of_towers_names_what_it_learnt_from_and_read(void **state)
{
    (void) state;
    begin();
    print_training_report(
        "{\"model\": 1, \"loss\": \"infonce\", \"examples\": 44, \"source\": \"triplets\", "
        "\"epochs\": 8, \"best_epoch\": 4, \"seconds\": 5, \"items_with\": {\"text\": 30, "
        "\"image\": "
        "28}, \"skipped_rows\": 2, \"first_skipped\": \"row 3\", \"unreadable\": 1, "
        "\"first_unreadable\": \"a.png\", \"eval\": {\"protocol\": \"items liked together\", "
        "\"test\": {\"towers\": {\"queries\": 5, \"recall_at_10\": 0.5, \"ndcg_at_10\": 0.25, "
        "\"ndcg_at_10_se\": 0.125, \"mrr\": 0.75}, \"tfidf\": {\"recall_at_10\": 0.4}}}}",
        true);
    end();
    assert_string_equal(out.text,
                        "model 1: infonce towers from 44 triplets, 8 epochs (best 4), 5.0 s\n"
                        "  reads text of 30 items, image of 28\n"
                        "  test: items liked together (5 queries)\n"
                        "                          Recall@10    NDCG@10         +-        MRR\n"
                        "  trained towers             0.5000     0.2500     0.1250     0.7500\n"
                        "  tf-idf of the texts        0.4000          -          -          -\n");
    assert_string_equal(err.text, "twindex: 1 files could not be read; the first: a.png\n"
                                  "twindex: 2 rows could not be used; the first: row 3\n");
}

static void an_evaluation_of_towers_has_a_table_for_each_cut_off(void **state)
{
    (void) state;
    begin();
    print_eval_report(
        "{\"model\": 3, \"items\": 90, \"items_at_training\": 80, \"source\": \"pairs\", \"from\": "
        "\"p.csv\", \"k\": [1, 5], \"unread\": 4, \"test\": {\"towers\": {\"queries\": 2, "
        "\"recall_at_1\": 0.125, \"recall_at_5\": 0.625, \"ndcg_at_5_se\": 0.375}}, \"pairs\": "
        "{\"test\": 8, \"positives\": 3, \"valid\": 6, \"towers\": {\"auc\": 0.875, \"f1\": 0.5, "
        "\"triplets_in_order\": 0.25}, \"notes\": [\"a note\"]}, \"classes\": {\"queries\": 7, "
        "\"among\": 9, \"classes\": 2, \"towers\": {\"r_at_1\": 0.75}}}",
        "towers");
    end();
    has("model 3, 90 items, on pairs of p.csv\n");
    has("  4 items have nothing that the towers read");
    has("\n  first 1                    Recall");
    has("\n  first 5                    Recall");
    has("  trained towers             0.1250 ");
    has("  trained towers             0.6250          -          -          -     0.3750");
    has("  lists of ten:\n");
    has("  test: 8 pairs, 3 of them similar\n");
    has("  trained towers             0.8750 ");
    has("  trained towers             0.2500\n");
    has("  called similar above what 6 validation pairs chose");
    has("  a note\n");
    has("(7 queries among 9 items of 2 classes)\n");
    has("  trained towers             0.7500 ");
    assert_non_null(strstr(err.text, "had 80 items when the towers were trained"));
}

static void an_evaluation_of_an_index_is_a_line_each(void **state)
{
    (void) state;
    begin();
    print_eval_report("{\"items\": {\"kind\": \"HNSW32\", \"vectors\": 12, \"recall_at_10\": 0.5, "
                      "\"us_per_query\": 7.25, \"bytes\": 2500000, \"warning\": \"finds half\"}}",
                      "index");
    end();
    assert_string_equal(out.text,
                        "items  HNSW32            12 vectors  recall@10 0.5000       7.2 us "
                        "a query  2.5 MB\n");
    assert_string_equal(err.text, "twindex: items: finds half\n");
}

static void an_evaluation_says_who_was_left_out_and_what_was_missed(void **state)
{
    (void) state;
    begin();
    print_eval_report(
        "{\"model\": 2, \"split\": \"test\", \"protocol\": \"full\", \"seed\": 42, "
        "\"seen\": false, \"name\": \"SSE-PT\", \"seq\": {\"users\": 8, \"repeats\": 2, "
        "\"repeat_share\": 0.25, \"lists_hash\": \"abcd\", \"coverage_at_10\": 0.5}, "
        "\"cut\": {\"left_out\": 3, \"later\": 5, \"examples\": [\"u1\", \"u2\"], "
        "\"warning\": \"an old log\"}}",
        "seq");
    end();
    has("model 2, test split, protocol full, seed 42, 8 users\n");
    has("lists abcd: ");
    has("  top 10 of all items:\n");
    has("  targets recorded after the training: 5\n");
    has("  left out: 3 people of whom the training saw all that is left (u1, u2, ...)\n");
    has("  2 of 8 targets (25 %) are items that the person had before: missed");
    assert_string_equal(err.text, "twindex: an old log\n");
    begin();
    print_eval_report(
        "{\"seen\": true, \"protocol\": \"full\", \"seq\": {\"users\": 8, \"repeats\": "
        "2, \"repeat_share\": 0.25}, \"cut\": {\"left_out\": 1, \"examples\": [\"u1\"]}}",
        "seq");
    end();
    has("protocol full with what they had before");
    has("  left out: 1 person of whom the training saw all that is left (u1)\n");
    has("had before\n");
    lacks("missed");
    lacks("top 10");
}

static void an_evaluation_on_a_log_goes_by_every_protocol(void **state)
{
    (void) state;
    begin();
    print_offline_eval(on_a_log);
    end();
    const char *full =
        strstr(out.text, "test, full: every item ranked, those in the user's history "
                         "left out\n");
    const char *sampled =
        strstr(out.text, "test, sampled100: against 100 items that the user never");
    const char *authors = strstr(out.text, "test, authors: against 100 draws as");
    assert_true(full != NULL && sampled > full && authors > sampled);
    assert_true(within(full, sampled, "  PT                         0.5000"));
    assert_true(within(full, sampled, "    user unknown to it       0.3750"));
    assert_true(within(sampled, authors, "  Markov                     0.6250"));
    assert_non_null(strstr(authors, "  PT                         0.7500"));
    has("users kept out of training, 20 of them, all items ranked:\n");
    has("  as the unknown user        0.2500");
    has("  folded in                  0.3125");
    assert_string_equal(err.text, "twindex: 1 rows could not be read\n");
}

static void a_cold_start_has_a_table_for_each_kind_of_new(void **state)
{
    (void) state;
    begin();
    print_cold_report(cold_start);
    end();
    has("50 users (5 kept out), 40 items (4 kept out), 600 events, ids and item features, 3 epochs "
        "(best "
        "2), 1.0 s\n");
    has("known people, known items (20 people):\n");
    has("  SSE-PT                     0.5000");
    lacks("users kept out of training, known items");
    has("known people, items kept out of training, among all items (20 people):\n");
    has("  chance                     0.0625");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_is_what_the_training_decided),
        cmocka_unit_test(a_sequential_training_is_a_line_and_a_table),
        cmocka_unit_test(why_a_model_serves_or_not_is_the_last_line),
        cmocka_unit_test(repeats_are_mentioned_where_they_are_many_and_left_out),
        cmocka_unit_test(a_training_of_towers_names_what_it_learnt_from_and_read),
        cmocka_unit_test(an_evaluation_of_towers_has_a_table_for_each_cut_off),
        cmocka_unit_test(an_evaluation_of_an_index_is_a_line_each),
        cmocka_unit_test(an_evaluation_says_who_was_left_out_and_what_was_missed),
        cmocka_unit_test(an_evaluation_on_a_log_goes_by_every_protocol),
        cmocka_unit_test(a_cold_start_has_a_table_for_each_kind_of_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
