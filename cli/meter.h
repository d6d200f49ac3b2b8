/* cli/meter.h — what a command shows while it works: a line on a terminal that is never older than
 * a second, or a plain line now and then in a file.
 *
 *     meter m;
 *     meter_start(&m, "seq", quiet);
 *     ... .progress = meter_show, .progress_ctx = &m ...
 *     meter_end(&m, st == TW_OK);
 */
#ifndef TW_CLI_METER_H
#define TW_CLI_METER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"

enum { METER_LINE = 512 };

/* What is known of the work at a time. */
typedef struct meter_state {
    const char *stage; /* static; NULL: nothing was reported yet */
    const char *unit;  /* static; NULL: no rate is shown */
    int64_t done, total;
    int64_t first;   /* done at the stage's first report: what is reused is no speed */
    double started;  /* clock, of the stage */
    double reported; /* clock, the last time */
    char note[200];
} meter_state;

typedef struct meter {
    const char *label;
    bool quiet, terminal, drawn;
    double begun, shown;   /* clock */
    char last[METER_LINE]; /* the line that was printed last, off a terminal */
    meter_state state;
    pthread_mutex_t lock; /* of all above, while the ticker runs */
    pthread_cond_t ended;
    pthread_t ticker;
    bool ticking, end;
} meter;

void meter_start(meter *m, const char *label, bool quiet);
int meter_show(void *ctx, const tw_progress *p); /* a tw_progress_fn; nonzero after Ctrl-C */
/* done: the work was finished, which the last line of a file says. */
void meter_end(meter *m, bool done);

/* The line of a state at a time, of at most `columns` bytes (0: of any length); with a bar, or as
 * one that a file can hold. */
void meter_line(char out[METER_LINE], const char *label, const meter_state *s, double now, bool bar,
                int columns);

#define STOP_WORK     "twindex: stopping; once more ends it at once\n"
#define STOP_TRAINING "twindex: stopping after this step; once more ends it at once\n"

/* Ctrl-C and SIGTERM ask the running command to stop in good order, and print the sentence
 * (static, with its line end) at once; a second one ends the program. */
void catch_interrupts(const char *sentence);
bool interrupted(void);

#endif
