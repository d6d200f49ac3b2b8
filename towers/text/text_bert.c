#include "towers/text/text_bert.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "nn/kernels/vec.h"
#include "nn/safetensors.h"

enum { JSON_MAX = 1 << 20, POINTER_MAX = 1024, NAME_MAX_HERE = 128 };

struct twi_bert {
    twi_bert_about about;
    twi_wordpiece *words;  /* owned; NULL once taken */
    tw_st_file *weights;   /* owned */
    tw_st_file *dense;     /* owned; NULL: no Dense layer */
    const char *beginning; /* of the tensors' names: "" or "bert." */
};

/* ---- files ----------------------------------------------------------------------------------- */

static const char pointer_mark[] = "version https://git-lfs.github.com/spec/";

/* What stands in a clone whose large files were not fetched. */
static bool is_pointer(const char *data, size_t len)
{
    return len >= sizeof pointer_mark - 1 &&
           memcmp(data, pointer_mark, sizeof pointer_mark - 1) == 0;
}

static tw_status refuse_pointer(const char *path, tw_error *err)
{
    return tw_fail(err, TW_ECORRUPT,
                   "'%.300s' is a Git LFS pointer, not the file itself: run `git lfs pull` there",
                   path);
}

/* `name` in a folder of the model's; "" is the model's own. */
static tw_status path_of(char path[TW_PATH_MAX], const char *dir, const char *folder,
                         const char *name, tw_error *err)
{
    char inner[TW_PATH_MAX];
    if (folder[0] == '\0')
        return tw_path_join(path, dir, name, err);
    tw_status st = tw_path_join(inner, dir, folder, err);
    return st == TW_OK ? tw_path_join(path, inner, name, err) : st;
}

/* A file of the folder; *data NULL where there is none. The caller frees it. */
static tw_status read_part(const char *path, size_t max, char **data, size_t *len, tw_error *err)
{
    *data = NULL;
    *len = 0;
    if (!tw_file_exists(path))
        return TW_OK;
    tw_status st = tw_file_read(path, max, data, len, err);
    if (st != TW_OK || !is_pointer(*data, *len))
        return st;
    tw_free(*data);
    *data = NULL;
    return refuse_pointer(path, err);
}

/* modules.json first: it says in which folders the others are. */
static tw_status read_modules(twi_bert_modules *m, const char *dir, tw_error *err)
{
    char path[TW_PATH_MAX];
    char *data = NULL;
    twi_bert_bytes file = {0};
    tw_error why = {0};
    tw_status st = TW_OK;

    TW_TRY(path_of(path, dir, "", "modules.json", err));
    TW_TRY(read_part(path, JSON_MAX, &data, &file.len, err));
    file.data = data;
    st = twi_bert_read_modules(m, &file, &why);
    if (st != TW_OK)
        st = tw_fail(err, st, "'%.200s': %.280s", dir, why.msg);
done:
    tw_free(data);
    return st;
}

static tw_status read_parts(twi_bert *b, const twi_bert_modules *m, const char *dir, tw_error *err)
{
    twi_bert_files f = {0};
    const struct {
        const char *folder, *name;
        size_t max;
        twi_bert_bytes *file;
    } parts[] = {
        {"", "modules.json", JSON_MAX, &f.modules},
        {"", "config_sentence_transformers.json", JSON_MAX, &f.prompts},
        {m->transformer, "config.json", JSON_MAX, &f.config},
        {m->transformer, "sentence_bert_config.json", JSON_MAX, &f.sentence},
        {m->transformer, "tokenizer_config.json", JSON_MAX, &f.tokenizer_config},
        {m->transformer, "added_tokens.json", JSON_MAX, &f.added},
        {m->transformer, "tokenizer.json", TWI_VOCAB_FILE_MAX, &f.tokenizer},
        {m->transformer, "vocab.txt", TWI_VOCAB_FILE_MAX, &f.vocab},
        {m->pooling, "config.json", JSON_MAX, &f.pooling},
        {m->dense, "config.json", JSON_MAX, &f.dense},
    };
    enum { PARTS = sizeof parts / sizeof parts[0] };
    char path[TW_PATH_MAX];
    char *blocks[PARTS] = {0};
    tw_error why = {0};
    tw_status st = TW_OK;

    for (size_t i = 0; i < PARTS; i++) {
        if (parts[i].file == &f.dense && !m->has_dense)
            continue;
        TW_TRY(path_of(path, dir, parts[i].folder, parts[i].name, err));
        TW_TRY(read_part(path, parts[i].max, &blocks[i], &parts[i].file->len, err));
        parts[i].file->data = blocks[i];
    }
    st = twi_bert_parse(&b->about, &b->words, &f, &why);
    if (st != TW_OK)
        st = tw_fail(err, st, "'%.200s': %.280s", dir, why.msg);
done:
    for (size_t i = 0; i < PARTS; i++)
        tw_free(blocks[i]);
    return st;
}

