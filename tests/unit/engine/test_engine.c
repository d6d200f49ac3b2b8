/* The engine as an embedding program uses it: real directory, real models, small data. */
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/utf8.h"
#include "engine/evaluation.h"
#include "engine/inspection.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static tw_engine *shared; /* loaded and trained once; tests that change it put it back */
static tw_answer answer;

static int open_shared(void **state)
{
    (void) state;
    tw_answer_init(&answer);
    shared = toy_engine("shared", true);
    toy_train(shared);
    return 0;
}

static int close_shared(void **state)
{
    (void) state;
    tw_answer_fini(&answer);
    tw_engine_close(shared);
    return 0;
}

static void similar_finds_the_same_genre_and_not_itself(void **state)
{
    (void) state;
    assert_ok(tw_engine_similar(shared, &(tw_similar_query){.item = "f3", .k = 8}, &answer, err));
    assert_int_equal(answer.n, 8);
    assert_true(toy_of_genre(&answer, "Western") >= 7);
    assert_string_equal(answer.query_title, "Western Story 3");
    assert_string_equal(answer.basis, "item");
    for (int i = 0; i < answer.n; i++) {
        assert_string_not_equal(answer.rows[i].id, "f3");
        assert_true(i == 0 || answer.rows[i - 1].score >= answer.rows[i].score);
    }
}

static void an_item_is_named_by_id_or_title_in_any_case(void **state)
{
    (void) state;
    tw_item item;
    assert_ok(tw_engine_get(shared, "f13", &item, err));
    assert_string_equal(item.title, "Romance Story 1");
    tw_item_fini(&item);
    assert_ok(tw_engine_get(shared, "romance STORY 1", &item, err));
    assert_string_equal(item.id, "f13");
    tw_item_fini(&item);
}

static void a_wrong_name_says_which_are_near(void **state)
{
    (void) state;
    tw_error e = {0};
    tw_status st = tw_engine_similar(shared, &(tw_similar_query){.item = "Romance Stroy 2", .k = 3},
                                     &answer, &e);
    assert_int_equal(st, TW_ENOTFOUND);
    assert_non_null(strstr(e.msg, "'Romance Stroy 2'"));
    assert_non_null(strstr(e.msg, "Romance Story 2"));
}

static void a_history_is_answered_without_what_the_catalogue_lacks(void **state)
{
    (void) state;
    static const char *const whole[] = {"f25", "f26"};
    static const char *const part[] = {"f25", "gone", "tab\tand \"quote\"", "f26", "\xff", "gone"};
    char ids[3][16];
    assert_ok(tw_engine_next(shared, &(tw_next_query){.history = whole, .n_history = 2, .k = 3},
                             &answer, err));
    assert_string_equal(answer.skipped, "");
    for (int i = 0; i < 3; i++)
        (void) snprintf(ids[i], sizeof ids[i], "%s", answer.rows[i].id);
    assert_ok(tw_engine_next(shared, &(tw_next_query){.history = part, .n_history = 6, .k = 3},
                             &answer, err));
    assert_string_equal(answer.skipped, "\"gone\", \"tab\\u0009and \\\"quote\\\"\", "
                                        "\"(not UTF-8)\", \"gone\"");
    for (int i = 0; i < 3; i++)
        assert_string_equal(answer.rows[i].id, ids[i]);
}

static void a_list_of_what_was_skipped_ends_where_its_room_does(void **state)
{
    (void) state;
    static char names[40][200];
    const char *history[41] = {"f25"};
    for (int i = 0; i < 40; i++) {
        for (size_t c = 0; c + 2 < sizeof names[i]; c += 2)
            memcpy(names[i] + c, "\xc3\xa9", 3);
        history[i + 1] = names[i];
    }
    assert_ok(tw_engine_next(shared, &(tw_next_query){.history = history, .n_history = 41, .k = 3},
                             &answer, err));
    assert_int_equal(strlen(answer.skipped), 8 * 122 + 7 * 2); /* whole ones alone, each cut */
    assert_true(tw_utf8_valid(answer.skipped, strlen(answer.skipped)));
    assert_int_equal(answer.skipped[strlen(answer.skipped) - 1], '"');
}

