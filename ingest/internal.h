/* ingest/internal.h — what the files of this folder share.
 *
 * A row passes through four steps:
 *
 *     source  bytes of one row     ingest_source.c         a window over the (unpacked) file
 *     cells   one cell a column    table/ingest_cells.c    a splitter for each format
 *     plan    column -> role       ingest_plan.c           header, aliases, mapping, templates
 *     row     tw_row               ingest_row.c            roles to fields, the rest to attributes
 *
 * JSON rows join at the second step: their keys are the columns, their values the cells.
 */
#ifndef TW_INGEST_INTERNAL_H
#define TW_INGEST_INTERNAL_H

#include <jansson.h>

#include "base/file.h"
#include "base/text.h"
#include "ingest/ingest.h"
#include "ingest/ingest_encoding.h"
#include "ingest/ingest_unpack.h"
#include "ingest/json/ingest_json.h"
#include "ingest/table/ingest_dialect.h"
#include "ingest/table/ingest_values.h"
#include "ingest/time/ingest_time.h"

/* ---- source: a window that slides over the file ---------------------------------------------- */

#define TWI_HEAD (64 << 10) /* bytes looked at to find out what a file is */

typedef struct twi_source {
    twi_unpacker *file; /* owned */
    twi_encoding encoding;
    char *packed; /* what is to be converted; NULL: nothing is */
    const char *path;
    bool looked; /* at the head's encoding */
    bool once;   /* a pipe: it cannot be read again */
    char *buf;   /* unread bytes are buf[start, end) */
    size_t room, start, end;
    bool ended;     /* no byte comes behind buf[end) */
    char line_end;  /* '\n', or '\r' as old Macs wrote it */
    int64_t offset; /* of buf[start] in the text: unpacked, in UTF-8 */
    int64_t line;   /* lines that end before buf[start] */
    int64_t size;   /* on disk; 0: a pipe */
    int64_t changed_ns;
    bool pinned;                  /* bytes from buf[pin) on are kept, to go back to */
    size_t pin;                   /* ... */
    int64_t pin_offset, pin_line; /* what offset and line were there */
    char head[256];               /* the start of a row that was too long to keep */
} twi_source;

/* The bytes of one row, in the window: valid until the next call on the source. */
typedef struct twi_span {
    const char *data;
    size_t len;        /* without the line end */
    bool got;          /* false: the file is at its end */
    int64_t line;      /* of its first byte, from 1 */
    const char *wrong; /* NULL, or why these bytes are no row; a sentence without the line number */
} twi_span;

#define TWI_TOO_LONG "the row is longer than 4194304 bytes"

/* path is borrowed for the life of s; "-" is standard input. encoding NULL: to be found out. On
 * failure s is empty and needs no fini. */
TW_NODISCARD tw_status twi_source_open(twi_source *s, const char *path, const char *encoding,
                                       tw_error *err);
void twi_source_fini(twi_source *s);

/* Grows the window until it holds `want` bytes or the file's rest. */
TW_NODISCARD tw_status twi_source_need(twi_source *s, size_t want, tw_error *err);
/* The same at the file's start, before anything else: finds the encoding out. */
TW_NODISCARD tw_status twi_source_look(twi_source *s, size_t want, tw_error *err);
void twi_source_skip(twi_source *s, size_t bytes); /* within the window; counts lines */

/* Lines end with '\r' where the window holds some and no '\n'; called at the file's start. */
void twi_source_find_line_end(twi_source *s);

/* The next line. Ends are "\n" or "\r\n", or the line_end that was found. */
TW_NODISCARD tw_status twi_source_line(twi_source *s, twi_span *out, tw_error *err);

/* The next row of a dialect with quotes or escapes: as twi_source_line, but a line end inside
 * quotes belongs to it. Where the quotes are wrong, the row is the first line alone, so that the
 * lines behind it are not lost. */
TW_NODISCARD tw_status twi_source_record(twi_source *s, const twi_dialect *d, twi_span *out,
                                         tw_error *err);

