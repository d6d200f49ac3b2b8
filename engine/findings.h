/* engine/findings.h — what one look at a directory finds wrong. Internal to engine/.
 */
#ifndef TW_ENGINE_FINDINGS_H
#define TW_ENGINE_FINDINGS_H

#include "base/text.h"

typedef struct twi_findings {
    int n;
    tw_text text; /* a sentence each, with its NUL; no more once it is full */
} twi_findings;

/* "WHAT: WHY; REMEDY". */
void twi_findings_add(twi_findings *f, const char *what, const char *why, const char *remedy);

#endif
