/* Measuring the sequential model beside what it must beat. */
#include "engine/eval/eval_seq.h"

#include <jansson.h>
#include <string.h>

#include "engine/data/seq_cut.h"
#include "engine/data/seq_histories.h"
#include "engine/engine_state.h"
#include "engine/evaluation.h"
#include "engine/generation.h"
#include "engine/json_text.h"
#include "engine/models/model_dir.h"
#include "nn/settings.h"

#define DEFAULT_SEED 42

tw_status twi_metrics_json(const tw_seq_metrics *m, json_t **out, tw_error *err)
{
    *out = tw_seq_metrics_json(m);
    return *out == NULL ? tw_fail(err, TW_ENOMEM, "metrics") : TW_OK;
}

const char *twi_seq_name(const tw_seq_config *cfg)
{
    if (cfg->user_dim == 0)
        return "SASRec";
    return cfg->sse_user + cfg->sse_item_input + cfg->sse_item_target > 0 ? "SSE-PT" : "PT";
}

static tw_status add_baseline(json_t *to, const char *name, tw_seq_baseline kind,
                              const tw_seq_data *data, const tw_seq_eval_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_metrics x;
    json_t *one = NULL;

    TW_TRY(tw_seq_eval_baseline(kind, data, cfg, &x, err));
    TW_TRY(twi_metrics_json(&x, &one, err));
    if (json_object_set_new(to, name, one) != 0)
        st = tw_fail(err, TW_ENOMEM, "metrics");
done:
    return st;
}

tw_status twi_eval_seq(const tw_seq_model *m, const tw_seq_data *data,
                       const tw_seq_eval_config *cfg, json_t **out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_metrics model, as_unknown;
    json_t *a = NULL, *b = NULL, *root = NULL;
    tw_seq_eval_config unknown = *cfg;
    unknown.as = TW_SEQ_AS_UNKNOWN;

    *out = NULL;
    TW_TRY(tw_seq_eval(m, data, cfg, &model, err));
    TW_TRY(tw_seq_eval(m, data, &unknown, &as_unknown, err));
    TW_TRY(twi_metrics_json(&model, &a, err));
    TW_TRY(twi_metrics_json(&as_unknown, &b, err));
    root = json_pack("{s:s, s:O, s:O}", "name", twi_seq_name(tw_seq_model_config(m)), "seq", a,
                     "as_unknown_user", b);
    TW_TRY(add_baseline(root, "popularity", TW_SEQ_POPULARITY, data, cfg, err));
    *out = root;
    root = NULL;
done:
    json_decref(root);
    json_decref(a);
    json_decref(b);
    return st;
}

static tw_status eval_config(const tw_eval_options *opt, int threads, tw_seq_eval_config *out,
                             const char **protocol, tw_error *err)
{
    const char *wanted = opt != NULL ? opt->protocol : NULL;
    const char *split = opt != NULL ? opt->split : NULL;
    const int protocols =
        wanted == NULL ? TW_SEQ_FULL : tw_choices_find(tw_seq_protocol_names, wanted);
    const int splits = split == NULL ? TW_SEQ_TEST : tw_choices_find(tw_seq_split_names, split);

    *out = (tw_seq_eval_config){.threads = threads, .seed = DEFAULT_SEED, .lists = true};
    if (opt != NULL) {
        out->rerank = (tw_seq_rerank_config){.diversity = opt->diversity,
                                             .popularity_discount = opt->popularity_discount};
        out->seen = opt->seen;
    }
    if (opt != NULL && opt->seed != 0)
        out->seed = (int64_t) opt->seed;
    if (splits < 0)
        return tw_choices_refuse("split", split, tw_seq_split_names, err);
    if (protocols < 0)
        return tw_choices_refuse("protocol", wanted, tw_seq_protocol_names, err);
    out->split = (tw_seq_split) splits;
    out->protocol = (tw_seq_protocol) protocols;
    *protocol = tw_seq_protocol_names[protocols];
    return TW_OK;
}

