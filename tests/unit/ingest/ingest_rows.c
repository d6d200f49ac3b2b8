#include "tests/unit/ingest/ingest_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/support/test.h"

/* Seconds, with a fraction where there is one. */
static const char *render_time(char out[32], int64_t us)
{
    int n = snprintf(out, 32, "%s%lld.%06lld", us < 0 ? "-" : "", llabs(us) / 1000000,
                     llabs(us) % 1000000);
    while (out[n - 1] == '0')
        n--;
    out[out[n - 1] == '.' ? n - 1 : n] = '\0';
    return out;
}

void render_row(char *out, size_t room, tw_ingest_kind kind, const tw_row *row)
{
    char rating[32] = "-", time[32];
    if (!isnan(row->rating))
        (void) snprintf(rating, sizeof rating, "%g", row->rating);
    if (kind == TW_INGEST_ITEMS)
        (void) snprintf(out, room, "%s|%s|%s|%s", row->id, row->title, row->text, row->attributes);
    else if (kind == TW_INGEST_EVENTS)
        (void) snprintf(out, room, "%s|%s|%s|%s", row->user, row->item,
                        render_time(time, row->time), rating);
    else if (kind == TW_INGEST_PAIRS)
        (void) snprintf(out, room, "%s|%s|%g", row->a, row->b, row->label);
    else
        (void) snprintf(out, room, "%s|%s|%s", row->anchor, row->positive, row->negative);
}

/* Appends prefix and text without the scratch folder's name. */
static void add(char *out, size_t room, const char *prefix, const char *text)
{
    char folder[TW_PATH_MAX];
    size_t len = strlen(out);
    const int n = snprintf(folder, sizeof folder, "%s/", tw_test_dir());
    const char *at = strstr(text, folder);
    if (at == NULL)
        (void) snprintf(out + len, room - len, "%s%s\n", prefix, text);
    else
        (void) snprintf(out + len, room - len, "%s%.*s%s\n", prefix, (int) (at - text), text,
                        at + n);
}

static void add_doubts(char *out, size_t room, const tw_reader_doubts *d)
{
    const size_t len = strlen(out);
    int n = 0;
    if (d->missing > 0)
        n += snprintf(out + len, room - len, "~ %lld missing\n", (long long) d->missing);
    if (d->unreadable > 0)
        n += snprintf(out + len + n, room - len - (size_t) n, "~ %lld left out, %s\n",
                      (long long) d->unreadable, d->first_unreadable);
    if (d->as_text > 0)
        n += snprintf(out + len + n, room - len - (size_t) n, "~ %lld as text, %s\n",
                      (long long) d->as_text, d->first_as_text);
    if (d->odd_ids > 0)
        (void) snprintf(out + len + n, room - len - (size_t) n, "~ %lld odd ids, %s\n",
                        (long long) d->odd_ids, d->first_odd_id);
}

const char *rows_of(const char *name, const void *content, size_t len, tw_ingest_kind kind,
                    const tw_reader_options *opt)
{
    static char out[1 << 16], line[1 << 15];
    tw_error why = {0};
    tw_reader *r;
    tw_row row;
    bool got = true;

    out[0] = '\0';
    const char *path = tw_test_path(name);
    assert_ok(tw_file_replace(path, content, len, err));
    if (tw_reader_open(&r, path, kind, opt, &why) != TW_OK) {
        add(out, sizeof out, "? ", why.msg);
        return out;
    }
    for (int i = 0; got && i < 1000; i++) {
        tw_status st = tw_reader_next(r, &row, &got, &why);
        if (st != TW_OK) {
            add(out, sizeof out, st == TW_EINVAL ? "! " : "!! ", why.msg);
        } else if (got) {
            render_row(line, sizeof line, kind, &row);
            add(out, sizeof out, "", line);
        }
    }
    add_doubts(out, sizeof out, tw_reader_doubtful(r));
    tw_reader_close(r);
    return out;
}

void check_rows_with(tw_ingest_kind kind, const tw_reader_options *opt, const rows_case *one)
{
    const char *rows = rows_of(one->name, one->content, strlen(one->content), kind, opt);
    if (strcmp(rows, one->rows) != 0)
        fail_msg("%s\n--- expected\n%s--- got\n%s", one->rule, one->rows, rows);
}

void check_rows(tw_ingest_kind kind, const rows_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_rows_with(kind, NULL, &cases[i]);
}