/* Weights that are there in another form than model.safetensors: what to do about it. */
static tw_status say_what_is_there(const char *dir, const char *folder, tw_status otherwise,
                                   tw_error *err)
{
    static const char *const forms[] = {"pytorch_model.bin", "model.safetensors.index.json",
                                        "pytorch_model.bin.index.json", "tf_model.h5"};
    char path[TW_PATH_MAX];
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        tw_status st = path_of(path, dir, folder, forms[i], err);
        if (st != TW_OK)
            return st;
        if (tw_file_exists(path)) {
            return tw_fail(
                err, TW_ECORRUPT,
                "'%.150s' holds %s and no model.safetensors: write the folder anew with "
                "python3 -c \"from sentence_transformers import SentenceTransformer as S; "
                "S('%.100s').save('NEW')\" and import NEW",
                dir, forms[i], dir);
        }
    }
    return otherwise;
}

static tw_status open_weights(tw_st_file **out, const char *dir, const char *folder, tw_error *err)
{
    char path[TW_PATH_MAX];
    char *small = NULL;
    size_t len;
    tw_status st = path_of(path, dir, folder, "model.safetensors", err);
    if (st != TW_OK)
        return st;
    st = tw_st_open(out, path, err);
    if (st == TW_ENOTFOUND)
        return say_what_is_there(dir, folder, st, err);
    if (st == TW_ECORRUPT && tw_file_read(path, POINTER_MAX, &small, &len, NULL) == TW_OK &&
        is_pointer(small, len))
        st = refuse_pointer(path, err);
    tw_free(small);
    return st;
}

tw_status twi_bert_open(twi_bert **out, const char *dir, tw_error *err)
{
    tw_status st = TW_OK;
    twi_bert_modules m;

    *out = NULL;
    twi_bert *b = tw_alloc(1, sizeof *b);
    if (b == NULL)
        return tw_fail(err, TW_ENOMEM, "pretrained encoder");
    TW_TRY(read_modules(&m, dir, err));
    TW_TRY(read_parts(b, &m, dir, err));
    TW_TRY(open_weights(&b->weights, dir, m.transformer, err));
    if (m.has_dense)
        TW_TRY(open_weights(&b->dense, dir, m.dense, err));
    bool bare = false;
    for (int i = 0; i < tw_st_count(b->weights) && !bare; i++)
        bare = strcmp(tw_st_at(b->weights, i).name, "embeddings.word_embeddings.weight") == 0;
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
    tw_st_close(b->dense);
    tw_free(b);
}

const twi_bert_about *twi_bert_get(const twi_bert *b) { return &b->about; }

twi_wordpiece *twi_bert_take_words(twi_bert *b)
{
    twi_wordpiece *words = b->words;
    b->words = NULL;
    return words;
}

/* ---- weights --------------------------------------------------------------------------------- */

/* From where to where. */
typedef struct loading {
    const twi_bert *b;
    tw_params *ps;
    const char *prefix;
    int layer; /* -1: none */
    tw_error *err;
} loading;

static bool find(const tw_st_file *f, const char *name, tw_st_tensor *out)
{
    for (int i = 0; i < tw_st_count(f); i++) {
        *out = tw_st_at(f, i);
        if (strcmp(out->name, name) == 0)
            return true;
    }
    return false;
}

/* Their tensor; files of BERT's first years call a norm's two gamma and beta. */
static tw_status find_theirs(const loading *l, const char *name, tw_st_tensor *out)
{
    static const char *const names[][2] = {{"LayerNorm.weight", "LayerNorm.gamma"},
                                           {"LayerNorm.bias", "LayerNorm.beta"}};
    char old[NAME_MAX_HERE];
    const size_t len = strlen(name);
    if (find(l->b->weights, name, out))
        return TW_OK;
    for (int i = 0; i < 2; i++) {
        const size_t tail = strlen(names[i][0]);
        if (len < tail || strcmp(name + len - tail, names[i][0]) != 0)
            continue;
        (void) snprintf(old, sizeof old, "%.*s%s", (int) (len - tail), name, names[i][1]);
        if (find(l->b->weights, old, out))
            return TW_OK;
    }
    return tw_fail(l->err, TW_ECORRUPT, "model.safetensors has no tensor '%s'", name);
}

/* Rows [first, first + used) of our tensor <- the first `used` of theirs, which must be of (rows,
 * cols) numbers; cols 0: one-dimensional, `rows` of them, into a row. */
