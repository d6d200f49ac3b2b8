#include "tests/unit/cli/captured.h"

#include "tests/support/test.h"

#include <unistd.h>

void captured_begin(captured *c, FILE *stream)
{
    c->stream = stream;
    c->file = tmpfile();
    assert_non_null(c->file);
    assert_int_equal(fflush(stream), 0);
    c->before = dup(fileno(stream));
    assert_true(c->before >= 0);
    assert_true(dup2(fileno(c->file), fileno(stream)) >= 0);
}

const char *captured_end(captured *c)
{
    (void) fflush(c->stream);
    (void) dup2(c->before, fileno(c->stream)); /* first, so that a failure is seen */
    (void) close(c->before);
    rewind(c->file);
    const size_t n = fread(c->text, 1, sizeof c->text - 1, c->file);
    assert_true(n < sizeof c->text - 1);
    c->text[n] = '\0';
    assert_int_equal(fclose(c->file), 0);
    return c->text;
}
