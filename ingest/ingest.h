/* ingest/ingest.h — files of items, events, pairs or triplets, read row by row.
 *
 * A reader turns one text file into rows. It knows nothing of the store, holds one row in memory,
 * and can stop after any row and go on from there in another process. A bad row is reported with
 * its line number and reason, and the next call reads on behind it. Files packed with gzip, zstd or
 * xz are unpacked as they are read, text of another encoding is converted to UTF-8; offsets count
 * bytes of what comes out.
 *
 *     tw_reader *r = NULL;
 *     tw_row row;
 *     bool got = false;
 *     st = tw_reader_open(&r, "movies.csv", TW_INGEST_ITEMS, NULL, &err);
 *     while (st == TW_OK && (st = tw_reader_next(r, &row, &got, &err)) == TW_OK && got)
 *         put(row.id, row.title, row.attributes);
 *     tw_reader_close(r);
 *
 * Formats and what decides them are in docs/formats.md. Surprises: how times are written is found
 * out from the first rows of a log, since a value alone does not tell; without a time column the
 * time of an event is its row number, for row order is then the time order; a relative image or
 * audio path is taken from the file's own folder and given as an absolute path; an empty cell is
 * no attribute.
 */
#ifndef TW_INGEST_INGEST_H
#define TW_INGEST_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"

TW_BEGIN_DECLS

#define TW_INGEST_MAX_LINE    (4 << 20) /* bytes of one row, its line ends included */
#define TW_INGEST_MAX_COLUMNS 4096

typedef enum tw_ingest_kind {
    TW_INGEST_ITEMS = 0,
    TW_INGEST_EVENTS = 1,
    TW_INGEST_PAIRS = 2,
    TW_INGEST_TRIPLETS = 3,
} tw_ingest_kind;

typedef enum tw_ingest_format {
    TW_FORMAT_AUTO = 0,
    TW_FORMAT_CSV = 1,       /* RFC 4180 or like it, with a header line */
    TW_FORMAT_TSV = 2,       /* the same between tabs */
    TW_FORMAT_JSONL = 3,     /* one JSON object a line */
    TW_FORMAT_JSON = 4,      /* any other JSON: see docs/formats.md */
    TW_FORMAT_U_ITEM = 5,    /* MovieLens-100K items: '|', ISO-8859-1 */
    TW_FORMAT_U_DATA = 6,    /* MovieLens-100K events: user TAB item TAB rating TAB time */
    TW_FORMAT_MOVIELENS = 7, /* '::': movies.dat (items) or ratings.dat (events) */
    TW_FORMAT_RECBOLE = 8,   /* atomic files: tabs as a rule, header of name:type */
    TW_FORMAT_SASREC = 9,    /* "user item" a line, in time order, or with rating and time */
} tw_ingest_format;

/* "auto", "csv", "tsv", "jsonl", "json", "u.item", "u.data", "movielens", "recbole", "sasrec". */
const char *tw_ingest_format_name(tw_ingest_format format);
const char *tw_ingest_kind_name(tw_ingest_kind kind); /* "items", "events", "pairs", "triplets" */

/* TW_EINVAL: no such name; the message lists the names there are. */
TW_NODISCARD tw_status tw_ingest_format_parse(const char *name, tw_ingest_format *out,
                                              tw_error *err);

/* Says that `column` of the file is `field`, or with "" that none is: id title text image audio
 * (items); user item time rating (events); a b label (pairs); anchor positive negative (triplets).
 */
typedef struct tw_column_map {
    const char *field;
    const char *column;
} tw_column_map;

/* Zeroed means: find out. All strings are borrowed for the call of tw_reader_open. */
typedef struct tw_reader_options {
    tw_ingest_format format;
    /* "{movie_title} ({release_year})": column names in braces; "{{" and "}}" are braces. Brackets
     * whose only content came out empty are dropped with the space before them. NULL: the title
     * (text) column as it is. The columns used stay attributes, except the title (text) column. */
    const char *title_template;
    const char *text_template;
    /* "user,item,time": the names of the columns of a CSV or TSV file without a header line. */
    const char *header;
    /* What the bytes mean: "utf-8", "windows-1252", "utf-16le", or any name that iconv knows. NULL:
     * found out: UTF-8, UTF-16 or Windows-1252. */
    const char *encoding;
    /* Of a table: the character between cells ("tab", "space": any number of blanks), the one
     * around a cell that holds it, the one before a quote that does not close. "none": there is no
     * quote, no escape. NULL: found out by trial from the first rows. */
    const char *separator, *quote, *escape;
    /* How an event log writes its times; NULL: found out from its first rows. "seconds",
     * "milliseconds", "microseconds", "nanoseconds" (since 1970), "digits" (20240501,
     * 20240501103000), "dates", "day-first" (31.10.2024), "month-first", "numbers". */
    const char *time_format;
    bool allow_future; /* take times before 1970 and beyond 2200 */
    /* Whether an id is in the catalogue that an event log belongs to: then the item is the column
     * whose ids are, whatever its name. Called for the first rows; NULL: there is none. */
    bool (*is_item)(void *ctx, const char *id);
    void *is_item_ctx;
    const tw_column_map *columns;
    int n_columns;
} tw_reader_options;

