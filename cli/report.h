/* cli/report.h — training and evaluation reports (JSON of the engine) as text. */
#ifndef TW_CLI_REPORT_H
#define TW_CLI_REPORT_H

#include <stdbool.h>

/* What a training report says of serving. */
typedef struct training_verdict {
    int model;
    bool activated;
    char reason[512]; /* "": none */
} training_verdict;

void read_verdict(const char *json, training_verdict *out);
void print_training_report(const char *json, bool towers);
void print_eval_report(const char *json, const char *what);
void print_offline_eval(const char *json);
void print_cold_report(const char *json);

#endif
