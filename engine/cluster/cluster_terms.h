/* engine/cluster/cluster_terms.h — the terms of items, numbered, and who has them. Internal to
 * engine/. */
#ifndef TW_ENGINE_CLUSTER_CLUSTER_TERMS_H
#define TW_ENGINE_CLUSTER_CLUSTER_TERMS_H

#include <stdbool.h>

#include "base/numbering.h"
#include "base/text.h"
#include "engine/cluster/cluster_names.h"

#define TWI_MAX_TERM 48 /* bytes; what is longer is no name */

typedef enum twi_term_kind { TWI_WORD, TWI_PAIR, TWI_DECADE, TWI_VALUE } twi_term_kind;

typedef struct twi_term {
    size_t form;    /* in forms: the spelling that leads */
    int32_t votes;  /* by how much it leads (Boyer and Moore 1981) */
    int32_t items;  /* that have it, in any group */
    int32_t newest; /* the last of these, plus 1 */
    twi_term_kind kind;
} twi_term;

struct twi_names {
    const int32_t *cluster;
    int64_t n;
    int k;
    tw_text forms; /* NUL-terminated spellings, one after the other */
    tw_text spelt; /* the text at hand, composed: one title in two spellings has the same words */
    tw_text key;   /* what is being hashed, case-folded */
    tw_numbering keys; /* of the terms, which are numbered so */
    twi_term *terms;   /* (room) */
    size_t room;
    int64_t *begin; /* (n+1) into list: terms of each item */
    int64_t read;   /* items up to here have their begin */
    int32_t *list;  /* (list_room) */
    int64_t list_n;
    size_t list_room;
};

/* A word as it stands in a text. */
typedef struct twi_word {
    const char *form;
    size_t len;
    char folded[TWI_MAX_TERM]; /* in lower case */
    size_t folded_len;
    bool counted; /* worth reading */
} twi_word;

/* The next word at or behind *s, which moves behind it; false: there is none. *gap: more than one
 * blank, or a sign, lay before it. */
bool twi_next_word(const char **s, const char *end, twi_word *out, bool *gap);

const char *twi_term_form(const twi_names *nm, int32_t term);

#endif
