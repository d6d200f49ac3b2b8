/* engine/answer.h — the result of a query, filled by the engine or by the RPC
 * client, read through engine/engine.h.
 *
 * Strings are copied into memory that the answer owns and reuses, so a worker
 * that keeps one answer allocates nothing per request once warm.
 */
#ifndef TW_ENGINE_ANSWER_H
#define TW_ENGINE_ANSWER_H

#include "base/decls.h"
#include "base/error.h"

TW_BEGIN_DECLS

/* Bytes of a list of ids or names: JSON strings with ", " between them, as many as fit, with a NUL.
 */
#define TW_ALSO_MAX 1024

typedef struct tw_answer_row {
    const char *id, *title; /* inside the answer; title may be "" */
    float score;
} tw_answer_row;

/* Results, best first. A query clears it first and keeps its memory. */
typedef struct tw_answer {
    tw_answer_row *rows;
    int n;
    const char *query_id, *query_title; /* the item that the query named, or "" */
    const char *basis; /* what was used: "item", "text", "user", "history", "popular"; static */
    int model;         /* model version that answered */
    char also[TW_ALSO_MAX]; /* ids of the other items with the title that the query named, or "" */
    char skipped[TW_ALSO_MAX]; /* what a history named and the catalogue does not have, or "" */
    struct tw_answer_memory *memory; /* private */
} tw_answer;

void tw_answer_init(tw_answer *a);
void tw_answer_fini(tw_answer *a);

/* Empties it and makes room for `rows` rows. */
TW_NODISCARD tw_status tw_answer_clear(tw_answer *a, int rows, tw_error *err);

/* Appends a row; id and title (NULL counts as "") are copied. */
TW_NODISCARD tw_status tw_answer_add(tw_answer *a, const char *id, const char *title, float score,
                                     tw_error *err);

TW_NODISCARD tw_status tw_answer_set_query(tw_answer *a, const char *id, const char *title,
                                           tw_error *err);

/* The static name equal to `name`, or "" : so that a reply from the wire can set `basis`. */
const char *tw_answer_basis(const char *name);

TW_END_DECLS

#endif