static void next_knows_users_histories_and_unseen_users(void **state)
{
    (void) state;
    assert_ok(tw_engine_next(shared, &(tw_next_query){.user = "u1", .k = 3}, &answer, err));
    assert_string_equal(answer.basis, "user");
    assert_int_equal(toy_of_genre(&answer, "Western"), 3); /* 8 of 12 are seen: 4 are left */

    const char *const history[] = {"f25", "f26", "Robot Story 3"};
    assert_ok(tw_engine_next(shared, &(tw_next_query){.history = history, .n_history = 3, .k = 3},
                             &answer, err));
    assert_string_equal(answer.basis, "history");
    assert_string_equal(answer.rows[0].id, "f28"); /* films are watched in order */

    assert_ok(tw_engine_next(shared, &(tw_next_query){.user = "nobody", .k = 5}, &answer, err));
    assert_string_equal(answer.basis, "popular");
    assert_int_equal(answer.n, 5);
}

static void what_was_seen_comes_again_only_when_asked(void **state)
{
    (void) state;
    const tw_next_query q = {.user = "u1", .k = TOY_ITEMS};
    assert_ok(tw_engine_next(shared, &q, &answer, err));
    assert_int_equal(answer.n, TOY_ITEMS - 8);
    tw_next_query again = q;
    again.include_seen = true;
    assert_ok(tw_engine_next(shared, &again, &answer, err));
    assert_int_equal(answer.n, TOY_ITEMS);
}

static void bad_questions_get_one_sentence(void **state)
{
    (void) state;
    static const tw_similar_query similar[] = {
        {.item = "f1", .k = 0},
        {.item = "f1", .k = 1001},
        {.k = 3},
        {.item = "f1", .text = "x", .k = 3},
        {.item = "", .k = 3},
    };
    for (size_t i = 0; i < sizeof similar / sizeof similar[0]; i++)
        assert_status(tw_engine_similar(shared, &similar[i], &answer, err), TW_EINVAL);
    static const char *const history[] = {"f998", "f999"};
    assert_status(tw_engine_next(shared,
                                 &(tw_next_query){.history = history, .n_history = 2, .k = 3},
                                 &answer, err),
                  TW_ENOTFOUND);
    assert_status(tw_engine_next(shared, &(tw_next_query){.k = 3}, &answer, err), TW_EINVAL);
    assert_status(tw_engine_next(shared, &(tw_next_query){.user = "u1", .k = 3, .diversity = -1},
                                 &answer, err),
                  TW_EINVAL);
    assert_status(tw_engine_next(shared,
                                 &(tw_next_query){.user = "u1", .k = 3, .popularity_discount = 11},
                                 &answer, err),
                  TW_EINVAL);
    assert_status(tw_engine_next(shared, &(tw_next_query){.user = "", .k = 3}, &answer, err),
                  TW_EINVAL);
}

/* As over the wire, and as in a file. */
static void an_id_with_a_control_character_is_refused_by_every_call(void **state)
{
    (void) state;
    static const char *const bad[] = {"a\nb", "a\x1b[2J", "a\x7f", "a\xc2\x9b"};
    tw_engine *e = toy_engine("controls", true);
    tw_answer a;
    tw_put_kind kind;
    bool added;

    tw_answer_init(&a);
    toy_train(e);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const tw_next_query q = {.user = bad[i], .k = 3};
        assert_status(tw_engine_put(e, &(tw_item){.id = bad[i]}, &kind, err), TW_EINVAL);
        assert_status(tw_engine_delete(e, bad[i], err), TW_EINVAL);
        assert_status(tw_engine_record(e, bad[i], "f1", 1, &added, err), TW_EINVAL);
        assert_status(tw_engine_next(e, &q, &a, err), TW_EINVAL);
    }
    tw_answer_fini(&a);
    tw_engine_close(e);
}

