#include "cli/settings.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/cli.h"
#include "seqmodel/seqmodel.h"

/* Keys of a config as flags: --item_dim or --item-dim. */
static void dashes_to_underscores(char *out, size_t size, const char *name)
{
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < size; i++)
        out[i] = name[i] == '-' ? '_' : name[i];
    out[i] = '\0';
}

int settings_take(void *ctx, const char *name, const char *value)
{
    settings *p = ctx;
    char key[64];
    dashes_to_underscores(key, sizeof key, name);
    if (!p->known(key))
        return 0;
    if (value == NULL) {
        (void) fprintf(stderr, "twindex: --%s needs a value\n", name);
        return -1;
    }
    if (p->n == 64) {
        (void) fprintf(stderr, "twindex: more than 64 settings\n");
        return -1;
    }
    memcpy(p->set[p->n].key, key, sizeof key);
    p->set[p->n++].value = value;
    return 1;
}

bool seq_setting(const char *key)
{
    for (int i = 0; tw_seq_config_key(i) != NULL; i++)
        if (strcmp(tw_seq_config_key(i)->name, key) == 0)
            return true;
    return false;
}

void print_seq_settings(FILE *out)
{
    (void) fprintf(out, "\nSettings (as options, or in the config file):\n");
    for (int i = 0; tw_seq_config_key(i) != NULL; i++)
        (void) fprintf(out, "  --%-22s %s\n", tw_seq_config_key(i)->name,
                       tw_seq_config_key(i)->help);
}

tw_status seq_settings(const char *config_path, const settings *p, const char *model, int threads,
                       tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    char *data = NULL;
    size_t len = 0;
    tw_seq_config cfg = tw_seq_config_default();

    if (model != NULL && strcmp(model, "sasrec") == 0) {
        cfg.user_dim = 0;
        cfg.sse_user = cfg.sse_item_input = cfg.sse_item_target = 0;
    } else if (model != NULL && strcmp(model, "pt") == 0) {
        cfg.sse_user = cfg.sse_item_input = cfg.sse_item_target = 0;
    } else if (model != NULL && strcmp(model, "sse-pt") != 0) {
        st = tw_fail(err, TW_EINVAL, "--model '%.30s' is none of sse-pt, sasrec, pt", model);
        goto done;
    }
    if (config_path != NULL) {
        TW_TRY(tw_file_read(config_path, MAX_CONFIG, &data, &len, err));
        TW_TRY(tw_seq_config_from_json(&cfg, data, len, err));
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
