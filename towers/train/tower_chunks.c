/* The two passes of a step in chunks. A worker's random numbers run on from chunk
 * to chunk; resetting its tape to the same step starts them over, which is how
 * the second pass sees what the first saw. */
#include "towers/train/tower_chunks.h"

#include <string.h>

static size_t row_at(const twi_chunks *c, int64_t row) { return (size_t) row * (size_t) c->width; }

static int chunk_rows(const twi_chunks *c, int64_t left)
{
    return (int) (c->chunk > 0 && c->chunk < left ? c->chunk : left);
}

static tw_status embed_chunk(const twi_chunks *c, int worker, int64_t at, int n, tw_tape *tape,
                             tw_tensor **z, tw_error *err)
{
    *z = NULL;
    tw_status st = c->embed(c->ctx, worker, (int) at, (int) at + n, tape, z, err);
    if (st == TW_OK && *z == NULL)
        st = tw_tape_status(tape, err);
    return st;
}

static tw_status embed_share(void *ctx, int worker, int workers, tw_tape *tape, tw_error *err)
{
    twi_chunks *c = ctx;
    tw_tensor *z = NULL;
    int64_t begin, end;

    tw_pool_share(c->rows, worker, workers, &begin, &end);
    for (int64_t at = begin; at < end;) {
        const int n = chunk_rows(c, end - at);
        if (at > begin)
            tw_tape_next(tape);
        tw_status st = embed_chunk(c, worker, at, n, tape, &z, err);
        if (st != TW_OK)
            return st;
        memcpy(c->z + row_at(c, at), z->v, row_at(c, n) * sizeof *c->z);
        at += n;
    }
    const bool once = chunk_rows(c, end - begin) == end - begin;
    c->whole[worker] = once ? z : NULL;
    return TW_OK;
}

tw_status twi_chunks_embed(twi_chunks *c, tw_trainer *tr, tw_error *err)
{
    return tw_trainer_run(tr, true, embed_share, c, err);
}

/* Playing back may draw no number, or the chunks after this one would see others than before. */
static tw_status play(const twi_chunks *c, tw_tensor *z, int64_t at, tw_tape *tape, tw_error *err)
{
    const tw_rng keep = *tw_tape_rng(tape);
    tw_tape_seed(tape, z, c->dz + row_at(c, at));
    tw_status st = tw_tape_backward(tape, err);
    *tw_tape_rng(tape) = keep;
    return st;
}

static tw_status play_whole(void *ctx, int worker, int workers, tw_tape *tape, tw_error *err)
{
    twi_chunks *c = ctx;
    int64_t begin, end;

    tw_pool_share(c->rows, worker, workers, &begin, &end);
    if (c->whole[worker] == NULL)
        return TW_OK;
    return play(c, c->whole[worker], begin, tape, err);
}

static tw_status play_chunks(void *ctx, int worker, int workers, tw_tape *tape, tw_error *err)
{
    twi_chunks *c = ctx;
    int64_t begin, end;

    tw_pool_share(c->rows, worker, workers, &begin, &end);
    if (c->whole[worker] != NULL) /* done, and its tensors are gone with the reset */
        return TW_OK;
    for (int64_t at = begin; at < end;) {
        const int n = chunk_rows(c, end - at);
        tw_tensor *z;
        if (at > begin)
            tw_tape_next(tape);
        tw_status st = embed_chunk(c, worker, at, n, tape, &z, err);
        if (st == TW_OK)
            st = play(c, z, at, tape, err);
        if (st != TW_OK)
            return st;
        at += n;
    }
    return TW_OK;
}

tw_status twi_chunks_play(twi_chunks *c, tw_trainer *tr, tw_error *err)
{
    tw_status st = tw_trainer_run(tr, false, play_whole, c, err);
    if (st == TW_OK)
        st = tw_trainer_run(tr, true, play_chunks, c, err);
    return st;
}
