#include <stdlib.h>

#include "cli/cli.h"
#include "engine/inspection.h"

static void found(void *ctx, const char *what)
{
    (void) ctx;
    (void) printf("%s\n", what);
}

int cmd_check(int argc, char **argv)
{
    static const flag flags[] = {{0}};
    static const usage u = {
        .synopsis = "check DIR",
        .about = "Verifies the store, the models and the index snapshots of a directory: every "
                 "checksum,\n"
                 "every promise, and the snapshots against the store, item by item. Says what to "
                 "do about\n"
                 "what it finds; changes nothing. May be run beside a server or a training.",
        .example = "  twindex check films",
        .flags = flags,
    };
    tw_error err = {0};
    int rc = parse_args(&u, &argc, argv, 1, 1);
    if (rc >= 0)
        return rc;
    if (tw_engine_check(argv[0], found, NULL, &err) != TW_OK)
        return failed(&err);
    (void) printf("%s is sound\n", argv[0]);
    return EXIT_SUCCESS;
}
