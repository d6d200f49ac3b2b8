#include "nn/settings.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const tw_setting_rename *find_rename(const tw_settings *s, const char *key)
{
    for (int i = 0; i < s->n_renamed; i++)
        if (strcmp(s->renamed[i].old, key) == 0)
            return &s->renamed[i];
    return NULL;
}

const char *tw_settings_renamed(const tw_settings *s, const char *key)
{
    const tw_setting_rename *r = find_rename(s, key);
    return r != NULL ? r->key : NULL;
}

const tw_setting *tw_settings_find(const tw_settings *s, const char *key)
{
    const char *renamed = tw_settings_renamed(s, key);
    const char *present = renamed != NULL ? renamed : key;
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->list[i].key, present) == 0)
            return &s->list[i];
    return NULL;
}

/* A number that came under `key`, as the setting has it now. */
static double brought_up(const tw_settings *s, const char *key, double value)
{
    const tw_setting_rename *r = find_rename(s, key);
    return r != NULL ? value + r->add : value;
}

/* ---- values ---------------------------------------------------------------------------------- */

double tw_setting_get(const tw_setting *of, const void *config)
{
    const char *at = (const char *) config + of->offset;
    int64_t large;
    double number;
    bool yes;
    int whole;
    switch (of->kind) {
    case TW_SETTING_DOUBLE: memcpy(&number, at, sizeof number); return number;
    case TW_SETTING_INT64: memcpy(&large, at, sizeof large); return (double) large;
    case TW_SETTING_BOOL: memcpy(&yes, at, sizeof yes); return yes ? 1 : 0;
    case TW_SETTING_INT:
    case TW_SETTING_CHOICE: memcpy(&whole, at, sizeof whole); return whole;
    }
    return 0;
}

static tw_status check(const tw_setting *of, double value, tw_error *err)
{
    if (!(value >= of->least && value <= of->most)) /* NaN fails, too */
        return tw_fail(err, TW_EINVAL, "%s %.16g is outside %.16g..%.16g", of->key, value,
                       of->least, of->most);
    if (of->kind != TW_SETTING_DOUBLE && value != floor(value))
        return tw_fail(err, TW_EINVAL, "%s %.16g is not a whole number", of->key, value);
    return TW_OK;
}

tw_status tw_setting_check(const tw_setting *of, const void *config, tw_error *err)
{
    return check(of, tw_setting_get(of, config), err);
}

tw_status tw_setting_put(const tw_setting *of, void *config, double value, tw_error *err)
{
    char *at = (char *) config + of->offset;
    const tw_status st = check(of, value, err);
    if (st != TW_OK)
        return st;
    const int64_t large = of->kind == TW_SETTING_DOUBLE ? 0 : (int64_t) value;
    const int whole = (int) large;
    const bool yes = large != 0;
    switch (of->kind) {
    case TW_SETTING_DOUBLE: memcpy(at, &value, sizeof value); break;
    case TW_SETTING_INT64: memcpy(at, &large, sizeof large); break;
    case TW_SETTING_BOOL: memcpy(at, &yes, sizeof yes); break;
    case TW_SETTING_INT:
    case TW_SETTING_CHOICE: memcpy(at, &whole, sizeof whole); break;
    }
    return TW_OK;
}

/* ---- choices --------------------------------------------------------------------------------- */

int tw_choices_find(const char *const *names, const char *name)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

tw_status tw_choices_list(const char *const *names, tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    for (int i = 0; names[i] != NULL && st == TW_OK; i++) {
        const char *between = i == 0 ? "" : names[i + 1] == NULL ? " or " : ", ";
        st = tw_text_addf(out, err, "%s%s", between, names[i]);
    }
    return st;
}

tw_status tw_choices_refuse(const char *what, const char *value, const char *const *names,
                            tw_error *err)
{
    tw_text all;
    tw_text_init(&all, 512);
    tw_status st = tw_choices_list(names, &all, err);
    if (st == TW_OK)
        st = tw_fail(err, TW_EINVAL, "%s is '%.60s'; give %s", what, value, tw_text_cstr(&all));
    tw_text_fini(&all);
    return st;
}

/* ---- written forms --------------------------------------------------------------------------- */

static tw_status unknown(const tw_settings *s, const char *key, tw_error *err)
{
    return tw_fail(err, TW_EINVAL, "%s has no setting '%.60s'", s->what, key);
}

tw_status tw_settings_set(const tw_settings *s, void *config, const char *key, const char *value,
                          tw_error *err)
{
    static const char *const yes_no[] = {"false", "true", NULL};
    const tw_setting *of = tw_settings_find(s, key);
    if (of == NULL)
        return unknown(s, key, err);
    if (of->kind == TW_SETTING_CHOICE || of->kind == TW_SETTING_BOOL) {
        const char *const *names = of->kind == TW_SETTING_BOOL ? yes_no : of->choices;
        const int number = tw_choices_find(names, value);
        return number < 0 ? tw_choices_refuse(of->key, value, names, err)
                          : tw_setting_put(of, config, number, err);
    }
    double number;
    if (!tw_parse_f64(value, &number))
        return tw_fail(err, TW_EINVAL, "%s is '%.40s'; give a %snumber", of->key, value,
                       of->kind == TW_SETTING_DOUBLE ? "" : "whole ");
    return tw_setting_put(of, config, brought_up(s, key, number), err);
}

