/* Candidates for "did you mean": which names share letters with a query, without reading them.
 *
 * Each row has a signature in memory: a bit for each pair of neighbouring bytes
 * of its folded id and title, ends included, hashed into 56 and 120 bits. A
 * query looks at all signatures (3 ms for a million rows), and the few hundred
 * that share most with it are read and compared in earnest. A signature only
 * proposes, so it may be stale or collide.
 *
 * The signatures follow the store by its sequence numbers: what is new since the
 * last query is read first, for as long as the budget lasts; the first query of
 * a process has more of it. So a wrong name costs a bounded time whatever the
 * size of the catalogue, and suggestions get better while it is used.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/deadline.h"
#include "base/grow.h"
#include "store/store_fold.h"
#include "store/store_near_index.h"
#include "store/store_statement.h"

#define FIRST_BUDGET 0.2       /* seconds of reading names in the first query of a process ... */
#define LATER_BUDGET 0.002     /* ... and in each one after */
#define PATIENCE     0.005     /* seconds, for another query that holds the signatures */
#define PORTION      256       /* names between two looks at the clock */
#define MOST_ROWS    (4 << 20) /* 96 MiB; later rows are not proposed */
#define TITLE_BITS   120
#define ID_BITS      56

/* 24 bytes, for a query reads all of them. Above the bits of the id, and of the title in its second
 * word, stands in a byte what their fullness takes off a score (fullness, below). */
typedef struct signature {
    uint64_t id;
    uint64_t title[2];
} signature;

struct twi_names_index {
    pthread_mutex_t lock; /* guards all of it */
    signature *rows;      /* [row]; no bits: no such row, or deleted */
    int64_t n;            /* rows 0 .. n-1 are there */
    size_t room;
    int64_t applied; /* the sequence number they are up to */
    bool used;       /* a query has been here */
};

tw_status twi_names_index_create(twi_names_index **out, tw_error *err)
{
    *out = tw_alloc(1, sizeof **out);
    if (*out == NULL)
        return tw_fail(err, TW_ENOMEM, "an index of names");
    if (pthread_mutex_init(&(*out)->lock, NULL) != 0) {
        tw_free(*out);
        *out = NULL;
        return tw_fail(err, TW_ENOMEM, "an index of names");
    }
    return TW_OK;
}

void twi_names_index_destroy(twi_names_index *ix)
{
    if (ix == NULL)
        return;
    (void) pthread_mutex_destroy(&ix->lock);
    tw_free(ix->rows);
    tw_free(ix);
}

/* ---- Signatures ------------------------------------------------------------------------------ */

