#include "cli/model_settings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
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

int settings_take(const command *c, void *values, const char *name, const char *value)
{
    settings *p = (settings *) (void *) ((char *) values + c->settings_at);
    char key[64];
    dashes_to_underscores(key, sizeof key, name);
    if (tw_settings_find(c->settings, key) == NULL)
        return 0;
    if (value == NULL) {
        (void) fprintf(stderr, "twindex: --%s needs a value\n", name);
        return -1;
    }
    if (p->n == 64) {
        (void) fprintf(stderr, "twindex: more than 64 settings\n");
        return -1;
    }
    note_renamed(c->settings, key, "--");
    memcpy(p->set[p->n].key, key, sizeof key);
    p->set[p->n++].value = value;
    return 1;
}

/* " (DEFAULT)" behind the help: the value as it stands in JSON, without the quotes of a string. */
static tw_status describe(const tw_setting *of, const void *config, tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_text value;
    tw_text_init(&value, 256);
    TW_TRY(tw_text_adds(out, of->help, err));
    if (of->help[strlen(of->help) - 1] == ')') /* it says the default itself */
        goto done;
    TW_TRY(tw_setting_format(of, config, &value, err));
    const char *text = strstr(tw_text_cstr(&value), ": ") + 2;
    const size_t quoted = text[0] == '"' ? 1 : 0;
    TW_TRY(tw_text_addf(out, err, " (%.*s)", (int) (strlen(text) - 2 * quoted), text + quoted));
done:
    tw_text_fini(&value);
    return st;
}

static void print_settings(FILE *out, const tw_settings *of, const void *config)
{
    tw_text text;
    tw_text_init(&text, 4096);
    (void) fprintf(out, "\nSettings (as options, or in the config file):\n");
    for (int i = 0; i < of->n; i++) {
        char left[64];
        tw_text_clear(&text);
        (void) snprintf(left, sizeof left, "--%s", of->list[i].key);
        print_entry(out, left,
                    describe(&of->list[i], config, &text, NULL) == TW_OK ? tw_text_cstr(&text)
                                                                         : of->list[i].help);
    }
    tw_text_fini(&text);
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

/* keys[key] = value, as JSON has it. */
static tw_status add_setting(json_t *keys, const char *key, const char *value, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_config cfg = tw_seq_config_default();
    tw_text text;
    json_t *one = NULL;
    tw_text_init(&text, 4096);
    TW_TRY(tw_seq_config_set(&cfg, key, value, err));
    TW_TRY(tw_text_adds(&text, "{", err));
    TW_TRY(tw_setting_format(tw_settings_find(&tw_seq_settings, key), &cfg, &text, err));
    TW_TRY(tw_text_adds(&text, "}", err));
    one = json_loads(tw_text_cstr(&text), 0, NULL);
    if (one == NULL || json_object_update(keys, one) != 0)
        st = tw_fail(err, TW_ENOMEM, "settings");
done:
    json_decref(one);
    tw_text_fini(&text);
    return st;
}

static tw_status add_member(json_t *keys, const char *model, tw_error *err)
{
    static const char *const members[] = {"sse-pt", "sasrec", "pt", NULL};
    static const char *const off[] = {"user_dim", "sse_user", "sse_item_input", "sse_item_target"};
    static const int first[] = {4, 0, 1}; /* that is off in each member */
    int member = 0;
    while (members[member] != NULL && strcmp(members[member], model) != 0)
        member++;
    if (members[member] == NULL)
        return tw_choices_refuse("--model", model, members, err);
    for (int i = first[member]; i < 4; i++)
        (void) json_object_set_new(keys, off[i], json_integer(0));
    return TW_OK;
}

static tw_status add_file(json_t *keys, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    char *data = NULL;
    size_t len = 0;
    json_t *file = NULL;
    tw_seq_config cfg = tw_seq_config_default();
    TW_TRY(tw_file_read(path, MAX_CONFIG, &data, &len, err));
    TW_TRY(tw_seq_config_from_json(&cfg, data, len, err));
    note_renamed_settings(&tw_seq_settings, data, len);
    file = json_loadb(data, len, 0, NULL);
    if (file == NULL || json_object_update(keys, file) != 0)
        st = tw_fail(err, TW_ENOMEM, "settings of '%s'", path);
done:
    json_decref(file);
    tw_free(data);
    return st;
}

static tw_status seq_settings(const seq_model_flags *f, int threads, tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_config cfg = tw_seq_config_default();
    json_t *keys = json_object();
    char *json = NULL;

    if (f->model != NULL)
        TW_TRY(add_member(keys, f->model, err));
    if (f->config != NULL)
        TW_TRY(add_file(keys, f->config, err));
    for (int i = 0; i < f->set.n; i++)
        TW_TRY(add_setting(keys, f->set.set[i].key, f->set.set[i].value, err));
    if (threads > 0)
        (void) json_object_set_new(keys, "threads", json_integer(threads));
    json = json_dumps(keys, 0);
    TW_TRY(json != NULL ? tw_text_adds(out, json, err) : tw_fail(err, TW_ENOMEM, "settings"));
    TW_TRY(tw_seq_config_choose(&cfg, f->preset, json, NULL, NULL, err));
done:
    free(json); // banned-ok: jansson gave it
    json_decref(keys);
    return st;
}

int seq_settings_check(call *c, seq_model_flags *f, const char **json, const char **preset)
{
    tw_error err = {0};
    tw_text_init(&f->json, MAX_CONFIG);
    if (seq_settings(f, (int) ((const basics *) c->values)->threads, &f->json, &err) != TW_OK)
        return wrong_usage(c->of, "%s", err.msg);
    *json = tw_text_cstr(&f->json);
    *preset = f->preset;
    return -1;
}

void seq_model_flags_fini(seq_model_flags *f) { tw_text_fini(&f->json); }
