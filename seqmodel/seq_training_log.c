/* seqmodel/seq_training_log.c — what a training reports of each epoch. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "seqmodel/seq_checkpoint.h"
#include "seqmodel/seq_training_log.h"

enum { AT_10 = 2, LINE_MAX_BYTES = 4096 };

typedef struct sink {
    tw_text text;
    bool full; /* jansson goes on where a key could not be written */
} sink;

/* A json_dump_callback_t. */
static int append(const char *bytes, size_t len, void *ctx)
{
    sink *s = ctx;
    s->full = s->full || tw_text_add(&s->text, bytes, len, NULL) != TW_OK;
    return s->full ? -1 : 0;
}

tw_status twi_log_metrics(const tw_seq_hooks *h, twi_seq_checkpoint *k, const tw_seq_metrics *valid,
                          double rate, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_report *r = &k->state.report;
    sink line = {0};

    if (h == NULL || h->metrics == NULL)
        return TW_OK;
    tw_text_init(&line.text, LINE_MAX_BYTES);
    json_t *epoch = json_pack("{s:i, s:f, s:f, s:I}", "epoch", r->epochs, "loss", r->loss,
                              "seconds", r->seconds, "rows_per_second", (json_int_t) rate);
    const int lost =
        valid != NULL ? json_object_set_new(epoch, "valid", tw_seq_metrics_json(valid)) : 0;
    if (lost != 0 || json_dump_callback(epoch, append, &line, JSON_REAL_PRECISION(9)) != 0 ||
        line.full) {
        st = tw_fail(err, TW_ENOMEM, "the log of epoch %d", r->epochs);
        goto done;
    }
    h->metrics(h->metrics_ctx, tw_text_cstr(&line.text));
    TW_TRY(tw_text_addf(&k->lines, err, "%s\n", tw_text_cstr(&line.text)));
done:
    json_decref(epoch);
    tw_text_fini(&line.text);
    return st;
}

tw_status twi_report_step(const tw_seq_hooks *h, const twi_seq_checkpoint *k,
                          int64_t users_an_epoch, int epochs, tw_error *err)
{
    const twi_train_state *s = &k->state;
    const tw_seq_report *r = &s->report;
    const int epoch = s->users > 0 ? r->epochs + 1 : r->epochs;
    char note[160];

    if (h == NULL || h->progress == NULL)
        return TW_OK;
    int used = snprintf(note, sizeof note, "epoch %d/%d  loss %.4f", epoch, epochs,
                        s->users > 0 ? s->loss / (double) s->rows : r->loss);
    if (r->best_epoch > 0) {
        (void) snprintf(note + used, sizeof note - (size_t) used,
                        "  best validation ndcg@10 %.4f (epoch %d)", r->valid.ndcg[AT_10],
                        r->best_epoch);
    }
    const tw_progress p = {.stage = "training",
                           .done = r->epochs * users_an_epoch + s->users,
                           .total = epochs * users_an_epoch,
                           .unit = "users",
                           .note = note};
    if (h->progress(h->progress_ctx, &p) != 0) {
        return tw_fail(err, TW_ECANCELLED, "training was stopped %s epoch %d of %d%s",
                       s->users > 0 ? "in" : "after", epoch, epochs,
                       h->checkpoint != NULL ? "; the same command goes on from there" : "");
    }
    return TW_OK;
}

void twi_repeat_log(const tw_seq_hooks *h, const twi_seq_checkpoint *k)
{
    char *lines = tw_strndup(tw_text_cstr(&k->lines), k->lines.len), *rest = lines;

    while (h->metrics != NULL && rest != NULL && *rest != '\0') {
        char *end = strchr(rest, '\n');
        if (end == NULL)
            break;
        *end = '\0';
        h->metrics(h->metrics_ctx, rest);
        rest = end + 1;
    }
    tw_free(lines);
}
