/* base/decls.h — the public headers for C++ programs: what stands between the two has C linkage.
 *
 *     TW_BEGIN_DECLS
 *     tw_status tw_engine_create(const char *dir, tw_error *err);
 *     TW_END_DECLS
 */
#ifndef TW_BASE_DECLS_H
#define TW_BASE_DECLS_H

#ifdef __cplusplus
#define TW_BEGIN_DECLS extern "C" {
#define TW_END_DECLS   }
#else
#define TW_BEGIN_DECLS
#define TW_END_DECLS
#endif

#endif
