#include "cli/report.h"

#include <jansson.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/print.h"
#include "seqmodel/seqmodel.h"

#define REPEATS_MANY 0.05 /* share of the events from which on they are mentioned */

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static long long whole(const json_t *object, const char *key)
{
    return (long long) json_integer_value(json_object_get(object, key));
}

static const char *word(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s != NULL ? s : "";
}

/* A column's key says all, or stands for KEY_at_K or its standard error. */
typedef enum column_kind { PLAIN = 0, AT_K = 1, ERROR_AT_K = 2 } column_kind;

typedef struct column {
    const char *key, *title;
    column_kind kind;
} column;

static void print_cell(const json_t *row, const column *c, int k)
{
    char key[64];
    if (c->kind == PLAIN)
        (void) snprintf(key, sizeof key, "%s", c->key);
    else
        (void) snprintf(key, sizeof key, "%s_at_%d%s", c->key, k, c->kind == AT_K ? "" : "_se");
    const json_t *value = json_object_get(row, key);
    if (json_is_number(value))
        (void) printf(" %10.4f", json_number_value(value));
    else
        (void) printf(" %10s", "-"); /* nothing was there to be measured */
}

/* One line per model, the same figures in the same columns; k 0: none is asked for. */
static void print_table_at(const json_t *rows, const char *const *names, const char *const *labels,
                           const column *columns, int k)
{
    char corner[32] = "";
    if (k > 0)
        (void) snprintf(corner, sizeof corner, "first %d", k);
    (void) printf("  %-22s", corner);
    for (const column *c = columns; c->key != NULL; c++)
        (void) printf(" %10s", c->title);
    (void) printf("\n");
    for (int i = 0; names[i] != NULL; i++) {
        const json_t *row = json_object_get(rows, names[i]);
        if (row == NULL)
            continue;
        (void) printf("  %-22s", labels[i]);
        for (const column *c = columns; c->key != NULL; c++)
            print_cell(row, c, k);
        (void) printf("\n");
    }
}

static void print_table(const json_t *rows, const char *const *names, const char *const *labels,
                        const column *columns)
{
    print_table_at(rows, names, labels, columns, 0);
}

/* Targets that the people had before: what is left out can never be given. */
static void print_repeats(const json_t *row, bool seen)
{
    const long long repeats = whole(row, "repeats");
    if (repeats > 0) {
        (void) printf("  %lld of %lld targets (%.0f %%) are items that the person had before%s\n",
                      repeats, whole(row, "users"), 100 * number(row, "repeat_share"),
                      seen ? "" : ": missed, as those are left out; eval seq --seen ranks them");
    }
}

/* Who is not asked, as the training saw all that is left of them. */
static void print_cut(const json_t *cut)
{
    const json_t *examples = json_object_get(cut, "examples");
    const long long left_out = whole(cut, "left_out"), later = whole(cut, "later");

    if (word(cut, "warning")[0] != '\0')
        (void) fprintf(stderr, "twindex: %s\n", word(cut, "warning"));
    if (later > 0)
        (void) printf("  targets recorded after the training: %lld\n", later);
    if (left_out == 0)
        return;
    (void) printf("  left out: %lld %s of whom the training saw all that is left", left_out,
                  left_out == 1 ? "person" : "people");
    for (size_t i = 0; i < json_array_size(examples); i++)
        (void) printf("%s%s", i == 0 ? " (" : ", ", json_string_value(json_array_get(examples, i)));
    if (json_array_size(examples) > 0)
        (void) printf("%s)", left_out > (long long) json_array_size(examples) ? ", ..." : "");
    (void) printf("\n");
}

static void print_seq_table(const json_t *test)
{
    static const char *const names[] = {"seq",      "as_unknown_user", "popularity",
                                        "item_knn", "markov",          NULL};
    const char *const labels[] = {
        word(test, "name"), "  user unknown to it", "popularity", "item-kNN", "Markov", NULL};
    static const column columns[] = {{"hr_at_10", "HR@10", PLAIN},
                                     {"ndcg_at_10", "NDCG@10", PLAIN},
                                     {"ndcg_at_10_se", "+-", PLAIN},
                                     {"mrr_at_10", "MRR@10", PLAIN},
                                     {0}};
    static const column lists[] = {
        {"coverage_at_10", "coverage", PLAIN},     {"gini_at_10", "Gini", PLAIN},
        {"popularity_at_10", "popularity", PLAIN}, {"novelty_at_10", "novelty", PLAIN},
        {"diversity_at_10", "diversity", PLAIN},   {0}};
    print_table(test, names, labels, columns);
    if (json_object_get(json_object_get(test, "seq"), "coverage_at_10") != NULL) {
        (void) printf("  top 10 of all items:\n");
        print_table(test, names, labels, lists);
    }
}

