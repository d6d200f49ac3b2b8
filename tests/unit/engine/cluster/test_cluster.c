/* The toy catalogue has three genres, and its people stay within one: so do clusters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cluster/cluster.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static tw_engine *shared;

static int open_shared(void **state)
{
    (void) state;
    shared = toy_engine("clustered", true);
    toy_train(shared);
    return 0;
}

static int close_shared(void **state)
{
    (void) state;
    tw_engine_close(shared);
    return 0;
}

static void three_genres_are_three_clusters_by_name(void **state)
{
    (void) state;
    tw_clustering c;
    const tw_cluster_options opt = {.k = 3, .against = "genres"};
    assert_ok(tw_engine_cluster(shared, &opt, &c, err));
    assert_int_equal(c.k, 3);
    assert_int_equal(c.n, TOY_ITEMS);
    assert_int_equal(c.unread, 0);
    for (int64_t i = 0; i < c.n; i++) /* toy.h: film g*12+i+1 is of genre g */
        assert_int_equal(c.items[i].cluster, c.items[i / 12 * 12].cluster);
    for (int a = 0; a < 3; a++) {
        const char *title = NULL;
        for (int64_t i = 0; i < c.n && title == NULL; i++)
            title = c.items[i].cluster == a ? c.items[i].title : NULL;
        assert_int_equal(c.clusters[a].size, TOY_PER_GENRE);
        assert_non_null(title);
        size_t genre = strcspn(title, " ");
        assert_int_equal(strncmp(c.clusters[a].name, title, genre), 0);
    }
    tw_clustering_fini(&c);
}

static void the_figures_follow_from_the_scores(void **state)
{
    (void) state;
    tw_clustering c;
    double cosine[3] = {0}, silhouette[3] = {0}, all = 0;
    assert_ok(tw_engine_cluster(shared, &(tw_cluster_options){.k = 3}, &c, err));
    for (int64_t i = 0; i < c.n; i++) {
        double a = 1 - (double) c.items[i].score, b = 1 - (double) c.items[i].next;
        assert_true(a <= b);
        cosine[c.items[i].cluster] += 1 - a;
        silhouette[c.items[i].cluster] += (b - a) / b;
        all += 1 - a;
    }
    for (int a = 0; a < 3; a++) {
        assert_near(c.clusters[a].cosine, cosine[a] / 12, 1e-9);
        assert_near(c.clusters[a].silhouette, silhouette[a] / 12, 1e-9);
        assert_in_range(c.clusters[a].nearest, 0, 2);
        assert_int_not_equal(c.clusters[a].nearest, a);
    }
    assert_near(c.cosine, all / 36, 1e-9);
    assert_near(c.silhouette, (silhouette[0] + silhouette[1] + silhouette[2]) / 36, 1e-9);
    tw_clustering_fini(&c);
}

/* What follows `"key":` in the report. */
static double number_of(const tw_clustering *c, const char *key)
{
    const char *at = strstr(c->report, key);
    assert_non_null(at);
    return strtod(at + strlen(key) + 2, NULL);
}

/* genres is a list: the genre, and "Film" of every item. So 72 pairs: with the cluster U uniform on
 * 3 and the value V = the genre or Film, half each: I = ln(3)/2, H(U) = ln 3, H(V) = ln(2) +
 * ln(3)/2 and NMI = 2 I / (H(U) + H(V)) = 0.46918. */
static void the_report_compares_with_an_attribute(void **state)
{
    (void) state;
    tw_clustering c;
    const tw_cluster_options opt = {.k = 3, .against = "genres"},
                             none = {.k = 3, .against = "mood"};
    assert_ok(tw_engine_cluster(shared, &opt, &c, err));
    assert_near(number_of(&c, "\"nmi\""), log(3) / (1.5 * log(3) + log(2)), 1e-4);
    assert_near(number_of(&c, "\"classes\""), 4, 0);
    assert_near(number_of(&c, "\"coverage\""), 1, 0);
    tw_clustering_fini(&c);
    assert_status(tw_engine_cluster(shared, &none, &c, err), TW_EINVAL);
    assert_null(c.items);
}

static void a_map_keeps_genres_apart(void **state)
{
    (void) state;
    tw_clustering c;
    assert_ok(tw_engine_cluster(shared, &(tw_cluster_options){.k = 3, .map = true}, &c, err));
    int same = 0;
    for (int64_t i = 0; i < c.n; i++) {
        double best = INFINITY;
        int64_t at = -1;
        for (int64_t j = 0; j < c.n; j++) {
            double dx = (double) (c.items[i].x - c.items[j].x);
            double dy = (double) (c.items[i].y - c.items[j].y);
            if (j != i && dx * dx + dy * dy < best) {
                best = dx * dx + dy * dy;
                at = j;
            }
        }
        same += c.items[i].cluster == c.items[at].cluster;
    }
    assert_true(same >= TOY_ITEMS - 2);
    assert_true(c.map_kept > 0 && c.components_kept > 0);
    tw_clustering_fini(&c);
}

