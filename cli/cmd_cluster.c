/* cluster: what is in the catalogue, as a table, a CSV and a map. */
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/printable.h"
#include "cli/commands.h"
#include "cli/plot/plot.h"
#include "engine/cluster/cluster.h"
#include "index/groups/kmeans.h"

#define MAX_CSV ((size_t) 1 << 36)

typedef struct cluster_values {
    basics b;
    const char *csv, *image, *against;
    int64_t k, seed, top;
    tw_clustering found;
} cluster_values;

/* ---- the table ------------------------------------------------------------------------------- */

/* The first `width` columns of s, with an ellipsis where it is longer, and, but for the last
 * column, blanks where it is shorter. */
static void print_column(const char *s, int64_t width, bool last)
{
    const size_t len = strlen(s);
    const bool whole = display_width(s) <= width;
    int64_t shown = 0;
    for (size_t at = 0, used; at < len && (whole || shown < width - 1); at += used) {
        char bytes[TW_PRINTABLE_MAX];
        const size_t n = tw_printable_next(s + at, len - at, false, &used, bytes);
        shown += tw_printable_columns(s + at, used);
        (void) fwrite(bytes, 1, n, stdout);
    }
    if (!whole) {
        (void) printf("\xe2\x80\xa6");
        shown++;
    }
    (void) printf("%*s", (int) (shown < width && !last ? width - shown : 0), "");
}

static const char *title_of(const tw_cluster_item *item)
{
    return item->title[0] != '\0' ? item->title : item->id;
}

/* Its most central item. */
static const tw_cluster_item *face_of(const tw_clustering *c, int cluster)
{
    const tw_cluster_item *best = NULL;
    for (int64_t i = 0; i < c->n; i++)
        if (c->items[i].cluster == cluster && (best == NULL || c->items[i].score > best->score))
            best = &c->items[i];
    return best;
}

enum { NAME_COLUMNS = 44, TITLE_COLUMNS = 40 };

static void print_table(const tw_clustering *c, int64_t top)
{
    int64_t name = 4;
    const int shown = top > 0 && top < c->k ? (int) top : c->k;
    for (int a = 0; a < shown; a++)
        name =
            display_width(c->clusters[a].name) > name ? display_width(c->clusters[a].name) : name;
    name = name > NAME_COLUMNS ? NAME_COLUMNS : name;
    (void) printf("\n   #   items  ");
    print_column("name", name, false);
    (void) printf("  cosine  apart  most central\n");
    for (int a = 0; a < shown; a++) {
        const tw_cluster *own = &c->clusters[a];
        (void) printf("%4d  %6lld  ", a + 1, (long long) own->size);
        print_column(own->name, name, false);
        (void) printf("  %6.3f  %5.2f  ", own->cosine, own->silhouette);
        print_column(title_of(face_of(c, a)), TITLE_COLUMNS, true);
        (void) printf("\n");
    }
    if (shown < c->k)
        (void) printf("      and %d smaller ones (--top 0 shows all)\n", c->k - shown);
}

static void print_text(const tw_clustering *c, const cluster_values *f)
{
    (void) printf("%lld items in %d clusters (model %d, seed %lld)\n",
                  (long long) (c->n - c->unread), c->k, c->model, (long long) f->seed);
    if (c->unread > 0) {
        (void) printf(
            "%lld more have nothing that the towers can read: \"unread\", in no cluster\n",
            (long long) c->unread);
    }
    print_table(c, f->top);
    (void) printf("\nmean cosine to the own centroid %.3f; how far apart (simplified silhouette, 0 "
                  "to 1) %.2f\n",
                  c->cosine, c->silhouette);
    if (f->against != NULL)
        (void) printf("against '%s' (%d classes, %lld items): NMI %.3f\n", f->against,
                      c->against_classes, (long long) c->against_items, c->against_nmi);
}

/* ---- files ----------------------------------------------------------------------------------- */

static tw_status add_quoted(tw_text *t, const char *s, tw_error *err)
{
    tw_status st = TW_OK;
    if (strpbrk(s, ",\"\n\r") == NULL)
        return tw_text_adds(t, s, err);
    TW_TRY(tw_text_add(t, "\"", 1, err));
    for (const char *quote; (quote = strchr(s, '"')) != NULL; s = quote + 1) {
        TW_TRY(tw_text_add(t, s, (size_t) (quote - s), err));
        TW_TRY(tw_text_add(t, "\"\"", 2, err));
    }
    TW_TRY(tw_text_addf(t, err, "%s\"", s));
done:
    return st;
}

/* item,cluster,name,score: a catalogue file that `ingest` reads back as attributes. */
static tw_status write_csv(const tw_clustering *c, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    tw_text t;
    tw_text_init(&t, MAX_CSV);
    TW_TRY(tw_text_adds(&t, "item,cluster,name,score\n", err));
    for (int64_t i = 0; i < c->n; i++) {
        const tw_cluster_item *item = &c->items[i];
        TW_TRY(add_quoted(&t, item->id, err));
        if (item->cluster < 0) {
            TW_TRY(tw_text_adds(&t, ",0,unread,0\n", err));
            continue;
        }
        TW_TRY(tw_text_addf(&t, err, ",%d,", item->cluster + 1));
        TW_TRY(add_quoted(&t, c->clusters[item->cluster].name, err));
        TW_TRY(tw_text_addf(&t, err, ",%.6f\n", (double) item->score));
    }
    TW_TRY(tw_file_replace(path, tw_text_cstr(&t), t.len, err));
done:
    tw_text_fini(&t);
    return st;
}

