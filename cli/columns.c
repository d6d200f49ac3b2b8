#include "cli/columns.h"

#include <string.h>

#include "cli/print.h"

void print_fields(const tw_field_source *fields, int n, bool untimed)
{
    char line[2048];
    tw_fields_describe(fields, n, line, sizeof line);
    (void) printf("%s\n", line);
    if (untimed)
        (void) printf("no column holds times, so the order of the rows is the order in time\n");
}

void print_columns(const json_t *report)
{
    tw_field_source fields[TW_READER_FIELDS] = {{.field = ""}};
    const char *name, *format = json_string_value(json_object_get(report, "time_format"));
    json_t *column, *guess;
    size_t g;
    int n = 0;
    json_object_foreach(json_object_get(report, "columns"), name, column)
    {
        tw_field_source *f = &fields[n];
        (void) snprintf(f->field, sizeof f->field, "%s", name);
        if (json_is_string(column))
            (void) snprintf(f->column, sizeof f->column, "%s", json_string_value(column));
        if (strcmp(name, "time") == 0)
            (void) snprintf(f->how, sizeof f->how, "%s", format != NULL ? format : "");
        json_array_foreach(json_object_get(report, "guessed"), g, guess) f->guessed =
            f->guessed || strcmp(json_string_value(guess), name) == 0;
        if (++n == TW_READER_FIELDS)
            break;
    }
    print_fields(fields, n, format == NULL);
}
