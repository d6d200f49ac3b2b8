/* nn/safetensors.h — checkpoints that any Python reads.
 *
 * Format: u64 little-endian header length, JSON header {name: {dtype, shape,
 * data_offsets}, "__metadata__": {string: string}}, then the bytes of the tensors
 * back to back. Written through an atomic replace; read with every size checked
 * before anything is allocated. A CRC-32 of the data stands in the metadata as
 * "twindex.crc32" and is verified when present.
 * Source: the published safetensors format description.
 */
#ifndef TW_NN_SAFETENSORS_H
#define TW_NN_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "nn/params.h"

#define TW_ST_HEADER_MAX ((size_t) 100 << 20) /* bytes of JSON, as in the published readers */
#define TW_ST_FILE_MAX   ((size_t) 64 << 30)
#define TW_ST_DIMS_MAX   8

/* The halves are for reading what others wrote. */
typedef enum tw_dtype {
    TW_F32 = 0,
    TW_F64 = 1,
    TW_I32 = 2,
    TW_I64 = 3,
    TW_U8 = 4,
    TW_F16 = 5,
    TW_BF16 = 6,
} tw_dtype;

/* Of tw_real in this build. */
#ifdef TW_REAL_DOUBLE
#define TW_REAL_DTYPE TW_F64
#else
#define TW_REAL_DTYPE TW_F32
#endif

size_t tw_dtype_size(tw_dtype type);

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct tw_st_writer tw_st_writer;

TW_NODISCARD tw_status tw_st_writer_create(tw_st_writer **out, tw_error *err);
void tw_st_writer_destroy(tw_st_writer *w); /* accepts NULL */

/* data (rows*cols numbers) is borrowed until the save. cols 0 writes a one-dimensional tensor.
 * TW_EINVAL: the name is empty, taken, "__metadata__" or no UTF-8; a negative size. */
TW_NODISCARD tw_status tw_st_add(tw_st_writer *w, const char *name, tw_dtype type, int64_t rows,
                                 int64_t cols, const void *data, tw_error *err);
/* Both are copied; a key that is there is replaced. TW_EINVAL: no UTF-8. */
TW_NODISCARD tw_status tw_st_add_meta(tw_st_writer *w, const char *key, const char *value,
                                      tw_error *err);
/* Path holds the old file or the whole new one, whatever happens. TW_EIO and friends. */
TW_NODISCARD tw_status tw_st_save(tw_st_writer *w, const char *path, tw_error *err);

/* Adds every tensor of a parameter set (TW_F32, or TW_F64 in the double build), and with
 * `moments` also NAME + ".adam_m" / ".adam_v". TW_ESTATE: there are none, no trainer was made. */
TW_NODISCARD tw_status tw_st_add_params(tw_st_writer *w, const tw_params *ps, bool moments,
                                        tw_error *err);

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct tw_st_file tw_st_file;

/* Reads and checks the whole file. TW_ECORRUPT: says which rule is broken; a dtype that is not a
 * tw_dtype is one. TW_ENOTFOUND, TW_EIO, TW_ENOMEM. */
TW_NODISCARD tw_status tw_st_open(tw_st_file **out, const char *path, tw_error *err);
/* The same from memory (fuzzing, networks); data is borrowed. */
TW_NODISCARD tw_status tw_st_parse(tw_st_file **out, const void *data, size_t len, tw_error *err);
void tw_st_close(tw_st_file *f); /* accepts NULL */

const char *tw_st_meta(const tw_st_file *f, const char *key); /* NULL: none */

typedef struct tw_st_tensor {
    const char *name;
    tw_dtype type;
    int64_t rows, cols; /* cols 0: one-dimensional; of three dimensions on, cols is the product of
                         * all but the first; a scalar has rows 1, cols 0 */
    const void *data;   /* little-endian, maybe unaligned: copy with memcpy */
} tw_st_tensor;

int tw_st_count(const tw_st_file *f);
tw_st_tensor tw_st_at(const tw_st_file *f, int index);
/* TW_ECORRUPT: no such tensor, or another type. */
TW_NODISCARD tw_status tw_st_find(const tw_st_file *f, const char *name, tw_dtype type,
                                  tw_st_tensor *out, tw_error *err);

/* out (n) <- the numbers of a tensor of F32, F64, F16 or BF16. TW_ECORRUPT: another type, or not n
 * numbers. */
TW_NODISCARD tw_status tw_st_numbers(const tw_st_tensor *t, tw_real *out, size_t n, tw_error *err);

/* Whether the file holds every tensor of ps in its shape, before ps has memory. TW_ECORRUPT: one is
 * missing or has another shape. */
TW_NODISCARD tw_status tw_st_check_params(const tw_st_file *f, const tw_params *ps, tw_error *err);

/* Fills every tensor of ps from the file, as tw_st_numbers; a (1,D) or (N,1) tensor may be
 * one-dimensional there. With `moments` also the Adam moments, made if need be. TW_ECORRUPT: one is
 * missing or has another shape; then ps is unchanged or partly filled and must not be used. */
TW_NODISCARD tw_status tw_st_load_params(const tw_st_file *f, tw_params *ps, bool moments,
                                         tw_error *err);

#endif