/* One row. Strings are never NULL ("" where the file has nothing), valid UTF-8 without NUL, owned
 * by the reader and valid until the next call on it. Only the kind's own fields are set. */
typedef struct tw_row {
    int64_t line; /* of the file, from 1; the first line of a row that spans several */

    const char *id, *title, *text; /* items; id is not empty, title has no space around it */
    const char *image, *audio;     /* absolute paths, or as given when a URL ("x://") */
    const char *attributes;        /* a JSON object: numbers, booleans, strings, lists; "{}" */

    const char *user, *item; /* events; neither is empty */
    int64_t time;            /* microseconds since 1970; see tw_reader_has_times */
    double rating;           /* NAN where the file has none */

    const char *a, *b; /* pairs; neither is empty */
    double label;      /* 0, 1 or a score; 1 where the file has no such column */

    const char *anchor, *positive, *negative; /* triplets; none is empty */
} tw_row;

/* Where a reader stands: behind row `row`, at byte `offset`, before line `line` + 1. Zeroed means
 * at the start. */
typedef struct tw_reader_place {
    int64_t offset;
    int64_t line;
    int64_t row; /* rows read so far, bad ones included */
} tw_reader_place;

typedef struct tw_reader tw_reader;

/* Opens a file ("-": standard input, which is read once), finds its format unless opt names it, and
 * reads the header.
 *
 *   opt   may be NULL
 *
 * TW_ENOTFOUND, TW_EDENIED, TW_EIO: the file cannot be opened or read.
 * TW_EINVAL: empty, not text, not of the named format, of another kind (events given as items), or
 *   its header lacks a needed column (the message lists those there are); a template names no
 *   column of the file; its times are of two kinds, or leave open whether the day or the month
 *   comes first.
 * TW_EUNSUPPORTED: a container that is not read (zip, Parquet, a spreadsheet ...); the message
 * names the command that makes text of it. TW_ECORRUPT: the packed data is damaged.   TW_ENOMEM. On
 * failure *out is NULL. */
TW_NODISCARD tw_status tw_reader_open(tw_reader **out, const char *path, tw_ingest_kind kind,
                                      const tw_reader_options *opt, tw_error *err);

/* Reads the next row; *got is false at the end of the file.
 *
 * TW_EINVAL: the row is bad; the message says why, with the line number. The reader stands behind
 * it (see tw_reader_raw): call again. *got is true. TW_EIO, TW_ECORRUPT, TW_ENOMEM: reading cannot
 * go on; close the reader. *got is false. */
TW_NODISCARD tw_status tw_reader_next(tw_reader *r, tw_row *row, bool *got, tw_error *err);

/* The bytes of the last row, good or bad, as they stand in the file, without the line end (of a row
 * that was too long, the start). Owned by the reader, valid until the next call. */
const char *tw_reader_raw(const tw_reader *r, size_t *len);
int64_t tw_reader_line(const tw_reader *r); /* first line of the last row, from 1; 0 before it */

/* The place behind the last row, to be kept in the same transaction as the row itself. */
tw_reader_place tw_reader_tell(const tw_reader *r);

/* Goes to a place that tw_reader_tell gave for the same file and options. TW_EINVAL: the file ends
 * before it, or no line ends there. */
TW_NODISCARD tw_status tw_reader_seek(tw_reader *r, tw_reader_place place, tw_error *err);

/* What it was taken for, detected or as asked. For programs that load files themselves. */
tw_ingest_format tw_reader_format(const tw_reader *r);

/* Whether the events of the log have times. Without, the time of a row is its number, in seconds.
 */
bool tw_reader_has_times(const tw_reader *r);

/* What a reader takes a column for. */
#define TW_READER_FIELDS 7 /* at most */

