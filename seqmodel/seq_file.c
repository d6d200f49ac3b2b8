/* seqmodel/seq_file.c — a model as one safetensors file, read back with suspicion.
 *
 * Metadata: twindex.kind "seqmodel", twindex.version "1", twindex.config (JSON). Tensors: those of
 * seq_model.c by name, "item_ids" (n_items+1) and "user_ids" (n_users+1) as I64, whose lengths also
 * say how many items and users there are.
 */
#include <string.h>

#include "base/alloc.h"
#include "nn/model_file.h"
#include "nn/safetensors.h"
#include "seqmodel/seq_ids.h"
#include "seqmodel/seq_model.h"

#define KIND       "seqmodel"
#define CONFIG_MAX 8192 /* bytes */

enum { VERSION = 1 };

/* The ids 0, or id_of(m, 1..n), in a block that the caller frees; NULL when out of memory. */
static int64_t *list_ids(const twi_ids *ids)
{
    int64_t *list = tw_alloc((size_t) ids->n + 1, sizeof *list);
    for (int32_t i = 1; list != NULL && i <= ids->n; i++)
        list[i] = twi_ids_at(ids, i);
    return list;
}

static tw_status add_meta(tw_st_writer *w, const tw_seq_model *m, tw_error *err)
{
    tw_status st = TW_OK;
    tw_text config;

    tw_text_init(&config, CONFIG_MAX);
    TW_TRY(tw_seq_config_to_json(&m->cfg, &config, err));
    TW_TRY(tw_model_file_begin(w, KIND, VERSION, err));
    TW_TRY(tw_st_add_meta(w, "twindex.config", tw_text_cstr(&config), err));
done:
    tw_text_fini(&config);
    return st;
}

tw_status tw_seq_model_save(const tw_seq_model *m, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_writer *w = NULL;
    int64_t *items = list_ids(&m->item_ids), *users = list_ids(&m->user_ids);

    if (items == NULL || users == NULL) {
        st = tw_fail(err, TW_ENOMEM, "ids of %d items and %d users", m->n_items, m->n_users);
        goto done;
    }
    TW_TRY(tw_st_writer_create(&w, err));
    TW_TRY(add_meta(w, m, err));
    TW_TRY(tw_st_add(w, "item_ids", TW_I64, (int64_t) m->n_items + 1, 0, items, err));
    TW_TRY(tw_st_add(w, "user_ids", TW_I64, (int64_t) m->n_users + 1, 0, users, err));
    TW_TRY(tw_st_add_params(w, m->params, false, err));
    TW_TRY(tw_st_save(w, path, err));
done:
    tw_st_writer_destroy(w);
    tw_free(items);
    tw_free(users);
    return st;
}

static tw_status read_config(tw_seq_config *cfg, const tw_st_file *f, tw_error *err)
{
    tw_status st = TW_OK;
    tw_error why = {0};
    const char *json;

    TW_TRY(tw_model_file_check(f, KIND, VERSION, err));
    TW_TRY(tw_model_file_meta(f, "twindex.config", &json, err));
    *cfg = tw_seq_config_default();
    st = tw_seq_config_from_json(cfg, json, strlen(json), &why);
    if (st == TW_OK)
        st = tw_seq_config_check(cfg, &why);
    st = tw_model_file_settings(st, &why, err);
done:
    return st;
}

/* Finds an id tensor and says how many indices it names. */
static tw_status find_ids(const tw_st_file *f, const char *name, tw_st_tensor *t, int32_t *n,
                          tw_error *err)
{
    tw_status st = tw_st_find(f, name, TW_I64, t, err);
    if (st != TW_OK)
        return st;
    if (t->cols != 0 || t->rows < 2 || t->rows > INT32_MAX - 1)
        return tw_fail(err, TW_ECORRUPT, "'%s' has the shape (%lld, %lld)", name,
                       (long long) t->rows, (long long) t->cols);
    *n = (int32_t) (t->rows - 1);
    return TW_OK;
}

static tw_status load_ids(twi_ids *ids, const tw_st_tensor *t, const char *what, tw_error *err)
{
    tw_status st = TW_OK;
    tw_error why = {0};
    int64_t *list = tw_alloc((size_t) t->rows, sizeof *list); /* t->data may be unaligned */
    if (list == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld %s ids", (long long) t->rows, what);
    memcpy(list, t->data, (size_t) t->rows * sizeof *list);
    st = twi_ids_set(ids, list, what, &why);
    if (st != TW_OK)
        st = tw_fail(err, st == TW_EINVAL ? TW_ECORRUPT : st, "%s", why.msg);
    tw_free(list);
    return st;
}

static tw_status check_padding(const tw_seq_model *m, tw_error *err)
{
    for (int j = 0; j < m->items->cols; j++)
        if (m->items->value[j] != 0)
            return tw_fail(err, TW_ECORRUPT, "row 0 of 'items' is not zero");
    return TW_OK;
}

static tw_status from_file(tw_seq_model **out, const tw_st_file *f, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_model *m = NULL;
    tw_seq_config cfg;
    tw_st_tensor items, users;
    int32_t n_items = 0, n_users = 0;

    TW_TRY(read_config(&cfg, f, err));
    TW_TRY(find_ids(f, "item_ids", &items, &n_items, err));
    TW_TRY(find_ids(f, "user_ids", &users, &n_users, err));
    TW_TRY(twi_model_shape(&m, &cfg, n_users, n_items, err));
    TW_TRY(tw_model_file_load(f, m->params, err));
    TW_TRY(twi_model_allocate(m, err));
    TW_TRY(check_padding(m, err));
    twi_refresh_known(m);
    twi_refresh_outputs(m);
    TW_TRY(load_ids(&m->item_ids, &items, "item", err));
    TW_TRY(load_ids(&m->user_ids, &users, "user", err));
    *out = m;
    m = NULL;
done:
    tw_seq_model_destroy(m);
    return st;
}

/* Closes f, which is NULL where st says why. */
static tw_status read_and_close(tw_seq_model **out, tw_status st, tw_st_file *f, tw_error *err)
{
    *out = NULL;
    if (st == TW_OK)
        st = from_file(out, f, err);
    tw_st_close(f);
    return st;
}

tw_status tw_seq_model_load(tw_seq_model **out, const char *path, tw_error *err)
{
    tw_st_file *f = NULL;
    const tw_status st = tw_st_open(&f, path, err);
    return read_and_close(out, st, f, err);
}

tw_status tw_seq_model_parse(tw_seq_model **out, const void *data, size_t len, tw_error *err)
{
    tw_st_file *f = NULL;
    const tw_status st = tw_st_parse(&f, data, len, err);
    return read_and_close(out, st, f, err);
}
