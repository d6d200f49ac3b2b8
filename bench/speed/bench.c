#include "bench/speed/bench.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "nn/blas.h"

static int ascending(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

double bench_quantile(double *values, int64_t n, double share)
{
    qsort(values, (size_t) n, sizeof *values, ascending);
    int64_t at = (int64_t) (share * (double) n);
    return values[at < n ? at : n - 1];
}

static double median(const double *values, int n)
{
    double copy[BENCH_MAX_ROUNDS];
    memcpy(copy, values, (size_t) n * sizeof *values);
    return bench_quantile(copy, n, 0.5);
}

static double best(const double *values, int n, bench_better better)
{
    double top = values[0];
    for (int i = 1; i < n; i++)
        if (better == BENCH_LESS ? values[i] < top : values[i] > top)
            top = values[i];
    return top;
}

/* The CPU as Linux names it; "unknown" elsewhere. */
static void cpu_model(char *out, size_t size)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");

    (void) snprintf(out, size, "unknown");
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL) {
        const char *value = strchr(line, ':');
        if (strncmp(line, "model name", strlen("model name")) != 0 || value == NULL)
            continue;
        value += strspn(value, ": \t");
        (void) snprintf(out, size, "%.*s", (int) strcspn(value, "\n"), value);
        break;
    }
    (void) fclose(f);
}

static json_t *machine(void)
{
    char cpu[128];
    double load[1] = {-1};

    cpu_model(cpu, sizeof cpu);
    (void) getloadavg(load, 1);
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:f}", "cpu", cpu, "cores",
                     (int) sysconf(_SC_NPROCESSORS_ONLN), "openblas_core", tw_blas_core(), "build",
                     BENCH_BUILD_TYPE, "compiler", __VERSION__, "load_before", load[0]);
}

void bench_begin(bench *b, const char *program, const char *question)
{
    b->start = tw_clock_monotonic();
    b->rows = json_array();
    b->root = json_pack("{s:s, s:s, s:s, s:o, s:{}, s:O}", "program", program, "question", question,
                        "command", "make bench", "machine", machine(), "setting", "rows", b->rows);
    (void) fprintf(stderr, "\n%s: %s\n%-38s %10s %-11s %8s  %s\n", program, question, "", "median",
                   "", "ratio", "to");
}

void bench_fact(bench *b, const char *key, double value)
{
    (void) json_object_set_new(json_object_get(b->root, "setting"), key, json_real(value));
}

/* NOLINTNEXTLINE(readability-function-size): a row of the table has these columns */
void bench_row(bench *b, const char *name, const char *unit, bench_better better,
               const double *value, const char *peer, const double *peer_value, int n)
{
    double ratio[BENCH_MAX_ROUNDS] = {0};

    assert(n >= 1 && n <= BENCH_MAX_ROUNDS);
    for (int i = 0; i < n; i++)
        ratio[i] = value[i] / peer_value[i];
    (void) json_array_append_new(
        b->rows,
        json_pack("{s:s, s:s, s:f, s:f, s:s, s:s, s:f, s:f, s:f, s:i}", "name", name, "peer", peer,
                  "ratio", median(ratio, n), "ratio_best", best(ratio, n, better), "unit", unit,
                  "better", better == BENCH_LESS ? "less" : "more", "median", median(value, n),
                  "best", best(value, n, better), "peer_median", median(peer_value, n), "rounds",
                  n));
    (void) fprintf(stderr, "%-38s %10.4g %-11s %8.3g  %s\n", name, median(value, n), unit,
                   median(ratio, n), peer);
}

int bench_end(bench *b, tw_status st, const tw_error *err)
{
    int rc = EXIT_FAILURE;

    if (st != TW_OK) {
        (void) fprintf(stderr, "failed (%s): %s\n", tw_status_name(st), err->msg);
        goto done;
    }
    (void) json_object_set_new(b->root, "seconds", json_real(tw_clock_monotonic() - b->start));
    if (json_dumpf(b->root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(5)) == 0 &&
        fputs("\n", stdout) >= 0 && fflush(stdout) == 0)
        rc = EXIT_SUCCESS;
    else
        (void) fprintf(stderr, "failed: cannot write the result\n");
done:
    json_decref(b->rows);
    json_decref(b->root);
    return rc;
}
