/* engine/train/verdict.h — whether what a training made shall serve. Internal to engine/.
 */
#ifndef TW_ENGINE_TRAIN_VERDICT_H
#define TW_ENGINE_TRAIN_VERDICT_H

#include <stdbool.h>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/training.h"

struct json_t;

/* Whether what a training made shall serve. */
typedef struct twi_verdict {
    bool activate;
    char reason[TW_ERROR_MSG_MAX]; /* why validation is against it; "": it is not */
} twi_verdict;
/* Settles v->activate from v->reason and what was asked for; "never" is a reason, too. */
void twi_verdict_settle(twi_verdict *v, tw_activate wanted);
/* The reason where it shall not serve, else NULL. */
const char *twi_verdict_withholds(const twi_verdict *v);
/* "activated", and "reason" where there is one. TW_ENOMEM. */
TW_NODISCARD tw_status twi_verdict_json(const twi_verdict *v, struct json_t *root, tw_error *err);
/* TW_EINVAL: no such choice. */
TW_NODISCARD tw_status twi_activate_check(tw_activate wanted, tw_error *err);

#endif
