/* eval towers: on what training kept apart, or on what the caller says, with figures by hand. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/engine.h"
#include "engine/evaluation.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static const char *const QUICK = "{\"bits\": 10, \"embed_dim\": 16, \"dim\": 16, \"epochs\": 2, "
                                 "\"batch\": 32, \"min_count\": 2, "
                                 "\"neighbours\": 5, \"seed\": 7, \"per_class\": 3}";

static json_t *parsed(char *report)
{
    json_t *r = json_loads(report, 0, NULL);
    tw_free(report);
    assert_non_null(r);
    return r;
}

static json_t *train(tw_engine *e, tw_train_options opt)
{
    char *report = NULL;
    if (opt.config_json == NULL)
        opt.config_json = QUICK;
    opt.activate = TW_ACTIVATE_ALWAYS; /* what untrained towers can do as well is measured here */
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    return parsed(report);
}

static json_t *measure(tw_engine *e, const tw_eval_options *opt)
{
    char *report = NULL;
    assert_ok(tw_engine_eval_towers(e, opt, &report, err));
    return parsed(report);
}

/* of(r, "test", "towers", "mrr") */
static json_t *of(const json_t *r, const char *part, const char *baseline, const char *key)
{
    json_t *x = json_object_get(json_object_get(json_object_get(r, part), baseline), key);
    if (x == NULL)
        fail_msg("no %s.%s.%s", part, baseline, key);
    return x;
}

static double figure(const json_t *r, const char *part, const char *baseline, const char *key)
{
    const json_t *x = of(r, part, baseline, key);
    assert_true(json_is_number(x));
    return json_number_value(x);
}

static int64_t count(const json_t *r, const char *part, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(r, part), key));
}

/* Pairs within each genre and across, triplets of them. */
static void write_examples(const char **pairs, const char **triplets)
{
    static char p[16384], t[16384];
    size_t np = (size_t) snprintf(p, sizeof p, "a,b,label\n");
    size_t nt = (size_t) snprintf(t, sizeof t, "anchor,positive,negative\n");
    for (int i = 0; i < TOY_ITEMS; i++) {
        for (int step = 1; step <= 3; step++) {
            const int same = i / TOY_PER_GENRE * TOY_PER_GENRE + (i + step) % TOY_PER_GENRE;
            const int other = (i + TOY_PER_GENRE + step) % TOY_ITEMS;
            np += (size_t) snprintf(p + np, sizeof p - np, "f%d,f%d,1\nf%d,f%d,0\n", i + 1,
                                    same + 1, i + 1, other + 1);
            nt += (size_t) snprintf(t + nt, sizeof t - nt, "f%d,f%d,f%d\n", i + 1, same + 1,
                                    other + 1);
        }
    }
    *pairs = tw_test_file("pairs.csv", p);
    *triplets = tw_test_file("triplets.csv", t);
}

/* Otherwise it would measure on what the towers were trained on. */
static void the_split_is_that_of_the_training_whatever_it_was(void **state)
{
    (void) state;
    static const struct {
        tw_pair_source source;
        const char *key, *name, *parts[3];
    } trained[] = {
        {TW_PAIRS_EVENTS, "eval", "events", {"test"}},
        {TW_PAIRS_FILE, "eval_pairs", "pairs", {"test", "pairs"}},
        {TW_PAIRS_TRIPLETS, "eval_pairs", "triplets", {"test", "pairs"}},
        {TW_PAIRS_ATTRIBUTE, "eval_pairs", "attribute", {"test"}},
        {TW_PAIRS_CLASSES, "eval_classes", "classes", {"classes"}},
    };
    const char *path[TW_PAIRS_CLASSES + 1] = {
        [TW_PAIRS_ATTRIBUTE] = "genres", [TW_PAIRS_CLASSES] = "genres"};
    tw_engine *e = toy_engine("again", true);
    write_examples(&path[TW_PAIRS_FILE], &path[TW_PAIRS_TRIPLETS]);
    for (size_t i = 0; i < sizeof trained / sizeof trained[0]; i++) {
        const tw_pair_source source = trained[i].source;
        json_t *then = train(e, (tw_train_options){.source = source, .path = path[source]});
        json_t *now = measure(e, NULL);
        const json_t *eval = json_object_get(then, trained[i].key);
        assert_string_equal(json_string_value(json_object_get(now, "source")), trained[i].name);
        assert_int_equal(json_integer_value(json_object_get(now, "seed")), 7);
        if (source == TW_PAIRS_TRIPLETS) /* a triplet is two pairs */
            assert_int_equal(json_integer_value(json_object_get(then, "examples")) +
                                 (count(now, "pairs", "valid") + count(now, "pairs", "test")) / 2,
                             3 * TOY_ITEMS);
        for (int p = 0; p < 3; p++) {
            const char *part = trained[i].parts[p];
            if (part == NULL)
                continue;
            const json_t *was = json_object_get(eval, part);
            assert_non_null(was);
            assert_true(json_equal(was, json_object_get(now, part)));
            const char *rows = p == 1 ? "auc" : "ndcg_at_10";
            assert_true(json_is_number(of(now, part, "untrained", rows)));
            assert_true(json_is_number(of(now, part, "tfidf", rows)));
            assert_true((json_object_get(was, "popularity") != NULL) == (p == 0 && i != 4));
        }
        json_decref(then);
        json_decref(now);
    }
    tw_engine_close(e);
}