static int count_bits(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    return (int) (((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56);
}

/* Bits of the pairs of s, with a blank before and behind it. */
static void add_pairs(const char *s, size_t len, uint64_t id[1], uint64_t title[2])
{
    unsigned before = ' ';
    for (size_t i = 0; i <= len && len > 0; i++) {
        const unsigned c = i < len ? (unsigned char) s[i] : ' ';
        const unsigned h = (before << 8 | c) * 2654435761u;
        if (id != NULL)
            id[0] |= (uint64_t) 1 << ((uint64_t) h * ID_BITS >> 32);
        if (title != NULL) {
            const unsigned bit = (unsigned) ((uint64_t) h * TITLE_BITS >> 32);
            title[bit >> 6] |= (uint64_t) 1 << (bit & 63);
        }
        before = c;
    }
}

/* A signature that is half full meets half of every query; so much is taken off its score. */
static uint64_t fullness(int set, int bits) { return (uint64_t) (128 * set / bits); }

static tw_status sign(signature *out, const char *id, const char *title, tw_text *scratch,
                      tw_error *err)
{
    tw_status st;
    *out = (signature){0};
    TW_TRY(twi_store_fold(scratch, id, strnlen(id, TW_STORE_MAX_ID), err));
    add_pairs(tw_text_cstr(scratch), scratch->len, &out->id, NULL);
    TW_TRY(twi_store_fold(scratch, title, strnlen(title, TW_STORE_MAX_TITLE), err));
    add_pairs(tw_text_cstr(scratch), scratch->len, NULL, out->title);
    const int in_title = count_bits(out->title[0]) + count_bits(out->title[1]);
    const uint64_t of_id = fullness(count_bits(out->id), ID_BITS);
    out->id |= of_id << 56;
    out->title[1] |= fullness(in_title, TITLE_BITS) << 56;
done:
    return st;
}

/* ---- Following the store --------------------------------------------------------------------- */

static tw_status make_room(twi_names_index *ix, int64_t row, tw_error *err)
{
    const tw_status st = tw_grow(&ix->rows, &ix->room, (size_t) row + 1, "names", err);
    if (st != TW_OK)
        return st;
    if (row >= ix->n) {
        memset(ix->rows + ix->n, 0, (size_t) (row + 1 - ix->n) * sizeof *ix->rows);
        ix->n = row + 1;
    }
    return TW_OK;
}

/* Reads at most a portion of what came after ix->applied; *more: there may be further ones. */
static tw_status follow_portion(twi_names_index *ix, twi_conn *c, tw_text *scratch, bool *more,
                                tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found = true;
    int n = 0;
    tw_status st;

    TW_TRY(twi_prepare(c, TWI_SQL_NAMES_SINCE, &q, err));
    (void) sqlite3_bind_int64(q, 1, ix->applied);
    (void) sqlite3_bind_int(q, 2, PORTION);
    for (;; n++) {
        TW_TRY(twi_step(c, q, &found, err));
        if (!found)
            break;
        const int64_t row = sqlite3_column_int64(q, 0);
        if (row > 0 && row < MOST_ROWS) {
            signature now = {0};
            TW_TRY(make_room(ix, row, err));
            if (sqlite3_column_int(q, 2) != 0)
                TW_TRY(sign(&now, twi_text(q, 3), twi_text(q, 4), scratch, err));
            ix->rows[row] = now;
        }
        ix->applied = sqlite3_column_int64(q, 1);
    }
    *more = n == PORTION;
done:
    twi_done(q);
    return st;
}

static tw_status follow(twi_names_index *ix, twi_conn *c, tw_text *scratch, tw_error *err)
{
    const double until = tw_clock_monotonic() + (ix->used ? LATER_BUDGET : FIRST_BUDGET);
    bool more = true;
    tw_status st = TW_OK;

    ix->used = true;
    while (more && st == TW_OK && tw_clock_monotonic() < until)
        st = follow_portion(ix, c, scratch, &more, err);
    return st;
}

/* ---- Candidates ------------------------------------------------------------------------------ */

/* A query's signature, and what the bits that a row shares with it are worth: the part of all, of
 * 255. Tables, for a division a row would take most of the time. */
typedef struct question {
    signature bits;
    int16_t id_worth[ID_BITS + 1];
    int16_t title_worth[TITLE_BITS + 1];
} question;

static void fill_worth(int16_t *worth, int of, int bits)
{
    for (int i = 0; i <= bits; i++)
        worth[i] = (int16_t) (of > 0 ? 255 * (i < of ? i : of) / of : 0);
}

static void question_init(question *q, const tw_text *folded)
{
    *q = (question){0};
    add_pairs(tw_text_cstr(folded), folded->len, &q->bits.id, q->bits.title);
    fill_worth(q->id_worth, count_bits(q->bits.id), ID_BITS);
    fill_worth(q->title_worth, count_bits(q->bits.title[0]) + count_bits(q->bits.title[1]),
               TITLE_BITS);
}

/* 0..255 for each row. Compiled twice below, for counting bits is all it does. */
#define SCORE_ALL(name, attribute, count)                                                          \
    attribute static void name(const twi_names_index *ix, const question *q, uint8_t *scores)      \
    {                                                                                              \
        for (int64_t row = 1; row < ix->n; row++) {                                                \
            const signature *s = &ix->rows[row];                                                   \
            const int met =                                                                        \
                count(s->title[0] & q->bits.title[0]) + count(s->title[1] & q->bits.title[1]);     \
            const int by_title = q->title_worth[met] - (int) (s->title[1] >> 56);                  \
            const int by_id = q->id_worth[count(s->id & q->bits.id)] - (int) (s->id >> 56);        \
            const int best = by_id > by_title ? by_id : by_title;                                  \
            scores[row] = (uint8_t) (best > 0 ? best : 0);                                         \
        }                                                                                          \
    }

SCORE_ALL(score_anywhere, , count_bits)

#if defined(__x86_64__)
SCORE_ALL(score_by_instruction, __attribute__((target("popcnt"))), __builtin_popcountll)
#endif

static void score_all(const twi_names_index *ix, const question *q, uint8_t *scores)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt")) {
        score_by_instruction(ix, q, scores);
        return;
    }
#endif
    score_anywhere(ix, q, scores);
}

/* Four counters a score, in turns: most scores are equal, and one counter would wait for itself. */
static void count_scores(const uint8_t *scores, int64_t n, int64_t counts[256])
{
    uint32_t turns[4][256] = {0};
    for (int64_t row = 1; row < n; row++)
        turns[row & 3][scores[row]]++;
    for (int i = 0; i < 256; i++)
        counts[i] = (int64_t) turns[0][i] + turns[1][i] + turns[2][i] + turns[3][i];
}

/* The rows of the highest scores, lower rows first among equals. */
static int pick(const twi_names_index *ix, const uint8_t *scores, const int64_t counts[256],
                int64_t *rows, int room)
{
    int n = 0;
    int least = 255;
    int64_t above = 0; /* rows whose score is more than `least` */
    while (least > 1 && above + counts[least] <= room)
        above += counts[least--];
    int64_t equal = room - above;
    for (int64_t row = 1; row < ix->n && n < room; row++) {
        if (scores[row] < least || (scores[row] == least && equal-- <= 0))
            continue;
        rows[n++] = row;
    }
    return n;
}

static tw_status search(const twi_names_index *ix, const tw_text *folded, int64_t *rows, int room,
                        int *n, tw_error *err)
{
    int64_t counts[256] = {0};
    question q;
    uint8_t *scores = tw_alloc((size_t) ix->n + 1, 1);
    if (scores == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld scores", (long long) ix->n);
    question_init(&q, folded);
    score_all(ix, &q, scores);
    count_scores(scores, ix->n, counts);
    *n = pick(ix, scores, counts, rows, room);
    tw_free(scores);
    return TW_OK;
}

tw_status twi_names_index_candidates(twi_names_index *ix, twi_conn *c, bool committed,
                                     const tw_text *folded, int64_t *rows, int room, int *n,
                                     tw_error *err)
{
    tw_text scratch;
    tw_status st = TW_OK;

    *n = 0;
    if (tw_deadline_lock(tw_clock_monotonic() + PATIENCE, &ix->lock, "a hint", NULL) != TW_OK)
        return TW_OK; /* a hint is not worth the wait */
    tw_text_init(&scratch, TWI_FOLD_MAX);
    /* A transaction's own numbers may be taken back and given to others. */
    if (committed)
        TW_TRY(follow(ix, c, &scratch, err));
    TW_TRY(search(ix, folded, rows, room, n, err));
done:
    (void) pthread_mutex_unlock(&ix->lock);
    tw_text_fini(&scratch);
    return st;
}