/* Reads on to a byte of the text that comes behind the window's start, in that line. */
TW_NODISCARD tw_status twi_source_forward(twi_source *s, int64_t offset, int64_t line,
                                          tw_error *err);
TW_NODISCARD tw_status twi_source_seek(twi_source *s, int64_t offset, int64_t line, tw_error *err);

/* Keeps what is read from here on, so that twi_source_unpin comes back to here, also in what cannot
 * be sought in, like a pipe. Past TWI_PIN_MAX bytes nothing is kept: TW_EIO from a pipe then. */
#define TWI_PIN_MAX (48u << 20)
void twi_source_pin(twi_source *s);
TW_NODISCARD tw_status twi_source_unpin(twi_source *s, tw_error *err);
size_t twi_source_pinned(const twi_source *s); /* bytes behind the pin that were given out */

/* ---- plan: what each column is for ----------------------------------------------------------- */

typedef enum twi_role {
    TWI_ID,
    TWI_TITLE,
    TWI_TEXT,
    TWI_IMAGE,
    TWI_AUDIO,
    TWI_USER,
    TWI_ITEM,
    TWI_TIME,
    TWI_RATING,
    TWI_A,
    TWI_B,
    TWI_LABEL,
    TWI_ANCHOR,
    TWI_POSITIVE,
    TWI_NEGATIVE,
    TWI_ROLES,
    TWI_ATTRIBUTE = TWI_ROLES,
    TWI_IGNORED,
} twi_role;

typedef struct twi_column {
    const char *name; /* in twi_plan.names, or in the JSON row */
    twi_role role;
    twi_type type;
    bool typed; /* the header says so */
    twi_number_style style;
} twi_column;

typedef struct twi_part {
    size_t from, len; /* of the literal or of the column's name, in twi_template.text */
    int column;       /* its number, -1 where the row has none, TWI_LITERAL */
} twi_part;

#define TWI_LITERAL   (-2)
#define TWI_MAX_PARTS 64

typedef struct twi_template {
    tw_text text;
    twi_part parts[TWI_MAX_PARTS];
    int n; /* 0: there is no template */
} twi_template;

typedef struct twi_plan {
    tw_ingest_kind kind;
    tw_text names; /* the column names, NUL-terminated one after the other */
    twi_column *columns;
    int n;
    size_t room;
    int at[TWI_ROLES];       /* the column with that role, -1: none */
    int score[TWI_ROLES];    /* how well its name says so, see twi_name_score */
    char *mapped[TWI_ROLES]; /* column names that the caller gave, "" for none; owned */
    bool guess_time;         /* whether a name that only looks like one may be the time */
    twi_template title, text;
} twi_plan;

TW_NODISCARD tw_status twi_plan_init(twi_plan *p, tw_ingest_kind kind, const tw_reader_options *opt,
                                     tw_error *err);
void twi_plan_fini(twi_plan *p);

/* Adds a column called name[0, len). The name is copied. */
TW_NODISCARD tw_status twi_plan_add(twi_plan *p, const char *name, size_t len, twi_type type,
                                    tw_error *err);
/* As twi_plan_add; takes a known ":type" off the name. *typed tells whether there was one. */
TW_NODISCARD tw_status twi_plan_add_typed(twi_plan *p, const char *name, size_t len, bool *typed,
                                          tw_error *err);
TW_NODISCARD tw_status twi_plan_reserve(twi_plan *p, int n, tw_error *err);

/* Gives each column its role and each template its columns. TW_EINVAL names what is missing. With
 * `strict`, a mapped or template column that is not there is an error (a file has one header, but
 * each JSON row has keys of its own). `whose` begins the message: "the header of 'x.csv'". */
#define TWI_A_ROW "the row"
TW_NODISCARD tw_status twi_plan_resolve(twi_plan *p, bool strict, const char *whose, tw_error *err);

/* Makes the next best column the time, for the values of this one are none; *before <- this one.
 * False, and nothing changed, where there is none or the caller named it. */
