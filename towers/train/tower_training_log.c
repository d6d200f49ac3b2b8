/* What a training reports: the names of its ends, and a line of each epoch. */
#include <math.h>
#include <stdio.h>

#include "towers/towers.h"

const char *tw_tower_stop_name(tw_tower_stop stop)
{
    static const char *const names[] = {"all epochs done", "validation stopped improving",
                                        "collapsed"};
    return (size_t) stop < sizeof names / sizeof names[0] ? names[stop] : "unknown";
}

tw_status tw_tower_epoch_format(const tw_tower_epoch *line, tw_text *out, tw_error *err)
{
    char valid[32] = "null"; /* JSON has no NAN */
    if (isfinite(line->valid))
        (void) snprintf(valid, sizeof valid, "%.6g", line->valid);
    return tw_text_addf(out, err,
                        "{\"epoch\": %d, \"loss\": %.6g, \"active\": %.4g, \"pos_cosine\": %.4g, "
                        "\"neg_cosine\": %.4g, \"spread\": %.4g, \"uniformity\": %.4g, "
                        "\"directions\": %.4g, \"valid\": %s, \"seconds\": %.2f, \"best\": %s}",
                        line->epoch, line->loss, line->active, line->pos_cosine, line->neg_cosine,
                        line->spread, line->uniformity, line->directions, valid, line->seconds,
                        line->best ? "true" : "false");
}
