/* Two readings of the catalogue: ids, titles and vectors first; then, when it is known who belongs
 * where, the words. What another process puts in between is not there, what it deletes has no
 * words.
 */
#include "engine/cluster/cluster.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "engine/cluster/cluster_parts.h"
#include "engine/engine_state.h"
#include "index/groups/layout.h"
#include "nn/blas.h"

#define MAX_STRINGS ((size_t) 1 << 36) /* bytes of all ids and titles */

void tw_clustering_fini(tw_clustering *c)
{
    tw_free(c->items);
    tw_free(c->clusters);
    tw_free(c->report);
    tw_free(c->strings);
    tw_free(c->names);
    *c = (tw_clustering){0};
}

static void work_fini(twi_cluster_work *w)
{
    tw_kmeans_fini(&w->km);
    tw_text_fini(&w->strings);
    tw_free(w->rows);
    tw_free(w->at);
    tw_free(w->vecs);
    tw_free(w->names);
    tw_free(w->central);
    tw_free(w->like);
}

/* ---- first reading --------------------------------------------------------------------------- */

static tw_status keep_string(twi_cluster_work *w, const char *s, size_t *at, tw_error *err)
{
    *at = w->strings.len;
    return tw_text_add(&w->strings, s, strlen(s) + 1, err);
}

static tw_status load_item(void *ctx, const tw_item *item, tw_error *err)
{
    tw_status st = TW_OK;
    twi_cluster_work *w = ctx;
    const tw_column columns[] = {
        TW_COLUMN(&w->rows), TW_COLUMN(&w->at), {&w->vecs, (size_t) w->dim * sizeof *w->vecs}};
    TW_TRY(tw_grow_columns(columns, 3, &w->room, (size_t) w->n + 1, "items", err));
    float *vec = w->vecs + (size_t) w->n * (size_t) w->dim;
    st = tw_index_get(w->g->items, item->row, vec, NULL);
    if (st == TW_ENOTFOUND) { /* put while nothing embeds: as good as unread */
        memset(vec, 0, (size_t) w->dim * sizeof *vec);
        st = TW_OK;
    }
    if (st != TW_OK)
        return tw_fail(err, st, "the vector of item '%.60s' cannot be had", item->id);
    TW_TRY(keep_string(w, item->id, &w->at[w->n][0], err));
    TW_TRY(keep_string(w, item->title, &w->at[w->n][1], err));
    w->rows[w->n++] = item->row;
done:
    return st;
}

