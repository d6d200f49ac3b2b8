/* engine/cluster/cluster.h — what is in the catalogue? Groups of items whose tower vectors point
 * the same way, each with a name to read.
 *
 *     tw_clustering c;
 *     tw_engine_cluster(e, &(tw_cluster_options){.map = true}, &c, &err);
 *     for (int64_t i = 0; i < c.n; i++)
 *         printf("%s is in %s\n", c.items[i].id, c.clusters[c.items[i].cluster].name);
 *     puts(c.report);
 *     tw_clustering_fini(&c);
 *
 * Groups are spherical k-means clusters (index/groups/kmeans.h), the largest first. A name is what
 * titles, texts and text attributes of a group have that others have not
 * (engine/cluster/cluster_names.h). Items of which the towers could read nothing, or that have no
 * vector yet, are in no group.
 */
#ifndef TW_ENGINE_CLUSTER_CLUSTER_H
#define TW_ENGINE_CLUSTER_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/engine.h"

/* 0 or NULL in a field asks for the default in brackets. */
typedef struct tw_cluster_options {
    int k; /* clusters, 1..TW_KMEANS_MAX_K [about sqrt(n / 2), within 2..256] */
    uint64_t seed;
    const char *against; /* an attribute to compare the clusters with [none] */
    bool map;            /* place the items on a plane, too */
    int threads;         /* of the map [the engine's] */
    tw_progress_fn progress;
    void *progress_ctx;
} tw_cluster_options;

typedef struct tw_cluster_item {
    const char *id, *title; /* "" where there is none */
    int cluster;            /* 0..k-1; -1: unread */
    float score;            /* cosine to its centroid; 0 for the unread */
    float next;             /* cosine to the nearest other centroid; -1 where there is none */
    float x, y;             /* -1..1 where a map was asked for; else, and for the unread, 0 */
} tw_cluster_item;

typedef struct tw_cluster {
    const char *name;
    int64_t size;
    double cosine;     /* mean, of its items to its centroid */
    double silhouette; /* mean, simplified: see tw_clustering */
    int nearest;       /* the cluster that most of its items have next; -1: none */
} tw_cluster;

/* Everything is owned and lives until tw_clustering_fini. */
typedef struct tw_clustering {
    tw_cluster_item *items; /* (n) in the order of the store */
    int64_t n, unread;
    tw_cluster *clusters; /* (k) largest first */
    int k;
    int model; /* whose vectors they are */
    double cosine;
    /* (b - a) / max(a, b) with a = 1 - score, b = 1 - next: 1 would be clusters of one point each,
     * 0 is an item half way between two. Source: Hruschka et al. 2004 (the simplified silhouette).
     */
    double silhouette;
    /* Shares of the 10 nearest neighbours that are neighbours on the map, and on a plain projection
     * to the first two principal components; 0 without a map. */
    double map_kept, components_kept;
    double against_nmi; /* 0..1, with the classes that the attribute makes; an item of several
                           values counts once for each */
    int against_classes;
    int64_t against_items; /* that have the attribute */
    char *report;          /* JSON, docs/formats.md */
    char *strings, *names; /* memory of ids and titles, of names */
} tw_clustering;

/* TW_ESTATE: no towers, or no item that they can read. TW_EINVAL: more clusters than items, a field
 * out of range, or no item has the attribute `against`. TW_ECANCELLED. TW_ENOMEM. On failure *out
 * is zeroed. */
TW_NODISCARD tw_status tw_engine_cluster(tw_engine *e, const tw_cluster_options *opt,
                                         tw_clustering *out, tw_error *err);
void tw_clustering_fini(tw_clustering *c); /* accepts a zeroed one */

#endif
