/* check: is what a directory holds what was written? */
#include "cli/commands.h"
#include "engine/inspection.h"

static void found(void *ctx, const char *what)
{
    (void) ctx;
    (void) printf("%s\n", what);
}

static tw_status run(call *c, tw_error *err)
{
    tw_status st = tw_engine_check(c->words[0], found, NULL, err);
    if (st == TW_OK)
        (void) printf("%s is sound\n", c->words[0]);
    return st;
}

const command check_command = {
    .name = "check",
    .summary = "verify a data directory",
    .synopsis = "check DIR",
    .about = "Verifies the store, the models and the index snapshots of a directory: every\n"
             "checksum, every promise, and the snapshots against the store, item by item.\n"
             "Says what to do about what it finds; changes nothing. May be run beside a\n"
             "server or a training.",
    .example = "  twindex check films",
    .least = 1,
    .most = 1,
    .run = run,
};