/* Items whose only company is what a test gives them; the towers are as they were made. */
static tw_engine *plain_engine(const char *name, const char *items, const char *events)
{
    tw_engine *e = toy_engine(name, false);
    tw_ingest_report r;
    assert_ok(tw_engine_ingest(e, tw_test_file("items.csv", items), NULL, &r, err));
    if (events != NULL)
        assert_ok(tw_engine_events(e, tw_test_file("events.csv", events), NULL, &r, err));
    json_decref(train(e, (tw_train_options){.config_json = "{\"bits\": 10, \"dim\": 8, "
                                                           "\"epochs\": 0}",
                                            .source = TW_PAIRS_SELF}));
    return e;
}

/* Events: a 3, b 2, c 1, d and e none. Of the pairs a-c and a-d, a finds c behind b, and d last,
 * because it ties with e; c and d find a first. Gains: 1 / log2(1 + rank). */
static void retrieval_is_that_by_hand(void **state)
{
    (void) state;
    tw_engine *e = plain_engine("by-hand", "id,title\na,One\nb,Two\nc,Three\nd,Four\ne,Five\n",
                                "user,item,timestamp\nu1,a,1\nu1,b,2\nu1,c,3\nu2,a,1\nu2,b,2\n"
                                "u3,a,1\n");
    const tw_eval_options opt = {.chosen = true,
                                 .source = TW_PAIRS_FILE,
                                 .path = tw_test_file("two.csv", "a,b,label\na,c,1\na,d,1\n"),
                                 .k = (const int[]){1, 2},
                                 .n_k = 2};
    json_t *r = measure(e, &opt);
    const double second = 0.6309297535714574; /* 1 / log2(3) */
    assert_near(figure(r, "test", "popularity", "mrr"), 2.5 / 3, 1e-8);
    assert_near(figure(r, "test", "popularity", "recall_at_1"), 2.0 / 3, 1e-8);
    assert_near(figure(r, "test", "popularity", "recall_at_2"), 2.5 / 3, 1e-8);
    assert_near(figure(r, "test", "popularity", "precision_at_2"), 0.5, 1e-8);
    assert_near(figure(r, "test", "popularity", "hr_at_2"), 1, 1e-8);
    assert_near(figure(r, "test", "popularity", "ndcg_at_2"), (second / (1 + second) + 2) / 3,
                1e-8);
    assert_near(figure(r, "test", "popularity", "mrr_at_1"), 2.0 / 3, 1e-8);
    assert_near(figure(r, "test", "popularity", "map_at_2"), 2.25 / 3, 1e-8);
    /* 0, 1, 1: squares of deviations 2/3 in all; over 2, over 3. */
    assert_near(figure(r, "test", "popularity", "recall_at_1_se"), 1.0 / 3, 1e-8);
    assert_int_equal(json_integer_value(of(r, "test", "towers", "queries")), 3);
    assert_null(json_object_get(r, "pairs")); /* nothing says "not similar" */
    assert_null(json_object_get(json_object_get(r, "test"), "ndcg_at_10"));
    json_decref(r);

    /* What validation pairs hold may not stand in the way: c is a's first once b is out. */
    const tw_eval_options hidden = {.chosen = true,
                                    .source = TW_PAIRS_FILE,
                                    .path = tw_test_file("ac.csv", "a,b,label\na,c,1\n"),
                                    .valid_path = tw_test_file("ab.csv", "a,b,label\na,b,1\n")};
    r = measure(e, &hidden);
    assert_near(figure(r, "test", "popularity", "mrr"), 1, 1e-8);
    json_decref(r);

    const tw_eval_options one = {
        .chosen = true, .source = TW_PAIRS_FILE, .path = opt.path, .max_queries = 1};
    r = measure(e, &one);
    assert_int_equal(json_integer_value(of(r, "test", "towers", "queries")), 1);
    json_decref(r);
    tw_engine_close(e);
}