bool twi_plan_other_time(twi_plan *p, int *before);

/* How well a column's name says that it is the field; 0: not at all. Below TWI_SCORE_GUESSED it is
 * a guess; from TWI_SCORE_SURE on it is one of the few that every log has. */
#define TWI_SCORE_KNOWN    1000
#define TWI_SCORE_SURE     996
#define TWI_SCORE_PREFIXED 500
#define TWI_SCORE_GUESSED  100
int twi_name_score(twi_role role, const char *name);

/* "id", "title" ...: the field's name for messages. */
const char *twi_role_name(twi_role role);
/* The fields of a kind. */
void twi_roles_of(tw_ingest_kind kind, twi_role *first, twi_role *last);
twi_role twi_last_needed(tw_ingest_kind kind); /* rows need these, from the first up to it */

TW_NODISCARD tw_status twi_template_parse(twi_template *t, const char *pattern, tw_error *err);
void twi_template_fini(twi_template *t);

/* ---- cells ----------------------------------------------------------------------------------- */

typedef struct twi_cell {
    const char *data; /* NUL-terminated, never NULL unless json is set */
    size_t len;
    json_t *json; /* NULL in all formats but JSON; borrowed from tw_reader.doc */
} twi_cell;

/* Eight messages would not hold a long value: a short, printable form of one. Returns out. */
#define TWI_QUOTE_MAX 96
const char *twi_quote(char out[TWI_QUOTE_MAX], const char *s, size_t len);

struct tw_reader {
    twi_source src;
    twi_plan plan;
    tw_ingest_format format;
    twi_dialect dialect; /* of CSV, TSV and RecBole */
    bool is_table;       /* whether the file is one of these */
    char path[TW_PATH_MAX];
    char folder[TW_PATH_MAX]; /* of the file, absolute, for media paths */
    twi_span raw;             /* the row being read, as it stands in the file */
    twi_span span;            /* the same in UTF-8 */
    tw_text converted;        /* holds span where raw is ISO-8859-1 */
    tw_reader_place place, first;
    tw_text scratch; /* the cells' bytes */
    twi_cell *cells;
    int n_cells;
    size_t cells_room;
    twi_json json;
    json_t *doc; /* the JSON row being read; owned */
    tw_text fields[TWI_ROLES], attributes;
    char describe[2048];
    uint64_t options_hash, head_hash;
    twi_time_rule time; /* how the time column is written */
    bool any_time;      /* also before 1970 and beyond 2200 */
    bool has_times;     /* rows have them; else their order is the time */
    int clock;          /* a column with the hours of the date in the time's, or -1 */
    bool numbered;      /* no header names the columns: they are what the format says */
    bool (*is_item)(void *ctx, const char *id); /* as in tw_reader_options */
    void *is_item_ctx;
    bool by_catalogue;       /* the item's column was chosen for its ids */
    bool whole[TWI_ROLES];   /* ids are read without the ".0" at their end */
    twi_number_style rating; /* how ratings are written */
    tw_reader_doubts doubts;
    tw_field_source taken[TW_READER_FIELDS];
    int n_taken;
};

/* The next row's bytes and cells, without what they mean. Statuses and *got as tw_reader_next, but
 * the sentence is without the line. */
TW_NODISCARD tw_status twi_reader_step(tw_reader *r, bool *got, tw_error *err);

/* Splits r->span into r->cells and checks their number. TW_EINVAL: a bad row. */
TW_NODISCARD tw_status twi_cells_split(tw_reader *r, tw_error *err);
/* The same for JSON: parses r->span, makes its keys the plan's columns. */
TW_NODISCARD tw_status twi_cells_json(tw_reader *r, tw_error *err);
/* A row of a table, or its header, into cells, without checks. */
TW_NODISCARD tw_status twi_cells_delimited(tw_reader *r, const twi_dialect *d, tw_error *err);
TW_NODISCARD tw_status twi_cells_reserve(tw_reader *r, int n, tw_error *err);

