/* A training of towers that is killed at any durable step, again and again, ends with the same
 * bits. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crash.h"
#include "tests/support/test.h"
#include "towers/towers.h"

enum { N = 12, D = 8, EPOCHS = 3 };

static const char *const texts[N] = {"red apple",  "green apple", "red pear", "blue car",
                                     "fast car",   "blue van",    "slow van", "old oak tree",
                                     "young tree", "oak leaf",    "tea cup",  "coffee cup"};
static const tw_item_pair pairs[] = {{0, 1, 1, 1}, {1, 2, 1, 1}, {3, 4, 1, 1},  {4, 5, 1, 1},
                                     {5, 6, 1, 1}, {7, 8, 1, 1}, {10, 11, 1, 1}};
enum { PAIRS = sizeof pairs / sizeof pairs[0] };

static tw_status train(const char *checkpoint, float *vecs, int *resumed)
{
    const tw_tower_config shape = {.bits = 8,
                                   .idf_power = 1,
                                   .embed_dim = D,
                                   .dim = D,
                                   .ngram_min = 3,
                                   .ngram_max = 3,
                                   .max_features = 50,
                                   .seed = 1};
    const tw_tower_data data = {.texts = texts, .n_items = N, .pairs = pairs, .n_pairs = PAIRS};
    const tw_tower_watch watch = {.checkpoint = checkpoint};
    tw_tower_train_config cfg = TW_TOWER_TRAIN_DEFAULT;
    tw_tower_report report = {.epochs = 0};
    tw_tower *t = NULL;
    tw_status st = TW_OK;

    cfg.epochs = EPOCHS;
    cfg.batch = 4;
    cfg.threads = 1;
    TW_TRY(tw_tower_create(&t, &shape, NULL, NULL));
    TW_TRY(tw_tower_fit_texts(t, texts, NULL, N, NULL));
    TW_TRY(tw_tower_train(t, &data, &cfg, &watch, &report, NULL));
    TW_TRY(tw_tower_embed_texts(t, NULL, texts, NULL, N, vecs, NULL, NULL, NULL));
    *resumed = report.resumed;
done:
    tw_tower_destroy(t);
    return st;
}

static void a_killed_training_ends_with_the_same_bits(void **state)
{
    static float whole[N * D], vecs[N * D];
    int points = 0, resumed = 0, status = 0, gone_on = 0;
    (void) state;
    assert_int_equal(train(NULL, whole, &resumed), TW_OK);
    do {
        const char *path = tw_test_path("towers.checkpoint");
        (void) remove(path);
        points++;
        const pid_t pid = fork();
        if (pid == 0) {
            tw_crash_arm(points);
            _exit(train(path, vecs, &resumed) == TW_OK ? 0 : 1);
        }
        assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
        assert_int_equal(train(path, vecs, &resumed), TW_OK);
        assert_memory_equal(vecs, whole, sizeof whole);
        gone_on |= 1 << resumed;
    } while (WEXITSTATUS(status) == TW_CRASH_STATUS);

    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(points > 3);
    /* from the start, and from behind an epoch; a slow disk may leave some epochs unwritten */
    assert_true((gone_on & 1) != 0 && gone_on > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_killed_training_ends_with_the_same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
