/* Every allocation of ours fails once, in turn, while towers are measured. */
#include "base/alloc.h"
#include "engine/engine.h"
#include "engine/evaluation.h"
#include "engine/training.h"
#include "tests/oom/torture.h"
#include "tests/support/toy.h"

static tw_engine *engine;
static const char *pairs;

static int open_engine(void **state)
{
    (void) state;
    char *report = NULL;
    const tw_train_options opt = {.config_json = "{\"bits\": 8, \"embed_dim\": 4, \"dim\": 4, "
                                                 "\"epochs\": 1, \"threads\": 1}",
                                  .source = TW_PAIRS_TRIPLETS,
                                  .path = tw_test_file("triplets.csv",
                                                       "anchor,positive,negative\nf1,f2,f14\n"
                                                       "f2,f3,f15\nf3,f4,f16\nf4,f5,f17\n"
                                                       "f5,f6,f18\nf6,f7,f19\nf7,f8,f20\n"),
                                  .activate = TW_ACTIVATE_ALWAYS,
                                  .skip_eval = true};
    const tw_train_options seq = {
        .config_json = "{\"user_dim\": 2, \"item_dim\": 4, \"heads\": 1, \"max_len\": 4, "
                       "\"blocks\": 1, \"epochs\": 1, \"threads\": 1}",
        .activate = TW_ACTIVATE_ALWAYS,
        .skip_eval = true};
    pairs = tw_test_file("pairs.csv", "a,b,label\nf1,f2,1\nf1,f14,0\nf3,f4,1\n");
    engine = toy_engine("oom_eval", true);
    assert_ok(tw_engine_train_towers(engine, &opt, &report, err));
    tw_free(report);
    assert_ok(tw_engine_train_seq(engine, &seq, &report, err));
    tw_free(report);
    return 0;
}

static int close_engine(void **state)
{
    (void) state;
    tw_engine_close(engine);
    return 0;
}

static tw_status measure(void *ctx)
{
    char *report = NULL;
    tw_status st = tw_engine_eval_towers(engine, ctx, &report, NULL);
    assert_true((report != NULL) == (st == TW_OK));
    tw_free(report);
    return st;
}

static tw_status measure_seq(void *ctx)
{
    char *report = NULL;
    tw_status st = tw_engine_eval_seq(engine, ctx, &report, NULL);
    assert_true((report != NULL) == (st == TW_OK));
    tw_free(report);
    return st;
}

static void the_sequential_model(void **state)
{
    (void) state;
    torture(measure_seq, NULL, 30);
    torture(measure_seq, &(tw_eval_options){.protocol = "sampled100", .seen = true}, 30);
}

static void the_training_s_own_split(void **state)
{
    (void) state;
    torture(measure, NULL, 30);
}

static void pairs_that_are_given(void **state)
{
    (void) state;
    tw_eval_options opt = {
        .chosen = true, .source = TW_PAIRS_FILE, .path = pairs, .valid_path = pairs};
    torture(measure, &opt, 30);
}

static void classes_that_are_given(void **state)
{
    (void) state;
    tw_eval_options opt = {.chosen = true, .source = TW_PAIRS_CLASSES, .path = "genres"};
    torture(measure, &opt, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequential_model),
        cmocka_unit_test(the_training_s_own_split),
        cmocka_unit_test(pairs_that_are_given),
        cmocka_unit_test(classes_that_are_given),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