static void a_put_item_is_found_at_once_and_a_deleted_one_never(void **state)
{
    (void) state;
    tw_put_kind kind;
    const tw_item item = {.id = "new",
                          .title = "Robot Story 99",
                          .attributes = "{\"genres\": [\"Robot\", \"Film\"]}"};
    assert_ok(tw_engine_put(shared, &item, &kind, err));
    assert_int_equal(kind, TW_PUT_CREATED);
    assert_ok(tw_engine_put(shared, &item, &kind, err));
    assert_int_equal(kind, TW_PUT_UNCHANGED);
    assert_ok(tw_engine_similar(
        shared, &(tw_similar_query){.text = "robot story 99 robot film", .k = 1}, &answer, err));
    assert_string_equal(answer.rows[0].id, "new");
    assert_ok(tw_engine_similar(shared, &(tw_similar_query){.item = "new", .k = 5}, &answer, err));
    assert_true(toy_of_genre(&answer, "Robot") >= 4);

    assert_ok(tw_engine_delete(shared, "new", err));
    assert_status(tw_engine_delete(shared, "new", err), TW_ENOTFOUND);
    assert_ok(tw_engine_similar(
        shared, &(tw_similar_query){.text = "robot story 99 robot film", .k = 1}, &answer, err));
    assert_int_equal(answer.n, 1); /* its place is taken by the next one, not lost */
    assert_ok(tw_engine_similar(shared, &(tw_similar_query){.item = "f30", .k = TOY_ITEMS}, &answer,
                                err));
    for (int i = 0; i < answer.n; i++)
        assert_string_not_equal(answer.rows[i].id, "new");
}

static void a_deleted_item_is_not_recommended_until_it_is_back(void **state)
{
    (void) state;
    const char *const history[] = {"f25", "f26", "f27"};
    const tw_next_query q = {.history = history, .n_history = 3, .k = 1};
    tw_item item;
    tw_put_kind kind;
    assert_ok(tw_engine_get(shared, "f28", &item, err));
    assert_ok(tw_engine_delete(shared, "f28", err));
    assert_ok(tw_engine_next(shared, &q, &answer, err));
    assert_string_not_equal(answer.rows[0].id, "f28");
    assert_ok(tw_engine_put(shared, &item, &kind, err));
    assert_ok(tw_engine_next(shared, &q, &answer, err));
    assert_string_equal(answer.rows[0].id, "f28");
    tw_item_fini(&item);
}

static void a_recorded_event_counts_once_and_at_once(void **state)
{
    (void) state;
    bool added;
    assert_ok(tw_engine_record(shared, "visitor", "f25", 5000, &added, err));
    assert_true(added);
    assert_ok(tw_engine_record(shared, "visitor", "f25", 5000, &added, err));
    assert_false(added);
    assert_ok(tw_engine_record(shared, "visitor", "Robot Story 2", 5001, &added, err));
    assert_ok(tw_engine_next(shared, &(tw_next_query){.user = "visitor", .k = 1}, &answer, err));
    assert_string_equal(answer.basis, "history"); /* not there in training */
    assert_string_equal(answer.rows[0].id, "f27");
    assert_status(tw_engine_record(shared, "visitor", "none", 1, &added, err), TW_ENOTFOUND);
    assert_status(tw_engine_record(shared, "", "f1", 1, &added, err), TW_EINVAL);
}

static void times_are_ordered_by_the_fraction_and_refused_out_of_range(void **state)
{
    (void) state;
    const tw_write_options any = {.allow_future = true};
    tw_error why = {0};
    bool added;
    const tw_next_query q = {.user = "precise", .k = 1};
    assert_ok(tw_engine_record(shared, "precise", "f26", 6000.5, &added, err));
    assert_true(added);
    assert_ok(tw_engine_record(shared, "precise", "f25", 6000.25, &added, err));
    assert_true(added);
    assert_ok(tw_engine_record(shared, "precise", "f25", 6000.25, &added, err));
    assert_false(added);
    assert_ok(tw_engine_next(shared, &q, &answer, err));
    assert_string_equal(answer.rows[0].id, "f27"); /* behind f26, which is the last */
    assert_status(tw_engine_record(shared, "precise", "f3", -1, &added, &why), TW_EINVAL);
    assert_non_null(strstr(why.msg, "-1 is before 1970"));
    assert_status(tw_engine_record(shared, "precise", "f3", 1588687728923, &added, &why),
                  TW_EINVAL);
    assert_non_null(strstr(why.msg, "1588687728923 is beyond 2200"));
    assert_ok(tw_engine_record_with(shared, "precise", "f3", 1588687728923, &any, &added, err));
    assert_true(added);
    assert_ok(tw_engine_next(shared, &q, &answer, err));
    assert_string_equal(answer.rows[0].id, "f4");
}

