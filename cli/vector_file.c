/* Vectors for other tools: NumPy's .npy, the .fvecs of nearest-neighbour benchmarks, JSON lines. */
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/print.h"
#include "cli/vector_file.h"

#define NPY_HEADER 128 /* bytes: magic, version, length, and a dictionary padded with blanks */

typedef enum kind { NPY, FVECS, JSONL } kind;

struct vector_file {
    kind kind;
    int model, dim; /* dim 0: no row yet */
    int64_t rows;
    FILE *out, *ids; /* ids NULL: they stand in out */
    char path[TW_PATH_MAX], ids_path[TW_PATH_MAX];
};

static bool ends_in(const char *path, const char *end)
{
    const size_t n = strlen(path), m = strlen(end);
    return n > m && strcmp(path + n - m, end) == 0;
}

static tw_status kind_of(const char *path, kind *out, tw_error *err)
{
    static const char *const ends[] = {".npy", ".fvecs", ".jsonl"};
    for (int k = NPY; k <= JSONL; k++) {
        *out = (kind) k;
        if (ends_in(path, ends[k]))
            return TW_OK;
    }
    return tw_fail(err, TW_EINVAL, "'%s' ends neither in .npy, .fvecs nor .jsonl", path);
}

tw_status vector_file_check(const char *path, tw_error *err)
{
    kind k;
    return kind_of(path, &k, err);
}

tw_status vector_file_open(vector_file **out, const char *path, int model, tw_error *err)
{
    tw_status st = TW_OK;
    *out = NULL;
    vector_file *f = tw_alloc(1, sizeof *f);
    if (f == NULL)
        return tw_fail(err, TW_ENOMEM, "file of vectors");
    f->model = model;
    TW_TRY(kind_of(path, &f->kind, err));
    if (strlen(path) + sizeof ".ids" > sizeof f->ids_path)
        TW_TRY(tw_fail(err, TW_EINVAL, "path '%.60s...' is too long", path));
    (void) snprintf(f->path, sizeof f->path, "%s", path);
    (void) snprintf(f->ids_path, sizeof f->ids_path, "%s.ids", path);
    TW_TRY(tw_file_begin(&f->out, f->path, err));
    if (f->kind != JSONL)
        TW_TRY(tw_file_begin(&f->ids, f->ids_path, err));
    if (f->kind == NPY) /* filled in by close, which knows the number of rows */
        (void) fprintf(f->out, "%*s", NPY_HEADER, "");
    *out = f;
    f = NULL;
done:
    vector_file_abort(f);
    return st;
}

/* Every machine that this runs on is little-endian, as both formats want it (base/types.h). */
static void add_binary(vector_file *f, const char *id, const float *vec, int dim)
{
    const int32_t width = dim;
    if (f->kind == FVECS)
        (void) fwrite(&width, sizeof width, 1, f->out);
    (void) fwrite(vec, sizeof *vec, (size_t) dim, f->out);
    (void) fputs(id, f->ids); /* as it is: programs read the file */
    (void) fputc('\n', f->ids);
}

static void add_json(vector_file *f, const char *id, const float *vec, int dim)
{
    (void) fprintf(f->out, "{\"id\": ");
    print_json_string(f->out, id);
    (void) fprintf(f->out, ", \"model\": %d, \"vector\": [", f->model);
    for (int i = 0; i < dim; i++)
        (void) fprintf(f->out, "%s%.9g", i > 0 ? ", " : "", (double) vec[i]);
    (void) fprintf(f->out, "]}\n");
}

/* Writes that fail leave a mark on the stream, which tw_file_commit finds. */
tw_status vector_file_add(vector_file *f, const char *id, const float *vec, int dim, tw_error *err)
{
    if (f->dim != 0 && f->dim != dim)
        return tw_fail(err, TW_EDIM, "a vector of width %d among those of width %d", dim, f->dim);
    f->dim = dim;
    f->rows++;
    if (f->kind == JSONL)
        add_json(f, id, vec, dim);
    else
        add_binary(f, id, vec, dim);
    if (ferror(f->out) != 0)
        return tw_fail_errno(err, "cannot write '%s'", f->path);
    return TW_OK;
}

int64_t vector_file_rows(const vector_file *f) { return f->rows; }

/* numpy.lib.format, version 1.0: 6 bytes of magic, 2 of version, 2 of length, a dictionary. */
static tw_status write_npy_header(vector_file *f, tw_error *err)
{
    char head[NPY_HEADER + 1];
    static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, NPY_HEADER - 10,
                                          0}; /* the length is of what follows */
    memset(head, ' ', sizeof head);
    memcpy(head, magic, sizeof magic);
    int n = snprintf(head + 10, sizeof head - 10,
                     "{'descr': '<f4', 'fortran_order': False, 'shape': (%lld, %d), }",
                     (long long) f->rows, f->dim);
    head[10 + n] = ' ';
    head[NPY_HEADER - 1] = '\n';
    if (fseek(f->out, 0, SEEK_SET) != 0 || fwrite(head, NPY_HEADER, 1, f->out) != 1)
        return tw_fail_errno(err, "cannot write '%s'", f->path);
    return TW_OK;
}

tw_status vector_file_close(vector_file *f, tw_error *err)
{
    tw_status st = TW_OK;
    FILE *stream;
    if (f->kind == NPY)
        TW_TRY(write_npy_header(f, err));
    if (f->ids != NULL) {
        stream = f->ids;
        f->ids = NULL;
        TW_TRY(tw_file_commit(stream, f->ids_path, err));
    }
    stream = f->out;
    f->out = NULL;
    TW_TRY(tw_file_commit(stream, f->path, err));
done:
    vector_file_abort(f);
    return st;
}

void vector_file_abort(vector_file *f)
{
    if (f == NULL)
        return;
    tw_file_abort(f->out, f->path);
    tw_file_abort(f->ids, f->ids_path);
    tw_free(f);
}
