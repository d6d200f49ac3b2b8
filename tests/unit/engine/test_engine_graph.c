#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "engine/engine.h"
#include "engine/training.h"
#include "tests/support/toy.h"

enum { DIM = 8 };

/* An engine whose towers are not trained at all, so that vectors differ by smoothing alone. */
static tw_engine *trained(const char *name, int layers)
{
    char config[256];
    char *report = NULL;
    tw_engine *e = toy_engine(name, true);
    (void) snprintf(config, sizeof config,
                    "{\"bits\": 10, \"embed_dim\": 8, \"dim\": %d, \"epochs\": 0, \"threads\": 1, "
                    "\"min_count\": 2, \"graph_layers\": %d}",
                    DIM, layers);
    assert_ok(tw_engine_train_towers(
        e, &(tw_train_options){.config_json = config, .skip_eval = true}, &report, err));
    tw_free(report);
    return e;
}

static void the_catalogue_is_smoothed_and_what_is_new_is_not(void **state)
{
    tw_engine *plain = trained("plain", 0), *smooth = trained("smooth", 1);
    static float a[TW_ENGINE_MAX_DIM], b[TW_ENGINE_MAX_DIM];
    const tw_item fresh = {.id = "fresh", .title = "an item that came later"};
    tw_put_kind kind;
    int dim, model, moved = 0;
    (void) state;
    for (int i = 0; i < TOY_ITEMS; i++) {
        char id[32];
        double length = 0, apart = 0;
        (void) snprintf(id, sizeof id, "f%d", i + 1);
        assert_ok(tw_engine_embed(plain, &(tw_embed_query){.item = id}, a, &dim, &model, err));
        assert_ok(tw_engine_embed(smooth, &(tw_embed_query){.item = id}, b, &dim, &model, err));
        for (int d = 0; d < dim; d++) {
            length += (double) b[d] * (double) b[d];
            apart += fabs((double) a[d] - (double) b[d]);
        }
        assert_near(length, 1, 1e-5);
        moved += apart > 1e-3;
    }
    assert_true(moved > TOY_ITEMS / 2);
    assert_ok(tw_engine_put(plain, &fresh, &kind, err));
    assert_ok(tw_engine_put(smooth, &fresh, &kind, err));
    assert_ok(tw_engine_embed(plain, &(tw_embed_query){.item = "fresh"}, a, &dim, &model, err));
    assert_ok(tw_engine_embed(smooth, &(tw_embed_query){.item = "fresh"}, b, &dim, &model, err));
    assert_memory_equal(a, b, DIM * sizeof *a);
    tw_engine_close(plain);
    tw_engine_close(smooth);
}

/* Hard negatives come from an index over the vectors of the moment: the same pairs, other vectors.
 */
static void mined_negatives_change_what_is_learnt(void **state)
{
    static float v[2][TW_ENGINE_MAX_DIM];
    (void) state;
    for (int hard = 0; hard < 2; hard++) {
        char config[256];
        char *report = NULL;
        int dim, model;
        tw_engine *e = toy_engine(hard ? "hard" : "easy", true);
        (void) snprintf(config, sizeof config,
                        "{\"bits\": 10, \"embed_dim\": 8, \"dim\": %d, \"epochs\": 2, "
                        "\"patience\": 0, \"threads\": 1, \"min_count\": 2, "
                        "\"hard_negatives\": %d}",
                        DIM, hard ? 5 : 0);
        assert_ok(tw_engine_train_towers(
            e, &(tw_train_options){.config_json = config, .skip_eval = true}, &report, err));
        tw_free(report);
        assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "f1"}, v[hard], &dim, &model, err));
        tw_engine_close(e);
    }
    assert_memory_not_equal(v[0], v[1], DIM * sizeof v[0][0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalogue_is_smoothed_and_what_is_new_is_not),
        cmocka_unit_test(mined_negatives_change_what_is_learnt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
