/* The line that shows how far a command is, and what Ctrl-C does to it. */
#include "cli/meter.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define STALE      2   /* seconds after which a report's age is shown */
#define TERMINAL_S 0.1 /* seconds between two lines */
#define FILE_S     5

/* ---- interrupts ------------------------------------------------------------------------------ */

static volatile sig_atomic_t stop_wanted;
static const char *volatile stopping;
static volatile sig_atomic_t on_terminal;

static void on_signal(int sig)
{
    static const char clear[] = "\r\033[K";
    const char *s = stopping;
    (void) sig;
    stop_wanted = 1;
    if (on_terminal && write(STDERR_FILENO, clear, sizeof clear - 1) < 0)
        return; /* there is no reader */
    if (s != NULL && write(STDERR_FILENO, s, strlen(s)) < 0)
        return;
}

void catch_interrupts(const char *sentence)
{
    struct sigaction act;
    stopping = sentence;
    on_terminal = isatty(STDERR_FILENO);
    memset(&act, 0, sizeof act);
    act.sa_handler = on_signal;
    act.sa_flags = (int) SA_RESETHAND; /* a second Ctrl-C ends the program at once */
    (void) sigaction(SIGINT, &act, NULL);
    (void) sigaction(SIGTERM, &act, NULL);
}

bool interrupted(void) { return stop_wanted != 0; }

/* ---- the line -------------------------------------------------------------------------------- */

/* What stands in a line so far; what does not fit is left out. */
typedef struct line {
    char *at;
    size_t len;
} line;

__attribute__((format(printf, 2, 3))) static void add(line *l, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(l->at + l->len, METER_LINE - l->len, fmt, args);
    va_end(args);
    if (n > 0)
        l->len = l->len + (size_t) n < METER_LINE ? l->len + (size_t) n : METER_LINE - 1;
}

static void add_bar(line *l, double share)
{
    enum { BAR = 24 };
    const int full = (int) lround(share * BAR);
    add(l, "[%.*s%.*s] ", full, "########################", BAR - full, "........................");
}

static void add_left(line *l, double seconds)
{
    if (seconds < 100)
        add(l, "  %.0f s left", seconds);
    else if (seconds < 6000)
        add(l, "  %.0f min left", seconds / 60);
    else
        add(l, "  %.1f h left", seconds / 3600);
}

static void add_speed(line *l, const meter_state *s, double spent)
{
    const double each = (double) (s->done - s->first) / spent;
    if (s->unit != NULL && each > 0)
        add(l, each < 10 ? "  %.1f %s/s" : "  %.0f %s/s", each, s->unit);
    if (s->total > s->done && each > 0)
        add_left(l, (double) (s->total - s->done) / each);
}

void meter_line(char out[METER_LINE], const char *label, const meter_state *s, double now, bool bar,
                int columns)
{
    line l = {.at = out};
    const double spent = s->reported - s->started, age = now - s->reported;

    out[0] = '\0';
    add(&l, "%s  %s ", label, s->stage != NULL ? s->stage : "starting");
    if (s->total > 0) {
        const double share = fmin(fmax((double) s->done / (double) s->total, 0), 1);
        if (bar)
            add_bar(&l, share);
        add(&l, "%3.0f %%", floor(100 * share)); /* 100 is what is done */
    } else if (s->stage != NULL && s->done > 0) {
        add(&l, "%lld", (long long) s->done);
    }
    if (spent >= 1)
        add_speed(&l, s, spent);
    if (s->note[0] != '\0')
        add(&l, "  %s", s->note);
    if (bar && age >= STALE)
        add(&l, "  (%.0f s)", floor(age));
    while (l.len > 0 && (out[l.len - 1] == ' ' || (columns > 0 && l.len > (size_t) columns)))
        out[--l.len] = '\0';
}

static int columns_of_terminal(void)
{
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col - 1 : 0;
}

/* m->lock is held, or there is no ticker. */
static void draw(meter *m, double now)
{
    char text[METER_LINE];
    meter_line(text, m->label, &m->state, now, m->terminal,
               m->terminal ? columns_of_terminal() : 0);
    if (m->terminal)
        (void) fprintf(stderr, "\r\033[K%s", text);
    else if (strcmp(text, m->last) != 0)
        (void) fprintf(stderr, "%s\n", text);
    memcpy(m->last, text, sizeof text);
    m->shown = now;
    m->drawn = true;
}

/* ---- a meter's life -------------------------------------------------------------------------- */

/* Draws again what was not drawn for a second, so that a long step is seen to be one. */
static void *tick(void *ctx)
{
    meter *m = ctx;
    (void) pthread_mutex_lock(&m->lock);
    while (!m->end) {
        const double at = tw_clock_monotonic() + 1;
        const struct timespec until = {.tv_sec = (time_t) at,
                                       .tv_nsec = (long) (1e9 * fmod(at, 1))};
        (void) pthread_cond_timedwait(&m->ended, &m->lock, &until);
        const double now = tw_clock_monotonic();
        if (!m->end && now - m->shown >= 1)
            draw(m, now);
    }
    (void) pthread_mutex_unlock(&m->lock);
    return NULL;
}

void meter_start(meter *m, const char *label, bool quiet)
{
    pthread_condattr_t monotonic;

    *m = (meter){.label = label, .quiet = quiet, .terminal = isatty(STDERR_FILENO) != 0};
    m->begun = m->state.started = m->state.reported = m->shown = tw_clock_monotonic();
    (void) pthread_mutex_init(&m->lock, NULL);
    (void) pthread_condattr_init(&monotonic);
    (void) pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&m->ended, &monotonic);
    (void) pthread_condattr_destroy(&monotonic);
    /* Without a thread the line is as old as the last report. */
    if (m->terminal && !quiet)
        m->ticking = pthread_create(&m->ticker, NULL, tick, m) == 0;
}

int meter_show(void *ctx, const tw_progress *p)
{
    meter *m = ctx;
    const double now = tw_clock_monotonic();

    (void) pthread_mutex_lock(&m->lock);
    meter_state *s = &m->state;
    const bool begins = s->stage == NULL || strcmp(s->stage, p->stage) != 0;
    if (begins)
        *s = (meter_state){.stage = p->stage, .first = p->done, .started = now};
    s->unit = p->unit;
    s->done = p->done;
    s->total = p->total;
    s->reported = now;
    (void) snprintf(s->note, sizeof s->note, "%s", p->note != NULL ? p->note : "");
    const bool last = p->total > 0 && p->done >= p->total;
    if (!m->quiet && (begins || last || now - m->shown >= (m->terminal ? TERMINAL_S : FILE_S)))
        draw(m, now);
    (void) pthread_mutex_unlock(&m->lock);
    return interrupted();
}

void meter_end(meter *m, bool done)
{
    if (m->ticking) {
        (void) pthread_mutex_lock(&m->lock);
        m->end = true;
        (void) pthread_cond_signal(&m->ended);
        (void) pthread_mutex_unlock(&m->lock);
        (void) pthread_join(m->ticker, NULL);
    }
    (void) pthread_cond_destroy(&m->ended);
    (void) pthread_mutex_destroy(&m->lock);
    if (m->drawn && m->terminal)
        (void) fprintf(stderr, "\r\033[K");
    else if (m->drawn && done)
        (void) fprintf(stderr, "%s  done in %.1f s\n", m->label, tw_clock_monotonic() - m->begun);
}
