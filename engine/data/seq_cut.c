/* What a training saw, kept beside its model, so that an evaluation never asks for it.
 *
 * An event's sequence number is its name for ever: deleting an item hides its events and putting it
 * again shows the same ones, a late event with an early time has a high number. So one number and
 * two events a person answer for every event of today whether it was trained on. An event that was
 * hidden during the training counts as seen, which costs a target and flatters no figure.
 *
 * The file is a safetensors file: "held" (n, 3), I64, and in the metadata twindex.kind "seq-cut"
 * and twindex.seq. */
#include "engine/data/seq_cut.h"

#include <string.h>

#include "base/alloc.h"
#include "engine/models/model_dir.h"
#include "nn/safetensors.h"

#define KIND "seq-cut"
enum { COLUMNS = 3 };

_Static_assert(sizeof(twi_cut_row) == COLUMNS * sizeof(int64_t), "a row is three numbers");

void twi_cut_fini(twi_cut *c)
{
    tw_free(c->held);
    *c = (twi_cut){0};
}

static bool is_known(const tw_seq_model *m, const twi_events *log, int64_t i)
{
    return tw_seq_user_index(m, log->users[i]) > 0 && tw_seq_item_index(m, log->items[i]) > 0;
}

/* The log is in order of users and of their time, as the histories are. */
static tw_status collect(twi_cut *c, const tw_seq_model *m, const twi_events *log, tw_error *err)
{
    twi_cut_row row = {0};
    int64_t length = 0;

    *c = (twi_cut){0};
    c->held = tw_alloc((size_t) tw_seq_model_users(m) + 1, sizeof *c->held);
    if (c->held == NULL)
        return tw_fail(err, TW_ENOMEM, "what %d users were held out of",
                       (int) tw_seq_model_users(m));
    for (int64_t i = 0; i < log->n; i++) {
        c->seq = log->seqs[i] > c->seq ? log->seqs[i] : c->seq;
        if (!is_known(m, log, i))
            continue;
        if (log->users[i] != row.user) {
            row = (twi_cut_row){.user = log->users[i]};
            length = 0;
        }
        row.valid = row.test;
        row.test = log->seqs[i];
        if (++length >= 3) { /* see tw_seq_data_train_length */
            c->n += length == 3;
            c->held[c->n - 1] = row;
        }
    }
    return TW_OK;
}

tw_status twi_cut_save(const tw_seq_model *m, const twi_events *log, const char *dir, tw_error *err)
{
    tw_status st = TW_OK;
    char path[TW_PATH_MAX], seq[32];
    tw_st_writer *w = NULL;
    twi_cut c = {0};

    TW_TRY(collect(&c, m, log, err));
    (void) snprintf(seq, sizeof seq, "%lld", (long long) c.seq);
    TW_TRY(tw_path_join(path, dir, TWI_SEQ_CUT, err));
    TW_TRY(tw_st_writer_create(&w, err));
    TW_TRY(tw_st_add_meta(w, "twindex.kind", KIND, err));
    TW_TRY(tw_st_add_meta(w, "twindex.seq", seq, err));
    TW_TRY(tw_st_add(w, "held", TW_I64, c.n, COLUMNS, c.held, err));
    TW_TRY(tw_st_save(w, path, err));
done:
    tw_st_writer_destroy(w);
    twi_cut_fini(&c);
    return st;
}

static tw_status read_cut(twi_cut *c, const tw_st_file *f, const char *path, tw_error *err)
{
    tw_st_tensor t;
    const char *kind = tw_st_meta(f, "twindex.kind"), *seq = tw_st_meta(f, "twindex.seq");
    bool valid = kind != NULL && strcmp(kind, KIND) == 0 && seq != NULL &&
                 tw_parse_i64(seq, &c->seq) && c->seq >= 0 &&
                 tw_st_find(f, "held", TW_I64, &t, NULL) == TW_OK && t.cols == COLUMNS;

    if (valid) {
        c->n = t.rows;
        c->held = tw_alloc((size_t) c->n, sizeof *c->held);
        if (c->held == NULL)
            return tw_fail(err, TW_ENOMEM, "what %lld users were held out of", (long long) c->n);
        if (c->n > 0)
            memcpy(c->held, t.data, (size_t) c->n * sizeof *c->held);
        for (int64_t i = 1; i < c->n; i++)
            valid = valid && c->held[i].user > c->held[i - 1].user;
    }
    return valid
               ? TW_OK
               : tw_fail(err, TW_ECORRUPT,
                         "'%s' does not say what the training saw; train anew with: twindex train "
                         "seq",
                         path);
}

