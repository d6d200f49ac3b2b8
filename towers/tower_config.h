/* towers/tower_config.h — the rules between the settings of recipe.h, and how a tower's own stand
 * in its file.
 *
 * Every check says in its message which values the settings may have. Internal to towers/.
 */
#ifndef TW_TOWERS_TOWER_CONFIG_H
#define TW_TOWERS_TOWER_CONFIG_H

#include "base/error.h"
#include "base/text.h"
#include "towers/recipe.h"

/* TW_EINVAL: a setting is out of its range, or two do not go together. */
TW_NODISCARD tw_status twi_tower_config_check(const tw_tower_config *cfg, tw_error *err);
TW_NODISCARD tw_status twi_train_config_check(const tw_tower_train_config *cfg, tw_error *err);
TW_NODISCARD tw_status twi_mine_config_check(const tw_mine_config *cfg, tw_error *err);
/* The tower's own keys alone, as JSON: what stands in the file. */
TW_NODISCARD tw_status twi_tower_config_format(const tw_tower_config *cfg, tw_text *out,
                                               tw_error *err);
TW_NODISCARD tw_status twi_tower_config_parse(tw_tower_config *cfg, const char *json, size_t len,
                                              tw_error *err);

/* True when cfg's text encoder reads tokens of a vocabulary. */
bool twi_reads_tokens(const tw_tower_config *cfg);

#endif
