/* tests/unit/engine/models/models_toy.h — small models, quickly trained, and the files of their
 * versions, for the tests of engine/models/. */
#ifndef TW_TESTS_UNIT_ENGINE_MODELS_MODELS_TOY_H
#define TW_TESTS_UNIT_ENGINE_MODELS_MODELS_TOY_H

#include <stdio.h>

#include "base/file.h"
#include "base/log.h"
#include "engine/answer.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static tw_answer answer;

static inline int open_answer(void **state)
{
    (void) state;
    tw_answer_init(&answer);
    tw_log_set_level(TW_LOG_ERROR + 1);
    return 0;
}

static inline int close_answer(void **state)
{
    (void) state;
    tw_answer_fini(&answer);
    return 0;
}

/* A copy, for tw_test_path() reuses its buffers. */
static inline void copy_dir(char out[TW_PATH_MAX], const char *name)
{
    (void) snprintf(out, TW_PATH_MAX, "%s", tw_test_path(name));
}

static inline void path_of(char out[TW_PATH_MAX], const char *dir, const char *file)
{
    assert_ok(tw_path_join(out, dir, file, err));
}

/* The first bytes of a file of the directory <- those of `with`. */
static inline void overwrite(const char *dir, const char *file, const char *with)
{
    char path[TW_PATH_MAX];
    path_of(path, dir, file);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_true(fputs(with, f) >= 0 && fclose(f) == 0);
}

static inline void train_towers(tw_engine *e)
{
    toy_train_towers(e, (tw_train_options){.config_json = TOY_TOWERS});
}

static inline void train_seq(tw_engine *e)
{
    toy_train_seq(e, (tw_train_options){
                         .config_json =
                             "{\"user_dim\": 0, \"item_dim\": 8, \"max_len\": 6, \"blocks\": 1, "
                             "\"heads\": 1, \"epochs\": 2, \"eval_every\": 1, \"threads\": 1}"});
}

#endif