/* Equal titles have tf-idf 1, unlike ones 0: validation draws the line at 1/2. Of the test pairs
 * one similar pair is above, one that is not below, one wrongly above. */
static void thresholds_come_from_validation_pairs(void **state)
{
    (void) state;
    tw_engine *e = plain_engine(
        "pairs", "id,title\na,apple\nb,apple\nc,pear\nd,pear\ne,plum\nf,apple\n", NULL);
    const tw_eval_options opt = {
        .chosen = true,
        .source = TW_PAIRS_FILE,
        .path = tw_test_file("test.csv", "a,b,label\na,e,0\na,b,1\na,f,0\nc,nobody,1\n"),
        .valid_path = tw_test_file("valid.csv", "a,b,label\nb,a,1\nb,c,0\n")};
    json_t *r = measure(e, &opt);
    assert_int_equal(count(r, "pairs", "valid"), 2);
    assert_int_equal(count(r, "pairs", "test"), 3);
    assert_int_equal(count(r, "pairs", "positives"), 1);
    assert_int_equal(json_integer_value(json_object_get(r, "skipped_rows")), 1);
    assert_near(figure(r, "pairs", "tfidf", "f1_threshold"), 0.5, 1e-6);
    assert_near(figure(r, "pairs", "tfidf", "accuracy_threshold"), 0.5, 1e-6);
    assert_near(figure(r, "pairs", "tfidf", "accuracy"), 2.0 / 3, 1e-8);
    assert_near(figure(r, "pairs", "tfidf", "precision"), 0.5, 1e-8);
    assert_near(figure(r, "pairs", "tfidf", "recall"), 1, 1e-8);
    assert_near(figure(r, "pairs", "tfidf", "f1"), 2.0 / 3, 1e-8);
    assert_near(figure(r, "pairs", "tfidf", "auc"), 0.75, 1e-8);
    /* One threshold finds the one positive among two: precision 1/2. */
    assert_near(figure(r, "pairs", "tfidf", "average_precision"), 0.5, 1e-8);
    /* Scores 0 1 1, labels 0 1 0: deviations (-2 1 1)/3 and (-1 2 -1)/3: 3/9 over 2/3. */
    assert_near(figure(r, "pairs", "tfidf", "pearson"), 0.5, 1e-6);
    assert_null(json_object_get(json_object_get(r, "pairs"), "popularity"));
    json_decref(r);

    const tw_eval_options halves = {.chosen = true,
                                    .source = TW_PAIRS_FILE,
                                    .path =
                                        tw_test_file("all.csv", "a,b,label\na,b,1\nc,d,1\na,c,0\n"
                                                                "a,d,0\nb,e,0\nb,c,0\nd,e,0\n"),
                                    .seed = 3};
    r = measure(e, &halves);
    assert_int_equal(count(r, "pairs", "valid") + count(r, "pairs", "test"), 7);
    assert_true(count(r, "pairs", "valid") > 0 && count(r, "pairs", "test") > 0);
    json_decref(r);
    tw_engine_close(e);
}

