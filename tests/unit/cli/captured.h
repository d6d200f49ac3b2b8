/* tests/unit/cli/captured.h — what a call prints, as a string.
 *
 *     captured c;
 *     captured_begin(&c, stdout);
 *     print_answer(&a, "like", false);
 *     assert_string_equal(captured_end(&c), "like\n");
 */
#ifndef TW_TESTS_UNIT_CLI_CAPTURED_H
#define TW_TESTS_UNIT_CLI_CAPTURED_H

#include <stdio.h>

typedef struct captured {
    FILE *stream, *file;
    int before;
    char text[16384];
} captured;

void captured_begin(captured *c, FILE *stream);
/* The stream writes where it wrote before; the text lies in c. */
const char *captured_end(captured *c);

#endif
