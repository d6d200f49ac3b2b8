/* base/alloc.h — the only way to the heap.
 *
 * Everything that twindex itself allocates passes here, so that sizes are
 * checked once and so that tests can make the nth allocation fail. Thread-safe.
 */
#ifndef TW_BASE_ALLOC_H
#define TW_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/decls.h"

TW_BEGIN_DECLS

/* n*size zeroed bytes, aligned for any scalar; NULL when out of memory or when n*size overflows.
 * n*size == 0 gives a valid pointer to nothing. Large blocks cost nothing until touched. */
void *tw_alloc(size_t n, size_t size) __attribute__((malloc, warn_unused_result));

/* As tw_alloc, aligned to 64 bytes (a cache line, an AVX-512 register). Free with tw_free. */
void *tw_alloc_aligned(size_t n, size_t size) __attribute__((malloc, warn_unused_result));

/* Asks the system to back a block that is not touched yet with large pages where it can: rows that
 * lie anywhere in it are then found sooner (a step of the bag of words: 1.15 times, an
 * embedding 1.2). Worth it from some MiB on; below nothing is done. The first touch of a large page
 * takes 2 MiB, so this is for blocks that will be used all over. tw_alloc_aligned does it by
 * itself. */
void tw_prefer_large_pages(void *p, size_t bytes);

/* Resizes to n*size bytes, new bytes unspecified; on NULL the old block is untouched. Not for
 * blocks of tw_alloc_aligned. */
void *tw_realloc(void *p, size_t n, size_t size) __attribute__((warn_unused_result));

/* A copy of s (NUL-terminated) or NULL when out of memory. */
char *tw_strdup(const char *s) __attribute__((malloc, warn_unused_result));
char *tw_strndup(const char *s, size_t len) __attribute__((malloc, warn_unused_result));

/* Accepts NULL. */
void tw_free(void *p);

#ifdef TW_TORTURE
/* Makes the nth allocation from now fail once, in any thread (0 disarms), and tells whether it has.
 * For tests only. */
void tw_torture_arm(long nth);
bool tw_torture_fired(void);
/* Allocations made since the program started: a test counts those inside a training step. */
long tw_alloc_count(void);
#endif

TW_END_DECLS

#endif
