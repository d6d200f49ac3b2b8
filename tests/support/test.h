/* tests/support/test.h — what every test file includes: cmocka plus a seed, a
 * scratch folder and number comparisons.
 *
 *     #include "tests/support/test.h"
 *     static void a_claim_as_a_sentence(void **state) { (void) state; assert_int_equal(...); }
 *     int main(void) {
 *         const struct CMUnitTest tests[] = {cmocka_unit_test(a_claim_as_a_sentence)};
 *         return cmocka_run_group_tests(tests, NULL, NULL);
 *     }
 */
#ifndef TW_TESTS_SUPPORT_TEST_H
#define TW_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "base/error.h"

/* The seed of this run: TW_SEED when set, else a fixed one; printed once so a failure can be
 * replayed. */
uint64_t tw_test_seed(void);

/* A fresh empty folder under TMPDIR, removed at exit of a passing run. The same one for the whole
 * process; never shared between processes. */
const char *tw_test_dir(void);

/* tw_test_dir()/name, in one of 16 rotating buffers. */
const char *tw_test_path(const char *name);

/* Writes a file in the scratch folder and returns its path. */
const char *tw_test_file(const char *name, const char *content);

/* The project's data folder for optional tests (TW_DATA), or NULL: then skip with a message. */
const char *tw_test_data(void);

#define assert_near(a, b, tol)                                                                     \
    tw_assert_near_((double) (a), (double) (b), (tol), __FILE__, __LINE__)
/* Relative to the larger magnitude, with an absolute floor of tol. */
#define assert_close(a, b, tol)                                                                    \
    tw_assert_close_((double) (a), (double) (b), (tol), __FILE__, __LINE__)
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        tw_error err_ = {0};                                                                       \
        tw_error *err = &err_;                                                                     \
        (void) err;                                                                                \
        tw_assert_status_((call), TW_OK, &err_, #call, __FILE__, __LINE__);                        \
    } while (0)
#define assert_status(call, want)                                                                  \
    do {                                                                                           \
        tw_error err_ = {0};                                                                       \
        tw_error *err = &err_;                                                                     \
        (void) err;                                                                                \
        tw_assert_status_((call), (want), &err_, #call, __FILE__, __LINE__);                       \
    } while (0)

void tw_assert_near_(double a, double b, double tol, const char *file, int line);
void tw_assert_close_(double a, double b, double tol, const char *file, int line);
void tw_assert_status_(tw_status got, tw_status want, const tw_error *err, const char *call,
                       const char *file, int line);

#endif
