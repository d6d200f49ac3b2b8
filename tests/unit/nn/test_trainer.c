#include "nn/trainer.h"

#include <math.h>

#include "base/alloc.h"
#include "tests/support/test.h"
#include "tests/unit/nn/toy_model.h"

static tw_trainer_config config(int threads)
{
    return (tw_trainer_config){.threads = threads, .seed = 11, .adam = TW_ADAM_DEFAULT};
}

/* A worker's gradient of the row and the tensor it is given, in plain numbers. */
typedef struct plain {
    tw_param *table, *dense;
    tw_real value;
    int64_t row_of[2];
} plain;

static tw_status add_plain(void *ctx, int worker, int workers, tw_tape *t, tw_error *err)
{
    const plain *p = ctx;
    (void) workers;
    tw_grads_row(tw_tape_grads(t), p->table, p->row_of[worker])[0] += p->value;
    tw_grads_all(tw_tape_grads(t), p->dense)[0] += p->value;
    return tw_tape_status(t, err);
}

static void gradients_of_all_workers_are_summed(void **state)
{
    (void) state;
    tw_params *ps = NULL;
    plain p = {.value = 3, .row_of = {2, 2}};
    tw_trainer *tr = NULL;
    tw_trainer_config cfg = config(2);
    assert_ok(tw_params_create(&ps, err));
    assert_ok(tw_params_add(ps, &p.table, "t", 4, 1, TW_TABLE, err));
    assert_ok(tw_params_add(ps, &p.dense, "d", 1, 1, TW_DENSE, err));
    assert_ok(tw_trainer_create(&tr, ps, &cfg, err));
    assert_int_equal(tw_trainer_workers(tr), 2);

    assert_ok(tw_trainer_run(tr, true, add_plain, &p, err));
    assert_ok(tw_trainer_update(tr, 0.1, err));
    assert_near(tw_trainer_grad_norm(tr), 6 * sqrt(2), 1e-5); /* row 2 and d have 6 each */
    assert_near(p.table->m[2], 0.1 * 6, 1e-6);
    assert_near(p.table->value[2], -0.1, 1e-5); /* Adam's first step is lr * sign */
    assert_near(p.dense->value[0], -0.1, 1e-5);
    assert_int_equal(tw_trainer_steps(tr), 1);

    /* Untouched rows stand still, their moments too; those of the last step as well. */
    p.row_of[0] = 0;
    p.row_of[1] = 1;
    tw_real was = p.table->value[2];
    assert_ok(tw_trainer_run(tr, true, add_plain, &p, err));
    assert_ok(tw_trainer_update(tr, 0.1, err));
    assert_true(p.table->value[2] == was && p.table->value[3] == 0);
    assert_near(p.table->m[2], 0.1 * 6, 1e-6);
    assert_near(p.table->m[0], 0.1 * 3, 1e-6); /* no gradient was left over from step one */
    assert_near(p.table->m[1], 0.1 * 3, 1e-6);
    tw_trainer_destroy(tr);
    tw_params_destroy(ps);
}

/* One worker touches every row, the other two out of order. */
static tw_status add_all(void *ctx, int worker, int workers, tw_tape *t, tw_error *err)
{
    const plain *p = ctx;
    (void) workers;
    if (worker == p->row_of[0]) {
        tw_real *all = tw_grads_all(tw_tape_grads(t), p->table);
        for (int row = 0; row < 4; row++)
            all[row] += 1;
    } else {
        tw_grads_row(tw_tape_grads(t), p->table, 3)[0] += p->value;
        tw_grads_row(tw_tape_grads(t), p->table, 1)[0] += 2 * p->value;
    }
    return tw_tape_status(t, err);
}

static void a_worker_that_touches_all_rows_meets_one_that_touches_some(void **state)
{
    (void) state;
    for (int whole = 0; whole < 2; whole++) {
        tw_params *ps = NULL;
        plain p = {.value = 3, .row_of = {whole}};
        tw_trainer *tr = NULL;
        tw_trainer_config cfg = config(2);
        assert_ok(tw_params_create(&ps, err));
        assert_ok(tw_params_add(ps, &p.table, "t", 4, 1, TW_TABLE, err));
        assert_ok(tw_trainer_create(&tr, ps, &cfg, err));
        for (int step = 0; step < 2; step++) { /* the second has nothing of the first */
            assert_ok(tw_trainer_run(tr, true, add_all, &p, err));
            assert_ok(tw_trainer_update(tr, 0.1, err));
            assert_near(tw_trainer_grad_norm(tr), sqrt(1 + 49 + 1 + 16), 1e-5);
        }
        assert_near(p.table->m[3], 0.19 * 4, 1e-6);
        assert_near(p.table->m[0], 0.19 * 1, 1e-6);
        tw_trainer_destroy(tr);
        tw_params_destroy(ps);
    }
}

