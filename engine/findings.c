/* What one look at a directory finds wrong. */
#include "engine/findings.h"

void twi_findings_add(twi_findings *f, const char *what, const char *why, const char *remedy)
{
    const size_t before = f->text.len;
    f->n++;
    if (tw_text_addf(&f->text, NULL, "%s: %s; %s", what, why, remedy) != TW_OK ||
        tw_text_add(&f->text, "", 1, NULL) != TW_OK)
        f->text.len = before; /* there are a million bytes of others */
}