static void embed_gives_unit_vectors(void **state)
{
    (void) state;
    static float a[TW_ENGINE_MAX_DIM], b[TW_ENGINE_MAX_DIM];
    int dim, model;
    double dot = 0, norm = 0;
    assert_ok(tw_engine_embed(shared, &(tw_embed_query){.item = "f5"}, a, &dim, &model, err));
    assert_int_equal(dim, 16);
    assert_ok(tw_engine_embed(shared, &(tw_embed_query){.text = "Western Story 5 Western Film"}, b,
                              &dim, &model, err));
    for (int i = 0; i < dim; i++) {
        dot += (double) a[i] * (double) b[i];
        norm += (double) a[i] * (double) a[i];
    }
    assert_near(norm, 1, 1e-5);
    assert_near(dot, 1, 1e-5); /* the text is what the tower reads of the item */
}

static void what_is_written_is_there_after_reopening(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("reopen", true);
    tw_put_kind kind;
    toy_train(e);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "late", .title = "Western Story 77"}, &kind, err));
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "late", .k = 6}, &answer, err));
    char before[6][64];
    for (int i = 0; i < 6; i++)
        (void) snprintf(before[i], sizeof before[i], "%s %.6f", answer.rows[i].id,
                        (double) answer.rows[i].score);
    tw_engine_close(e);

    /* once with the snapshots, once without: they are derived */
    for (int round = 0; round < 2; round++) {
        const tw_engine_options opt = {.mode = TW_ENGINE_WRITE};
        assert_ok(tw_engine_open(&e, tw_test_path("reopen"), &opt, err));
        assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "late", .k = 6}, &answer, err));
        for (int i = 0; i < 6; i++) {
            char now[64];
            (void) snprintf(now, sizeof now, "%s %.6f", answer.rows[i].id,
                            (double) answer.rows[i].score);
            assert_string_equal(now, before[i]);
        }
        tw_engine_close(e);
        assert_ok(tw_remove_tree(tw_test_path("reopen/index"), err));
        assert_ok(tw_dir_create(tw_test_path("reopen/index"), err));
    }
}

static void what_came_after_a_snapshot_is_replayed(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("replay", true), *reader = NULL;
    const char *const history[] = {"f25", "f26", "f27"};
    tw_put_kind kind;
    toy_train(e);
    assert_ok(tw_engine_snapshot(e, err));
    assert_ok(tw_engine_put(e, &(tw_item){.id = "late", .title = "Western Story 77"}, &kind, err));
    assert_ok(tw_engine_delete(e, "f28", err));

    /* a reader finds what a process that was killed here would find at its next start */
    assert_ok(tw_engine_open(&reader, tw_test_path("replay"), NULL, err));
    assert_ok(tw_engine_similar(reader, &(tw_similar_query){.text = "western story 77", .k = 1},
                                &answer, err));
    assert_string_equal(answer.rows[0].id, "late");
    assert_ok(tw_engine_next(reader, &(tw_next_query){.history = history, .n_history = 3, .k = 1},
                             &answer, err));
    assert_int_equal(answer.n, 1);
    assert_string_not_equal(answer.rows[0].id, "f28");
    tw_engine_close(reader);
    tw_engine_close(e);
}

static void a_damaged_snapshot_is_rebuilt_and_a_damaged_model_is_reported(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("damaged", true);
    toy_train(e);
    tw_engine_close(e);
    const char *snapshot = tw_test_path("damaged/index/items-0001.twx");
    assert_true(tw_file_exists(snapshot));
    assert_int_equal(truncate(snapshot, 100), 0);
    const tw_engine_options opt = {.mode = TW_ENGINE_WRITE};
    assert_ok(tw_engine_open(&e, tw_test_path("damaged"), &opt, err));
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f3", .k = 3}, &answer, err));
    assert_int_equal(answer.n, 3);
    tw_engine_close(e);

    assert_int_equal(truncate(tw_test_path("damaged/models/0002/seq.safetensors"), 1000), 0);
    tw_error why = {0};
    assert_ok(tw_engine_open(&e, tw_test_path("damaged"), &opt, err));
    assert_int_equal(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 3}, &answer, &why),
                     TW_ECORRUPT);
    assert_non_null(strstr(why.msg, "seq.safetensors"));
    assert_non_null(strstr(why.msg, "train"));
    tw_engine_close(e);
}

