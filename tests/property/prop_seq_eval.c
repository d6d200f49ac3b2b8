/* Are the figures what their definitions say? On random histories, every baseline under full
 * ranking is done again here by the most obvious loops, from the data alone: dense counts, one sort
 * of nothing, one user after the other. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "seqmodel/seqmodel.h"
#include "tests/support/test.h"

enum { USERS = 60, ITEMS = 50, LONGEST = 14 };

/* As in docs/experiments/sse-pt.md. */
static const double SHRINK = 20, DECAY = 0.5, BACKOFF = 10;
enum { LATEST = 10 };

typedef struct naive {
    double counts[ITEMS + 1];          /* events */
    double near[ITEMS + 1][ITEMS + 1]; /* shrunk cosine */
    double next[ITEMS + 1][ITEMS + 1]; /* transitions */
    double cosine[ITEMS + 1][ITEMS + 1];
    double met_by[ITEMS + 1]; /* users */
    double users, events;
} naive;

/* Popular items are frequent, and events repeat: both matter to what is measured. */
static tw_seq_data *random_data(tw_rng *rng)
{
    static int32_t users[USERS * LONGEST], items[USERS * LONGEST];
    tw_seq_data *d = NULL;
    int n = 0;

    for (int u = 1; u <= USERS; u++) {
        int length = (int) tw_rng_below(rng, LONGEST + 1);
        for (int i = 0; i < length; i++, n++) {
            users[n] = u;
            items[n] = ITEMS - (int32_t) tw_rng_below(rng, 1 + tw_rng_below(rng, ITEMS));
        }
    }
    assert_ok(tw_seq_data_create(&d, USERS, ITEMS, users, items, NULL, n, err));
    return d;
}

static void count(naive *x, const tw_seq_data *d)
{
    static bool met[USERS + 1][ITEMS + 1];

    memset(x, 0, sizeof *x);
    memset(met, 0, sizeof met);
    for (int u = 1; u <= USERS; u++) {
        const int32_t *items = tw_seq_data_items(d, u);
        int64_t n = tw_seq_data_train_length(d, u);
        x->users += n > 0;
        for (int64_t i = 0; i < n; i++) {
            met[u][items[i]] = true;
            x->counts[items[i]]++;
            x->events++;
            if (i > 0)
                x->next[items[i - 1]][items[i]]++;
        }
    }
    for (int i = 1; i <= ITEMS; i++)
        for (int u = 1; u <= USERS; u++)
            x->met_by[i] += met[u][i];
    for (int i = 1; i <= ITEMS; i++) {
        for (int j = 1; j <= ITEMS; j++) {
            double both = 0, norm = sqrt(x->met_by[i] * x->met_by[j]);
            for (int u = 1; u <= USERS; u++)
                both += met[u][i] && met[u][j];
            x->cosine[i][j] = norm > 0 ? both / norm : 0;
            x->near[i][j] = i != j ? both / (norm + SHRINK) : 0;
        }
    }
}

/* In the product's precision and order of sums, so that what ties here ties there. */
static tw_real score(const naive *x, tw_seq_baseline kind, const int32_t *items, int64_t n, int j)
{
    tw_real s = (tw_real) x->counts[j];

    if (kind == TW_SEQ_MARKOV) {
        s = (tw_real) (BACKOFF * x->counts[j] / x->events);
        for (int k = 0; k < (int) x->next[items[n - 1]][j]; k++)
            s += 1;
    } else if (kind == TW_SEQ_ITEM_KNN) {
        double weight = 1;
        s = 0;
        for (int64_t age = 0; age < n && age < LATEST; age++) {
            s += (tw_real) weight * (tw_real) x->near[items[n - 1 - age]][j];
            weight *= DECAY;
        }
        s = s > 0 ? s : (tw_real) (x->counts[j] / 1e3 - 1);
    }
    return s;
}

static bool seen(const int32_t *items, int64_t n, int j)
{
    for (int64_t i = 0; i < n; i++)
        if (items[i] == j)
            return true;
    return false;
}

/* Without what was met before (n 0: with it). */
static void list_of(int *list, const tw_real *scores, const int32_t *items, int64_t n)
{
    bool taken[ITEMS + 1] = {false};
    for (int k = 0; k < TW_SEQ_TOP; k++) {
        list[k] = 0;
        for (int j = 1; j <= ITEMS; j++)
            if (!taken[j] && !seen(items, n, j) && (list[k] == 0 || scores[j] > scores[list[k]]))
                list[k] = j;
        taken[list[k]] = true;
    }
}

/* Sums over the lists so far; `listed` (ITEMS+1) counts. */
static void add_list(tw_seq_list_metrics *top, const naive *x, const int *list, double *listed)
{
    double apart = 0;
    for (int a = 0; a < TW_SEQ_TOP; a++) {
        listed[list[a]]++;
        top->popularity += x->met_by[list[a]] / x->users / TW_SEQ_TOP;
        top->novelty += log2(x->users / fmax(x->met_by[list[a]], 1)) / TW_SEQ_TOP;
        for (int b = 0; b < TW_SEQ_TOP; b++)
            apart += a != b ? 1 - x->cosine[list[a]][list[b]] : 0;
    }
    top->diversity += apart / (TW_SEQ_TOP * (TW_SEQ_TOP - 1));
    top->lists++;
}

/* Half the mean difference between all pairs of items, over their mean: Gini's own definition. */
static void finish_lists(tw_seq_list_metrics *top, const double *listed)
{
    double apart = 0, n = (double) top->lists;
    for (int i = 1; i <= ITEMS; i++) {
        top->coverage += (listed[i] > 0) / (double) ITEMS;
        for (int j = 1; j <= ITEMS; j++)
            apart += fabs(listed[i] - listed[j]);
    }
    top->gini = apart / (2.0 * ITEMS * n * TW_SEQ_TOP);
    top->popularity /= n;
    top->novelty /= n;
    top->diversity /= n;
}