/* An item that is much nearer to its own centroid than to the next is strong. */
static float strength_of(const tw_clustering *c, const tw_cluster_item *item)
{
    const double own = 1 - (double) item->score, next = 1 - (double) item->next;
    const double apart = next > 0 ? (next - own) / next : 0;
    const double strength = c->silhouette > 0 ? apart / (1.5 * c->silhouette) : 1;
    return (float) (strength < 0 ? 0 : strength > 1 ? 1 : strength);
}

static tw_status draw(const tw_clustering *c, const cluster_values *f, tw_error *err)
{
    tw_status st = TW_OK;
    char subtitle[256];
    int64_t m = 0;
    float *xy = tw_alloc((size_t) c->n, 2 * sizeof *xy);
    int32_t *group = tw_alloc((size_t) c->n, sizeof *group);
    float *strength = tw_alloc((size_t) c->n, sizeof *strength);
    const char **names = tw_alloc((size_t) c->k, sizeof *names);

    if (xy == NULL || group == NULL || strength == NULL || names == NULL) {
        st = tw_fail(err, TW_ENOMEM, "image of %lld items", (long long) c->n);
        goto done;
    }
    for (int64_t i = 0; i < c->n; i++) {
        if (c->items[i].cluster >= 0) {
            xy[2 * m] = c->items[i].x;
            xy[2 * m + 1] = c->items[i].y;
            strength[m] = strength_of(c, &c->items[i]);
            group[m++] = c->items[i].cluster;
        }
    }
    for (int a = 0; a < c->k; a++)
        names[a] = c->clusters[a].name;
    (void) snprintf(
        subtitle, sizeof subtitle,
        "%lld items in %d clusters, model %d. Near is alike: %.0f %% of the ten nearest are kept "
        "(flat: %.0f %%). Pale: between clusters.",
        (long long) m, c->k, c->model, 100 * c->map_kept, 100 * c->components_kept);
    const plot_groups image = {.title = "What is in the catalogue",
                               .subtitle = subtitle,
                               .xy = xy,
                               .group = group,
                               .strength = strength,
                               .n = m,
                               .names = names,
                               .n_groups = c->k};
    TW_TRY(plot_groups_draw(f->image, &image, err));
done:
    tw_free(xy);
    tw_free(group);
    tw_free(strength);
    tw_free(names);
    return st;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int check(call *c)
{
    const cluster_values *v = c->values;
    tw_error err = {0};
    return v->image == NULL || plot_check(v->image, &err) == TW_OK ? -1 : failed(&err);
}

static tw_status run(call *c, tw_error *err)
{
    cluster_values *v = c->values;
    const tw_cluster_options opt = {.k = (int) v->k,
                                    .seed = (uint64_t) v->seed,
                                    .against = v->against,
                                    .map = v->image != NULL,
                                    .progress = meter_show,
                                    .progress_ctx = &c->meter};
    return tw_engine_cluster(c->engine, &opt, &v->found, err);
}

static tw_status show(call *c, tw_error *err)
{
    tw_status st = TW_OK;
    const cluster_values *v = c->values;

    if (v->csv != NULL)
        TW_TRY(write_csv(&v->found, v->csv, err));
    if (v->image != NULL)
        TW_TRY(draw(&v->found, v, err));
    if (v->b.json) {
        (void) (print_json_text(stdout, v->found.report) + printf("\n"));
        goto done;
    }
    print_text(&v->found, v);
    if (v->csv != NULL)
        (void) printf("wrote %s\n", v->csv);
    if (v->image != NULL)
        (void) printf("drew %s\n", v->image);
done:
    return st;
}

static void forget(call *c) { tw_clustering_fini(&((cluster_values *) c->values)->found); }

static const flag flags[] = {{"k", 'k', FLAG_INT, offsetof(cluster_values, k), "N",
                              "clusters (about the root of half the items, 2 to 256)", 1,
                              TW_KMEANS_MAX_K},
                             {"out", 'o', FLAG_TEXT, offsetof(cluster_values, csv), "FILE",
                              "write item,cluster,name,score as CSV", 0, 0},
                             {"png", 0, FLAG_TEXT, offsetof(cluster_values, image), "FILE",
                              "draw a map of all items, a .png or .svg", 0, 0},
                             {"against", 0, FLAG_TEXT, offsetof(cluster_values, against), "NAME",
                              "compare with this attribute's values (NMI)", 0, 0},
                             {"top", 0, FLAG_INT, offsetof(cluster_values, top), "N",
                              "lines of the table, 0 for all (40)", 0, TW_KMEANS_MAX_K},
                             {"seed", 0, FLAG_INT, offsetof(cluster_values, seed), "S",
                              "of the random numbers (42)", 0, INT32_MAX},
                             JSON_FLAG,
                             QUIET_FLAG,
                             END_OF_FLAGS};
static const cluster_values defaults = {.seed = 42, .top = 40};

const command cluster_command = {
    .name = "cluster",
    .summary = "group the items, name the groups, draw a map",
    .synopsis = "cluster DIR [-k N] [-o FILE.csv] [--png map.png] [--json]",
    .about = "Groups the items by their tower vectors (spherical k-means) and names each group\n"
             "by the words and attribute values that its items have and others have not.\n"
             "`cosine` says how tight a group is, `apart` how far its items are from the next.",
    .example = "  twindex cluster films -k 20 --against genres --out groups.csv --png map.png",
    .flags = flags,
    .size = sizeof(cluster_values),
    .defaults = &defaults,
    .opens = OPENS_TO_READ,
    .meter = "cluster",
    .check = check,
    .run = run,
    .after = show,
    .fini = forget,
};
