#include "nn/checkpoint.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"

tw_status tw_checkpoint_save(const tw_checkpoint *c, const tw_params *const *sets, int n_sets,
                             const tw_checkpoint_block *blocks, int n_blocks, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_writer *w = NULL;

    TW_TRY(tw_st_writer_create(&w, err));
    TW_TRY(tw_st_add_meta(w, "twindex.kind", c->kind, err));
    TW_TRY(tw_st_add_meta(w, "twindex.run", c->run, err));
    for (int i = 0; i < n_sets; i++)
        TW_TRY(tw_st_add_params(w, sets[i], true, err));
    for (int i = 0; i < n_blocks; i++) {
        const tw_checkpoint_block *b = &blocks[i];
        TW_TRY(tw_st_add(w, b->name, b->type, b->rows, b->cols, b->data, err));
    }
    TW_TRY(tw_st_save(w, c->path, err));
done:
    tw_st_writer_destroy(w);
    return st;
}

/* A file that cannot be used is no reason not to train: say why, and begin at the start. */
static void log_unused(const tw_checkpoint *c, const char *why)
{
    tw_log(TW_LOG_WARN, c->event, "path=\"%s\" reason=\"%s\"", c->path, why);
}

tw_status tw_checkpoint_open(const tw_checkpoint *c, tw_st_file **file, tw_error *err)
{
    tw_error why = {0};

    *file = NULL;
    if (!tw_file_exists(c->path))
        return TW_OK;
    const tw_status st = tw_st_open(file, c->path, &why);
    if (st == TW_ENOMEM)
        return tw_fail(err, st, "%s", why.msg);
    if (st != TW_OK) {
        log_unused(c, why.msg);
        return TW_OK;
    }
    const char *kind = tw_st_meta(*file, "twindex.kind"), *run = tw_st_meta(*file, "twindex.run");
    if (kind == NULL || strcmp(kind, c->kind) != 0 || run == NULL || strcmp(run, c->run) != 0) {
        log_unused(c, "it belongs to other data, settings or another version");
        tw_st_close(*file);
        *file = NULL;
    }
    return TW_OK;
}

tw_status tw_checkpoint_read(const tw_st_file *file, const tw_checkpoint_block *blocks,
                             int n_blocks, tw_error *err)
{
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < n_blocks; i++) {
            const tw_checkpoint_block *b = &blocks[i];
            tw_st_tensor t;
            const tw_status st = tw_st_find(file, b->name, b->type, &t, err);
            if (st != TW_OK)
                return st;
            if (t.rows != b->rows || t.cols != b->cols)
                return tw_fail(err, TW_ECORRUPT, "'%s' is %lld by %lld", b->name,
                               (long long) t.rows, (long long) t.cols);
            const size_t cols = b->cols > 0 ? (size_t) b->cols : 1;
            if (pass == 1 && b->rows > 0)
                memcpy(b->data, t.data, (size_t) b->rows * cols * tw_dtype_size(b->type));
        }
    }
    return TW_OK;
}
