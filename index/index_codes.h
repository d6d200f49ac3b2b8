/* index/index_codes.h — a coarse copy of the rows, to rule most of them out. Internal to index/.
 */
#ifndef TW_INDEX_INDEX_CODES_H
#define TW_INDEX_INDEX_CODES_H

#include <stdbool.h>
#include <stdint.h>

#include "index/index.h"

#define TWI_CODE_ROWS 16 /* rows of a block */

struct twi_codes;
struct twi_asked;

/* bound: what the scores of a block's rows are at most; whether any of them is `least` or more. */
typedef bool (*twi_pass_fn)(float bound[TWI_CODE_ROWS], const struct twi_codes *c,
                            const struct twi_asked *a, int64_t block, float least);

/* Every variant this CPU can run, the fastest last: i from 0 until NULL. */
twi_pass_fn twi_pass_variant(int i);
bool twi_codes_pay(void); /* on this CPU */

typedef struct twi_codes {
    int groups;                     /* of four numbers: (dim+3)/4 */
    uint8_t *code;                  /* (blocks, groups, TWI_CODE_ROWS, 4); NULL: no codes */
    float *scale, *length, *missed; /* (rows): value of a code's step; |coded row|; |row - coded| */
    twi_pass_fn pass;
} twi_codes;

typedef struct twi_asked {
    int8_t code[TW_INDEX_MAX_DIM];
    int32_t zero;                /* what the codes' offset adds to every sum */
    float scale, length, missed; /* as for rows, but `length` of the query itself; with slack */
} twi_asked;

/* Leaves c->code NULL where codes do not pay: few rows, an old CPU. TW_ENOMEM. */
TW_NODISCARD tw_status twi_codes_build(twi_codes *c, const float *rows, int64_t n, int dim,
                                       tw_error *err);
void twi_codes_fini(twi_codes *c);
void twi_codes_ask(twi_asked *a, const twi_codes *c, const float *q, int dim);

#endif
