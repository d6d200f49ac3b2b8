#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "cli/output.h"
#include "cli/print.h"

int failed(const tw_error *err)
{
    /* A lack of memory is named by what it was wanted for; a server says what it lacks. */
    const bool bare = err->code == TW_ENOMEM && strstr(err->msg, "memory") == NULL &&
                      strncmp(err->msg, "the server", 10) != 0;
    (void) fprintf(stderr, "twindex: %s%s\n", bare ? "not enough memory: " : "",
                   err->msg[0] != '\0' ? err->msg : tw_status_name(err->code));
    return err->code == TW_ECORRUPT ? EXIT_CORRUPT : EXIT_FAILURE;
}

int64_t display_width(const char *utf8) { return tw_printable_columns(utf8, strlen(utf8)); }

/* A list of engine/answer.h as a member, where it holds anything. */
static void print_list(const char *name, const char *list)
{
    if (list[0] == '\0')
        return;
    (void) printf(", \"%s\": [", name);
    (void) print_json_text(stdout, list);
    (void) printf("]");
}

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
    print_list("also", a->also);
    print_list("skipped", a->skipped);
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
    if (a->skipped[0] != '\0')
        (void) printf("skipped, for no item has the id or title: %s\n", a->skipped);
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
