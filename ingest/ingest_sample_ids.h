/* ingest/ingest_sample_ids.h — which column of a log holds the catalogue's ids, and ids that a
 * program wrote as decimals. Internal to ingest/.
 */
#ifndef TW_INGEST_INGEST_SAMPLE_IDS_H
#define TW_INGEST_INGEST_SAMPLE_IDS_H

#include "ingest/ingest.h"

enum { TWI_ID_COLUMNS = 8, TWI_UNMET = 3 };

/* One column that may be the user or the item. */
typedef struct twi_id_sample {
    int column;
    int64_t rows;              /* that are not empty */
    int64_t decimals;          /* of them, whole numbers like 17.0 */
    int64_t met;               /* ids of the catalogue, as they are ... */
    int64_t met_whole;         /* ... or without the .0 */
    char unmet[TWI_UNMET][40]; /* different ones that are not, cut */
    int n_unmet;
} twi_id_sample;

typedef struct twi_ids {
    twi_id_sample user; /* or an item's own id */
    twi_id_sample items[TWI_ID_COLUMNS];
    int n_items; /* items[0] is the one by its name */
} twi_ids;

/* The columns to look at. */
void twi_ids_init(twi_ids *ids, const tw_reader *r);
/* Looks at the row in r->cells. */
void twi_ids_add(twi_ids *ids, tw_reader *r);
/* Decides: the item's column by its name, unless few of its ids and most of another's are the
 * catalogue's; ".0" is cut where all of a column have it. */
void twi_ids_decide(const twi_ids *ids, tw_reader *r);

/* The same of a catalogue: whether ".0" is cut of ids. */
void twi_ids_decide_whole(const twi_ids *ids, tw_reader *r);

/* s without ".0" at its end into out, where it is such a number. */
bool twi_whole_id(const char *s, char out[24]);

#endif
