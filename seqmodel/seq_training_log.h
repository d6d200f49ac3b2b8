/* seqmodel/seq_training_log.h — what a training reports of each epoch, to the caller's hooks.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_TRAINING_LOG_H
#define TW_SEQMODEL_SEQ_TRAINING_LOG_H

#include "seqmodel/seq_checkpoint.h"

/* To the hooks (NULL: none), after state.report was brought up to date. valid NULL: the epoch was
 * not validated; rate: targets a second. */
TW_NODISCARD tw_status twi_log_metrics(const tw_seq_hooks *h, twi_seq_checkpoint *k,
                                       const tw_seq_metrics *valid, double rate, tw_error *err);
/* After each step. TW_ECANCELLED: the hook wants the end. */
TW_NODISCARD tw_status twi_report_step(const tw_seq_hooks *h, const twi_seq_checkpoint *k,
                                       int64_t users_an_epoch, int epochs, tw_error *err);
/* Again what an interrupted training logged, so that the metrics have no hole. */
void twi_repeat_log(const tw_seq_hooks *h, const twi_seq_checkpoint *k);

#endif
