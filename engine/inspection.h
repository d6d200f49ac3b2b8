/* engine/inspection.h — a look at what a directory holds: its versions of the models, how they were
 * trained, what attention attends to, whether all of it is whole.
 *
 *     tw_attention_map map;
 *     tw_attention_map_init(&map);
 *     tw_engine_attention(e, &(tw_attention_query){.user = "42"}, &map, &err);
 *     tw_attention_map_fini(&map);
 *
 * Nothing of the directory changes.
 */
#ifndef TW_ENGINE_INSPECTION_H
#define TW_ENGINE_INSPECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/decls.h"
#include "base/error.h"
#include "engine/answer.h"
#include "engine/engine.h"

TW_BEGIN_DECLS

/* ---- versions of the models (engine/training.h changes which one serves) --------------------- */

/* Kept are the version that serves, the one that served before it, and the newest five that never
 * served (a training that was not activated). */
typedef struct tw_engine_model {
    int version;
    int served;                      /* 1: it serves; 2: rollback brings it back; 0: it never did */
    int towers_version, seq_version; /* in which its parts were trained; 0: none */
    const char *created;             /* ISO 8601; "": unknown */
    const char *withheld;            /* why it was not activated when it was made; "" */
    const char *problem;             /* why it cannot serve; "": it can */
    const char *towers_report, *seq_report; /* JSON, as the trainings gave them; "": none */
} tw_engine_model;

/* Called once a version; its strings live until it returns. Anything but TW_OK ends it. */
typedef tw_status (*tw_engine_model_fn)(void *ctx, const tw_engine_model *m, tw_error *err);

/* All versions that are kept, oldest first. Each is opened to see whether it can serve. */
TW_NODISCARD tw_status tw_engine_each_model(tw_engine *e, tw_engine_model_fn fn, void *ctx,
                                            tw_error *err);

/* ---- a look inside --------------------------------------------------------------------------- */

/* Exactly one of user and history, as in tw_next_query. */
typedef struct tw_attention_query {
    const char *user;
    const char *const *history; /* (n_history) */
    int n_history;
    int block; /* 1..blocks; 0: the last */
    int head;  /* 1..heads; 0: the mean of all */
} tw_attention_query;

/* Which earlier items each position of a history looks at. */
typedef struct tw_attention_map {
    tw_answer items; /* the n items that the model reads, oldest first; score: the last row */
    float *weights;  /* (n,n) row i: what item i gives to items 0..i, summing to 1; 0 after i */
    int n;
    int block, blocks, head, heads; /* from 1; head 0: the mean of all */
} tw_attention_map;

void tw_attention_map_init(tw_attention_map *m);
void tw_attention_map_fini(tw_attention_map *m);

/* Ids and titles are the store's, by the item's own row, never by the model's number for it. Items
 * that were not there in training are left out, also where `next` reads their content.
 *
 *   out  initialised; what it held is replaced, by nothing on failure
 *
 * TW_ENOTFOUND: a history item does not exist, or the model knows none of them. TW_ESTATE: no
 * sequential model. TW_EINVAL: a number out of range. TW_ENOMEM. */
TW_NODISCARD tw_status tw_engine_attention(tw_engine *e, const tw_attention_query *q,
                                           tw_attention_map *out, tw_error *err);

/* The log of a model's training: one JSON object a line (docs/formats.md).
 *
 *   model        in: the version, 0: the active one; out: which it is
 *   text (*len)  NUL-terminated; tw_free it
 *
 * TW_ESTATE: the active one was asked for, and nothing is trained. TW_ENOTFOUND: there is no such
 * version, or it came without its log. */
TW_NODISCARD tw_status tw_engine_training_log(tw_engine *e, bool towers, int *model, char **text,
                                              size_t *len, tw_error *err);

/* ---- all of it ------------------------------------------------------------------------------- */

/* Verifies every checksum and invariant of a directory and calls found(ctx, sentence) for each
 * problem, with what to do about it. TW_ECORRUPT when there was any. */
TW_NODISCARD tw_status tw_engine_check(const char *dir, void (*found)(void *ctx, const char *what),
                                       void *ctx, tw_error *err);

TW_END_DECLS

#endif
