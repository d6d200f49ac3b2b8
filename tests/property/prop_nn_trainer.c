/* Training repeats bit for bit, and it learns. */
#include <sched.h>
#include <string.h>

#include "tests/support/test.h"
#include "tests/unit/nn/toy_model.h"

enum { STEPS = 40, NUMBERS = TOY_ITEMS * TOY_D };

/* A step whose workers finish in another order every time. */
static tw_status jittered_step(void *ctx, int worker, int workers, tw_tape *t, tw_error *err)
{
    static int calls;
    int n = worker == 0 ? __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) : 0;
    for (int i = 0; i < (n % 3) * 50; i++)
        (void) sched_yield();
    return toy_step(ctx, worker, workers, t, err);
}

/* Trains from the same start; the items' table into out. */
static void train(tw_real out[NUMBERS], int threads, uint64_t seed, bool sampled, tw_worker_fn fn)
{
    toy m;
    tw_trainer *tr = NULL;
    tw_trainer_config cfg = {.threads = threads, .seed = seed, .adam = TW_ADAM_DEFAULT};
    cfg.adam.clip_norm = 1;
    assert_ok(toy_create(&m, 5, err));
    m.sampled = sampled;
    assert_ok(tw_trainer_create(&tr, m.ps, &cfg, err));
    for (int i = 0; i < STEPS; i++) {
        assert_ok(tw_trainer_run(tr, true, fn, &m, err));
        assert_ok(tw_trainer_update(tr, 0.01, err));
    }
    memcpy(out, m.items->value, NUMBERS * sizeof *out);
    tw_trainer_destroy(tr);
    tw_params_destroy(m.ps);
}

static void the_same_seed_and_threads_give_the_same_bits(void **state)
{
    (void) state;
    static tw_real a[NUMBERS], b[NUMBERS];
    for (int sampled = 0; sampled < 2; sampled++)
        for (int threads = 1; threads <= 4; threads++) {
            train(a, threads, 9, sampled == 1, toy_step);
            train(b, threads, 9, sampled == 1, jittered_step);
            assert_memory_equal(a, b, sizeof a);
        }
}

static void another_seed_gives_other_bits(void **state)
{
    (void) state;
    static tw_real a[NUMBERS], b[NUMBERS];
    train(a, 2, 9, false, toy_step);
    train(b, 2, 10, false, toy_step);
    assert_true(memcmp(a, b, sizeof a) != 0);
}

static void rows_that_no_step_touched_stand_still(void **state)
{
    (void) state;
    static tw_real a[NUMBERS];
    toy m;
    assert_ok(toy_create(&m, 5, err));
    train(a, 2, 9, true, toy_step); /* the sampled loss touches the first half only */
    assert_memory_equal(a + NUMBERS / 2, m.items->value + NUMBERS / 2, sizeof a / 2);
    assert_true(memcmp(a, m.items->value, sizeof a / 2) != 0);
    tw_params_destroy(m.ps);
}

/* The mean loss of both workers after `steps` steps. A guess among the 20 items that occur costs
 * log 20 = 3.0. */
static double loss_after(int steps, bool random)
{
    toy m;
    tw_trainer *tr = NULL;
    tw_trainer_config cfg = {.threads = 2, .seed = 3, .adam = TW_ADAM_DEFAULT};
    double sum = 0;
    assert_ok(toy_create(&m, 5, err));
    m.random = random;
    assert_ok(tw_trainer_create(&tr, m.ps, &cfg, err));
    for (int i = 0; i < steps; i++) {
        assert_ok(tw_trainer_run(tr, true, toy_step, &m, err));
        assert_ok(tw_trainer_update(tr, 0.01, err));
        if (i >= steps - 10)
            sum += (m.loss[0] + m.loss[1]) / 2;
    }
    tw_trainer_destroy(tr);
    tw_params_destroy(m.ps);
    return sum / 10;
}

static void training_learns_the_next_item_unless_it_is_random(void **state)
{
    (void) state;
    double learnt = loss_after(300, false), noise = loss_after(300, true);
    print_message("  loss %.3f, of random items %.3f\n", learnt, noise);
    assert_true(learnt < 1);
    assert_true(noise > 2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_and_threads_give_the_same_bits),
        cmocka_unit_test(another_seed_gives_other_bits),
        cmocka_unit_test(rows_that_no_step_touched_stand_still),
        cmocka_unit_test(training_learns_the_next_item_unless_it_is_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
