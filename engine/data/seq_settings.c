#include "engine/data/seq_settings.h"

#include <stdio.h>

#include "base/log.h"

tw_status twi_seq_settings(tw_seq_config *cfg, const char **preset, const char *json,
                           const tw_seq_extent *n, tw_progress_fn show, void *ctx, tw_error *err)
{
    tw_status st = tw_seq_config_choose(cfg, *preset, json, n, preset, err);
    char note[120];
    const tw_progress p = {.stage = "settings", .note = note};
    if (st == TW_OK && show != NULL) {
        (void) snprintf(note, sizeof note, "preset %s for %lld users, %lld items, %lld events",
                        *preset, (long long) n->users, (long long) n->items, (long long) n->events);
        (void) show(ctx, &p); /* a stop is asked for again */
    }
    if (st == TW_OK) {
        tw_log(TW_LOG_INFO, "SEQ-SETTINGS",
               "preset=%s users=%lld items=%lld events=%lld loss=%s epochs=%d", *preset,
               (long long) n->users, (long long) n->items, (long long) n->events,
               tw_settings_find(&tw_seq_settings, "loss")->choices[cfg->loss], cfg->epochs);
    }
    return st;
}