/* The first item of the store, so that all others would move up were it not left out. */
static void an_item_that_cannot_be_read_is_in_no_cluster(void **state)
{
    (void) state;
    tw_clustering c;
    tw_put_kind kind;
    tw_item old, blank = {.id = "f1", .title = " "};
    assert_ok(tw_engine_get(shared, "f1", &old, err));
    assert_ok(tw_engine_put(shared, &blank, &kind, err));
    assert_ok(tw_engine_cluster(shared, &(tw_cluster_options){.k = 3, .map = true}, &c, err));
    assert_int_equal(c.n, TOY_ITEMS);
    assert_int_equal(c.unread, 1);
    assert_string_equal(c.items[0].id, "f1");
    assert_int_equal(c.items[0].cluster, -1);
    assert_near(c.items[0].x, 0, 0);
    assert_near(c.items[0].y, 0, 0);
    for (int64_t i = 1; i < c.n; i++)
        assert_true(c.items[i].x != 0 || c.items[i].y != 0);
    assert_int_equal(c.clusters[2].size, TOY_PER_GENRE - 1);
    assert_near(number_of(&c, "\"unread\""), 1, 0);
    assert_near(number_of(&c, "\"coverage\""), 35.0 / 36, 1e-5);
    tw_clustering_fini(&c);
    assert_ok(tw_engine_put(shared, &old, &kind, err));
    tw_item_fini(&old);
}

enum { K = 5, DIM = 16 }; /* TOY_TOWERS: dim */

/* Which centroid, but for its own, each item is nearest to, counted from vectors asked for anew. */
static void the_nearest_cluster_is_what_most_items_have_next(void **state)
{
    (void) state;
    tw_clustering c;
    static float vecs[TOY_ITEMS][TW_ENGINE_MAX_DIM];
    double centre[K][DIM] = {{0}};
    int count[K][K] = {{0}};
    assert_ok(tw_engine_cluster(shared, &(tw_cluster_options){.k = K, .seed = 1}, &c, err));
    assert_int_equal(c.k, K);
    for (int i = 0; i < TOY_ITEMS; i++) {
        int dim, model;
        const tw_embed_query q = {.item = c.items[i].id};
        assert_ok(tw_engine_embed(shared, &q, vecs[i], &dim, &model, err));
        assert_int_equal(dim, DIM);
        for (int j = 0; j < DIM; j++)
            centre[c.items[i].cluster][j] += (double) vecs[i][j];
    }
    for (int i = 0; i < TOY_ITEMS; i++) {
        double best = -2;
        int at = -1;
        for (int a = 0; a < K; a++) {
            double dot = 0, length = 0;
            for (int j = 0; j < DIM; j++) {
                dot += centre[a][j] * (double) vecs[i][j];
                length += centre[a][j] * centre[a][j];
            }
            if (a != c.items[i].cluster && dot / sqrt(length) > best) {
                best = dot / sqrt(length);
                at = a;
            }
        }
        assert_near(c.items[i].next, best, 1e-4);
        count[c.items[i].cluster][at]++;
    }
    for (int a = 0; a < K; a++)
        for (int b = 0; b < K; b++)
            assert_true(count[a][b] <= count[a][c.clusters[a].nearest]);
    tw_clustering_fini(&c);
}

static void what_cannot_be_done_is_said(void **state)
{
    (void) state;
    tw_clustering c;
    tw_error e = {0};
    assert_int_equal(tw_engine_cluster(shared, &(tw_cluster_options){.k = 37}, &c, &e), TW_EINVAL);
    assert_string_equal(e.msg, "37 clusters of 36 vectors: ask for fewer");
    tw_engine *raw = toy_engine("untrained", true);
    assert_int_equal(tw_engine_cluster(raw, &(tw_cluster_options){0}, &c, &e), TW_ESTATE);
    assert_non_null(strstr(e.msg, "train towers"));
    tw_engine_close(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_genres_are_three_clusters_by_name),
        cmocka_unit_test(the_figures_follow_from_the_scores),
        cmocka_unit_test(the_report_compares_with_an_attribute),
        cmocka_unit_test(a_map_keeps_genres_apart),
        cmocka_unit_test(an_item_that_cannot_be_read_is_in_no_cluster),
        cmocka_unit_test(the_nearest_cluster_is_what_most_items_have_next),
        cmocka_unit_test(what_cannot_be_done_is_said),
    };
    return cmocka_run_group_tests(tests, open_shared, close_shared);
}