static void by_definition(tw_seq_metrics *m, const naive *x, const tw_seq_data *d,
                          tw_seq_baseline kind, const tw_seq_eval_config *cfg)
{
    double listed[ITEMS + 1] = {0};
    tw_real scores[ITEMS + 1] = {0};
    int list[TW_SEQ_TOP];

    memset(m, 0, sizeof *m);
    for (int u = 1; u <= USERS; u++) {
        const int32_t *items = tw_seq_data_items(d, u);
        int64_t n = tw_seq_data_length(d, u) - (cfg->split == TW_SEQ_VALID ? 2 : 1);
        if (tw_seq_data_length(d, u) < 3)
            continue;
        for (int j = 1; j <= ITEMS; j++)
            scores[j] = score(x, kind, items, n, j);
        double rank = 1, competitors = 0;
        for (int j = 1; j <= ITEMS; j++) {
            if (j == items[n] || (!cfg->seen && seen(items, n, j)))
                continue;
            competitors++;
            rank += scores[j] >= scores[items[n]];
        }
        const bool repeat = seen(items, n, items[n]), given = cfg->seen || !repeat;
        for (int c = 0; c < TW_SEQ_CUTS && given; c++) {
            m->hr[c] += rank <= tw_seq_cuts[c];
            m->ndcg[c] += rank <= tw_seq_cuts[c] ? log(2) / log(1 + rank) : 0;
            m->mrr[c] += rank <= tw_seq_cuts[c] ? 1 / rank : 0;
        }
        m->auc += given ? 1 - (rank - 1) / competitors : 0;
        m->repeats += repeat;
        m->users++;
        list_of(list, scores, items, cfg->seen ? 0 : n);
        add_list(&m->top, x, list, listed);
    }
    for (int c = 0; c < TW_SEQ_CUTS; c++) {
        m->hr[c] /= (double) m->users;
        m->ndcg[c] /= (double) m->users;
        m->mrr[c] /= (double) m->users;
    }
    m->auc /= (double) m->users;
    finish_lists(&m->top, listed);
}

static void baselines_are_what_their_definitions_say(void **state)
{
    (void) state;
    static naive x;
    tw_rng rng;
    tw_seq_metrics got, want;
    tw_seq_eval_config c = {.threads = 2, .lists = true};

    tw_rng_seed(&rng, tw_test_seed());
    for (int round = 0; round < 30; round++) {
        tw_seq_data *d = random_data(&rng);
        count(&x, d);
        for (int kind = 0; kind < 3; kind++) {
            c.split = round % 2 == 0 ? TW_SEQ_TEST : TW_SEQ_VALID;
            c.seen = round % 3 == 0;
            assert_ok(tw_seq_eval_baseline((tw_seq_baseline) kind, d, &c, &got, err));
            by_definition(&want, &x, d, (tw_seq_baseline) kind, &c);
            assert_int_equal(got.users, want.users);
            assert_int_equal(got.repeats, want.repeats);
            for (int k = 0; k < TW_SEQ_CUTS; k++) {
                assert_near(got.hr[k], want.hr[k], 1e-9);
                assert_near(got.ndcg[k], want.ndcg[k], 1e-9);
                assert_near(got.mrr[k], want.mrr[k], 1e-9);
            }
            assert_near(got.auc, want.auc, 1e-9);
            assert_int_equal(got.top.lists, want.top.lists);
            assert_near(got.top.coverage, want.top.coverage, 1e-9);
            assert_near(got.top.gini, want.top.gini, 1e-9);
            assert_near(got.top.popularity, want.top.popularity, 1e-9);
            assert_near(got.top.novelty, want.top.novelty, 1e-9);
            assert_near(got.top.diversity, want.top.diversity, 1e-9);
        }
        tw_seq_data_destroy(d);
    }
}

/* Whoever is left out, the others' ranks and lists stay: the whole is the mean of its parts. */
static void subsets_add_up_to_the_whole(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed() + 1);
    for (int round = 0; round < 30; round++) {
        tw_seq_data *d = random_data(&rng);
        bool some[USERS + 1], rest[USERS + 1], items[ITEMS + 1], others[ITEMS + 1];
        tw_seq_metrics all, a, b;
        tw_seq_eval_config c = {.threads = 2, .protocol = (tw_seq_protocol) (round % 3)};

        for (int u = 0; u <= USERS; u++)
            rest[u] = !(some[u] = tw_rng_below(&rng, 2) == 0);
        for (int i = 0; i <= ITEMS; i++)
            others[i] = !(items[i] = tw_rng_below(&rng, 2) == 0);
        assert_ok(tw_seq_eval_baseline(TW_SEQ_MARKOV, d, &c, &all, err));
        for (int by = 0; by < 2; by++) {
            c.only_users = by == 0 ? some : NULL;
            c.only_targets = by == 1 ? items : NULL;
            assert_ok(tw_seq_eval_baseline(TW_SEQ_MARKOV, d, &c, &a, err));
            c.only_users = by == 0 ? rest : NULL;
            c.only_targets = by == 1 ? others : NULL;
            assert_ok(tw_seq_eval_baseline(TW_SEQ_MARKOV, d, &c, &b, err));
            assert_int_equal(a.users + b.users, all.users);
            assert_near(a.ndcg[2] * (double) a.users + b.ndcg[2] * (double) b.users,
                        all.ndcg[2] * (double) all.users, 1e-9);
        }
        tw_seq_data_destroy(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baselines_are_what_their_definitions_say),
        cmocka_unit_test(subsets_add_up_to_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
