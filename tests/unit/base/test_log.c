/* Lines reach stderr, and never hold up who writes them. */
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/support/test.h"

static char seen[1 << 20];

/* stderr is `fd` until mend(). */
static int replace_stderr(int fd)
{
    int before = dup(STDERR_FILENO);
    assert_true(before >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    return before;
}

static void mend(int before)
{
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
}

/* All that can be read from fd now, as a string. */
static const char *read_now(int fd)
{
    size_t len = 0;
    ssize_t n;
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while ((n = read(fd, seen + len, sizeof seen - 1 - len)) > 0)
        len += (size_t) n;
    seen[len] = '\0';
    return seen;
}

static int lines(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

static void a_line_has_time_level_id_and_pairs(void **state)
{
    (void) state;
    int p[2];
    assert_int_equal(pipe(p), 0);
    int before = replace_stderr(p[1]);
    tw_log(TW_LOG_WARN, "TEST-LINE", "text=\"%s\" n=%d",
           "two\nlines\" n=8 \x1b[31m\xc2\x9b\xe2\x80\xae\xff", 7);
    tw_log(TW_LOG_INFO, "TEST-LINE", "below the level");
    mend(before);
    const char *text = read_now(p[0]);
    assert_non_null(strstr(
        text, "Z warn TEST-LINE text=\"two\\nlines\\\" n=8 \\x1b[31m\\u009b\\u202e\\xff\" n=7\n"));
    assert_int_equal(lines(text), 1);
    close(p[0]);
    close(p[1]);
}

/* Returns how many of `n` lines were lost. They are `fill` long, whatever the pipe holds. */
static void *write_many(void *n)
{
    char fill[600];
    memset(fill, 'x', sizeof fill - 1);
    fill[sizeof fill - 1] = '\0';
    for (int i = 0; i < *(int *) n; i++)
        tw_log(TW_LOG_ERROR, "TEST-FILL", "i=%d %s", i, fill);
    return NULL;
}

static void a_stderr_without_a_reader_loses_lines_and_says_how_many(int reader, int writer)
{
    pthread_t threads[2];
    int n = 1000; /* more than the 64 KiB of a pipe */
    char want[64];
    int before = replace_stderr(writer);
    alarm(20); /* where a write waits, nothing else ends this test */
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &n), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    alarm(0);
    int kept = lines(read_now(reader));
    assert_in_range(kept, 20, 2 * n - 1);
    tw_log(TW_LOG_ERROR, "TEST-AGAIN", "x=1");
    tw_log(TW_LOG_ERROR, "TEST-AGAIN", "x=2");
    mend(before);
    (void) snprintf(want, sizeof want, " warn LOG-DROPPED dropped=%d\n", 2 * n - kept);
    const char *text = read_now(reader);
    if (strstr(text, want) == NULL)
        fail_msg("no '%s' in '%s'", want, text);
    assert_int_equal(lines(text), 3); /* it is said once */
    close(reader);
    close(writer);
}

static void a_pipe_without_a_reader_holds_no_thread_up(void **state)
{
    (void) state;
    int p[2];
    assert_int_equal(pipe(p), 0);
    a_stderr_without_a_reader_loses_lines_and_says_how_many(p[0], p[1]);
}

static void nor_does_a_socket(void **state)
{
    (void) state;
    int p[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
    a_stderr_without_a_reader_loses_lines_and_says_how_many(p[0], p[1]);
}

static void where_nothing_can_be_written_lines_are_counted(void **state)
{
    (void) state;
    int p[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    assert_int_equal(pipe(p), 0);
    int before = replace_stderr(full);
    tw_log(TW_LOG_ERROR, "TEST-FULL", "x=1");
    close(STDERR_FILENO);
    tw_log(TW_LOG_ERROR, "TEST-CLOSED", "x=1");
    close(p[0]);
    assert_int_equal(dup2(p[1], STDERR_FILENO), STDERR_FILENO);
    tw_log(TW_LOG_ERROR, "TEST-BROKEN", "x=1"); /* raises no SIGPIPE */
    close(p[1]);
    assert_int_equal(pipe(p), 0);
    assert_int_equal(dup2(p[1], STDERR_FILENO), STDERR_FILENO);
    tw_log(TW_LOG_ERROR, "TEST-AGAIN", "x=1");
    mend(before);
    assert_non_null(strstr(read_now(p[0]), " warn LOG-DROPPED dropped=3\n"));
    assert_non_null(strstr(seen, " error TEST-AGAIN x=1\n"));
    close(p[0]);
    close(p[1]);
    close(full);
}

static void a_regular_file_gets_every_line(void **state)
{
    (void) state;
    int n = 50, fd = open(tw_test_file("log", ""), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    int before = replace_stderr(fd);
    (void) write_many(&n);
    mend(before);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(lines(read_now(fd)), n);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_id_and_pairs),
        cmocka_unit_test(a_pipe_without_a_reader_holds_no_thread_up),
        cmocka_unit_test(nor_does_a_socket),
        cmocka_unit_test(where_nothing_can_be_written_lines_are_counted),
        cmocka_unit_test(a_regular_file_gets_every_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