/* Of labels that are all one, nothing can be told apart: no figure, and a sentence. */
static void what_pairs_cannot_tell_is_null_and_said(void **state)
{
    (void) state;
    static const char *const decided[] = {"accuracy", "accuracy_se", "f1", "precision", "recall"};
    const char *both = "a,b,label\na,b,1\nb,c,0\n", *none = "a,b,label\na,c,0\na,e,0\nb,e,0\n",
               *all = "a,b,label\na,b,1\na,f,1\n", *flat = "a,b,label\na,b,0.7\na,c,0.7\nc,d,0.7\n";
    const struct {
        const char *test, *valid, *says;
        bool auc, precision, decided, rho;
    } rows[] = {
        {both, both, NULL, true, true, true, true},
        {none, both, "none of the 3 test pairs is similar", false, false, false, false},
        {all, both, "all of the 2 test pairs are similar", false, true, false, false},
        {flat, both, "all of the 3 test pairs are similar", false, true, false, false},
        {both, all, "all of the 2 validation pairs are similar", true, true, false, true},
        {both, none, "none of the 3 validation pairs is similar", true, true, false, true},
    };
    tw_engine *e =
        plain_engine("null", "id,title\na,apple\nb,apple\nc,pear\nd,pear\ne,plum\nf,apple\n", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const tw_eval_options opt = {.chosen = true,
                                     .source = TW_PAIRS_FILE,
                                     .path = tw_test_file("t.csv", rows[i].test),
                                     .valid_path = tw_test_file("v.csv", rows[i].valid)};
        json_t *r = measure(e, &opt);
        const json_t *note =
            json_array_get(json_object_get(json_object_get(r, "pairs"), "notes"), 0);
        const char *says = json_is_string(note) ? json_string_value(note) : "";
        if (rows[i].says == NULL ? says[0] != '\0' : strstr(says, rows[i].says) == NULL)
            fail_msg("row %zu says '%s'", i, says);
        assert_true(json_is_null(of(r, "pairs", "tfidf", "auc")) == !rows[i].auc);
        assert_true(json_is_null(of(r, "pairs", "tfidf", "average_precision")) ==
                    !rows[i].precision);
        assert_true(json_is_null(of(r, "pairs", "tfidf", "spearman")) == !rows[i].rho);
        assert_true(json_is_null(of(r, "pairs", "tfidf", "pearson")) == !rows[i].rho);
        for (size_t k = 0; k < sizeof decided / sizeof decided[0]; k++)
            if (json_is_null(of(r, "pairs", "tfidf", decided[k])) != !rows[i].decided)
                fail_msg("row %zu: %s", i, decided[k]);
        json_decref(r);
    }
    tw_engine_close(e);
}

static void rows_that_say_nothing_are_left_out_and_counted(void **state)
{
    (void) state;
    static const char *const degenerate = "anchor,positive,negative\nf1,f2,f14\nf1,f3,f3\n"
                                          "f2,f2,f15\nf3,f4,f3\nf4,f5,f16\nf5,f6,f17\n";
    const struct {
        tw_pair_source source;
        const char *text, *says;
    } wrong[] = {
        {TW_PAIRS_FILE, "a,b,label\nf1,f2,0\nf2,f3,0\nf4,f5,0\n", "is similar"},
        {TW_PAIRS_FILE, "a,b,label\nf1,f2,.7\nf2,f3,.7\nf4,f5,.7\nf5,f6,.7\n", "the label 0.7"},
        {TW_PAIRS_FILE, "a,b,label\nf1,f1,1\nf2,f2,1\n", "line 2 pairs an item with itself"},
        {TW_PAIRS_TRIPLETS, "anchor,positive,negative\nf1,f2,f2\n",
         "line 2: the positive is the negative"},
    };
    tw_engine *e = toy_engine("nothing", true);
    char *report = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tw_error why = {0};
        const tw_train_options opt = {.config_json = QUICK,
                                      .source = wrong[i].source,
                                      .path = tw_test_file("wrong.csv", wrong[i].text)};
        assert_int_not_equal(tw_engine_train_towers(e, &opt, &report, &why), TW_OK);
        if (strstr(why.msg, wrong[i].says) == NULL)
            fail_msg("row %zu: '%s'", i, why.msg);
        assert_null(report);
    }
    json_t *r = train(e, (tw_train_options){.source = TW_PAIRS_TRIPLETS,
                                            .path = tw_test_file("mixed.csv", degenerate)});
    assert_int_equal(json_integer_value(json_object_get(r, "skipped_rows")), 3);
    const char *first = json_string_value(json_object_get(r, "first_skipped"));
    assert_non_null(strstr(first, "mixed.csv', line 3: the positive is the negative"));
    json_decref(r);
    tw_engine_close(e);
}

