#include "tests/support/toy.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "tests/support/test.h"

const char *const TOY_TOWERS = "{\"bits\": 10, \"embed_dim\": 16, \"dim\": 16, \"epochs\": 4, "
                               "\"batch\": 32, \"threads\": 2}";
const char *const TOY_SEQ = "{\"user_dim\": 8, \"item_dim\": 16, \"max_len\": 12, \"blocks\": 1, "
                            "\"batch\": 16, \"epochs\": 30, \"eval_every\": 5, \"lr\": 0.01, "
                            "\"threads\": 2}";

static const char *const genres[TOY_GENRES] = {"Western", "Romance", "Robot"};

const char *toy_catalogue(void)
{
    tw_text t;
    tw_text_init(&t, 1 << 16);
    assert_ok(tw_text_adds(&t, "id,title,genres\n", err));
    for (int n = 0; n < TOY_ITEMS; n++)
        assert_ok(tw_text_addf(&t, err, "f%d,%s Story %d,\"%s|Film\"\n", n + 1,
                               genres[n / TOY_PER_GENRE], n % TOY_PER_GENRE + 1,
                               genres[n / TOY_PER_GENRE]));
    const char *path = tw_test_file("films.csv", tw_text_cstr(&t));
    tw_text_fini(&t);
    return path;
}

const char *toy_log(void)
{
    tw_text t;
    tw_text_init(&t, 1 << 18);
    assert_ok(tw_text_adds(&t, "user,item,timestamp\n", err));
    for (int u = 0; u < TOY_USERS; u++)
        for (int i = 0; i < 8; i++) {
            int film = u % TOY_GENRES * TOY_PER_GENRE + (u / TOY_GENRES + i) % TOY_PER_GENRE;
            assert_ok(tw_text_addf(&t, err, "u%d,f%d,%d\n", u + 1, film + 1, 1000 + i));
        }
    const char *path = tw_test_file("log.csv", tw_text_cstr(&t));
    tw_text_fini(&t);
    return path;
}

tw_engine *toy_engine(const char *name, bool load)
{
    tw_engine *e = NULL;
    tw_ingest_report r;
    const char *dir = tw_test_path(name);
    const tw_engine_options opt = {.mode = TW_ENGINE_WRITE, .threads = 2};
    assert_ok(tw_engine_create(dir, err));
    assert_ok(tw_engine_open(&e, dir, &opt, err));
    if (load) {
        assert_ok(tw_engine_ingest(e, toy_catalogue(), NULL, &r, err));
        assert_int_equal(r.created, TOY_ITEMS);
        assert_ok(tw_engine_events(e, toy_log(), NULL, &r, err));
        assert_int_equal(r.created, TOY_USERS * 8);
    }
    return e;
}

tw_engine *toy_open(const char *dir, tw_engine_mode mode)
{
    tw_engine *e = NULL;
    const tw_engine_options opt = {.mode = mode, .threads = 1};
    assert_ok(tw_engine_open(&e, dir, &opt, err));
    return e;
}

tw_engine_stats toy_stats(tw_engine *e)
{
    tw_engine_stats s;
    assert_ok(tw_engine_stats_get(e, &s, err));
    return s;
}

void toy_train_towers(tw_engine *e, tw_train_options opt)
{
    char *report = NULL;
    opt.activate = TW_ACTIVATE_ALWAYS;
    opt.skip_eval = true;
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    tw_free(report);
}

void toy_train_seq(tw_engine *e, tw_train_options opt)
{
    char *report = NULL;
    opt.activate = TW_ACTIVATE_ALWAYS;
    opt.skip_eval = true;
    assert_ok(tw_engine_train_seq(e, &opt, &report, err));
    tw_free(report);
}

void toy_train(tw_engine *e)
{
    toy_train_towers(e, (tw_train_options){.config_json = TOY_TOWERS});
    toy_train_seq(e, (tw_train_options){.config_json = TOY_SEQ});
}

int toy_of_genre(const tw_answer *a, const char *genre)
{
    int n = 0;
    for (int i = 0; i < a->n; i++)
        n += strncmp(a->rows[i].title, genre, strlen(genre)) == 0;
    return n;
}

void toy_collect(void *ctx, const char *what)
{
    toy_findings *f = ctx;
    const size_t len = strlen(f->all);
    f->n++;
    (void) snprintf(f->all + len, sizeof f->all - len, "%s\n", what);
}