#define NO_CUT                                                                                     \
    "the model does not say what it learnt from, as an older twindex trained it: where items or "  \
    "events came or went since, some of that may be among the targets; train anew to be sure"

static tw_status name_left_out(tw_engine *e, const twi_cut_effect *x, json_t *to, tw_error *err)
{
    tw_status st = TW_OK;
    tw_text key;
    json_t *names = json_array();

    tw_text_init(&key, TW_STORE_MAX_ID + 1);
    for (int i = 0; i < TWI_CUT_EXAMPLES && x->examples[i] != 0; i++) {
        TW_TRY(tw_store_user_key(e->store, x->examples[i], &key, err));
        (void) json_array_append_new(names, json_string(tw_text_cstr(&key)));
    }
    if (json_object_set(to, "examples", names) != 0)
        st = tw_fail(err, TW_ENOMEM, "names of users");
done:
    json_decref(names);
    tw_text_fini(&key);
    return st;
}

/* What the training saw is no target, however the log has changed since. */
static tw_status cut(tw_engine *e, const twi_generation *g, const twi_events *log,
                     tw_seq_split split, tw_seq_data *data, json_t **out, tw_error *err)
{
    tw_status st = TW_OK;
    char dir[TW_PATH_MAX];
    twi_cut c = {0};
    twi_cut_effect x;
    tw_error why = {0};

    TW_TRY(twi_model_dir(e, g->version, dir, err));
    st = twi_cut_load(&c, dir, &why);
    if (st == TW_ENOTFOUND) {
        *out = json_pack("{s:b, s:s}", "kept", 0, "warning", NO_CUT);
        return *out != NULL ? TW_OK : tw_fail(err, TW_ENOMEM, "metrics");
    }
    if (st != TW_OK)
        return tw_fail(err, st, "%s", why.msg);
    TW_TRY(twi_cut_apply(&c, g->seq, log, split, data, &x, err));
    *out = json_pack("{s:b, s:I, s:I}", "kept", 1, "left_out", (json_int_t) x.left_out, "later",
                     (json_int_t) x.later);
    TW_TRY(name_left_out(e, &x, *out, err));
done:
    twi_cut_fini(&c);
    return st;
}

tw_status tw_engine_eval_seq(tw_engine *e, const tw_eval_options *opt, char **report, tw_error *err)
{
    tw_status st = TW_OK;
    twi_generation *g = twi_acquire(e);
    twi_events log = {0};
    tw_seq_data *data = NULL;
    tw_seq_eval_config cfg;
    const char *protocol = "";
    json_t *root = NULL, *seen = NULL;

    *report = NULL;
    TW_TRY(eval_config(opt, e->threads, &cfg, &protocol, err));
    if (g->seq == NULL) {
        st = twi_no_seq(e, err);
        goto done;
    }
    TW_TRY(twi_events_load(e, &log, err));
    TW_TRY(twi_seq_data(g->seq, &log, &data, err));
    TW_TRY(cut(e, g, &log, cfg.split, data, &seen, err));
    TW_TRY(twi_eval_seq(g->seq, data, &cfg, &root, err));
    TW_TRY(add_baseline(root, "item_knn", TW_SEQ_ITEM_KNN, data, &cfg, err));
    TW_TRY(add_baseline(root, "markov", TW_SEQ_MARKOV, data, &cfg, err));
    json_object_set(root, "cut", seen);
    json_object_set_new(root, "protocol", json_string(protocol));
    json_object_set_new(root, "split", json_string(cfg.split == TW_SEQ_TEST ? "test" : "valid"));
    json_object_set_new(root, "seen", json_boolean(cfg.seen));
    json_object_set_new(root, "model", json_integer(g->version));
    json_object_set_new(root, "seed", json_integer(cfg.seed));
    TW_TRY(twi_json_dump(root, report, err));
done:
    json_decref(seen);
    json_decref(root);
    tw_seq_data_destroy(data);
    twi_events_fini(&log);
    twi_release(e, g);
    return st;
}