/* ---- towers ---------------------------------------------------------------------------------- */

static const char *const baselines[] = {"towers", "untrained", "tfidf", "popularity", NULL};
static const char *const baseline_labels[] = {"trained towers", "untrained towers",
                                              "tf-idf of the texts", "popularity", NULL};

static void print_towers(const json_t *rows, const column *columns, int k)
{
    print_table_at(rows, baselines, baseline_labels, columns, k);
}

/* The same for each cut-off that was asked for. */
static void print_towers_at_each(const json_t *eval, const json_t *rows, const column *columns)
{
    const json_t *ks = json_object_get(eval, "k");
    for (size_t i = 0; i < json_array_size(ks); i++)
        print_towers(rows, columns, (int) json_integer_value(json_array_get(ks, i)));
}

static void print_pairs(const json_t *pairs, bool all)
{
    static const column agreement[] = {{"auc", "AUC", PLAIN},
                                       {"average_precision", "av. prec.", PLAIN},
                                       {"spearman", "Spearman", PLAIN},
                                       {"pearson", "Pearson", PLAIN},
                                       {0}};
    static const column triplets[] = {{"triplets_in_order", "in order", PLAIN}, {0}};
    static const column decisions[] = {{"f1", "F1", PLAIN},
                                       {"f1_threshold", "above", PLAIN},
                                       {"precision", "precision", PLAIN},
                                       {"recall", "recall", PLAIN},
                                       {"accuracy", "accuracy", PLAIN},
                                       {"accuracy_se", "+-", PLAIN},
                                       {"accuracy_threshold", "above", PLAIN},
                                       {0}};
    const json_t *row = json_object_get(pairs, "towers");
    if (pairs == NULL)
        return;
    (void) printf("  test: %lld pairs, %lld of them similar\n", whole(pairs, "test"),
                  whole(pairs, "positives"));
    print_towers(pairs, agreement, 0);
    if (json_object_get(row, "triplets_in_order") != NULL)
        print_towers(pairs, triplets, 0);
    if (all && json_object_get(row, "f1") != NULL) {
        (void) printf("  called similar above what %lld validation pairs chose for F1, and for "
                      "accuracy:\n",
                      whole(pairs, "valid"));
        print_towers(pairs, decisions, 0);
    }
    size_t i;
    const json_t *note;
    json_array_foreach(json_object_get(pairs, "notes"), i, note)(void)
        printf("  %s\n", json_string_value(note));
}

static void print_classes(const json_t *eval, bool all)
{
    static const column nearest[] = {{"r_at_1", "R@1", PLAIN},
                                     {"r_at_1_se", "+-", PLAIN},
                                     {"knn_at_10", "kNN@10", PLAIN},
                                     {"map_at_10", "MAP@10", PLAIN},
                                     {0}};
    static const column at[] = {{"r_at_1", "R@1", PLAIN},         {"knn", "kNN vote", AT_K},
                                {"knn", "+-", ERROR_AT_K},        {"map", "MAP", AT_K},
                                {"map", "+-", ERROR_AT_K},        {"ndcg", "NDCG", AT_K},
                                {"precision", "precision", AT_K}, {0}};
    const json_t *classes = json_object_get(eval, "classes");
    if (classes == NULL)
        return;
    (void) printf("  test: %s (%lld queries among %lld items of %lld classes)\n",
                  word(eval, "protocol"), whole(classes, "queries"), whole(classes, "among"),
                  whole(classes, "classes"));
    if (all)
        print_towers_at_each(eval, classes, at);
    else
        print_towers(classes, nearest, 0);
}