/* a and c are alike and of one class, b and d likewise, e is alone with its title and class; f's is
 * not known. Each of the four finds its own first; e never can. */
static void classes_leave_each_item_out_in_turn(void **state)
{
    (void) state;
    tw_engine *e = plain_engine("leave-out",
                                "id,title,kind\na,apple,x\nb,pear,y\nc,apple,x\nd,pear,y\n"
                                "e,plum,z\nf,pear,\n",
                                NULL);
    const tw_eval_options opt = {.chosen = true,
                                 .source = TW_PAIRS_CLASSES,
                                 .path = "kind",
                                 .k = (const int[]){2},
                                 .n_k = 1};
    json_t *r = measure(e, &opt);
    assert_int_equal(count(r, "classes", "queries"), 5);
    assert_int_equal(count(r, "classes", "among"), 5);
    assert_int_equal(count(r, "classes", "classes"), 3);
    assert_near(figure(r, "classes", "tfidf", "r_at_1"), 0.8, 1e-8);
    assert_near(figure(r, "classes", "towers", "r_at_1"), 0.8, 1e-8);
    assert_near(figure(r, "classes", "tfidf", "map_at_2"), 1, 1e-8); /* e has nothing to find */
    assert_null(json_object_get(r, "test"));
    json_decref(r);
    tw_engine_close(e);
}

/* Those that the training held out are asked, the others answer. */
static void classes_that_were_learnt_ask_the_held_items_alone(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("held", true);
    json_t *then = train(
        e, (tw_train_options){.source = TW_PAIRS_CLASSES, .path = "genres", .groups = "genres"});
    const tw_eval_options opt = {.chosen = true, .source = TW_PAIRS_CLASSES, .path = "genres"};
    assert_string_equal(json_string_value(json_object_get(then, "groups")), "genres");
    json_t *r = measure(e, &opt);
    const int64_t held = count(r, "classes", "queries");
    assert_true(held > 0 && held < TOY_ITEMS / 2);
    assert_int_equal(count(r, "classes", "among"), TOY_ITEMS - held);
    assert_true(json_equal(json_object_get(r, "classes"),
                           json_object_get(json_object_get(then, "eval_classes"), "classes")));
    json_decref(r);
    json_decref(then);
    json_decref(train(e, (tw_train_options){.source = TW_PAIRS_EVENTS}));
    r = measure(e, &opt);
    assert_int_equal(count(r, "classes", "queries"), TOY_ITEMS);
    assert_int_equal(count(r, "classes", "among"), TOY_ITEMS);
    json_decref(r);
    tw_engine_close(e);
}

/* Forty items of two kinds in `sessions` of equal size. */
static tw_engine *engine_of_sessions(const char *name, int sessions)
{
    static const char *const words[] = {"apple", "pear", "plum", "grape", "melon"};
    static char csv[8192];
    size_t n = (size_t) snprintf(csv, sizeof csv, "id,title,kind,session\n");
    for (int i = 0; i < 40; i++)
        n += (size_t) snprintf(csv + n, sizeof csv - n, "i%d,%s %s,%s,s%d\n", i,
                               i % 2 == 0 ? "red" : "blue", words[i / 2 % 5],
                               i % 2 == 0 ? "x" : "y", i * sessions / 40);
    return plain_engine(name, csv, NULL);
}

/* Near doubles, which share the attribute, are all learnt or all held out. */
static void whole_sessions_are_held_out(void **state)
{
    (void) state;
    static const int sessions[] = {2, 8, 20};
    const tw_eval_options opt = {.chosen = true, .source = TW_PAIRS_CLASSES, .path = "kind"};
    tw_train_options how = {.config_json = TOY_TOWERS,
                            .source = TW_PAIRS_CLASSES,
                            .path = "kind",
                            .hold_out = "session"};
    for (size_t i = 0; i < sizeof sessions / sizeof sessions[0]; i++) {
        char name[32];
        (void) snprintf(name, sizeof name, "sessions-%d", sessions[i]);
        tw_engine *e = engine_of_sessions(name, sessions[i]);
        json_t *then = train(e, how);
        const int64_t held = count(json_object_get(then, "eval_classes"), "classes", "queries");
        assert_string_equal(json_string_value(json_object_get(then, "hold_out")), "session");
        assert_true(held >= 40 / sessions[i] && held <= 20);
        assert_int_equal(held % (40 / sessions[i]), 0);
        json_t *r = measure(e, &opt); /* the same again */
        assert_int_equal(count(r, "classes", "queries"), held);
        json_decref(r);
        json_decref(then);
        tw_engine_close(e);
    }
}

