/* bench/quality/tower_quality.c — one task of bench/quality/quality.h;
 * bench/quality/tower_quality.sh runs it.
 *
 *     tower_quality NAME DATA_DIR [config=FILE] [validate=1] [KEY=VALUE...]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "bench/quality/quality.h"
#include "nn/blas.h"

static const quality_task tasks[] = {
    {"omniglot", quality_omniglot},       {"fashion-mnist", quality_fashion},
    {"grocery", quality_grocery},         {"fsdd", quality_fsdd},
    {"fsdd-loso", quality_fsdd_loso},     {"stsb", quality_stsb},
    {"abt-buy", quality_abt_buy},         {"abt-buy-retrieval", quality_abt_buy_retrieval},
    {"stsb-minilm", quality_stsb_minilm},
};

static const quality_task *find_task(const char *name)
{
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++)
        if (strcmp(tasks[i].name, name) == 0)
            return &tasks[i];
    return NULL;
}

static tw_status take_config(quality *q, const char *path, tw_error *err)
{
    char *data = NULL;
    size_t len;
    tw_status st = tw_file_read(path, 1 << 20, &data, &len, err);
    if (st == TW_OK)
        st = tw_tower_recipe_parse(&q->recipe, data, len, err);
    tw_free(data);
    return st;
}

static tw_status take_setting(quality *q, char *arg, tw_error *err)
{
    char *equals = strchr(arg, '=');
    if (equals == NULL)
        return tw_fail(err, TW_EINVAL, "'%.60s' is not KEY=VALUE", arg);
    *equals = '\0';
    if (strcmp(arg, "config") == 0)
        return take_config(q, equals + 1, err);
    if (strcmp(arg, "validate") == 0) {
        q->validate = strcmp(equals + 1, "0") != 0;
        return TW_OK;
    }
    if (strcmp(arg, "minilm") == 0) {
        q->minilm = equals + 1;
        return TW_OK;
    }
    return tw_tower_recipe_set(&q->recipe, arg, equals + 1, err);
}

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static void print_result(quality *q, const char *name, double seconds)
{
    tw_text recipe;
    json_t *root = json_object();

    tw_text_init(&recipe, 1 << 16);
    (void) !tw_tower_recipe_format(&q->recipe, &recipe, NULL);
    (void) json_object_set_new(root, "task", json_string(name));
    (void) json_object_set_new(root, "measured_on",
                               json_string(q->validate ? "validation" : "test"));
    (void) json_object_set_new(root, "metric", json_string(q->metric));
    (void) json_object_set_new(root, "value", number(q->value));
    (void) json_object_set_new(root, "se", number(q->se));
    (void) json_object_set_new(root, "baseline", number(q->baseline));
    (void) json_object_set_new(root, "baseline_is", json_string(q->baseline_is));
    (void) json_object_set_new(root, "seed", json_integer(q->recipe.train.seed));
    (void) json_object_set_new(root, "epochs", json_integer(q->trained.epochs));
    (void) json_object_set_new(root, "best_epoch", json_integer(q->trained.best_epoch));
    (void) json_object_set_new(root, "loss", json_string(tw_tower_loss_name(q->trained.loss)));
    (void) json_object_set_new(root, "seconds", json_real(seconds));
    (void) json_object_set_new(root, "more", json_incref(q->more));
    (void) json_object_set_new(root, "config", json_loads(tw_text_cstr(&recipe), 0, NULL));
    (void) json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    (void) printf("\n");
    json_decref(root);
    tw_text_fini(&recipe);
}

int main(int argc, char **argv)
{
    tw_error err = {0};
    tw_status st = TW_OK;
    quality q = {.recipe = TW_TOWER_RECIPE_DEFAULT, .se = (double) NAN};
    const quality_task *task = argc >= 3 ? find_task(argv[1]) : NULL;
    const double start = tw_clock_monotonic();

    tw_blas_reexec(argv);
    if (task == NULL) {
        (void) fprintf(stderr, "usage: tower_quality NAME DATA_DIR [config=FILE] [KEY=VALUE...]\n");
        return 2;
    }
    q.data = argv[2];
    q.more = json_object();
    for (int i = 3; i < argc; i++)
        TW_TRY(take_setting(&q, argv[i], &err));
    TW_TRY(tw_pool_create(&q.pool, q.recipe.train.threads, &err));
    TW_TRY(task->run(&q, &err));
    print_result(&q, task->name, tw_clock_monotonic() - start);
done:
    if (st != TW_OK)
        (void) fprintf(stderr, "tower_quality: %s\n", err.msg);
    tw_pool_destroy(q.pool);
    json_decref(q.more);
    return st == TW_OK ? 0 : 1;
}
