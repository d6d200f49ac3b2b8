/* nn/model_file.h — what the files of all models say of themselves alike, and the suspicion with
 * which they are read.
 *
 * A model is one safetensors file: its kind, its version, its settings and whatever else belongs to
 * it as metadata, its weights as tensors. What a short file says of a huge model must not make us
 * allocate by it, so shapes come first.
 *
 *     TW_TRY(tw_st_writer_create(&w, err));
 *     TW_TRY(tw_model_file_begin(w, "tower", 2, err));             // then its own metadata
 *     TW_TRY(tw_st_add_params(w, params, false, err));
 *     TW_TRY(tw_st_save(w, path, err));
 *
 *     TW_TRY(tw_st_open(&f, path, err));
 *     TW_TRY(tw_model_file_check(f, "tower", 3, err));
 *     TW_TRY(tw_model_file_meta(f, "twindex.tower", &json, err));
 *     TW_TRY(tw_model_file_settings(parse(&cfg, json, &why), &why, err));
 *     TW_TRY(tw_model_file_load(f, params, err));                  // params of that shape,
 * deferred
 */
#ifndef TW_NN_MODEL_FILE_H
#define TW_NN_MODEL_FILE_H

#include "base/error.h"
#include "nn/params.h"
#include "nn/safetensors.h"

/* The metadata that every model begins with. TW_ENOMEM. */
TW_NODISCARD tw_status tw_model_file_begin(tw_st_writer *w, const char *kind, int version,
                                           tw_error *err);

/* TW_ECORRUPT: another kind, or no version. TW_EUNSUPPORTED: a version above `newest`. */
TW_NODISCARD tw_status tw_model_file_check(const tw_st_file *f, const char *kind, int newest,
                                           tw_error *err);

/* *value, borrowed from f, of a key that must be there. TW_ECORRUPT: it is not. */
TW_NODISCARD tw_status tw_model_file_meta(const tw_st_file *f, const char *key, const char **value,
                                          tw_error *err);

/* What is wrong with settings that a file holds is wrong with the file: st of reading them, with
 * its reason, TW_EINVAL as TW_ECORRUPT. */
TW_NODISCARD tw_status tw_model_file_settings(tw_status st, const tw_error *why, tw_error *err);

/* Holds the shapes of ps, made after tw_params_defer, against the file, gives them memory and the
 * file's numbers. TW_ECORRUPT: a tensor is missing, has another shape, or a number that is not
 * finite; then ps must not be used. TW_ENOMEM. */
TW_NODISCARD tw_status tw_model_file_load(const tw_st_file *f, tw_params *ps, tw_error *err);

#endif
