/* nn/st_internal.h — what the reader and the writer of safetensors share. */
#ifndef TW_NN_ST_INTERNAL_H
#define TW_NN_ST_INTERNAL_H

#include "nn/safetensors.h"

#define TWI_ST_META "__metadata__"
#define TWI_ST_CRC  "twindex.crc32"

const char *twi_dtype_name(tw_dtype type);
bool twi_st_lookup(const tw_st_file *f, const char *name, tw_st_tensor *out); /* false: none */

#endif