tw_status twi_cut_load(twi_cut *out, const char *dir, tw_error *err)
{
    tw_status st = TW_OK;
    char path[TW_PATH_MAX];
    tw_st_file *f = NULL;
    twi_cut c = {0};

    *out = (twi_cut){0};
    TW_TRY(tw_path_join(path, dir, TWI_SEQ_CUT, err));
    TW_TRY(tw_st_open(&f, path, err));
    TW_TRY(read_cut(&c, f, path, err));
    *out = c;
    c = (twi_cut){0};
done:
    twi_cut_fini(&c);
    tw_st_close(f);
    return st;
}

/* ---- the log of today ------------------------------------------------------------------------ */

static const twi_cut_row *held_of(const twi_cut *c, int64_t user)
{
    int64_t low = 0, high = c->n;
    while (low < high) {
        const int64_t mid = low + (high - low) / 2;
        if (c->held[mid].user < user)
            low = mid + 1;
        else
            high = mid;
    }
    return low < c->n && c->held[low].user == user ? &c->held[low] : NULL;
}

/* One more event of a history, behind `place` others. */
static void extend(tw_seq_cut *cut, int64_t place, bool chose_weights, bool unseen)
{
    const int64_t at = place > 0 ? place : -1; /* a target needs an input */
    if (chose_weights)
        *cut = (tw_seq_cut){.train = cut->train, .valid = at, .test = -1};
    else if (unseen)
        cut->test = at;
    else
        *cut = (tw_seq_cut){.train = place + 1, .valid = -1, .test = -1};
}

typedef struct cutting {
    const twi_cut *c;
    const tw_seq_model *m;
    const twi_events *log;
    tw_seq_split split;
} cutting;

static int64_t target_of(const cutting *x, const tw_seq_cut *cut)
{
    return x->split == TW_SEQ_VALID ? cut->valid : cut->test;
}

/* The events from..to-1 are of one user; returns how many of them the model knows. *later: the
 * target was recorded after the training. */
static int64_t cut_one(const cutting *x, const twi_cut_row *held, int64_t from, int64_t to,
                       tw_seq_cut *cut, bool *later)
{
    int64_t place = 0;

    *cut = (tw_seq_cut){.valid = -1, .test = -1};
    *later = false;
    for (int64_t i = from; i < to; i++) {
        if (!is_known(x->m, x->log, i))
            continue;
        const int64_t seq = x->log->seqs[i];
        const bool valid = held != NULL && seq == held->valid;
        const bool test = held != NULL && seq == held->test;
        extend(cut, place, valid, test || seq > x->c->seq);
        if (place++ == target_of(x, cut))
            *later = seq > x->c->seq;
    }
    *later = *later && target_of(x, cut) >= 0;
    return place;
}

static void leave_out(twi_cut_effect *out, int64_t user)
{
    if (out->left_out < TWI_CUT_EXAMPLES)
        out->examples[out->left_out] = user;
    out->left_out++;
}

tw_status twi_cut_apply(const twi_cut *c, const tw_seq_model *m, const twi_events *log,
                        tw_seq_split split, tw_seq_data *data, twi_cut_effect *out, tw_error *err)
{
    const int32_t users = tw_seq_model_users(m);
    const cutting x = {.c = c, .m = m, .log = log, .split = split};
    int64_t end, held_so_far = 0;
    bool later;
    tw_seq_cut *cuts = tw_alloc((size_t) users + 1, sizeof *cuts);

    *out = (twi_cut_effect){0};
    if (cuts == NULL)
        return tw_fail(err, TW_ENOMEM, "cuts of %d histories", (int) users);
    for (int32_t u = 0; u <= users; u++)
        cuts[u] = (tw_seq_cut){.valid = -1, .test = -1};
    for (int64_t i = 0; i < log->n; i = end) {
        const int64_t user = log->users[i];
        const int32_t u = tw_seq_user_index(m, user);
        const twi_cut_row *held = held_of(c, user);
        for (end = i; end < log->n && log->users[end] == user;)
            end++;
        if (u == 0)
            continue; /* came after the training */
        const int64_t n = cut_one(&x, held, i, end, &cuts[u], &later);
        held_so_far += held != NULL;
        out->later += later;
        if (target_of(&x, &cuts[u]) < 0 && (held != NULL || n >= 3))
            leave_out(out, user);
    }
    out->left_out += c->n - held_so_far; /* of these no event is left at all */
    tw_status st = tw_seq_data_set_cuts(data, cuts, err);
    tw_free(cuts);
    return st;
}
