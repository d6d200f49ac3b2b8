/* twindex(1): a subcommand each file cmd_*.c. */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/nearest.h"
#include "cli/plot/plot.h"
#include "ingest/media/media_features.h"
#include "nn/blas.h"
#include "rpc/wire.h"

/* In the order of a new user's day. */
static const command *const commands[] = {
    &init_command,   &ingest_command,  &events_command,    &train_command,    &eval_command,
    &plot_command,   &cluster_command, &attention_command, &similar_command,  &next_command,
    &embed_command,  &pairs_command,   &import_command,    &put_command,      &get_command,
    &delete_command, &record_command,  &models_command,    &activate_command, &rollback_command,
    &stats_command,  &serve_command,   &check_command,
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void help(FILE *out)
{
    (void) fprintf(out, "twindex turns a catalogue into similarity search and next-item "
                        "recommendation.\n\nUsage: twindex COMMAND ...\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        (void) fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    (void) fprintf(out, "\n`twindex COMMAND --help` shows its options and an example.\n"
                        "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 corrupt data.\n");
}

static int unknown_command(const char *word)
{
    nearest n = {.word = word, .len = strlen(word)};
    for (int i = 0; i < N_COMMANDS; i++)
        nearest_offer(&n, commands[i]->name);
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
        if (strcmp(argv[1], commands[i]->name) == 0) {
            tw_blas_reexec(argv);
            int rc = command_run(commands[i], argc - 2, argv + 2);
            if (fflush(stdout) != 0 || ferror(stdout)) {
                (void) fprintf(stderr, "twindex: cannot write the result\n");
                return EXIT_FAILURE;
            }
            return rc;
        }
    }
    return unknown_command(argv[1]);
}