/* all: every cut-off and what the lists are like; else what a training says in a few lines. */
static void print_tower_eval(const json_t *eval, bool all)
{
    static const column few[] = {{"recall_at_10", "Recall@10", PLAIN},
                                 {"ndcg_at_10", "NDCG@10", PLAIN},
                                 {"ndcg_at_10_se", "+-", PLAIN},
                                 {"mrr", "MRR", PLAIN},
                                 {0}};
    static const column at[] = {{"recall", "Recall", AT_K}, {"precision", "precision", AT_K},
                                {"hr", "HR", AT_K},         {"ndcg", "NDCG", AT_K},
                                {"ndcg", "+-", ERROR_AT_K}, {"mrr", "MRR", AT_K},
                                {"map", "MAP", AT_K},       {0}};
    static const column lists[] = {{"coverage_at_10", "coverage", PLAIN},
                                   {"gini_at_10", "Gini", PLAIN},
                                   {"diversity_at_10", "diversity", PLAIN},
                                   {0}};
    const json_t *test = json_object_get(eval, "test");
    const long long queries = whole(json_object_get(test, "towers"), "queries");

    if (test != NULL)
        (void) printf("  test: %s (%lld queries)\n", word(eval, "protocol"), queries);
    if (whole(eval, "unread") > 0) {
        (void) printf("  %lld items have nothing that the towers read; no list holds them, and "
                      "theirs are empty\n",
                      whole(eval, "unread"));
    }
    if (queries > 0 && !all)
        print_towers(test, few, 0);
    if (queries > 0 && all) {
        print_towers_at_each(eval, test, at);
        (void) printf("  lists of ten:\n");
        print_towers(test, lists, 0);
    }
    print_pairs(json_object_get(eval, "pairs"), all);
    print_classes(eval, all);
}

static void print_skipped(const json_t *r)
{
    if (whole(r, "skipped_rows") > 0)
        (void) fprintf(stderr, "twindex: %lld rows could not be used; the first: %s\n",
                       whole(r, "skipped_rows"), word(r, "first_skipped"));
}

/* What was measured on, and what may have moved since. */
static void print_circumstances(const json_t *r)
{
    const long long items = whole(r, "items"), then = whole(r, "items_at_training");
    (void) printf("model %lld, %lld items, on %s%s%s\n", whole(r, "model"), items,
                  word(r, "source"), json_object_get(r, "from") != NULL ? " of " : "",
                  word(r, "from"));
    if (json_object_get(r, "items_at_training") != NULL && then != items) {
        (void) fprintf(stderr,
                       "twindex: the catalogue had %lld items when the towers were trained; what "
                       "is measured may not be all that was kept apart then\n",
                       then);
    }
    print_skipped(r);
}

static const char *examples_name(const char *source)
{
    return strcmp(source, "triplets") == 0  ? "triplets"
           : strcmp(source, "classes") == 0 ? "items of known class"
                                            : "pairs";
}

/* "  reads text of 30 items, image of 28"; nothing where text is all there is. */
static void print_modalities(const json_t *r)
{
    const char *name, *between = "  reads ", *what = " items";
    json_t *with, *all = json_object_get(r, "items_with");
    const bool text_alone = json_object_size(all) == 1 && json_object_get(all, "text") != NULL;
    json_object_foreach(text_alone ? NULL : all, name, with)
    {
        (void) printf("%s%s of %lld%s", between, name, (long long) json_integer_value(with), what);
        between = ", ";
        what = "";
    }
    if (what[0] == '\0')
        (void) printf("\n");
    if (whole(r, "unreadable") > 0)
        (void) fprintf(stderr, "twindex: %lld files could not be read; the first: %s\n",
                       whole(r, "unreadable"), word(r, "first_unreadable"));
}

/* Where people come back to things, a model whose softmax left them out cannot say when. */
static void hint_at_repeats(const json_t *r)
{
    const double repeats = number(r, "repeats");
    const bool left_out = whole(json_object_get(r, "config"), "exclude_seen") != 0;
    if (repeats < REPEATS_MANY || !left_out)
        return;
    (void) fprintf(stderr,
                   "twindex: in %.0f %% of the events a user came back to an item; "
                   "for next --seen, train with --exclude_seen 0\n",
                   100 * repeats);
}

void read_verdict(const char *json, training_verdict *out)
{
    json_t *r = json_loads(json, 0, NULL);
    *out = (training_verdict){.model = (int) whole(r, "model"),
                              .activated = json_is_true(json_object_get(r, "activated"))};
    (void) snprintf(out->reason, sizeof out->reason, "%s", word(r, "reason"));
    json_decref(r);
}

