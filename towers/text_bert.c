#include "towers/text_bert.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "nn/safetensors.h"
#include "nn/vec.h"

enum { JSON_MAX = 1 << 20, NAME_MAX_HERE = 128 };

struct twi_bert {
    twi_bert_about about;
    twi_wordpiece *words;  /* owned; NULL once taken */
    tw_st_file *weights;   /* owned */
    const char *beginning; /* of the tensors' names: "" or "bert." */
};

/* A file of the folder; *data NULL where there is none. The caller frees it. */
static tw_status read_part(const char *dir, const char *name, size_t max, char **data, size_t *len,
                           tw_error *err)
{
    char path[TW_PATH_MAX];
    *data = NULL;
    *len = 0;
    tw_status st = tw_path_join(path, dir, name, err);
    if (st != TW_OK || !tw_file_exists(path))
        return st;
    return tw_file_read(path, max, data, len, err);
}

static tw_status read_parts(twi_bert *b, const char *dir, tw_error *err)
{
    twi_bert_files f = {0};
    const struct {
        const char *name;
        size_t max;
        twi_bert_bytes *file;
    } parts[] = {
        {"config.json", JSON_MAX, &f.config},
        {"modules.json", JSON_MAX, &f.modules},
        {"1_Pooling/config.json", JSON_MAX, &f.pooling},
        {"sentence_bert_config.json", JSON_MAX, &f.sentence},
        {"tokenizer_config.json", JSON_MAX, &f.tokenizer_config},
        {"tokenizer.json", TWI_VOCAB_FILE_MAX, &f.tokenizer},
        {"vocab.txt", TWI_VOCAB_FILE_MAX, &f.vocab},
    };
    enum { PARTS = sizeof parts / sizeof parts[0] };
    char *blocks[PARTS] = {0};
    tw_error why = {0};
    tw_status st = TW_OK;

    for (size_t i = 0; i < PARTS; i++) {
        TW_TRY(read_part(dir, parts[i].name, parts[i].max, &blocks[i], &parts[i].file->len, err));
        parts[i].file->data = blocks[i];
    }
    st = twi_bert_parse(&b->about, &b->words, &f, &why);
    if (st != TW_OK)
        st = tw_fail(err, st, "'%.200s': %.250s", dir, why.msg);
done:
    for (size_t i = 0; i < PARTS; i++)
        tw_free(blocks[i]);
    return st;
}

tw_status twi_bert_open(twi_bert **out, const char *dir, tw_error *err)
{
    tw_status st = TW_OK;
    char path[TW_PATH_MAX];
    tw_st_tensor words;

    *out = NULL;
    twi_bert *b = tw_alloc(1, sizeof *b);
    if (b == NULL)
        return tw_fail(err, TW_ENOMEM, "pretrained encoder");
    TW_TRY(read_parts(b, dir, err));
    TW_TRY(tw_path_join(path, dir, "model.safetensors", err));
    TW_TRY(tw_st_open(&b->weights, path, err));
    bool bare = false;
    for (int i = 0; i < tw_st_count(b->weights) && !bare; i++) {
        words = tw_st_at(b->weights, i);
        bare = strcmp(words.name, "embeddings.word_embeddings.weight") == 0;
    }
    b->beginning = bare ? "" : "bert.";
    *out = b;
    b = NULL;
done:
    twi_bert_close(b);
    return st;
}

void twi_bert_close(twi_bert *b)
{
    if (b == NULL)
        return;
    twi_wordpiece_destroy(b->words);
    tw_st_close(b->weights);
    tw_free(b);
}

const twi_transformer_config *twi_bert_config(const twi_bert *b) { return &b->about.cfg; }
int twi_bert_max_tokens(const twi_bert *b) { return b->about.max_tokens; }
bool twi_bert_normalizes(const twi_bert *b) { return b->about.normalizes; }

twi_wordpiece *twi_bert_take_words(twi_bert *b)
{
    twi_wordpiece *words = b->words;
    b->words = NULL;
    return words;
}

/* ---- weights ----------------------------------------------------------------------------------
 */

/* From where to where. */
typedef struct loading {
    const twi_bert *b;
    tw_params *ps;
    const char *prefix;
    int layer; /* -1: none */
    tw_error *err;
} loading;

/* Rows [first, first + rows) of our tensor `to` <- their tensor `from`, of (rows, cols) numbers;
 * cols 0: one-dimensional, `rows` of them, into a row. */
