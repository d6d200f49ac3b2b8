#include "cli/model_settings.h"

#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/cli.h"
#include "seqmodel/seqmodel.h"
#include "towers/recipe.h"

/* Keys of a config as flags: --item_dim or --item-dim. */
static void dashes_to_underscores(char *out, size_t size, const char *name)
{
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < size; i++)
        out[i] = name[i] == '-' ? '_' : name[i];
    out[i] = '\0';
}

static void note_renamed(const tw_settings *of, const char *key, const char *where)
{
    const char *now = tw_settings_renamed(of, key);
    if (now != NULL)
        (void) fprintf(stderr, "note: %s%s is called %s%s now; the old name is still understood\n",
                       where, key, where, now);
}

int settings_take(void *ctx, const char *name, const char *value)
{
    settings *p = ctx;
    char key[64];
    dashes_to_underscores(key, sizeof key, name);
    if (tw_settings_find(p->of, key) == NULL)
        return 0;
    if (value == NULL) {
        (void) fprintf(stderr, "twindex: --%s needs a value\n", name);
        return -1;
    }
    if (p->n == 64) {
        (void) fprintf(stderr, "twindex: more than 64 settings\n");
        return -1;
    }
    note_renamed(p->of, key, "--");
    memcpy(p->set[p->n].key, key, sizeof key);
    p->set[p->n++].value = value;
    return 1;
}

/* The value as it stands in JSON, without the quotes of a string. */
static void print_default(FILE *out, const tw_setting *of, const void *config)
{
    tw_text text;
    tw_text_init(&text, 256);
    if (tw_setting_format(of, config, &text, NULL) == TW_OK) {
        const char *value = strstr(tw_text_cstr(&text), ": ") + 2;
        const size_t quoted = value[0] == '"' ? 1 : 0;
        (void) fprintf(out, " (%.*s)", (int) (strlen(value) - 2 * quoted), value + quoted);
    }
    tw_text_fini(&text);
}

static void print_settings(FILE *out, const tw_settings *of, const void *config)
{
    (void) fprintf(out, "\nSettings (as options, or in the config file):\n");
    for (int i = 0; i < of->n; i++) {
        (void) fprintf(out, "  --%-22s %s", of->list[i].key, of->list[i].help);
        print_default(out, &of->list[i], config);
        (void) fprintf(out, "\n");
    }
}

void print_seq_settings(FILE *out)
{
    const tw_seq_config cfg = tw_seq_config_default();
    print_settings(out, &tw_seq_settings, &cfg);
}

void print_tower_settings(FILE *out)
{
    print_settings(out, &tw_tower_settings, &TW_TOWER_RECIPE_DEFAULT);
}

void note_renamed_settings(const tw_settings *of, const char *json, size_t len)
{
    json_t *root = json_loadb(json, len, 0, NULL), *value;
    const char *key;
    json_object_foreach(root, key, value) note_renamed(of, key, "");
    json_decref(root);
}

tw_status seq_settings(const char *config_path, const settings *p, const char *model, int threads,
                       tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    char *data = NULL;
    size_t len = 0;
    tw_seq_config cfg = tw_seq_config_default();
    static const char *const members[] = {"sse-pt", "sasrec", "pt", NULL};

    if (model != NULL && strcmp(model, "sasrec") == 0) {
        cfg.user_dim = 0;
        cfg.sse_user = cfg.sse_item_input = cfg.sse_item_target = 0;
    } else if (model != NULL && strcmp(model, "pt") == 0) {
        cfg.sse_user = cfg.sse_item_input = cfg.sse_item_target = 0;
    } else if (model != NULL && strcmp(model, "sse-pt") != 0) {
        st = tw_choices_refuse("--model", model, members, err);
        goto done;
    }
    if (config_path != NULL) {
        TW_TRY(tw_file_read(config_path, MAX_CONFIG, &data, &len, err));
        TW_TRY(tw_seq_config_from_json(&cfg, data, len, err));
        note_renamed_settings(&tw_seq_settings, data, len);
    }
    for (int i = 0; i < p->n; i++)
        TW_TRY(tw_seq_config_set(&cfg, p->set[i].key, p->set[i].value, err));
    if (threads > 0)
        cfg.threads = threads;
    TW_TRY(tw_seq_config_check(&cfg, err));
    TW_TRY(tw_seq_config_to_json(&cfg, out, err));
done:
    tw_free(data);
    return st;
}
