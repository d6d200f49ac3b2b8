/* ingest/json/ingest_json.h — how a JSON file holds its rows, and the way from there to one row's
 * text.
 *
 *     look     what the first bytes hold             ingest_json_outline.c
 *     enter    the shape, and to its first row       ingest_json_shape.c
 *     element  one row's bytes, whatever the shape   ingest_json_elements.c
 *     cells    a row's keys and values               ingest_json.c
 */
#ifndef TW_INGEST_INGEST_JSON_H
#define TW_INGEST_INGEST_JSON_H

#include <jansson.h>

#include "base/text.h"
#include "ingest/ingest.h"

typedef struct twi_source twi_source;
typedef struct twi_span twi_span;
typedef struct twi_plan twi_plan;

typedef enum twi_json_shape {
    TWI_JSON_OBJECTS = 0, /* one behind the other: with line ends, commas, RFC 7464's 0x1e */
    TWI_JSON_LIST,        /* the document is a list of rows; more lists may follow */
    TWI_JSON_INNER,   /* a list of rows somewhere in the document; what is around it is not read */
    TWI_JSON_MEMBERS, /* the document is one object of id -> row */
    TWI_JSON_TABLE,   /* the document is one object of column -> values: held in memory */
} twi_json_shape;

typedef struct twi_json_table twi_json_table;

/* What a reader keeps of it. */
typedef struct twi_json {
    twi_json_shape shape;
    char from[160]; /* where the rows stand, for the user to see: "hits.hits"; "": all over */
    json_t *names;  /* of the values of rows that are lists; NULL: rows are objects; owned */
    twi_json_table *table; /* TWI_JSON_TABLE; owned */
} twi_json;

#define TWI_JSON_RECORD '\x1e' /* before each text of an RFC 7464 sequence; nowhere inside one */

/* What may stand between words (RFC 8259, section 2). */
static inline bool twi_json_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next row of the list, object or sequence that the window stands in, without its comma. */
TW_NODISCARD tw_status twi_source_element(twi_source *s, twi_json_shape shape, twi_span *out,
                                          tw_error *err);

/* ---- outline: what an object at the start of a file holds ----------------------------------- */

#define TWI_JSON_KEY 64 /* bytes of a key that are looked at */

/* A list that is reached through objects alone. */
typedef struct twi_json_list {
    int64_t offset, line; /* of its first byte, behind the bracket */
    int depth;            /* the objects around it; 0: there is no such list */
    char path[160];       /* the keys down to it as jq takes them: ".hits.hits"; cut */
} twi_json_list;

typedef struct twi_json_outline {
    int documents;       /* values one behind the other; 2: or more */
    int members;         /* of the first, which is an object */
    int objects, lists;  /* those members that are objects, and lists */
    int field_objects;   /* those objects whose names are a field's: columns */
    int lists_of_values; /* those lists that hold something, and no object first */
    unsigned fields;     /* a bit for each twi_role that a member which is neither is named after */
    bool alike;          /* the first object among the members has a key that a later one has */
    int64_t numbered;    /* keys of members that are objects: whole numbers */
    int64_t named;       /* ... and others */
    twi_json_list rows;  /* the first list of objects at the shallowest depth */
    twi_json_list others;  /* the second one there */
    twi_json_list columns; /* the document's own member "columns": a list of strings */
    twi_json_list data;    /* ... "data": a list of lists */
} twi_json_outline;

/* Looks at the object that the source stands before, as far as needed, and comes back. */
TW_NODISCARD tw_status twi_json_look(twi_source *s, const twi_plan *plan, twi_json_outline *out,
                                     tw_error *err);

/* Finds the shape and steps to the first row. Names in r->plan are those of a header that the user
 * gave, for rows that are lists. TW_EINVAL: it is Python's, not JSON's; two lists could be the
 * rows; rows are lists without names. */
TW_NODISCARD tw_status twi_json_enter(tw_reader *r, tw_error *err);

/* ---- names: rows that are lists -------------------------------------------------------------- */

/* At the first of the lists: takes it for the names unless r->plan has some. */
TW_NODISCARD tw_status twi_json_read_names(tw_reader *r, tw_error *err);
/* The names in the list that the window stands in, which ends there; the source then stands where
 * the rows are. */
TW_NODISCARD tw_status twi_json_split_names(tw_reader *r, const twi_json_list *columns,
                                            const twi_json_list *data, tw_error *err);
/* *row, a list, becomes an object. TW_EINVAL: it is none, or of another length. */
TW_NODISCARD tw_status twi_json_name_values(json_t **row, json_t *names, tw_error *err);

/* ---- table: columns of values ---------------------------------------------------------------- */

#define TWI_JSON_TABLE_MAX (256u << 20) /* bytes of such a document */

/* Reads the document that r->src stands before. TW_EINVAL: too long, damaged, or its columns differ
 * in length. */
TW_NODISCARD tw_status twi_json_table_open(tw_reader *r, tw_error *err);
/* The next row as JSON text in r->raw, which no file has: its number counts as its line. */
TW_NODISCARD tw_status twi_json_table_next(tw_reader *r, tw_error *err);
int64_t twi_json_table_rows(const twi_json_table *t);
void twi_json_table_close(twi_json_table *t); /* accepts NULL */

/* ---- values ---------------------------------------------------------------------------------- */

/* Where a text stands, for the sentence that says what is wrong with it. */
typedef struct twi_json_where {
    int64_t line;  /* of its first byte in the file, from 1 */
    size_t before; /* bytes of the text that the file does not have */
} twi_json_where;

/* Parses a text; a bare NaN or Infinity is null. TW_EINVAL says what is wrong in which byte. */
TW_NODISCARD tw_status twi_json_parse(const char *s, size_t len, twi_json_where where, json_t **out,
                                      tw_error *err);

/* What exports wrap around a row and its values: Elasticsearch's _source, MongoDB's {"$oid": ...}.
 * s[0, len) is the text that *row was parsed from. TW_ENOMEM. */
TW_NODISCARD tw_status twi_json_unwrap(json_t **row, const char *s, size_t len, tw_error *err);

/* Why jansson refuses s[0, len), in words of our own. */
TW_NODISCARD tw_status twi_json_refuse(const char *s, size_t len, twi_json_where where,
                                       const json_error_t *why, tw_error *err);

#endif