static tw_status copy(const loading *l, const char *to, int first, const char *from, int rows,
                      int cols)
{
    char ours[2 * TW_PARAM_NAME_MAX], theirs[NAME_MAX_HERE];
    tw_st_tensor t = {0};
    const int n = tw_st_count(l->b->weights);
    if (l->layer < 0) {
        (void) snprintf(ours, sizeof ours, "%s%s", l->prefix, to);
        (void) snprintf(theirs, sizeof theirs, "%sembeddings.%s", l->b->beginning, from);
    } else {
        (void) snprintf(ours, sizeof ours, "%slayer%d.%s", l->prefix, l->layer, to);
        (void) snprintf(theirs, sizeof theirs, "%sencoder.layer.%d.%s", l->b->beginning, l->layer,
                        from);
    }
    for (int i = 0; i < n && (t.name == NULL || strcmp(t.name, theirs) != 0); i++)
        t = tw_st_at(l->b->weights, i);
    if (t.name == NULL || strcmp(t.name, theirs) != 0)
        return tw_fail(l->err, TW_ECORRUPT, "model.safetensors has no tensor '%s'", theirs);
    if (t.rows != rows || t.cols != cols)
        return tw_fail(l->err, TW_ECORRUPT, "tensor '%s' is %lld x %lld, expected %d x %d", theirs,
                       (long long) t.rows, (long long) t.cols, rows, cols);
    tw_param *p = tw_params_find(l->ps, ours);
    const size_t numbers = (size_t) rows * (size_t) (cols > 0 ? cols : 1);
    const size_t at = (size_t) first * (size_t) (cols > 0 ? cols : 1);
    if (p == NULL || at + numbers > (size_t) p->rows * (size_t) p->cols)
        return tw_fail(l->err, TW_EINVAL, "the set has no tensor '%s' of this encoder", ours);
    return tw_st_numbers(&t, p->value + at, numbers, l->err);
}

/* Token type 0, of which every sentence is, goes on top of every position. */
static tw_status add_type(const loading *l)
{
    const twi_bert_about *a = &l->b->about;
    const size_t D = (size_t) a->cfg.width;
    char name[NAME_MAX_HERE];
    tw_st_tensor t;
    tw_status st = TW_OK;
    tw_real *types = tw_alloc((size_t) a->types * D, sizeof *types);
    if (types == NULL)
        return tw_fail(l->err, TW_ENOMEM, "token types");

    (void) snprintf(name, sizeof name, "%sembeddings.token_type_embeddings.weight",
                    l->b->beginning);
    bool found = false;
    for (int i = 0; i < tw_st_count(l->b->weights) && !found; i++) {
        t = tw_st_at(l->b->weights, i);
        found = strcmp(t.name, name) == 0 && t.rows == a->types && t.cols == a->cfg.width;
    }
    if (!found) {
        st = tw_fail(l->err, TW_ECORRUPT, "model.safetensors has no tensor '%s' of %d x %d", name,
                     a->types, a->cfg.width);
        goto done;
    }
    TW_TRY(tw_st_numbers(&t, types, (size_t) a->types * D, l->err));
    (void) snprintf(name, sizeof name, "%spositions", l->prefix);
    tw_param *p = tw_params_find(l->ps, name); /* there: it was filled just before */
    for (int64_t i = 0; i < p->rows; i++)
        tw_vec_axpy(p->value + (size_t) i * D, types, 1, D);
done:
    tw_free(types);
    return st;
}

static tw_status load_layer(const loading *l)
{
    const twi_transformer_config *c = &l->b->about.cfg;
    const int D = c->width;
    const struct {
        const char *to;
        int first;
        const char *from;
        int rows, cols;
    } tensors[] = {
        {"qkv.w", 0, "attention.self.query.weight", D, D},
        {"qkv.w", D, "attention.self.key.weight", D, D},
        {"qkv.w", 2 * D, "attention.self.value.weight", D, D},
        {"qkv.b", 0, "attention.self.query.bias", D, 0},
        {"qkv.b", D, "attention.self.key.bias", D, 0},
        {"qkv.b", 2 * D, "attention.self.value.bias", D, 0},
        {"out.w", 0, "attention.output.dense.weight", D, D},
        {"out.b", 0, "attention.output.dense.bias", D, 0},
        {"norm1.gain", 0, "attention.output.LayerNorm.weight", D, 0},
        {"norm1.bias", 0, "attention.output.LayerNorm.bias", D, 0},
        {"ffn1.w", 0, "intermediate.dense.weight", c->hidden, D},
        {"ffn1.b", 0, "intermediate.dense.bias", c->hidden, 0},
        {"ffn2.w", 0, "output.dense.weight", D, c->hidden},
        {"ffn2.b", 0, "output.dense.bias", D, 0},
        {"norm2.gain", 0, "output.LayerNorm.weight", D, 0},
        {"norm2.bias", 0, "output.LayerNorm.bias", D, 0},
    };
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
        tw_status st = copy(l, tensors[i].to, tensors[i].first, tensors[i].from, tensors[i].rows,
                            tensors[i].cols);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

tw_status twi_bert_load(const twi_bert *b, tw_params *ps, const char *prefix, tw_error *err)
{
    tw_status st = TW_OK;
    const twi_transformer_config *c = &b->about.cfg;
    loading l = {.b = b, .ps = ps, .prefix = prefix, .layer = -1, .err = err};

    TW_TRY(copy(&l, "words", 0, "word_embeddings.weight", c->vocab, c->width));
    TW_TRY(copy(&l, "positions", 0, "position_embeddings.weight", c->positions, c->width));
    TW_TRY(add_type(&l));
    TW_TRY(copy(&l, "norm.gain", 0, "LayerNorm.weight", c->width, 0));
    TW_TRY(copy(&l, "norm.bias", 0, "LayerNorm.bias", c->width, 0));
    for (l.layer = 0; l.layer < c->layers; l.layer++)
        TW_TRY(load_layer(&l));
done:
    return st;
}
