#include <stdlib.h>

#include "cli/cli.h"

int cmd_init(int argc, char **argv)
{
    static const flag flags[] = {{0}};
    static const usage u = {
        .synopsis = "init DIR",
        .about = "Makes an empty data directory: everything twindex keeps is in there.",
        .example = "  twindex init films",
        .flags = flags,
    };
    tw_error err = {0};
    int rc = parse_args(&u, &argc, argv, 1, 1);
    if (rc >= 0)
        return rc;
    if (tw_engine_create(argv[0], &err) != TW_OK)
        return failed(&err);
    (void) printf("made %s; next: twindex ingest %s FILE\n", argv[0], argv[0]);
    return EXIT_SUCCESS;
}
