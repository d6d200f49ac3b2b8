/* seqmodel/seq_config.c — one table of keys, from which ranges, JSON and command lines follow. */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "seqmodel/internal.h"

typedef enum kind { INT, I64, REAL, ENUM } kind;

typedef struct field {
    tw_seq_key key;
    kind kind;
    size_t at;
    double least, most;
    const char *names[5]; /* ENUM: the value's name by number, NULL-terminated */
} field;

static_assert(sizeof(tw_seq_select) == sizeof(int) && sizeof(tw_seq_norm) == sizeof(int) &&
                  sizeof(tw_seq_loss) == sizeof(int),
              "an ENUM field is written as an int");

#define AT(name) offsetof(tw_seq_config, name)
#define MAX_SEED 9007199254740991.0 /* 2^53 - 1: what JSON readers keep exactly */

#define WHOLE(name, least, most, help)                                                             \
    {                                                                                              \
        {#name, help}, INT, AT(name), least, most, { 0 }                                           \
    }
#define NUMBER(name, least, most, help)                                                            \
    {                                                                                              \
        {#name, help}, REAL, AT(name), least, most, { 0 }                                          \
    }

static const field fields[] = {
    WHOLE(user_dim, 0, TW_SEQ_MAX_DIM, "width of a user vector; 0 is SASRec"),
    WHOLE(item_dim, 1, TW_SEQ_MAX_DIM, "width of an item vector"),
    WHOLE(content_dim, 0, TW_SEQ_MAX_CONTENT, "width of content vectors; 0 is ids alone"),
    NUMBER(id_dropout, 0, 1, "probability of telling an item by its content alone"),
    WHOLE(max_len, 1, TW_SEQ_MAX_LEN, "latest items of a history that are read"),
    WHOLE(blocks, 1, TW_SEQ_MAX_BLOCKS, "transformer blocks"),
    WHOLE(heads, 1, 64, "attention heads; divides user_dim + item_dim"),
    {{"norm", "where layer norm stands: authors, pre or post"},
     ENUM,
     AT(norm),
     0,
     2,
     {"authors", "pre", "post", NULL}},
    WHOLE(gated, 0, 1, "1: gates on what attention and feed-forward add (norm pre)"),
    {{"loss", "bce, ce (softmax over all items), sampled-ce or gbce"},
     ENUM,
     AT(loss),
     0,
     3,
     {"bce", "ce", "sampled-ce", "gbce", NULL}},
    WHOLE(negatives, 1, 1 << 20, "negatives a positive (bce) or a step (sampled-ce, gbce)"),
    NUMBER(negative_power, 0, 1, "negatives are drawn by popularity to this power; 0 is uniform"),
    NUMBER(logq, 0, 1, "correction for what sampling leaves out (sampled-ce); 0 is none"),
    NUMBER(negative_weight, 1e-6, 1, "what all other items count for in the softmax (1)"),
    WHOLE(exclude_seen, 0, 1, "1: the softmax leaves out what was met before; 0 for `next --seen`"),
    NUMBER(calibration, 0, 1, "t of gbce; 0 is plain bce"),
    WHOLE(normalize, 0, 1, "1: score by cosine (lower the temperature to about 0.05)"),
    NUMBER(temperature, 1e-3, 1e3, "what scores are divided by (all but bce)"),
    NUMBER(popularity, 0, 10, "what log(1 + its events) adds to an item's score"),
    NUMBER(dropout, 0, 0.95, "probability of dropping a number while training"),
    NUMBER(sse_user, 0, 1, "probability of replacing a sequence's user by another"),
    NUMBER(sse_item_input, 0, 1, "probability of replacing an input item by another"),
    NUMBER(sse_item_target, 0, 1, "probability of replacing a target item by another"),
    NUMBER(unknown_user, 0, 1, "probability of training a sequence as the unknown user's"),
    NUMBER(window, 0, 1, "probability of a random window of a long history (SSE-PT++)"),
    NUMBER(shuffle_ties, 0, 1, "probability of putting items of equal time in random order"),
    NUMBER(lr, 1e-9, 10, "learning rate"),
    NUMBER(lr_end, 0, 1, "share of the learning rate left at the last epoch; 1 is constant"),
    NUMBER(beta2, 0, 0.999999, "Adam's second decay rate"),
    NUMBER(weight_decay, 0, 10, "decoupled weight decay; 0 is off"),
    NUMBER(clip_norm, 0, 1e9, "largest gradient norm; 0 is off"),
    NUMBER(average, 0, 0.99999, "decay a step of the averaged weights that are kept; 0 is off"),
    WHOLE(batch, 1, 1 << 20, "users a step"),
    WHOLE(epochs, 1, 1000000, "epochs at most"),
    WHOLE(eval_every, 1, 1000000, "epochs between validations"),
    {{"select_on", "the validation that chooses: full or sampled100"},
     ENUM,
     AT(select_on),
     0,
     1,
     {"full", "sampled100", NULL}},
    WHOLE(patience, 0, 1000000, "validations without gain before stopping; 0 is never"),
    NUMBER(max_seconds, 0, 1e9, "stop after the epoch that passes it; 0 is no limit"),
    WHOLE(threads, 0, TW_POOL_MAX, "worker threads; 0 is one a core"),
    {{"seed", "of all randomness"}, I64, AT(seed), 0, MAX_SEED, {0}},
};

enum { FIELDS = sizeof fields / sizeof fields[0] };

tw_seq_config tw_seq_config_default(void)
{
    return (tw_seq_config){
        .user_dim = 16,
        .item_dim = 112,
        .id_dropout = 0.2,
        .max_len = 100,
        .blocks = 2,
        .heads = 2,
        .norm = TW_SEQ_AUTHORS,
        .loss = TW_SEQ_CE,
        .negatives = 1,
        .logq = 1,
        .negative_weight = 1,
        .exclude_seen = 1,
        .calibration = 0.75,
        .temperature = 0.7,
        .dropout = 0.4,
        .sse_user = 0.9,
        .sse_item_input = 0.1,
        .sse_item_target = 0.1,
        .unknown_user = 0.05,
        .window = 0.3,
        .shuffle_ties = 1,
        .lr = 3e-3,
        .lr_end = 1,
        .beta2 = 0.98,
        .weight_decay = 0,
        .clip_norm = 0,
        .average = 0.99,
        .batch = 32,
        .epochs = 45,
        .eval_every = 3,
        .patience = 6,
        .max_seconds = 0,
        .threads = 0,
        .seed = 1,
    };
}

const tw_seq_key *tw_seq_config_key(int index)
{
    return index < 0 || index >= FIELDS ? NULL : &fields[index].key;
}

static const field *find(const char *name)
{
    for (int i = 0; i < FIELDS; i++)
        if (strcmp(fields[i].key.name, name) == 0)
            return &fields[i];
    return NULL;
}

static double get(const tw_seq_config *cfg, const field *f)
{
    const char *at = (const char *) cfg + f->at;
    int i;
    int64_t l;
    double d;

    switch (f->kind) {
    case REAL: memcpy(&d, at, sizeof d); return d;
    case I64: memcpy(&l, at, sizeof l); return (double) l; /* exact: MAX_SEED is below 2^53 */
    default: memcpy(&i, at, sizeof i); return i;
    }
}

static tw_status check_range(const field *f, double v, tw_error *err)
{
    if (v >= f->least && v <= f->most) /* false for NaN */
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "%s %.16g is outside %.16g..%.16g", f->key.name, v, f->least,
                   f->most);
}

static tw_status put(tw_seq_config *cfg, const field *f, double v, tw_error *err)
{
    char *at = (char *) cfg + f->at;

    tw_status st = check_range(f, v, err);
    if (st != TW_OK)
        return st;
    if (f->kind == REAL) {
        memcpy(at, &v, sizeof v);
    } else if (f->kind == I64) {
        int64_t l = (int64_t) v;
        memcpy(at, &l, sizeof l);
    } else {
        int i = (int) v;
        memcpy(at, &i, sizeof i);
    }
    return TW_OK;
}

static tw_status put_name(tw_seq_config *cfg, const field *f, const char *name, tw_error *err)
{
    for (int i = 0; f->names[i] != NULL; i++)
        if (strcmp(f->names[i], name) == 0)
            return put(cfg, f, i, err);
    tw_text all;
    tw_text_init(&all, 256);
    for (int i = 0; f->names[i] != NULL; i++)
        (void) !tw_text_addf(&all, NULL, "%s%s", i > 0 ? ", " : "", f->names[i]);
    (void) tw_fail(err, TW_EINVAL, "%s '%.40s' is none of %s", f->key.name, name,
                   tw_text_cstr(&all));
    tw_text_fini(&all);
    return TW_EINVAL;
}

tw_status tw_seq_config_check(const tw_seq_config *cfg, tw_error *err)
{
    for (int i = 0; i < FIELDS; i++) {
        tw_status st = check_range(&fields[i], get(cfg, &fields[i]), err);
        if (st != TW_OK)
            return st;
    }
    if ((cfg->normalize != 0 || cfg->content_dim > 0) && cfg->loss == TW_SEQ_BCE)
        return tw_fail(err, TW_EINVAL, "%s needs the loss ce, sampled-ce or gbce, not bce",
                       cfg->normalize != 0 ? "normalize 1" : "content");
    if (cfg->negative_weight < 1 && cfg->loss != TW_SEQ_CE && cfg->loss != TW_SEQ_SAMPLED_CE)
        return tw_fail(err, TW_EINVAL, "negative_weight %.16g needs the loss ce or sampled-ce",
                       cfg->negative_weight);
    if (cfg->gated != 0 && cfg->norm != TW_SEQ_PRE)
        return tw_fail(err, TW_EINVAL, "gated 1 needs norm pre");
    int width = cfg->user_dim + cfg->item_dim;
    if (cfg->popularity > 0 && width == TW_SEQ_MAX_DIM)
        return tw_fail(err, TW_EINVAL, "popularity needs a column: user_dim + item_dim below %d",
                       TW_SEQ_MAX_DIM);
    if (width > TW_SEQ_MAX_DIM)
        return tw_fail(err, TW_EINVAL, "user_dim %d + item_dim %d is more than %d", cfg->user_dim,
                       cfg->item_dim, TW_SEQ_MAX_DIM);
    if (width % cfg->heads != 0)
        return tw_fail(err, TW_EINVAL, "heads %d does not divide user_dim %d + item_dim %d",
                       cfg->heads, cfg->user_dim, cfg->item_dim);
    return TW_OK;
}

tw_status tw_seq_config_set(tw_seq_config *cfg, const char *key, const char *value, tw_error *err)
{
    const field *f = find(key);
    if (f == NULL)
        return tw_fail(err, TW_EINVAL, "there is no setting '%.60s'", key);
    if (f->kind == ENUM)
        return put_name(cfg, f, value, err);
    if (f->kind == REAL) {
        double d;
        if (!tw_parse_f64(value, &d))
            return tw_fail(err, TW_EINVAL, "%s '%.40s' is not a number", key, value);
        return put(cfg, f, d, err);
    }
    int64_t l;
    if (!tw_parse_i64(value, &l))
        return tw_fail(err, TW_EINVAL, "%s '%.40s' is not a whole number", key, value);
    return put(cfg, f, (double) l, err);
}

static tw_status put_json(tw_seq_config *cfg, const char *key, const json_t *value, tw_error *err)
{
    const field *f = find(key);
    if (f == NULL)
        return tw_fail(err, TW_EINVAL, "there is no setting '%.60s'", key);
    if (f->kind == ENUM) {
        if (!json_is_string(value))
            return tw_fail(err, TW_EINVAL, "%s must be a string", key);
        return put_name(cfg, f, json_string_value(value), err);
    }
    if (!(f->kind == REAL ? json_is_number(value) : json_is_integer(value)))
        return tw_fail(err, TW_EINVAL, "%s must be a %snumber", key,
                       f->kind == REAL ? "" : "whole ");
    return put(cfg, f, json_number_value(value), err);
}

tw_status tw_seq_config_from_json(tw_seq_config *cfg, const char *json, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_config next = *cfg;
    json_error_t why;
    const char *key;
    json_t *value;

    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return tw_fail(err, TW_EINVAL, "settings, line %d: %s", why.line, why.text);
    if (!json_is_object(root)) {
        st = tw_fail(err, TW_EINVAL, "settings must be a JSON object");
        goto done;
    }
    json_object_foreach(root, key, value) { TW_TRY(put_json(&next, key, value, err)); }
    *cfg = next;
done:
    json_decref(root);
    return st;
}

/* The fewest digits that read back as the same number. */
static void print_real(char *buf, size_t size, double v)
{
    double back;
    (void) snprintf(buf, size, "%.15g", v);
    if (!tw_parse_f64(buf, &back) || back != v)
        (void) snprintf(buf, size, "%.17g", v);
}

static tw_status print_field(const tw_seq_config *cfg, const field *f, tw_text *out, tw_error *err)
{
    double v = get(cfg, f);
    char number[40];

    if (f->kind == ENUM)
        return tw_text_addf(out, err, "\"%s\": \"%s\"", f->key.name, f->names[(int) v]);
    print_real(number, sizeof number, v);
    return tw_text_addf(out, err, "\"%s\": %s", f->key.name, number);
}

tw_status tw_seq_config_to_json(const tw_seq_config *cfg, tw_text *out, tw_error *err)
{
    tw_status st = tw_text_adds(out, "{", err);
    for (int i = 0; i < FIELDS && st == TW_OK; i++) {
        if (i > 0)
            st = tw_text_adds(out, ", ", err);
        if (st == TW_OK)
            st = print_field(cfg, &fields[i], out, err);
    }
    return st == TW_OK ? tw_text_adds(out, "}", err) : st;
}
