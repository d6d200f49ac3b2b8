/* init: an empty data directory. */
#include "cli/commands.h"

static tw_status run(call *c, tw_error *err)
{
    tw_status st = tw_engine_create(c->words[0], err);
    if (st == TW_OK)
        (void) printf("made %s; next: twindex ingest %s FILE\n", c->words[0], c->words[0]);
    return st;
}

const command init_command = {
    .name = "init",
    .summary = "make an empty data directory",
    .synopsis = "init DIR",
    .about = "Makes an empty data directory: everything twindex keeps is in there.",
    .example = "  twindex init films",
    .least = 1,
    .most = 1,
    .run = run,
};
