/* engine/cluster/cluster_parts.h — what cluster.c and cluster_report.c share. Internal to engine/.
 */
#ifndef TW_ENGINE_CLUSTER_CLUSTER_PARTS_H
#define TW_ENGINE_CLUSTER_CLUSTER_PARTS_H

#include "engine/cluster/cluster.h"
#include "engine/cluster/cluster_names.h"
#include "engine/generation.h"
#include "index/groups/kmeans.h"

enum { TWI_CENTRAL = 3 }; /* items that stand for a cluster */

/* What one clustering works in; all but g owned. */
typedef struct twi_cluster_work {
    twi_generation *g;
    int64_t n;
    size_t room;
    int dim;
    int64_t *rows;   /* (n) of the store, ascending */
    size_t (*at)[2]; /* (n) id and title in strings */
    tw_text strings; /* NUL-terminated, one after the other */
    float *vecs;     /* (n,dim) zero: none */
    tw_kmeans km;
    int64_t (*central)[TWI_CENTRAL]; /* (k) positions, best first; -1: no more */
    const char **like;               /* (k) of the first of these, title or id */
    char (*names)[TWI_NAME_MAX];     /* (k) */
} twi_cluster_work;

/* ---- cluster_report.c ------------------------------------------------------------------------ */

/* The values of one attribute as classes. An item of several values counts once for each. */
typedef struct twi_classes twi_classes;
TW_NODISCARD tw_status twi_classes_begin(twi_classes **out, const char *name, tw_error *err);
/* Reads an item of a cluster: the attribute's string, number or boolean, or a list of these. */
TW_NODISCARD tw_status twi_classes_read(twi_classes *c, int cluster, const char *attributes,
                                        tw_error *err);
void twi_classes_end(twi_classes *c); /* accepts NULL */

/* Fills c->report. classes may be NULL. TW_EINVAL: no item had the attribute. */
TW_NODISCARD tw_status twi_cluster_report(tw_clustering *c, const tw_cluster_options *opt,
                                          const twi_cluster_work *w, const twi_classes *classes,
                                          tw_error *err);

#endif