static tw_status set_json(const tw_settings *s, void *config, const char *key, const json_t *v,
                          tw_error *err)
{
    const tw_setting *of = tw_settings_find(s, key);
    if (of == NULL)
        return unknown(s, key, err);
    switch (of->kind) {
    case TW_SETTING_CHOICE:
        if (json_is_string(v))
            return tw_settings_set(s, config, key, json_string_value(v), err);
        return tw_fail(err, TW_EINVAL, "%s must be a string (%s)", of->key, of->help);
    case TW_SETTING_BOOL:
        if (json_is_boolean(v))
            return tw_setting_put(of, config, json_is_true(v) ? 1 : 0, err);
        return tw_fail(err, TW_EINVAL, "%s must be true or false (%s)", of->key, of->help);
    case TW_SETTING_DOUBLE:
    case TW_SETTING_INT:
    case TW_SETTING_INT64:
        if (json_is_number(v))
            return tw_setting_put(of, config, brought_up(s, key, json_number_value(v)), err);
    }
    return tw_fail(err, TW_EINVAL, "%s must be a number (%s)", of->key, of->help);
}

/* What is wrong with a text that jansson did not take, without its words for tokens. */
static const char *fault_of(const json_error_t *why)
{
    switch (json_error_code(why)) {
    case json_error_duplicate_key: return "a name stands twice";
    case json_error_numeric_overflow: return "the number is too large";
    case json_error_premature_end_of_input: return "it ends too early";
    default: return "no JSON from here on";
    }
}

tw_status tw_settings_parse(const tw_settings *s, void *config, const char *json, size_t len,
                            tw_error *err)
{
    tw_status st = TW_OK;
    json_error_t why;
    const char *key;
    json_t *value, *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);

    if (root == NULL && json_error_code(&why) == json_error_out_of_memory) {
        st = tw_fail(err, TW_ENOMEM, "the settings of %s", s->what);
        goto done;
    }
    if (root == NULL) {
        st = tw_fail(err, TW_EINVAL, "the settings of %s, line %d, column %d: %s", s->what,
                     why.line, why.column, fault_of(&why));
        goto done;
    }
    if (!json_is_object(root)) {
        st = tw_fail(err, TW_EINVAL, "the settings of %s must be a JSON object", s->what);
        goto done;
    }
    json_object_foreach(root, key, value) TW_TRY(set_json(s, config, key, value, err));
done:
    json_decref(root);
    return st;
}

static tw_status format_number(double v, tw_text *out, tw_error *err)
{
    char digits[40];
    double back;
    (void) snprintf(digits, sizeof digits, "%.15g", v);
    if (!tw_parse_f64(digits, &back) || back != v)
        (void) snprintf(digits, sizeof digits, "%.17g", v);
    return tw_text_adds(out, digits, err);
}

tw_status tw_setting_format(const tw_setting *of, const void *config, tw_text *out, tw_error *err)
{
    const double v = tw_setting_get(of, config);
    const tw_status st = tw_text_addf(out, err, "\"%s\": ", of->key);
    if (st != TW_OK)
        return st;
    if (of->kind == TW_SETTING_CHOICE)
        return tw_text_addf(out, err, "\"%s\"", of->choices[(int) v]);
    if (of->kind == TW_SETTING_BOOL)
        return tw_text_adds(out, v != 0 ? "true" : "false", err);
    return format_number(v, out, err);
}

tw_status tw_settings_format(const tw_settings *s, const void *config, tw_setting_wanted_fn wanted,
                             tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    const char *between = "{";
    for (int i = 0; i < s->n; i++) {
        if (wanted != NULL && !wanted(&s->list[i], config))
            continue;
        TW_TRY(tw_text_adds(out, between, err));
        TW_TRY(tw_setting_format(&s->list[i], config, out, err));
        between = ", ";
    }
    TW_TRY(tw_text_adds(out, between[0] == '{' ? "{}" : "}", err));
done:
    return st;
}

static json_t *setting_json(const tw_setting *of, const void *config)
{
    const double v = tw_setting_get(of, config);
    if (of->kind == TW_SETTING_CHOICE)
        return json_string(of->choices[(int) v]);
    if (of->kind == TW_SETTING_BOOL)
        return json_boolean(v != 0);
    return v == floor(v) && fabs(v) < 1e15 ? json_integer((json_int_t) v) : json_real(v);
}

json_t *tw_settings_json(const tw_settings *s, const void *config)
{
    json_t *out = json_object();
    for (int i = 0; i < s->n; i++) {
        if (json_object_set_new(out, s->list[i].key, setting_json(&s->list[i], config)) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}