void print_training_report(const char *json, bool towers)
{
    json_t *r = json_loads(json, 0, NULL);
    if (towers) {
        (void) printf("model %lld: %s towers from %lld %s, %lld epochs (best %lld), %.1f s\n",
                      whole(r, "model"), word(r, "loss"), whole(r, "examples"),
                      examples_name(word(r, "source")), whole(r, "epochs"), whole(r, "best_epoch"),
                      number(r, "seconds"));
        print_modalities(r);
        print_skipped(r);
        const json_t *eval = json_object_get(r, "eval");
        if (eval == NULL)
            eval = json_object_get(r, "eval_pairs");
        if (eval == NULL)
            eval = json_object_get(r, "eval_classes");
        print_tower_eval(eval, false);
    } else {
        (void) printf("model %lld: %lld users, %lld items, %lld events, preset %s, %lld epochs "
                      "(best %lld), %.1f s\n",
                      whole(r, "model"), whole(r, "users"), whole(r, "items"), whole(r, "events"),
                      word(r, "preset"), whole(r, "epochs"), whole(r, "best_epoch"),
                      number(r, "seconds"));
        if (json_object_get(r, "test") != NULL) {
            (void) printf("  test: %s\n", word(r, "protocol"));
            print_seq_table(json_object_get(r, "test"));
            print_repeats(json_object_get(json_object_get(r, "test"), "seq"),
                          json_is_true(json_object_get(r, "seen")));
        }
        hint_at_repeats(r);
    }
    if (word(r, "reason")[0] != '\0') {
        (void) printf("  %s: %s\n",
                      json_is_true(json_object_get(r, "activated")) ? "activated, although"
                                                                    : "not activated",
                      word(r, "reason"));
    }
    json_decref(r);
}

static void print_index(const json_t *r, const char *key, const char *title)
{
    const json_t *ix = json_object_get(r, key);
    if (ix != NULL) {
        (void) printf("%-6s %-10s %9lld vectors  recall@10 %.4f  %8.1f us a query  %.1f MB\n",
                      title, word(ix, "kind"), whole(ix, "vectors"), number(ix, "recall_at_10"),
                      number(ix, "us_per_query"), number(ix, "bytes") / 1e6);
        if (json_object_get(ix, "warning") != NULL)
            (void) fprintf(stderr, "twindex: %s: %s\n", title, word(ix, "warning"));
    }
}

void print_eval_report(const char *json, const char *what)
{
    json_t *r = json_loads(json, 0, NULL);
    if (strcmp(what, "index") == 0) {
        print_index(r, "items", "items");
        print_index(r, "next", "next");
    } else if (strcmp(what, "towers") == 0) {
        print_circumstances(r);
        print_tower_eval(r, true);
    } else {
        (void) printf("model %lld, %s split, protocol %s%s, seed %lld, %lld users\n",
                      whole(r, "model"), word(r, "split"), word(r, "protocol"),
                      json_is_true(json_object_get(r, "seen")) ? " with what they had before" : "",
                      whole(r, "seed"), whole(json_object_get(r, "seq"), "users"));
        const char *hash = word(json_object_get(r, "seq"), "lists_hash");
        if (*hash != '\0')
            (void) printf("lists %s: reports with this hash met the same competitors\n", hash);
        print_seq_table(r);
        print_cut(json_object_get(r, "cut"));
        print_repeats(json_object_get(r, "seq"), json_is_true(json_object_get(r, "seen")));
    }
    json_decref(r);
}

/* What one protocol said of the model and of each baseline: {"seq": ..., "popularity": ...}. */
static json_t *of_protocol(const json_t *r, const char *protocol)
{
    static const char *const from[] = {"test", "popularity", "item_knn", "markov"};
    static const char *const to[] = {"seq", "popularity", "item_knn", "markov"};
    const json_t *unknown = json_object_get(json_object_get(r, "as_unknown_user"), protocol);
    json_t *out = json_object();
    for (int i = 0; i < 4; i++) {
        json_t *row = json_object_get(json_object_get(r, from[i]), protocol);
        (void) json_object_set(out, to[i], row);
    }
    if (unknown != NULL)
        (void) json_object_set_new(out, "as_unknown_user", json_deep_copy(unknown));
    (void) json_object_set(out, "name", json_object_get(r, "name"));
    return out;
}

