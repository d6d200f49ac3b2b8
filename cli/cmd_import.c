/* import: towers that others have trained. */
#include <jansson.h>

#include "cli/commands.h"
#include "engine/training.h"

/* What the folder puts before every text changes what is near, so it is shown. */
static void print_prompt(const char *report)
{
    json_t *root = json_loads(report, 0, NULL);
    const char *prompt = json_string_value(json_object_get(root, "prompt"));
    if (prompt != NULL)
        (void) printf("Every text is read behind the folder's default prompt '%s'.\n", prompt);
    json_decref(root);
}

static tw_status run(call *c, tw_error *err)
{
    const tw_train_options opt = {.progress = meter_show, .progress_ctx = &c->meter};
    return tw_engine_import_towers(c->engine, c->words[0], &opt, &c->report, err);
}

static tw_status print_what_is_next(call *c, tw_error *err)
{
    (void) err;
    if (!((const basics *) c->values)->json) {
        (void) printf("imported '%s'; the catalogue is embedded and indexed with it.\n"
                      "Try:  twindex similar %s --text \"...\"\n",
                      c->words[0], c->dir);
    }
    return TW_OK;
}

static const flag flags[] = {JSON_FLAG, QUIET_FLAG, END_OF_FLAGS};

static const command minilm = {
    .name = "import minilm",
    .summary = "a sentence-transformers folder of BERT's architecture",
    .synopsis = "import minilm DIR FOLDER [options]",
    .about = "Reads a sentence-transformers folder (BERT's architecture, such as\n"
             "all-MiniLM-L6-v2: config.json, model.safetensors, tokenizer.json or vocab.txt;\n"
             "any pooling, one Dense layer, the default prompt) into the text tower, publishes\n"
             "a new model version, embeds and indexes the catalogue with it.\n"
             "`twindex train towers DIR --continue` trains it further.",
    .example = "  twindex import minilm shop all-MiniLM-L6-v2",
    .flags = flags,
    .least = 1,
    .most = 1,
    .opens = OPENS_TO_WRITE,
    .meter = "import",
    .run = run,
    .print = print_prompt,
    .after = print_what_is_next,
};

static const command *const kinds[] = {&minilm, NULL};

const command import_command = {
    .name = "import",
    .summary = "use towers that others have trained",
    .synopsis = "import minilm DIR FOLDER [options]",
    .about = "Makes a new model version of towers that were trained elsewhere.",
    .example = "  twindex import minilm shop all-MiniLM-L6-v2",
    .subs = kinds,
};