static void a_gradient_that_is_not_finite_moves_nothing(void **state)
{
    (void) state;
    tw_error why = {0};
    tw_params *ps = NULL;
    plain p = {.value = (tw_real) NAN, .row_of = {1, 3}};
    tw_trainer *tr = NULL;
    tw_trainer_config cfg = config(2);
    assert_ok(tw_params_create(&ps, err));
    assert_ok(tw_params_add(ps, &p.dense, "dense", 1, 1, TW_DENSE, err));
    assert_ok(tw_params_add(ps, &p.table, "items", 4, 1, TW_TABLE, err));
    assert_ok(tw_trainer_create(&tr, ps, &cfg, err));
    assert_ok(tw_trainer_run(tr, true, add_plain, &p, err));
    assert_int_equal(tw_trainer_update(tr, 0.1, &why), TW_EINVAL);
    assert_string_equal(why.msg, "step 1: gradient of 'dense' is not finite");
    assert_true(p.dense->value[0] == 0 && p.dense->m[0] == 0);
    assert_int_equal(tw_trainer_steps(tr), 0);

    p.value = 1; /* and the next step works */
    assert_ok(tw_trainer_run(tr, true, add_plain, &p, err));
    assert_ok(tw_trainer_update(tr, 0.1, err));
    assert_near(p.table->m[1], 0.1, 1e-7);
    tw_trainer_destroy(tr);
    tw_params_destroy(ps);
}

static void clipping_bounds_the_step_and_frozen_tensors_stay(void **state)
{
    (void) state;
    tw_params *ps = NULL;
    plain p = {.value = 3, .row_of = {1, 1}};
    tw_trainer *tr = NULL;
    tw_trainer_config cfg = config(1);
    cfg.adam.clip_norm = 0.3;
    assert_ok(tw_params_create(&ps, err));
    assert_ok(tw_params_add(ps, &p.dense, "d", 1, 1, TW_DENSE, err));
    assert_ok(tw_params_add(ps, &p.table, "t", 4, 1, TW_TABLE, err));
    p.dense->frozen = true;
    assert_ok(tw_trainer_create(&tr, ps, &cfg, err));
    assert_ok(tw_trainer_run(tr, true, add_plain, &p, err));
    assert_ok(tw_trainer_update(tr, 0.1, err));
    assert_near(tw_trainer_grad_norm(tr), 3, 1e-6); /* the frozen one does not count */
    assert_near(p.table->m[1], 0.1 * 0.3, 1e-7);
    assert_true(p.dense->value[0] == 0 && p.dense->m[0] == 0);
    tw_trainer_destroy(tr);
    tw_params_destroy(ps);
}

static tw_status fail_on_one(void *ctx, int worker, int workers, tw_tape *t, tw_error *err)
{
    (void) ctx;
    (void) workers;
    (void) t;
    return worker == 1 ? tw_fail(err, TW_EIO, "worker %d lost its slice", worker) : TW_OK;
}

static void the_first_failure_is_returned(void **state)
{
    (void) state;
    toy m;
    tw_error why = {0};
    tw_trainer *tr = NULL;
    tw_trainer_config cfg = config(3);
    assert_ok(toy_create(&m, 1, err));
    assert_ok(tw_trainer_create(&tr, m.ps, &cfg, err));
    assert_int_equal(tw_trainer_run(tr, true, fail_on_one, NULL, &why), TW_EIO);
    assert_string_equal(why.msg, "worker 1 lost its slice");
    tw_trainer_destroy(tr);
    tw_params_destroy(m.ps);
}

static void a_warm_step_allocates_nothing(void **state)
{
    (void) state;
    for (int sampled = 0; sampled < 2; sampled++) {
        toy m;
        tw_trainer *tr = NULL;
        tw_trainer_config cfg = config(2);
        assert_ok(toy_create(&m, 1, err));
        m.sampled = sampled == 1;
        assert_ok(tw_trainer_create(&tr, m.ps, &cfg, err));
        long before = 0;
        for (int step = 0; step < 5; step++) {
            if (step == 2)
                before = tw_alloc_count();
            assert_ok(tw_trainer_run(tr, true, toy_step, &m, err));
            assert_ok(tw_trainer_update(tr, 0.01, err));
        }
        assert_int_equal(tw_alloc_count() - before, 0);
        tw_trainer_destroy(tr);
        tw_params_destroy(m.ps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_all_workers_are_summed),
        cmocka_unit_test(a_worker_that_touches_all_rows_meets_one_that_touches_some),
        cmocka_unit_test(a_gradient_that_is_not_finite_moves_nothing),
        cmocka_unit_test(clipping_bounds_the_step_and_frozen_tensors_stay),
        cmocka_unit_test(the_first_failure_is_returned),
        cmocka_unit_test(a_warm_step_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
