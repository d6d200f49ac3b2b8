/* Does what a training made serve? */
#include "engine/train/verdict.h"
#include "engine/training.h"

#include <jansson.h>
#include <stdio.h>

void twi_verdict_settle(twi_verdict *v, tw_activate wanted)
{
    v->activate =
        wanted == TW_ACTIVATE_ALWAYS || (wanted == TW_ACTIVATE_BETTER && v->reason[0] == '\0');
    if (wanted == TW_ACTIVATE_NEVER && v->reason[0] == '\0')
        (void) snprintf(v->reason, sizeof v->reason, "it was asked not to be");
}

const char *twi_verdict_withholds(const twi_verdict *v) { return v->activate ? NULL : v->reason; }

tw_status twi_verdict_json(const twi_verdict *v, json_t *root, tw_error *err)
{
    int bad = json_object_set_new(root, "activated", json_boolean(v->activate));
    if (v->reason[0] != '\0')
        bad |= json_object_set_new(root, "reason", json_string(v->reason));
    return bad == 0 ? TW_OK : tw_fail(err, TW_ENOMEM, "training report");
}

tw_status twi_activate_check(tw_activate wanted, tw_error *err)
{
    if ((unsigned) wanted <= TW_ACTIVATE_NEVER)
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "activation %d: no such choice", (int) wanted);
}