static void one_writer_at_a_time_but_any_number_of_readers(void **state)
{
    (void) state;
    tw_engine *other = NULL;
    tw_error why = {0};
    const tw_engine_options write = {.mode = TW_ENGINE_WRITE}, read = {.mode = TW_ENGINE_READ};
    assert_int_equal(tw_engine_open(&other, tw_test_path("shared"), &write, &why), TW_EBUSY);
    char pid[32];
    (void) snprintf(pid, sizeof pid, "process %ld", (long) getpid());
    assert_non_null(strstr(why.msg, pid));

    assert_ok(tw_engine_open(&other, tw_test_path("shared"), &read, err));
    assert_ok(tw_engine_similar(other, &(tw_similar_query){.item = "f3", .k = 3}, &answer, err));
    assert_int_equal(answer.n, 3);
    tw_put_kind kind;
    assert_status(tw_engine_put(other, &(tw_item){.id = "x"}, &kind, err), TW_EDENIED);
    assert_status(tw_engine_delete(other, "f1", err), TW_EDENIED);
    tw_engine_close(other);
}

/* Otherwise it would measure on people that the towers were trained on. */
/* A training is told beside popularity alone, which is cheap; an evaluation beside all. */
static void eval_seq_tells_all_baselines_and_lists(void **state)
{
    (void) state;
    static const char *const rows[] = {"\"seq\"", "\"as_unknown_user\"", "\"popularity\"",
                                       "\"item_knn\"", "\"markov\""};
    const tw_eval_options sampled = {.protocol = "sampled100", .split = "valid"};
    char *training = NULL, *full = NULL, *drawn = NULL;
    tw_engine *e = toy_engine("evaluated-seq", true);

    assert_ok(tw_engine_train_seq(e, &(tw_train_options){.config_json = TOY_SEQ}, &training, err));
    assert_ok(tw_engine_eval_seq(e, NULL, &full, err));
    assert_ok(tw_engine_eval_seq(e, &sampled, &drawn, err));
    for (int i = 0; i < 5; i++) {
        assert_non_null(strstr(full, rows[i]));
        assert_true((strstr(training, rows[i]) != NULL) == (i < 3));
    }
    assert_non_null(strstr(full, "\"diversity_at_10\""));
    assert_null(strstr(training, "\"diversity_at_10\""));
    assert_null(strstr(full, "\"lists_hash\""));
    assert_non_null(strstr(drawn, "\"lists_hash\""));
    tw_free(training);
    tw_free(full);
    tw_free(drawn);
    tw_engine_close(e);
}

static void eval_towers_uses_the_split_of_the_training(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("evaluated", true);
    char *trained = NULL, *seq = NULL, *again = NULL;
    const tw_train_options opt = {
        .config_json =
            "{\"bits\": 10, \"embed_dim\": 16, \"dim\": 16, \"epochs\": 2, \"batch\": 32, "
            "\"min_count\": 2, \"neighbours\": 5, \"seed\": 7}"};
    assert_ok(tw_engine_train_towers(e, &opt, &trained, err));
    assert_non_null(strstr(trained, "\"resumed_after\": 0"));
    assert_false(tw_file_exists(tw_test_path("evaluated/towers.checkpoint"))); /* it is published */
    assert_ok(tw_engine_train_seq(e, &(tw_train_options){.config_json = TOY_SEQ, .skip_eval = true},
                                  &seq, err));
    assert_ok(tw_engine_eval_towers(e, NULL, &again, err));

    const char *a = strstr(trained, "\"queries\""), *b = strstr(again, "\"queries\"");
    assert_true(a != NULL && b != NULL && strncmp(a, "\"queries\": 0", 12) != 0);
    while (*a != '}' && *a == *b) { /* the towers' figures, indented differently */
        a += 1 + strspn(a + 1, " ");
        b += 1 + strspn(b + 1, " ");
    }
    assert_true(*a == '}' && *b == '}');
    tw_free(trained);
    tw_free(seq);
    tw_free(again);
    tw_engine_close(e);
}

