/* "Did you mean": the items whose id or title is like a name that was not found. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/store_fold.h"
#include "store/store_near_index.h"
#include "store/store_rows.h"
#include "store/store_state.h"
#include "store/store_statement.h"

/* The query as bit masks: bit i of at[b] is set where byte i of the query is b. */
typedef struct pattern {
    uint64_t at[256];
    int len;        /* 1..64 */
    bool is_number; /* the query is an integer ... */
    int64_t number; /* ... this one */
} pattern;

#define CANDIDATES  400  /* names that are read and compared, a few microseconds each */
#define NUMBERS     5    /* next to a number, that are looked up */
#define PATTERN_MAX 64   /* bits of a word; a longer query is cut, which is enough for a hint */
#define LEAST_SCORE 0.6f /* below, suggestions look random; by eye on film titles */
#define LEAST_PART  4    /* shorter queries are part of nearly everything */

static void pattern_init(pattern *p, const tw_text *folded)
{
    memset(p, 0, sizeof *p);
    p->len = folded->len < PATTERN_MAX ? (int) folded->len : PATTERN_MAX;
    for (int i = 0; i < p->len; i++)
        p->at[(unsigned char) folded->data[i]] |= (uint64_t) 1 << i;
    p->is_number = tw_parse_i64(tw_text_cstr(folded), &p->number);
}

/* Edit distance of the whole pattern to text (n): to all of it, or (anywhere) to its best part.
 * One column of the classic table a step, held as two bit vectors of +1 and -1 differences.
 * Source: Myers 1999, "A fast bit-vector algorithm for approximate string matching". */
static int distance(const pattern *p, const char *text, int n, bool anywhere)
{
    uint64_t last = (uint64_t) 1 << (p->len - 1);
    uint64_t plus = ~(uint64_t) 0;
    uint64_t minus = 0;
    int score = p->len;
    int best = score;

    for (int j = 0; j < n; j++) {
        uint64_t eq = p->at[(unsigned char) text[j]];
        uint64_t vertical = eq | minus;
        uint64_t horizontal = (((eq & plus) + plus) ^ plus) | eq;
        uint64_t up = minus | ~(horizontal | plus);
        uint64_t down = plus & horizontal;
        if ((up & last) != 0)
            score++;
        if ((down & last) != 0)
            score--;
        if (score < best)
            best = score;
        up = (up << 1) | (anywhere ? 0 : 1);
        down <<= 1;
        plus = down | ~(vertical | up);
        minus = up & vertical;
    }
    return anywhere ? best : score;
}

/* 0..1; 1 is equal. A part counts for less than the whole, and more when it is much of the text:
 * "toy story" is all of a part of "Toy Story (1995)". */
static float likeness(const pattern *p, const char *text, int n)
{
    if (n == 0)
        return 0;
    int longer = n > p->len ? n : p->len;
    float score = 1.0f - (float) distance(p, text, n, false) / (float) longer;
    if (p->len >= LEAST_PART && n > p->len) {
        float part = 1.0f - (float) distance(p, text, n, true) / (float) p->len;
        part *= 0.85f + 0.1f * (float) p->len / (float) n;
        score = part > score ? part : score;
    }
    int64_t number;
    if (p->is_number && score < 1 && tw_parse_i64(text, &number)) {
        double apart = number > p->number ? (double) number - (double) p->number
                                          : (double) p->number - (double) number;
        score += (float) ((1.0 - (double) score) * 0.5 / (1.0 + apart)); /* 1683: 1682 before 683 */
    }
    return score;
}

typedef struct ranking {
    int64_t rows[TW_STORE_MAX_NEAR];
    float scores[TW_STORE_MAX_NEAR];
    int n;
    int k;
} ranking;

static bool has_row(const ranking *r, int64_t row)
{
    for (int i = 0; i < r->n; i++)
        if (r->rows[i] == row)
            return true;
    return false;
}

/* Rows come in rising order, so among equals the lower one stays in front. */
static void insert(ranking *r, int64_t row, float score)
{
    int at = r->n;
    if (score < LEAST_SCORE || (r->n == r->k && score <= r->scores[r->n - 1]))
        return;
    if (r->n < r->k)
        r->n++;
    else
        at--;
    for (; at > 0 && r->scores[at - 1] < score; at--) {
        r->scores[at] = r->scores[at - 1];
        r->rows[at] = r->rows[at - 1];
    }
    r->scores[at] = score;
    r->rows[at] = row;
}

