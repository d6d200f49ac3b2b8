/* import: towers that others have trained. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "engine/training.h"

/* What the folder puts before every text is told: it changes what is near. */
static void print_prompt(const char *report)
{
    json_t *root = json_loads(report, 0, NULL);
    const char *prompt = json_string_value(json_object_get(root, "prompt"));
    if (prompt != NULL)
        (void) printf("Every text is read behind the folder's default prompt '%s'.\n", prompt);
    json_decref(root);
}

static int run_import(const char *dir, const char *folder, bool json, bool quiet)
{
    tw_engine *e = NULL;
    tw_error err = {0};
    char *report = NULL;
    meter m;
    const tw_engine_options eng = {.mode = TW_ENGINE_WRITE};

    if (tw_engine_open(&e, dir, &eng, &err) != TW_OK)
        return failed(&err);
    catch_interrupts(STOP_WORK);
    meter_start(&m, "import", quiet);
    const tw_train_options opt = {.progress = meter_show, .progress_ctx = &m};
    const tw_status st = tw_engine_import_towers(e, folder, &opt, &report, &err);
    meter_end(&m, st == TW_OK);
    if (st == TW_OK && json)
        (void) (print_json_text(stdout, report) + printf("\n"));
    else if (st == TW_OK) {
        print_prompt(report);
        (void) printf("imported '%s'; the catalogue is embedded and indexed with it.\n"
                      "Try:  twindex similar --dir %s --text \"...\"\n",
                      folder, dir);
    }
    const int rc = st == TW_OK ? EXIT_SUCCESS : failed(&err);
    tw_free(report);
    tw_engine_close(e);
    return rc;
}

int cmd_import(int argc, char **argv)
{
    bool json = false, quiet = false;
    const flag flags[] = {{"json", 0, FLAG_BOOL, &json, NULL, "print the report as JSON", 0, 0},
                          {"quiet", 'q', FLAG_BOOL, &quiet, NULL, "no progress", 0, 0},
                          {0}};
    const usage u = {
        .synopsis = "import minilm DIR FOLDER [options]",
        .about =
            "Reads a sentence-transformers folder (BERT's architecture, such as all-MiniLM-L6-v2:\n"
            "config.json, model.safetensors, tokenizer.json or vocab.txt; any pooling, one Dense "
            "layer,\n"
            "the default prompt) into the text tower, publishes a new model version, embeds and\n"
            "indexes the catalogue with it.\n"
            "`twindex train towers DIR --continue` trains it further.",
        .example = "  twindex import minilm shop all-MiniLM-L6-v2",
        .flags = flags,
    };
    int rc = parse_args(&u, &argc, argv, 3, 3);
    if (rc >= 0)
        return rc;
    if (strcmp(argv[0], "minilm") != 0)
        return wrong_usage(&u, "'%.40s' is no kind of model that can be imported; say minilm",
                           argv[0]);
    return run_import(argv[1], argv[2], json, quiet);
}
