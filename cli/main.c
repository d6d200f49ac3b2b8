/* twindex(1): a subcommand each file cmd_*.c. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/nearest.h"
#include "cli/plot/plot.h"
#include "ingest/media_features.h"
#include "nn/blas.h"
#include "rpc/wire.h"

static const command commands[] = {
    {"init", "make an empty data directory", cmd_init},
    {"ingest", "load catalogue files", cmd_ingest},
    {"events", "load interaction logs", cmd_events},
    {"train", "train the towers or the sequential model", cmd_train},
    {"eval", "measure a model or an index beside its baselines", cmd_eval},
    {"plot", "draw how a model was trained", cmd_plot},
    {"cluster", "group the items, name the groups, draw a map", cmd_cluster},
    {"attention", "show which items of a history the model looks at", cmd_attention},
    {"similar", "items like this item, text, image or audio", cmd_similar},
    {"next", "what comes next for a user or a history", cmd_next},
    {"embed", "vectors, to look at or for other tools", cmd_embed},
    {"pairs", "how alike two items are", cmd_pairs},
    {"import", "use towers that others have trained", cmd_import},
    {"put", "insert or replace one item", cmd_put},
    {"get", "show one item", cmd_get},
    {"delete", "remove one item", cmd_delete},
    {"record", "note that a user consumed an item", cmd_record},
    {"models", "list the model versions that are kept", cmd_models},
    {"activate", "let another model version serve", cmd_activate},
    {"rollback", "let the model version before serve again", cmd_rollback},
    {"stats", "counts, models, indexes", cmd_stats},
    {"serve", "answer over the network", cmd_serve},
    {"check", "verify a data directory", cmd_check},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void help(FILE *out)
{
    (void) fprintf(out, "twindex turns a catalogue into similarity search and next-item "
                        "recommendation.\n\nUsage: twindex COMMAND ...\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        (void) fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    (void) fprintf(out, "\n`twindex COMMAND --help` shows its options and an example.\n"
                        "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 corrupt data.\n");
}

static int unknown_command(const char *word)
{
    nearest n = {.word = word, .len = strlen(word)};
    for (int i = 0; i < N_COMMANDS; i++)
        nearest_offer(&n, commands[i].name);
    (void) fprintf(stderr, "twindex: unknown command '%s'", word);
    if (n.name != NULL)
        (void) fprintf(stderr, "; did you mean %s?", n.name);
    (void) fprintf(stderr, "\nhint: twindex help\n");
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        help(stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        char media[TW_MEDIA_FEATURES_MAX];
        (void) printf("twindex %s%s\nreads %s\n", TWINDEX_VERSION,
                      plot_available() ? "" : " (built without cairo: draws no images)",
                      tw_media_features(media));
        return EXIT_SUCCESS;
    }
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            tw_blas_reexec(argv);
            int rc = commands[i].run(argc - 2, argv + 2);
            if (fflush(stdout) != 0 || ferror(stdout)) {
                (void) fprintf(stderr, "twindex: cannot write the result\n");
                return EXIT_FAILURE;
            }
            return rc;
        }
    }
    return unknown_command(argv[1]);
}
