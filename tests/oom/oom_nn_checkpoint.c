/* Every allocation fails in turn: a checkpoint that memory did not suffice to read is an error, not
 * a training that begins at the start. */
#include <string.h>

#include "nn/checkpoint.h"
#include "nn/params.h"
#include "nn/trainer.h"
#include "tests/oom/torture.h"

static tw_params *params;
static int64_t counters[2] = {7, -7};
static tw_checkpoint at;

static tw_checkpoint_block block(void)
{
    return (tw_checkpoint_block){"state", TW_U8, (int64_t) sizeof counters, 0, counters};
}

static tw_status save(void *ctx)
{
    const tw_checkpoint_block b = block();
    const tw_params *const sets[] = {params};
    (void) ctx;
    return tw_checkpoint_save(&at, sets, 1, &b, 1, NULL);
}

static tw_status load(void *ctx)
{
    const tw_checkpoint_block b = block();
    tw_st_file *f = NULL;
    tw_status st = TW_OK;
    (void) ctx;
    memset(counters, 0, sizeof counters);
    TW_TRY(tw_checkpoint_open(&at, &f, NULL));
    assert_non_null(f);
    TW_TRY(tw_checkpoint_read(f, &b, 1, NULL));
    assert_true(counters[0] == 7 && counters[1] == -7);
done:
    tw_st_close(f);
    return st;
}

static void a_checkpoint_survives_every_failed_allocation(void **state)
{
    const tw_trainer_config cfg = {.threads = 1, .adam = TW_ADAM_DEFAULT, .seed = 1};
    tw_trainer *trainer;
    tw_param *p;
    (void) state;
    at = (tw_checkpoint){tw_test_path("a.checkpoint"), "test", "run", "TEST-RESUME"};
    assert_ok(tw_params_create(&params, err));
    assert_ok(tw_params_add(params, &p, "w", 2, 2, TW_DENSE, err));
    assert_ok(tw_trainer_create(&trainer, params, &cfg, err)); /* makes the moments */
    tw_trainer_destroy(trainer);
    torture(save, NULL, 3); /* writer, list, header */
    torture(load, NULL, 2); /* file, entries */
    tw_params_destroy(params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_survives_every_failed_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
