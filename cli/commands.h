/* cli/commands.h — every command; main.c lists them in the order of `twindex help`. */
#ifndef TW_CLI_COMMANDS_H
#define TW_CLI_COMMANDS_H

#include "cli/command.h"

extern const command init_command, ingest_command, events_command;
extern const command train_command, import_command, models_command, activate_command,
    rollback_command;
extern const command eval_command, eval_towers_command, eval_events_command, eval_cold_command;
extern const command plot_command, cluster_command, attention_command;
extern const command similar_command, next_command, embed_command, pairs_command;
extern const command put_command, get_command, delete_command, record_command;
extern const command stats_command, serve_command, check_command;

#endif
