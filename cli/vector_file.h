/* cli/vector_file.h — a file of vectors that grows row by row, of the kind that its name ends in.
 */
#ifndef TW_CLI_VECTOR_FILE_H
#define TW_CLI_VECTOR_FILE_H

#include <stdint.h>

#include "base/error.h"

typedef struct vector_file vector_file;

/* TW_EINVAL: the name ends in none of .npy, .fvecs, .jsonl. */
TW_NODISCARD tw_status vector_file_check(const char *path, tw_error *err);
/* Nothing is at `path` until it is closed. */
TW_NODISCARD tw_status vector_file_open(vector_file **out, const char *path, int model,
                                        tw_error *err);
TW_NODISCARD tw_status vector_file_add(vector_file *f, const char *id, const float *vec, int dim,
                                       tw_error *err);
int64_t vector_file_rows(const vector_file *f);
/* Puts the file (and for .npy and .fvecs PATH.ids, an id a line) in place. */
TW_NODISCARD tw_status vector_file_close(vector_file *f, tw_error *err);
void vector_file_abort(vector_file *f); /* instead of close; accepts NULL */

#endif