typedef struct tw_field_source {
    char field[12];   /* "user"; "attributes" for all that have no field; "rows" for where in a JSON
                         document they stand */
    char column[256]; /* its name, cut; "" where the file has none, "<template>" for what is made,
                         "#1" for the first of a file without a header */
    char how[16];     /* of "time": a name of tw_reader_options.time_format; of ids "17.0 is 17",
                         and "by catalogue" where their values chose the column; else "" */
    bool guessed;     /* its name is not known, but looks so */
} tw_field_source;

/* The fields of the reader's kind, in the order of tw_column_map. Of JSON, whose rows have keys of
 * their own, the first rows count. Owned by the reader. */
const tw_field_source *tw_reader_fields(const tw_reader *r, int *n);

/* Fields as a line for the user to see: "columns: user=visitorid item=itemid time=timestamp
 * (milliseconds) rating=-". Cut where it is longer than out. */
void tw_fields_describe(const tw_field_source *fields, int n, char *out, size_t room);

/* The line of a reader's fields; owned by it. */
const char *tw_reader_describe(const tw_reader *r);

/* What was read, but may be other than it was meant. Counts go up as rows are read. */
typedef struct tw_reader_doubts {
    int64_t missing;    /* words for no value, as NULL and NaN, where one may be missing */
    int64_t unreadable; /* values that their column does not take, left out of their rows */
    int64_t as_text;    /* attributes unlike the first rows' of their column, kept as strings */
    int64_t odd_ids;    /* ids that look like words for none, taken as they are */
    int64_t looked;     /* first rows of a log whose items were looked for in the catalogue ... */
    int64_t met;        /* ... and are there */
    char unmet[128];    /* up to three that are not, in quotes */
    char first_unreadable[256]; /* a sentence each, with the line; "" where there is none */
    char first_as_text[256];
    char first_odd_id[256];
} tw_reader_doubts;

/* Owned by the reader. */
const tw_reader_doubts *tw_reader_doubtful(const tw_reader *r);

bool tw_reader_is_pipe(const tw_reader *r); /* standard input or another: read once, never again */

/* The encoding that was named or, as `guessed` tells, found out so far: "ascii" while nothing else
 * was met. Owned by the reader. */
const char *tw_reader_encoding(const tw_reader *r, bool *guessed);

/* Bytes of the file on disk, and how many of them are read. */
void tw_reader_progress(const tw_reader *r, int64_t *done, int64_t *total);

#define TW_FINGERPRINT_MAX 64

/* A short key for "this file, read with these options": made of its size, time of change and first
 * bytes, of kind, format and options, not of its name. A changed file has another one. */
void tw_reader_fingerprint(const tw_reader *r, char out[TW_FINGERPRINT_MAX]);

void tw_reader_close(tw_reader *r); /* accepts NULL */

/* One time as a person gives it, in microseconds since 1970: a number of seconds, or a date in any
 * form that a file may have. TW_EINVAL: neither, a date like 01/02/2024 that does not say which
 * comes first, or a time that tw_time_check (base/event_time.h) refuses. */
TW_NODISCARD tw_status tw_ingest_parse_time(const char *text, bool any, int64_t *us, tw_error *err);

/* ---- Rejected rows: FILE.rejected, one line each: line number TAB reason TAB raw row --------- */

typedef struct tw_rejects tw_rejects;

/* Prepares to write rejected rows to `path`; nothing is created before the first one.
 *
 *   place   where reading goes on: rows that an earlier, interrupted run rejected up to there are
 *           kept, later ones are dropped, because they will be read again. Zeroed: start anew.
 *
 * TW_EIO and friends, TW_EINVAL (path too long), TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status tw_rejects_open(tw_rejects **out, const char *path, tw_reader_place place,
                                       tw_error *err);

/* Adds a row. Line ends and NUL bytes inside it are written as \n, \r and \0, a tab or line end in
 * the reason as a space. */
TW_NODISCARD tw_status tw_rejects_add(tw_rejects *j, int64_t line, const char *reason,
                                      const char *raw, size_t len, tw_error *err);

/* Hands what was added to the operating system: call it before the place behind those rows is
 * committed, so that a killed process loses none. */
TW_NODISCARD tw_status tw_rejects_flush(tw_rejects *j, tw_error *err);

int64_t tw_rejects_count(const tw_rejects *j); /* rows in the file, kept ones included */

/* Makes the file durable; without rejected rows removes what an earlier run left there. */
TW_NODISCARD tw_status tw_rejects_finish(tw_rejects *j, tw_error *err);
void tw_rejects_close(tw_rejects *j); /* accepts NULL; the file stays as it is */

TW_END_DECLS

#endif
