#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/printable.h"
#include "cli/cli.h"

int failed(const tw_error *err)
{
    /* Below here a lack of memory is told by what it was wanted for; a server says what it lacks.
     */
    const bool bare = err->code == TW_ENOMEM && strstr(err->msg, "memory") == NULL &&
                      strncmp(err->msg, "the server", 10) != 0;
    (void) fprintf(stderr, "twindex: %s%s\n", bare ? "not enough memory: " : "",
                   err->msg[0] != '\0' ? err->msg : tw_status_name(err->code));
    return err->code == TW_ECORRUPT ? EXIT_CORRUPT : EXIT_FAILURE;
}

int64_t display_width(const char *utf8) { return tw_printable_columns(utf8, strlen(utf8)); }

static void print_answer_json(const tw_answer *a)
{
    (void) printf("{\"basis\": \"%s\", \"model\": %d", a->basis, a->model);
    if (a->query_id[0] != '\0') {
        (void) printf(", \"query\": {\"id\": ");
        print_json_string(stdout, a->query_id);
        (void) printf(", \"title\": ");
        print_json_string(stdout, a->query_title);
        (void) printf("}");
    }
    if (a->also[0] != '\0') {
        (void) printf(", \"also\": [");
        (void) print_json_text(stdout, a->also);
        (void) printf("]");
    }
    (void) printf(", \"results\": [");
    for (int i = 0; i < a->n; i++) {
        (void) printf("%s\n  {\"rank\": %d, \"id\": ", i > 0 ? "," : "", i + 1);
        print_json_string(stdout, a->rows[i].id);
        (void) printf(", \"title\": ");
        print_json_string(stdout, a->rows[i].title);
        (void) printf(", \"score\": %.6g}", (double) a->rows[i].score);
    }
    (void) printf("]}\n");
}

void print_answer(const tw_answer *a, const char *what, bool json)
{
    if (json) {
        print_answer_json(a);
        return;
    }
    (void) printf("%s", what);
    if (a->query_id[0] != '\0') {
        (void) printf(" %s", a->query_id);
        if (a->query_title[0] != '\0') {
            (void) printf("  %s", a->query_title);
        }
    }
    (void) printf("%s\n", strcmp(a->basis, "popular") == 0 ? " (nothing is known of this user: the "
                                                             "most popular items)"
                          : strcmp(a->basis, "history") == 0 ? " (user not seen in training)"
                                                             : "");
    if (a->also[0] != '\0')
        (void) printf("also called so: %s\n", a->also);
    int64_t width = 2;
    for (int i = 0; i < a->n; i++)
        width = display_width(a->rows[i].id) > width ? display_width(a->rows[i].id) : width;
    for (int i = 0; i < a->n; i++) {
        (void) printf("%4d  %7.3f  %-*s  %s\n", i + 1, (double) a->rows[i].score, (int) width,
                      a->rows[i].id, a->rows[i].title);
    }
    if (a->n == 0)
        (void) printf("  nothing found\n");
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static volatile sig_atomic_t stop_wanted;

static void on_signal(int sig)
{
    (void) sig;
    stop_wanted = 1;
}

void catch_interrupts(void)
{
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_handler = on_signal;
    act.sa_flags = (int) SA_RESETHAND; /* a second Ctrl-C ends the program at once */
    (void) sigaction(SIGINT, &act, NULL);
    (void) sigaction(SIGTERM, &act, NULL);
}

bool interrupted(void) { return stop_wanted != 0; }

/* ---- progress -------------------------------------------------------------------------------- */

void meter_start(meter *m, const char *label, bool quiet)
{
    *m = (meter){.label = label, .quiet = quiet, .terminal = isatty(STDERR_FILENO) != 0};
    m->started = tw_clock_monotonic();
}

static void format_left(char *out, size_t size, double seconds)
{
    if (seconds < 100)
        (void) snprintf(out, size, "%.0f s left", seconds);
    else if (seconds < 6000)
        (void) snprintf(out, size, "%.0f min left", seconds / 60);
    else
        (void) snprintf(out, size, "%.1f h left", seconds / 3600);
}

static void draw(const meter *m, const tw_progress *p, double now)
{
    enum { BAR = 24 };
    char bar[BAR + 1], left[32] = "";
    double share = p->total > 0 ? (double) p->done / (double) p->total : 0;
    int full = (int) lround(share * BAR);
    for (int i = 0; i < BAR; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR] = '\0';
    if (share > 0 && share < 1 && now - m->started > 1)
        format_left(left, sizeof left, (now - m->started) * (1 - share) / share);
    (void) fprintf(stderr, "\r\033[K%s  %s [%s] %3.0f %%  %s  %s", m->label, p->stage, bar,
                   100 * share, left, p->note != NULL ? p->note : "");
}

int meter_show(void *ctx, const tw_progress *p)
{
    meter *m = ctx;
    double now = tw_clock_monotonic();
    if (m->stage == NULL || strcmp(m->stage, p->stage) != 0) {
        m->stage = p->stage;
        m->started = now;
        m->shown = 0;
    }
    bool last = p->total > 0 && p->done >= p->total;
    if (!m->quiet && (last || now - m->shown >= (m->terminal ? 0.1 : 5))) {
        m->shown = now;
        if (m->terminal)
            draw(m, p, now);
        else {
            (void) fprintf(stderr, "%s  %s %3.0f %%  %s\n", m->label, p->stage,
                           p->total > 0 ? 100.0 * (double) p->done / (double) p->total : 0,
                           p->note != NULL ? p->note : "");
        }
        m->drawn = true;
    }
    return interrupted();
}

void meter_end(meter *m)
{
    if (m->drawn && m->terminal)
        (void) fprintf(stderr, "\r\033[K");
}