static tw_status like(const pattern *p, const char *s, tw_text *scratch, float *score,
                      tw_error *err)
{
    tw_status st = twi_store_fold(scratch, s, strnlen(s, TW_STORE_MAX_TITLE), err);
    if (st == TW_OK)
        *score = likeness(p, tw_text_cstr(scratch), (int) scratch->len);
    return st;
}

/* Reads a candidate's names and compares them in earnest. */
static tw_status rank(twi_conn *c, int64_t row, const pattern *p, ranking *r, tw_text *scratch,
                      tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    float id, title;
    tw_status st;

    TW_TRY(twi_prepare(c, TWI_SQL_ITEM_NAME, &q, err));
    (void) sqlite3_bind_int64(q, 1, row);
    TW_TRY(twi_step(c, q, &found, err));
    if (!found || sqlite3_column_int(q, 2) == 0)
        goto done;
    TW_TRY(like(p, twi_text(q, 3), scratch, &id, err));
    TW_TRY(like(p, twi_text(q, 4), scratch, &title, err));
    insert(r, row, id > title ? id : title);
done:
    twi_done(q);
    return st;
}

/* Numbers look alike to people who count: 1682 and 1684 come near 1683, whatever letters they share
 * with it. */
static tw_status rank_numbers(twi_conn *c, const pattern *p, ranking *r, tw_text *scratch,
                              tw_error *err)
{
    tw_status st = TW_OK;
    for (int64_t apart = -NUMBERS; apart <= NUMBERS && p->is_number && st == TW_OK; apart++) {
        char id[24];
        int64_t row;
        bool live;
        if (apart > 0 ? p->number > INT64_MAX - apart : p->number < INT64_MIN - apart)
            continue;
        (void) snprintf(id, sizeof id, "%" PRId64, p->number + apart);
        st = twi_find_id(c, id, &row, &live, err);
        if (st == TW_OK && live && !has_row(r, row))
            st = rank(c, row, p, r, scratch, err);
    }
    return st;
}

static tw_status rank_candidates(tw_store *s, twi_conn *c, const pattern *p, ranking *r,
                                 tw_text *folded, tw_error *err)
{
    int64_t rows[CANDIDATES];
    int n;
    tw_status st =
        twi_names_index_candidates(s->names, c, c != s->writer, folded, rows, CANDIDATES, &n, err);
    /* One moment for all: each statement on its own would take and drop the lock. */
    bool own = st == TW_OK && sqlite3_get_autocommit(c->db) != 0;
    if (own)
        st = twi_exec(c, TWI_SQL_BEGIN_READ, err);
    for (int i = 0; i < n && st == TW_OK; i++)
        st = rank(c, rows[i], p, r, folded, err);
    if (st == TW_OK)
        st = rank_numbers(c, p, r, folded, err);
    if (own && sqlite3_get_autocommit(c->db) == 0)
        (void) !twi_exec(c, TWI_SQL_ROLLBACK, NULL); /* nothing was written */
    return st;
}

tw_status tw_store_near(tw_store *s, const char *query, int k, tw_item_name *out, int *n,
                        tw_text *text, tw_error *err)
{
    pattern p;
    twi_conn *c = NULL;
    tw_text folded;
    tw_status st;

    *n = 0;
    tw_text_clear(text);
    if (k < 1 || k > TW_STORE_MAX_NEAR)
        return tw_fail(err, TW_EINVAL, "k %d is outside 1..%d", k, TW_STORE_MAX_NEAR);
    ranking r = {.k = k};
    tw_text_init(&folded, TWI_FOLD_MAX);
    TW_TRY(twi_store_fold(&folded, query, strnlen(query, TW_STORE_MAX_TITLE), err));
    pattern_init(&p, &folded);
    if (p.len == 0)
        goto done;
    TW_TRY(twi_read_begin(s, &c, err));
    TW_TRY(rank_candidates(s, c, &p, &r, &folded, err));
    TW_TRY(twi_names(c, r.rows, r.n, out, text, err));
    for (int i = 0; i < r.n; i++)
        out[i].score = r.scores[i];
    *n = r.n;
done:
    if (c != NULL)
        twi_read_end(s, c);
    tw_text_fini(&folded);
    return st;
}