static void print_unseen_users(const json_t *r)
{
    static const char *const names[] = {"unknown", "mean", "folded", "popularity", NULL};
    static const char *const labels[] = {"as the unknown user", "as the mean user", "folded in",
                                         "popularity", NULL};
    static const column columns[] = {{"hr_at_10", "HR@10", PLAIN},
                                     {"ndcg_at_10", "NDCG@10", PLAIN},
                                     {"ndcg_at_10_se", "+-", PLAIN},
                                     {"mrr_at_10", "MRR@10", PLAIN},
                                     {0}};
    const json_t *unseen_users = json_object_get(r, "unseen_users");
    if (unseen_users == NULL)
        return;
    (void) printf("users kept out of training, %lld of them, all items ranked:\n",
                  whole(json_object_get(unseen_users, "unknown"), "users"));
    print_table(unseen_users, names, labels, columns);
}

void print_offline_eval(const char *json)
{
    static const char *const left_out[] = {
        "every item ranked, those in the user's history left out",
        "against 100 items that the user never met, one frozen list each",
        "against 100 draws as the published code makes them; to compare with its paper only"};
    static const char *const seen[] = {"every item ranked, those in the user's history, too",
                                       "against 100 items of all, one frozen list each",
                                       "against 100 draws of all, with replacement"};
    json_t *r = json_loads(json, 0, NULL);
    const char *const *titles = json_is_true(json_object_get(r, "seen")) ? seen : left_out;

    print_columns(r);
    (void) printf("%lld users, %lld items, %lld events, %lld epochs (best %lld), %.1f s\n",
                  whole(r, "users"), whole(r, "items"), whole(r, "events"), whole(r, "epochs"),
                  whole(r, "best_epoch"), number(r, "seconds"));
    if (whole(r, "rejected") > 0)
        (void) fprintf(stderr, "twindex: %lld rows could not be read\n", whole(r, "rejected"));
    for (int i = 0; i < 3; i++) {
        json_t *rows = of_protocol(r, tw_seq_protocol_names[i]);
        (void) printf("test, %s: %s\n", tw_seq_protocol_names[i], titles[i]);
        print_seq_table(rows);
        print_repeats(json_object_get(rows, "seq"), json_is_true(json_object_get(r, "seen")));
        json_decref(rows);
    }
    print_unseen_users(r);
    json_decref(r);
}

static void print_cold_part(const json_t *r, const char *part, const char *title)
{
    static const char *const names[] = {
        "seq",        "as_unknown_user", "unknown", "mean",   "folded",
        "popularity", "item_knn",        "markov",  "random", NULL};
    static const column columns[] = {{"hr_at_10", "HR@10", PLAIN},
                                     {"ndcg_at_10", "NDCG@10", PLAIN},
                                     {"ndcg_at_10_se", "+-", PLAIN},
                                     {"auc", "AUC", PLAIN},
                                     {0}};
    const json_t *rows = json_object_get(r, part);
    const char *const labels[] = {word(r, "name"),
                                  "  user unknown to it",
                                  "as the unknown user",
                                  "as the mean user",
                                  "folded in",
                                  "popularity",
                                  "item-kNN",
                                  "Markov",
                                  "chance",
                                  NULL};
    if (rows == NULL)
        return;
    (void) printf("%s (%lld people):\n", title,
                  whole(json_object_get(rows, "popularity"), "users"));
    print_table(rows, names, labels, columns);
    print_repeats(json_object_get(rows, "popularity"), json_is_true(json_object_get(r, "seen")));
}

void print_cold_report(const char *json)
{
    json_t *r = json_loads(json, 0, NULL);
    (void) printf("%lld users (%lld kept out), %lld items (%lld kept out), %lld events, %s, %lld "
                  "epochs (best %lld), %.1f s\n",
                  whole(r, "users"), whole(r, "held_out_users"), whole(r, "items"),
                  whole(r, "held_out_items"), whole(r, "events"),
                  json_is_true(json_object_get(r, "item_features")) ? "ids and item features"
                                                                    : "ids alone",
                  whole(r, "epochs"), whole(r, "best_epoch"), number(r, "seconds"));
    print_cold_part(r, "known", "known people, known items");
    print_cold_part(r, "unseen_users", "users kept out of training, known items");
    print_cold_part(r, "new_items", "known people, items kept out of training, among all items");
    json_decref(r);
}