static void what_cannot_be_held_out_whole_is_reported(void **state)
{
    (void) state;
    const struct {
        tw_train_options how;
        tw_status want;
        const char *says;
    } wrong[] = {
        {{.source = TW_PAIRS_CLASSES, .path = "kind", .hold_out = "session"},
         TW_ESTATE,
         "all items have the same 'session'"},
        {{.source = TW_PAIRS_CLASSES, .path = "kind", .hold_out = "mood"}, TW_ESTATE, "'mood'"},
        {{.source = TW_PAIRS_ATTRIBUTE, .path = "kind", .hold_out = "session"},
         TW_EINVAL,
         "held out whole"},
    };
    tw_engine *e = engine_of_sessions("one-session", 1);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tw_error why = {0};
        char *report = NULL;
        assert_int_equal(tw_engine_train_towers(e, &wrong[i].how, &report, &why), wrong[i].want);
        assert_non_null(strstr(why.msg, wrong[i].says));
        assert_null(report);
    }
    tw_engine_close(e);
}

static void what_cannot_be_measured_is_reported(void **state)
{
    (void) state;
    static const int none[] = {0}, far[] = {TW_EVAL_MAX_K + 1};
    const char *mine = tw_test_file("one.csv", "a,b,label\na,b,1\n");
    const struct {
        tw_eval_options opt;
        tw_status want;
        const char *says;
    } wrong[] = {
        {{0}, TW_ESTATE, "--pairs"},
        {{.chosen = true, .source = TW_PAIRS_FILE}, TW_EINVAL, "missing"},
        {{.chosen = true, .source = TW_PAIRS_TRIPLETS, .path = mine}, TW_EINVAL, "classes"},
        {{.chosen = true, .source = TW_PAIRS_FILE, .path = "nowhere"}, TW_ENOTFOUND, "nowhere"},
        {{.chosen = true, .source = TW_PAIRS_CLASSES, .path = "colour"}, TW_ESTATE, "colour"},
        {{.chosen = true, .source = TW_PAIRS_FILE, .path = mine, .valid_path = "nowhere"},
         TW_ENOTFOUND,
         "nowhere"},
        {{.chosen = true, .source = TW_PAIRS_FILE, .path = mine, .k = none, .n_k = 1},
         TW_EINVAL,
         "1000"},
        {{.chosen = true, .source = TW_PAIRS_FILE, .path = mine, .k = far, .n_k = 1},
         TW_EINVAL,
         "1000"},
        {{.max_queries = TW_EVAL_MAX_QUERIES + 1}, TW_EINVAL, "max_queries"},
    };
    tw_engine *bare = toy_engine("bare", false);
    char *report = NULL;
    tw_error why = {0};
    assert_int_equal(tw_engine_eval_towers(bare, NULL, &report, &why), TW_ESTATE);
    assert_non_null(strstr(why.msg, "train towers"));
    tw_engine_close(bare);

    tw_engine *e = plain_engine("wrong", "id,title\na,apple\nb,apple\n", NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tw_status st = tw_engine_eval_towers(e, &wrong[i].opt, &report, &why);
        if (st != wrong[i].want || strstr(why.msg, wrong[i].says) == NULL)
            fail_msg("row %zu: status %d, '%s'", i, (int) st, why.msg);
        assert_null(report);
    }
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_split_is_that_of_the_training_whatever_it_was),
        cmocka_unit_test(retrieval_is_that_by_hand),
        cmocka_unit_test(thresholds_come_from_validation_pairs),
        cmocka_unit_test(what_pairs_cannot_tell_is_null_and_said),
        cmocka_unit_test(rows_that_say_nothing_are_left_out_and_counted),
        cmocka_unit_test(classes_leave_each_item_out_in_turn),
        cmocka_unit_test(classes_that_were_learnt_ask_the_held_items_alone),
        cmocka_unit_test(whole_sessions_are_held_out),
        cmocka_unit_test(what_cannot_be_held_out_whole_is_reported),
        cmocka_unit_test(what_cannot_be_measured_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
