/* Any bytes to the file readers. The first byte names format and kind, the second the options; the
 * rest is the file. Whatever is read must keep the promises of ingest.h, and reading that goes on
 * from the place behind a row must give what uninterrupted reading gives. */
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "base/utf8.h"
#include "ingest/ingest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_ROWS = 2000 };

static void require(int condition)
{
    if (!condition)
        abort();
}

/* A string that a row hands out; gives its hash. */
static uint64_t text(uint64_t h, const char *s, int needed)
{
    require(s != NULL && tw_utf8_valid(s, strlen(s)) && (!needed || s[0] != '\0'));
    return tw_fnv1a(h, s, strlen(s) + 1);
}

static uint64_t check_row(const tw_row *row, tw_ingest_kind kind)
{
    const int items = kind == TW_INGEST_ITEMS, events = kind == TW_INGEST_EVENTS,
              pairs = kind == TW_INGEST_PAIRS, triplets = kind == TW_INGEST_TRIPLETS;
    uint64_t h = text(TW_FNV_START, row->id, items);
    h = text(text(h, row->title, 0), row->text, 0);
    h = text(text(h, row->image, 0), row->audio, 0);
    h = text(text(h, row->user, events), row->item, events);
    h = text(text(h, row->a, pairs), row->b, pairs);
    h = text(text(text(h, row->anchor, triplets), row->positive, triplets), row->negative,
             triplets);
    h = text(h, row->attributes, 1);
    h = tw_fnv1a(h, &row->time, sizeof row->time);
    h = tw_fnv1a(h, &row->line, sizeof row->line);
    require(isfinite(row->label) && !isinf(row->rating));

    json_t *attributes = json_loads(row->attributes, 0, NULL);
    require(json_is_object(attributes));
    json_decref(attributes);
    return h;
}

/* One step; the hash of what it gave. 0: the end. */
static uint64_t step(tw_reader *r, tw_ingest_kind kind)
{
    tw_error err = {0};
    tw_row row;
    bool got;
    size_t len;
    tw_status st = tw_reader_next(r, &row, &got, &err);
    require(st == TW_OK || (st == TW_EINVAL ? got : !got));
    if (!got)
        return 0;
    const char *raw = tw_reader_raw(r, &len);
    require(raw != NULL && len <= TW_INGEST_MAX_LINE && row.line == tw_reader_line(r));
    if (st == TW_OK)
        return check_row(&row, kind) | 1;
    require(strncmp(err.msg, "line ", 5) == 0 || strncmp(err.msg, "row ", 4) == 0);
    for (const char *p = err.msg; *p != '\0'; p++)
        require((unsigned char) *p >= ' ');
    return tw_fnv1a(TW_FNV_START, err.msg, strlen(err.msg)) | 1;
}

static void read_twice(const char *path, tw_ingest_kind kind, const tw_reader_options *opt,
                       int stop)
{
    tw_reader *r = NULL, *again = NULL;
    tw_error err = {0};
    tw_reader_place before;
    if (tw_reader_open(&r, path, kind, opt, &err) != TW_OK) {
        require(r == NULL && err.msg[0] != '\0');
        return;
    }
    for (int i = 0; i < MOST_ROWS; i++) {
        before = tw_reader_tell(r);
        if (i == stop) {
            require(tw_reader_open(&again, path, kind, opt, NULL) == TW_OK);
            require(tw_reader_seek(again, before, &err) == TW_OK);
        }
        const uint64_t one = step(r, kind), two = again != NULL ? step(again, kind) : one;
        const tw_reader_place after = tw_reader_tell(r);
        require(one == two);
        require(after.offset >= before.offset && after.line >= before.line);
        require(after.row == before.row + (one != 0));
        if (one == 0)
            break;
    }
    tw_reader_close(again);
    tw_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const tw_column_map map = {"text", "b"};
    static const char *const encodings[] = {"utf-16", "windows-1252", "gb18030", "iso-2022-jp",
                                            "utf-7",  "utf-8",        "utf-32"};
    static const char *const separators[] = {NULL, "tab", "space", ";", "|", "\"", "x"};
    static const char *const quotes[] = {NULL, NULL, NULL, "none", "'", "\"", ";", NULL};
    if (size < 2)
        return 0;
    tw_reader_options opt = {.format = (tw_ingest_format) (data[0] % 10)};
    const tw_ingest_kind kind = (tw_ingest_kind) (data[0] / 10 % 4);
    if ((data[1] & 1) != 0)
        opt.title_template = "{title} ({year})";
    if ((data[1] & 2) != 0)
        opt.header = "id,title,year";
    if ((data[1] & 8) != 0)
        opt.encoding = encodings[data[0] / 40];
    if ((data[1] & 4) != 0) {
        opt.columns = &map;
        opt.n_columns = 1;
    }
    if ((data[1] & 8) != 0 && (data[1] & 4) == 0) {
        opt.encoding = NULL;
        opt.separator = separators[data[0] / 40];
        opt.quote = quotes[data[1] >> 5];
        opt.escape = (data[1] & 16) != 0 ? "\\" : NULL;
    }
    if ((data[1] & 8) != 0 && kind == TW_INGEST_EVENTS) {
        opt.allow_future = true;
        opt.time_format = (data[1] & 16) != 0 ? "month-first" : NULL;
        opt.header = opt.header != NULL ? "time,user,item,rating" : NULL;
    }
    char path[64];
    const int fd = memfd_create("fuzz", 0);
    require(fd >= 0 && write(fd, data + 2, size - 2) == (ssize_t) (size - 2));
    (void) snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_twice(path, kind, &opt, data[1] >> 4);
    (void) close(fd);
    return 0;
}