static void directories_are_checked_before_use(void **state)
{
    (void) state;
    tw_engine *e = NULL;
    assert_status(tw_engine_open(&e, tw_test_path("nowhere"), NULL, err), TW_ENOTFOUND);
    assert_null(e);
    assert_status(tw_engine_create(tw_test_path("shared"), err), TW_EEXIST);
    assert_ok(tw_dir_create(tw_test_path("full"), err));
    (void) tw_test_file("full/x", "1");
    assert_status(tw_engine_create(tw_test_path("full"), err), TW_EEXIST);
}

static void without_models_the_answer_says_what_to_run(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("bare", false);
    tw_error why = {0};
    char *report;
    tw_put_kind kind;
    assert_ok(tw_engine_put(e, &(tw_item){.id = "a", .title = "A"}, &kind, err));
    assert_int_equal(tw_engine_similar(e, &(tw_similar_query){.item = "a", .k = 1}, &answer, &why),
                     TW_ESTATE);
    assert_non_null(strstr(why.msg, "twindex train towers"));
    assert_int_equal(tw_engine_next(e, &(tw_next_query){.user = "u", .k = 1}, &answer, &why),
                     TW_ESTATE);
    assert_status(tw_engine_train_towers(e, NULL, &report, err), TW_ESTATE);
    assert_null(report);
    assert_status(tw_engine_train_seq(e, NULL, &report, err), TW_ESTATE);
    tw_engine_close(e);
}

static void check_is_silent_on_a_whole_directory_only(void **state)
{
    (void) state;
    toy_findings f = {0};
    tw_engine *e = toy_engine("checked", true);
    toy_train(e);
    tw_engine_close(e);
    assert_ok(tw_engine_check(tw_test_path("checked"), toy_collect, &f, err));
    assert_int_equal(f.n, 0);
    FILE *snapshot = fopen(tw_test_path("checked/index/items-0001.twx"), "r+b");
    assert_non_null(snapshot);
    assert_int_equal(fseek(snapshot, -30, SEEK_END), 0);
    int byte = fgetc(snapshot);
    assert_int_equal(fseek(snapshot, -30, SEEK_END), 0);
    assert_true(fputc(byte ^ 0x10, snapshot) != EOF);
    assert_int_equal(fclose(snapshot), 0);
    assert_status(tw_engine_check(tw_test_path("checked"), toy_collect, &f, err), TW_ECORRUPT);
    assert_int_equal(f.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_with_a_control_character_is_refused_by_every_call),
        cmocka_unit_test(similar_finds_the_same_genre_and_not_itself),
        cmocka_unit_test(an_item_is_named_by_id_or_title_in_any_case),
        cmocka_unit_test(a_wrong_name_says_which_are_near),
        cmocka_unit_test(next_knows_users_histories_and_unseen_users),
        cmocka_unit_test(a_history_is_answered_without_what_the_catalogue_lacks),
        cmocka_unit_test(a_list_of_what_was_skipped_ends_where_its_room_does),
        cmocka_unit_test(what_was_seen_comes_again_only_when_asked),
        cmocka_unit_test(bad_questions_get_one_sentence),
        cmocka_unit_test(a_put_item_is_found_at_once_and_a_deleted_one_never),
        cmocka_unit_test(a_deleted_item_is_not_recommended_until_it_is_back),
        cmocka_unit_test(a_recorded_event_counts_once_and_at_once),
        cmocka_unit_test(times_are_ordered_by_the_fraction_and_refused_out_of_range),
        cmocka_unit_test(embed_gives_unit_vectors),
        cmocka_unit_test(what_is_written_is_there_after_reopening),
        cmocka_unit_test(what_came_after_a_snapshot_is_replayed),
        cmocka_unit_test(a_damaged_snapshot_is_rebuilt_and_a_damaged_model_is_reported),
        cmocka_unit_test(one_writer_at_a_time_but_any_number_of_readers),
        cmocka_unit_test(eval_seq_tells_all_baselines_and_lists),
        cmocka_unit_test(eval_towers_uses_the_split_of_the_training),
        cmocka_unit_test(directories_are_checked_before_use),
        cmocka_unit_test(without_models_the_answer_says_what_to_run),
        cmocka_unit_test(check_is_silent_on_a_whole_directory_only),
    };
    return cmocka_run_group_tests(tests, open_shared, close_shared);
}
