/* seqmodel/histories.h — which user met which items, in which order, and which of them are targets.
 *
 *     tw_seq_data_create(&data, n_users, n_items, users, items, times, n, &err);
 *     for (int32_t u = 1; u <= data->n_users; u++)
 *         target = tw_seq_data_target(data, TW_SEQ_TEST, u);
 *
 * Users and items are numbers from 1.
 */
#ifndef TW_SEQMODEL_HISTORIES_H
#define TW_SEQMODEL_HISTORIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"

TW_BEGIN_DECLS

typedef enum tw_seq_split { TW_SEQ_VALID = 0, TW_SEQ_TEST = 1 } tw_seq_split;

/* What one user's history was to a training that is over. */
typedef struct tw_seq_cut {
    int64_t train; /* leading items, up to the last that it trained on; no target is in them */
    int64_t valid, test; /* where the targets stand, behind one item at least; -1: there is none */
} tw_seq_cut;

/* The histories of all users, oldest item first. Read it freely; never write. */
typedef struct tw_seq_data {
    int32_t n_users, n_items;
    int64_t *offsets; /* (n_users+1): user u owns items[offsets[u-1] .. offsets[u]) */
    int32_t *items;   /* (offsets[n_users]) values in 1..n_items */
    bool *tied;       /* (offsets[n_users]) same user and time as the item before: order unknown */
    tw_seq_cut *cuts; /* (n_users+1) NULL: leave one out, by length; see tw_seq_data_set_cuts */
} tw_seq_data;

/* Sorts events into histories, by (user, time); events with equal times keep the order given.
 * An item that a user met twice stands twice.
 *
 *   users (n)   in 1..n_users; a user may have no event
 *   items (n)   in 1..n_items
 *   times (n)   any unit; NULL: the order given is the order in time
 *
 * TW_EINVAL: a number out of range ("event 7: item 0 is outside 1..1682"). TW_ENOMEM.
 * All arrays are borrowed for the call. */
TW_NODISCARD tw_status tw_seq_data_create(tw_seq_data **out, int32_t n_users, int32_t n_items,
                                          const int32_t *users, const int32_t *items,
                                          const int64_t *times, int64_t n, tw_error *err);
void tw_seq_data_destroy(tw_seq_data *data); /* accepts NULL */

int64_t tw_seq_data_length(const tw_seq_data *data, int32_t user);
const int32_t *tw_seq_data_items(const tw_seq_data *data, int32_t user);

/* Leave-one-out: of a history of n >= 3 items the first n-2 are for training, item n-2 is the
 * validation target and item n-1 the test target (counted from 0). A shorter history is for
 * training only. Returns how many leading items are for training. */
int64_t tw_seq_data_train_length(const tw_seq_data *data, int32_t user);

/* Where the user's target stands, and how many items are the input before it; -1: there is none. */
int64_t tw_seq_data_target(const tw_seq_data *data, tw_seq_split split, int32_t user);

/* Replaces the rule above by what a training saw of histories that have changed since, for
 * evaluations of its model: with the rule, what was trained on would become a target.
 *
 *   cuts (n_users+1)  element 0 ignored; copied
 *
 * TW_EINVAL: a target is among the trained items, has none before it, or is behind the history.
 * TW_ENOMEM. On failure the data are as before. */
TW_NODISCARD tw_status tw_seq_data_set_cuts(tw_seq_data *data, const tw_seq_cut *cuts,
                                            tw_error *err);

/* *share of the events, 0 to 1, whose item their user had met before; 0 without events. Where it is
 * not small, people come back to things, and exclude_seen below forgets that. TW_ENOMEM. */
TW_NODISCARD tw_status tw_seq_data_repeats(const tw_seq_data *data, double *share, tw_error *err);

/* A copy of the data to train on, from which some users and items are gone entirely: *out has the
 * same numbers of users and items, but held-out users have no history and held-out items are taken
 * out of all others' (cuts are not kept). Evaluate on the whole data, on those users or targets
 * alone, to learn what an unseen user gets and how a new item fares.
 *
 *   users, items   share of each that is held out, drawn by seed; in [0, 1)
 *   held_users (n_users+1), held_items (n_items+1)   filled
 *
 * TW_EINVAL: a share is out of range. TW_ENOMEM. */
TW_NODISCARD tw_status tw_seq_data_hold_out(tw_seq_data **out, const tw_seq_data *data,
                                            double users, double items, int64_t seed,
                                            bool *held_users, bool *held_items, tw_error *err);

TW_END_DECLS

#endif
