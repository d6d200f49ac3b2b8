/* Every allocation of a tower's life made to fail once. */
#include "tests/oom/torture.h"

#include <string.h>

#include "base/alloc.h"
#include "towers/towers.h"

static const char *const texts[] = {"red apple", "green apple", "blue car", "fast car", "red pear"};
enum { N = sizeof texts / sizeof texts[0], D = 6 };

static const tw_tower_config shape = {.bits = 8,
                                      .embed_dim = 4,
                                      .dim = D,
                                      .ngram_min = 3,
                                      .ngram_max = 3,
                                      .max_features = 40,
                                      .seed = 1};
static const tw_item_pair pairs[] = {{0, 1, 1, 1}, {2, 3, 1, 1}};
static const tw_item_pair valid[] = {{0, 4, 1, 1}};

static tw_status make(void *ctx)
{
    tw_tower *t = NULL;
    (void) ctx;
    tw_status st = tw_tower_create(&t, &shape, NULL, NULL);
    assert_true((t == NULL) == (st != TW_OK));
    tw_tower_destroy(t);
    return st;
}

static tw_status fit(void *ctx) { return tw_tower_fit_texts(ctx, texts, NULL, N, NULL); }

static tw_status embed(void *ctx)
{
    float v[N * D];
    return tw_tower_embed_texts(ctx, NULL, texts, NULL, N, v, NULL, NULL, NULL);
}

static tw_status train_on(const tw_tower_data *data, tw_tower_loss loss)
{
    tw_tower_train_config cfg = TW_TOWER_TRAIN_DEFAULT;
    tw_tower *t = NULL;
    cfg.loss = loss;
    cfg.epochs = 2;
    cfg.threads = 1;
    cfg.logq = true;
    tw_status st = tw_tower_create(&t, &shape, NULL, NULL);
    if (st == TW_OK)
        st = tw_tower_train(t, data, &cfg, NULL, NULL, NULL);
    tw_tower_destroy(t);
    return st;
}

static tw_status train(void *ctx)
{
    const tw_tower_data data = {
        .texts = texts, .n_items = N, .pairs = pairs, .n_pairs = 2, .valid = valid, .n_valid = 1};
    (void) ctx;
    return train_on(&data, TW_LOSS_AUTO);
}

static tw_status train_on_classes(void *ctx)
{
    static const int32_t classes[N] = {0, 0, 3, 3, 0};
    const tw_tower_data data = {.texts = texts, .n_items = N, .classes = classes};
    (void) ctx;
    return train_on(&data, TW_LOSS_PROXY);
}

static tw_status save_and_load(void *ctx)
{
    tw_tower *t = NULL;
    const char *path = tw_test_path("oom.safetensors");
    tw_status st = tw_tower_save(ctx, path, NULL);
    if (st != TW_OK)
        return st;
    st = tw_tower_load(&t, path, NULL);
    assert_true((t == NULL) == (st != TW_OK));
    tw_tower_destroy(t);
    return st;
}

static tw_status mine(void *ctx)
{
    static const int32_t items[] = {0, 1, 2, 1, 0, 3};
    static const int64_t offsets[] = {0, 3, 6};
    tw_mine_config cfg = TW_MINE_DEFAULT;
    tw_item_pair *out = NULL;
    int64_t n = 0;
    (void) ctx;
    cfg.min_count = 1;
    tw_status st = tw_mine_events(&out, &n, items, offsets, 2, 4, &cfg, NULL);
    assert_true((out == NULL) == (st != TW_OK));
    tw_free(out);
    return st;
}

static tw_status split(void *ctx)
{
    const tw_split_config cfg = TW_SPLIT_DEFAULT;
    tw_item_pair copy[2];
    tw_split s;
    (void) ctx;
    memcpy(copy, pairs, sizeof copy);
    return tw_pairs_split(copy, 2, &cfg, &s, NULL);
}

static void memory_that_runs_out_is_told_and_nothing_leaks(void **state)
{
    tw_tower *t = NULL;
    (void) state;
    assert_ok(tw_tower_create(&t, &shape, NULL, err));
    torture(make, NULL, 6);
    torture(fit, t, 6);
    torture(embed, t, 7);
    torture(train, NULL, 40);
    torture(train_on_classes, NULL, 40);
    torture(save_and_load, t, 8);
    torture(mine, NULL, 8);
    torture(split, NULL, 1);
    tw_tower_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_runs_out_is_told_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