/* The strings have stopped moving: they become the clustering's block. */
static tw_status hand_items(twi_cluster_work *w, tw_clustering *c, tw_error *err)
{
    c->items = tw_alloc((size_t) w->n, sizeof *c->items);
    if (c->items == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld items", (long long) w->n);
    c->n = w->n;
    c->unread = w->km.unread;
    c->strings = w->strings.data;
    w->strings.data = NULL;
    for (int64_t i = 0; i < w->n; i++) {
        c->items[i] = (tw_cluster_item){.id = c->strings + w->at[i][0],
                                        .title = c->strings + w->at[i][1],
                                        .cluster = w->km.cluster[i],
                                        .score = w->km.own[i],
                                        .next = w->km.next[i]};
    }
    return TW_OK;
}

/* ---- measures -------------------------------------------------------------------------------- */

static double silhouette_of(const tw_cluster_item *item)
{
    const double a = 1 - (double) item->score, b = 1 - (double) item->next;
    return b > 0 && b > a ? (b - a) / b : 0; /* a <= b by the assignment, but for rounding */
}

/* The cluster that most of each cluster's items have next. count (k,k). */
static void find_nearest(tw_clustering *c, const tw_kmeans *km, int64_t *count)
{
    for (int64_t i = 0; i < km->n; i++)
        if (km->second[i] >= 0)
            count[(size_t) km->cluster[i] * (size_t) c->k + (size_t) km->second[i]]++;
    for (int a = 0; a < c->k; a++) {
        const int64_t *row = count + (size_t) a * (size_t) c->k;
        c->clusters[a].nearest = -1;
        for (int b = 0; b < c->k; b++)
            if (row[b] > 0 && (c->clusters[a].nearest < 0 || row[b] > row[c->clusters[a].nearest]))
                c->clusters[a].nearest = b;
    }
}

static tw_status measure(tw_clustering *c, const tw_kmeans *km, tw_error *err)
{
    int64_t *count = tw_alloc((size_t) km->k * (size_t) km->k, sizeof *count);
    c->clusters = tw_alloc((size_t) km->k, sizeof *c->clusters);
    if (count == NULL || c->clusters == NULL) {
        tw_free(count);
        return tw_fail(err, TW_ENOMEM, "%d clusters", km->k);
    }
    c->k = km->k;
    for (int64_t i = 0; i < c->n; i++) {
        if (c->items[i].cluster < 0)
            continue;
        tw_cluster *own = &c->clusters[c->items[i].cluster];
        own->size++;
        own->cosine += (double) c->items[i].score;
        own->silhouette += c->k > 1 ? silhouette_of(&c->items[i]) : 0;
    }
    for (int a = 0; a < c->k; a++) {
        tw_cluster *own = &c->clusters[a];
        c->cosine += own->cosine / (double) (c->n - c->unread);
        c->silhouette += own->silhouette / (double) (c->n - c->unread);
        own->cosine /= (double) own->size;
        own->silhouette /= (double) own->size;
    }
    find_nearest(c, km, count);
    tw_free(count);
    return TW_OK;
}

/* The items nearest to each centroid, best first, equal scores in the store's order; -1: no more.
 */
static tw_status find_central(twi_cluster_work *w, const tw_clustering *c, tw_error *err)
{
    w->central = tw_alloc((size_t) c->k, sizeof *w->central);
    if (w->central == NULL)
        return tw_fail(err, TW_ENOMEM, "%d clusters", c->k);
    for (int a = 0; a < c->k; a++)
        for (int s = 0; s < TWI_CENTRAL; s++)
            w->central[a][s] = -1;
    for (int64_t i = 0; i < c->n; i++) {
        if (c->items[i].cluster < 0)
            continue;
        int64_t *best = w->central[c->items[i].cluster], now = i;
        for (int s = 0; s < TWI_CENTRAL && now >= 0; s++) {
            if (best[s] < 0 || c->items[now].score > c->items[best[s]].score) {
                int64_t pushed = best[s];
                best[s] = now;
                now = pushed;
            }
        }
    }
    return TW_OK;
}

/* ---- second reading -------------------------------------------------------------------------- */

typedef struct reading {
    const twi_cluster_work *w;
    twi_names *names;
    twi_classes *classes; /* NULL: none asked for */
    int64_t at;           /* position of the last item, plus 1 */
} reading;

static tw_status read_item(void *ctx, const tw_item *item, tw_error *err)
{
    tw_status st = TW_OK;
    reading *r = ctx;
    while (r->at < r->w->n && r->w->rows[r->at] < item->row)
        r->at++;
    if (r->at == r->w->n || r->w->rows[r->at] != item->row)
        return TW_OK;
    TW_TRY(twi_names_read(r->names, r->at, item, err));
    if (r->classes != NULL && r->w->km.cluster[r->at] >= 0)
        TW_TRY(twi_classes_read(r->classes, r->w->km.cluster[r->at], item->attributes, err));
done:
    return st;
}

static tw_status name_clusters(tw_engine *e, twi_cluster_work *w, tw_clustering *c,
                               twi_classes *classes, tw_error *err)
{
    tw_status st = TW_OK;
    reading r = {.w = w, .classes = classes};
    w->names = tw_alloc((size_t) c->k, sizeof *w->names);
    w->like = tw_alloc((size_t) c->k, sizeof *w->like);
    if (w->names == NULL || w->like == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%d clusters", c->k);
        goto done;
    }
    TW_TRY(twi_names_begin(&r.names, w->km.cluster, w->n, c->k, err));
    TW_TRY(tw_store_each_item(e->store, 0, read_item, &r, err));
    for (int a = 0; a < c->k; a++) {
        const tw_cluster_item *first = &c->items[w->central[a][0]];
        w->like[a] = first->title[0] != '\0' ? first->title : first->id;
    }
    TW_TRY(twi_names_finish(r.names, w->like, w->names, err));
    for (int a = 0; a < c->k; a++)
        c->clusters[a].name = w->names[a];
done:
    twi_names_end(r.names);
    return st;
}

/* ---- the map --------------------------------------------------------------------------------- */

enum { KEPT_K = 10 };

/* vecs (m,dim), xy (m,2), flat (m,2): of the items that are in a cluster; w->vecs is closed up. */
static tw_status draw(twi_cluster_work *w, const tw_cluster_options *opt, int threads,
                      tw_clustering *c, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t width = (size_t) w->dim;
    int64_t m = 0, at = 0;
    const tw_layout_config cfg = {.seed = opt->seed,
                                  .threads = threads,
                                  .progress = opt->progress,
                                  .progress_ctx = opt->progress_ctx};
    float *xy = tw_alloc((size_t) c->n, 2 * sizeof *xy),
          *flat = tw_alloc((size_t) c->n, 2 * sizeof *flat);
    if (xy == NULL || flat == NULL) {
        st = tw_fail(err, TW_ENOMEM, "map of %lld items", (long long) c->n);
        goto done;
    }
    for (int64_t i = 0; i < c->n; i++) {
        if (c->items[i].cluster >= 0)
            memmove(w->vecs + (size_t) m++ * width, w->vecs + (size_t) i * width,
                    width * sizeof *w->vecs);
    }
    TW_TRY(tw_layout_fit(xy, w->vecs, m, w->dim, &cfg, err));
    if (m > 1) {
        TW_TRY(tw_layout_pca(flat, w->vecs, m, w->dim, opt->seed, err));
        TW_TRY(tw_layout_kept(&c->map_kept, xy, w->vecs, m, w->dim, KEPT_K, err));
        TW_TRY(tw_layout_kept(&c->components_kept, flat, w->vecs, m, w->dim, KEPT_K, err));
    }
    for (int64_t i = 0; i < c->n; i++) {
        if (c->items[i].cluster >= 0) {
            c->items[i].x = xy[2 * at];
            c->items[i].y = xy[2 * at++ + 1];
        }
    }
done:
    tw_free(xy);
    tw_free(flat);
    return st;
}

/* ---- the call -------------------------------------------------------------------------------- */

static tw_status group(tw_engine *e, const tw_cluster_options *opt, twi_cluster_work *w,
                       tw_error *err)
{
    tw_status st = TW_OK;
    const tw_kmeans_config cfg = {.k = opt->k,
                                  .seed = opt->seed,
                                  .progress = opt->progress,
                                  .progress_ctx = opt->progress_ctx};
    if (w->g->items == NULL) {
        st = twi_no_towers(e, err);
        goto done;
    }
    w->dim = tw_index_dim(w->g->items);
    TW_TRY(tw_store_each_item(e->store, 0, load_item, w, err));
    int64_t used = 0;
    for (int64_t v = 0; v < w->n * w->dim; v++)
        used += w->vecs[v] != 0;
    if (used == 0) {
        st = tw_fail(err, TW_ESTATE, "no item has anything that the towers can read");
        goto done;
    }
    TW_TRY(tw_blas_ready(err)); /* FAISS's products, on this thread alone */
    TW_TRY(tw_kmeans_fit(&w->km, w->vecs, w->n, w->dim, &cfg, err));
done:
    return st;
}

tw_status tw_engine_cluster(tw_engine *e, const tw_cluster_options *opt, tw_clustering *out,
                            tw_error *err)
{
    tw_status st = TW_OK;
    tw_clustering c = {0};
    twi_cluster_work w = {.g = twi_acquire(e)};
    twi_classes *classes = NULL;

    *out = (tw_clustering){0};
    tw_text_init(&w.strings, MAX_STRINGS);
    TW_TRY(group(e, opt, &w, err));
    TW_TRY(hand_items(&w, &c, err));
    TW_TRY(measure(&c, &w.km, err));
    TW_TRY(find_central(&w, &c, err));
    if (opt->against != NULL)
        TW_TRY(twi_classes_begin(&classes, opt->against, err));
    TW_TRY(name_clusters(e, &w, &c, classes, err));
    if (opt->map)
        TW_TRY(draw(&w, opt, opt->threads > 0 ? opt->threads : e->threads, &c, err));
    c.model = w.g->version;
    TW_TRY(twi_cluster_report(&c, opt, &w, classes, err));
    c.names = (char *) w.names;
    w.names = NULL;
    *out = c;
    c = (tw_clustering){0};
done:
    twi_classes_end(classes);
    tw_clustering_fini(&c);
    twi_release(e, w.g);
    work_fini(&w);
    return st;
}
