/* engine/models/registry.h — which model versions the store knows, which of them served and when,
 * and which are kept. Internal to engine/.
 */
#ifndef TW_ENGINE_MODELS_REGISTRY_H
#define TW_ENGINE_MODELS_REGISTRY_H

#include <stdbool.h>

#include "base/error.h"
#include "engine/generation.h"

#define TWI_KEPT_SERVED   2 /* versions that served: the one that does and the one before it */
#define TWI_KEPT_WITHHELD 5 /* the newest of those that never served */

typedef struct twi_version {
    int version;
    int served; /* 1: it serves; 2: it did before that; ... 0: it never did */
    twi_model_parts parts;
    char created[32];   /* ISO 8601, "" unknown */
    char withheld[256]; /* why it was not activated when it was made; "" */
    char problem[64];   /* what is wrong with its entry in the store; "" */
    int newer_format;   /* 0: this program reads it */
} twi_version;

typedef struct twi_registry {
    int n;
    size_t room;
    twi_version *versions; /* (n) ascending; owned */
    int serves, before;    /* 0: none */
} twi_registry;

/* On failure *out is empty. */
TW_NODISCARD tw_status twi_registry_load(tw_engine *e, twi_registry *out, tw_error *err);
void twi_registry_fini(twi_registry *r);
const twi_version *twi_registry_find(const twi_registry *r, int version); /* NULL: no such */
/* TW_ENOTFOUND; TW_ECORRUPT: its entry is damaged; TW_EUNSUPPORTED: of a newer program. */
TW_NODISCARD tw_status twi_registry_parts(const twi_registry *r, int version, twi_model_parts *out,
                                          tw_error *err);
/* Whether the folder of the version stays. */
bool twi_registry_keeps(const twi_registry *r, int version);
/* In the open transaction: from its commit on, this version serves. */
TW_NODISCARD tw_status twi_registry_activate(tw_engine *e, int version, tw_error *err);

#endif