/* The cell's value as text. A JSON list of strings becomes its parts between line ends. TW_EINVAL:
 * an object, a list of other things. *s is valid until the next row or call with the same `room`.
 */
TW_NODISCARD tw_status twi_cell_text(const twi_cell *c, tw_text *room, const char **s, size_t *len,
                                     tw_error *err);

/* Fills *row from r->cells by the plan. */
TW_NODISCARD tw_status twi_row_build(tw_reader *r, tw_row *row, tw_error *err);
/* The time of the row in r->cells as it stands there, "" where it has none. */
TW_NODISCARD tw_status twi_time_text(tw_reader *r, const char **s, tw_error *err);
typedef enum twi_attribute_fate {
    TWI_TAKEN,
    TWI_MISSING, /* a word for no value: nothing was added */
    TWI_AS_TEXT, /* not of the type that the first rows had; the error says why */
} twi_attribute_fate;

/* Appends "name":value to the object in `out`; nothing where the cell is empty. TW_EINVAL: it is
 * not of the type that the header says; `out` is as it was. */
TW_NODISCARD tw_status twi_attribute_add(tw_text *out, const twi_column *col, const twi_cell *cell,
                                         twi_attribute_fate *fate, tw_error *err);
/* The Python list in s[0, len), which begins with '[', as JSON at the end of out; out NULL: only
 * looked at. TW_EINVAL, without a sentence: it is none; part of it may be there. */
TW_NODISCARD tw_status twi_python_list(const char *s, size_t len, tw_text *out, tw_error *err);
TW_NODISCARD tw_status twi_json_escape(tw_text *out, const char *s, size_t len, tw_error *err);

/* ---- what was taken for what -------------------------------------------------------------- */

/* Adds the columns of the plan, as it is now, to r->taken where a field still has none. */
void twi_note_columns(tw_reader *r);
/* The same, and how the times are written, when that is known; and all of it as a line. */
void twi_note_all(tw_reader *r);

/* ---- sample ---------------------------------------------------------------------------------- */

/* Reads the first rows and decides what their values alone tell: how the times of a log are
 * written, and its ratings; of which type the columns of a catalogue are. The reader then stands at
 * its start. TW_EINVAL: they contradict each other. */
TW_NODISCARD tw_status twi_sample(tw_reader *r, tw_error *err);

/* ---- detection ------------------------------------------------------------------------------- */

#define TWI_ALL_FORMATS "csv, tsv, jsonl, json, u.item, u.data, movielens, recbole, sasrec"

typedef struct twi_head_line {
    const char *s;
    size_t len;
} twi_head_line;

/* The next line of the window that is not blank, from *at on. */
bool twi_head_next(const twi_source *s, size_t *at, twi_head_line *out);
/* The number of words between blanks; *numbers tells whether all are made of digits. */
int twi_words(twi_head_line l, bool *numbers);

/* Finds the format of a file from its name and head (the window's first TWI_HEAD bytes), and of
 * some the separator. */
TW_NODISCARD tw_status twi_detect(const twi_source *s, tw_ingest_kind kind, twi_dialect *d,
                                  tw_ingest_format *out, tw_error *err);
/* What a file between blanks is whose first line is l: a log without header, a table (CSV), or AUTO
 * for neither. */
tw_ingest_format twi_detect_blanks(const twi_source *s, tw_ingest_kind kind, twi_head_line l);
/* Whether lines are a user and items, as many as there are. */
bool twi_is_list_a_line(const twi_source *s);
/* Columns (2 to 4) of a log between blanks without header; whether the third holds times. */
int twi_log_columns(const twi_source *s, bool *third_is_time);
/* TW_EINVAL: the head is empty or no text. */
TW_NODISCARD tw_status twi_check_is_text(const twi_source *s, tw_error *err);
/* TW_EINVAL: no line among the first ones could be of that format. */
TW_NODISCARD tw_status twi_check_format(const twi_source *s, tw_ingest_kind kind,
                                        tw_ingest_format format, tw_error *err);

#endif