static tw_status put(const loading *l, const char *ours, int64_t first, const tw_st_tensor *t,
                     int rows, int used, int cols)
{
    const size_t D = (size_t) (cols > 0 ? cols : 1);
    const size_t numbers = (size_t) used * D, at = (size_t) first * D;
    tw_param *p = tw_params_find(l->ps, ours);
    if (t->rows != rows || t->cols != cols)
        return tw_fail(l->err, TW_ECORRUPT, "tensor '%s' is %lld x %lld, expected %d x %d", t->name,
                       (long long) t->rows, (long long) t->cols, rows, cols);
    if (p == NULL || at + numbers > (size_t) p->rows * (size_t) p->cols)
        return tw_fail(l->err, TW_EINVAL, "the set has no tensor '%s' of this encoder", ours);
    if (used == rows)
        return tw_st_numbers(t, p->value + at, numbers, l->err);
    /* A table that is padded: read whole, then cut. */
    tw_status st = TW_OK;
    tw_real *all = tw_alloc((size_t) rows * D, sizeof *all);
    if (all == NULL)
        return tw_fail(l->err, TW_ENOMEM, "tensor '%s'", t->name);
    TW_TRY(tw_st_numbers(t, all, (size_t) rows * D, l->err));
    memcpy(p->value + at, all, numbers * sizeof *all);
done:
    tw_free(all);
    return st;
}

static tw_status copy_rows(const loading *l, const char *to, int first, const char *from, int rows,
                           int used, int cols)
{
    char ours[2 * TW_PARAM_NAME_MAX], theirs[NAME_MAX_HERE];
    tw_st_tensor t = {0};
    if (l->layer < 0) {
        (void) snprintf(ours, sizeof ours, "%s%s", l->prefix, to);
        (void) snprintf(theirs, sizeof theirs, "%sembeddings.%s", l->b->beginning, from);
    } else {
        (void) snprintf(ours, sizeof ours, "%slayer%d.%s", l->prefix, l->layer, to);
        (void) snprintf(theirs, sizeof theirs, "%sencoder.layer.%d.%s", l->b->beginning, l->layer,
                        from);
    }
    tw_status st = find_theirs(l, theirs, &t);
    return st == TW_OK ? put(l, ours, first, &t, rows, used, cols) : st;
}

static tw_status copy(const loading *l, const char *to, int first, const char *from, int rows,
                      int cols)
{
    return copy_rows(l, to, first, from, rows, rows, cols);
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
    const bool found =
        find(l->b->weights, name, &t) && t.rows == a->types && t.cols == a->cfg.width;
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

static tw_status load_dense(const loading *l)
{
    const twi_bert_about *a = &l->b->about;
    const int columns = a->cfg.width * twi_pool_parts(a->cfg.pooling);
    char ours[2 * TW_PARAM_NAME_MAX];
    tw_st_tensor w, bias;
    tw_status st = TW_OK;

    if (!find(l->b->dense, "linear.weight", &w) ||
        (a->dense_bias && !find(l->b->dense, "linear.bias", &bias)))
        return tw_fail(l->err, TW_ECORRUPT,
                       "the Dense layer lacks 'linear.weight' or 'linear.bias'");
    (void) snprintf(ours, sizeof ours, "%sdense.w", l->prefix);
    TW_TRY(put(l, ours, 0, &w, a->dense, a->dense, columns));
    (void) snprintf(ours, sizeof ours, "%sdense.b", l->prefix);
    if (a->dense_bias)
        TW_TRY(put(l, ours, 0, &bias, a->dense, a->dense, 0));
done:
    return st;
}

tw_status twi_bert_load(const twi_bert *b, tw_params *ps, const char *prefix, tw_error *err)
{
    tw_status st = TW_OK;
    const twi_transformer_config *c = &b->about.cfg;
    loading l = {.b = b, .ps = ps, .prefix = prefix, .layer = -1, .err = err};

    TW_TRY(copy_rows(&l, "words", 0, "word_embeddings.weight", b->about.rows, c->vocab, c->width));
    TW_TRY(copy(&l, "positions", 0, "position_embeddings.weight", c->positions, c->width));
    TW_TRY(add_type(&l));
    TW_TRY(copy(&l, "norm.gain", 0, "LayerNorm.weight", c->width, 0));
    TW_TRY(copy(&l, "norm.bias", 0, "LayerNorm.bias", c->width, 0));
    for (l.layer = 0; l.layer < c->layers; l.layer++)
        TW_TRY(load_layer(&l));
    if (b->about.dense > 0)
        TW_TRY(load_dense(&l));
done:
    return st;
}
