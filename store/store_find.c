/* Finding an item by what a person typed: the exact title without case, and
 * "did you mean". */
#include <string.h>

#include "store/internal.h"

/* `folded` is a title folded already; two titles may share a hash. */
static bool same_title(const char *folded, const char *title)
{
    char other[TW_STORE_MAX_TITLE + 1];
    (void) twi_store_fold(title, strnlen(title, TW_STORE_MAX_TITLE), other, sizeof other);
    return strcmp(folded, other) == 0;
}

static tw_status find_title(twi_conn *c, const char *title, int64_t *row, tw_error *err)
{
    char folded[TW_STORE_MAX_TITLE + 1];
    sqlite3_stmt *q = NULL;
    bool found = strlen(title) <= TW_STORE_MAX_TITLE;
    tw_status st;

    (void) twi_store_fold(title, strnlen(title, TW_STORE_MAX_TITLE), folded, sizeof folded);
    TW_TRY(twi_prepare(c, TWI_SQL_ITEM_BY_FOLD, &q, err));
    (void) sqlite3_bind_int64(q, 1, twi_fold_hash(title));
    while (found && *row == 0) {
        TW_TRY(twi_step(c, q, &found, err));
        if (found && same_title(folded, twi_text(q, 1)))
            *row = sqlite3_column_int64(q, 0);
    }
    if (*row == 0)
        st = tw_fail(err, TW_ENOTFOUND, "no item has the title '%.200s'", title);
done:
    twi_done(q);
    return st;
}

tw_status tw_store_row_by_title(tw_store *s, const char *title, int64_t *row, tw_error *err)
{
    twi_conn *c;
    *row = 0;
    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    st = find_title(c, title, row, err);
    twi_read_end(s, c);
    return st;
}

/* ---- Near ---- */

/* The query as bit masks: bit i of at[b] is set where byte i of the query is b. */
typedef struct pattern {
    uint64_t at[256];
    int len;        /* 1..64 */
    bool is_number; /* the query is an integer ... */
    int64_t number; /* ... this one */
} pattern;

#define PATTERN_MAX 64   /* bits of a word; a longer query is cut, which is enough for a hint */
#define LEAST_SCORE 0.6f /* below, suggestions look random; by eye on film titles */
#define LEAST_PART  4    /* shorter queries are part of nearly everything */

static void pattern_init(pattern *p, const char *query)
{
    char folded[PATTERN_MAX + 1];
    memset(p, 0, sizeof *p);
    p->len = (int) twi_store_fold(query, strlen(query), folded, sizeof folded);
    for (int i = 0; i < p->len; i++)
        p->at[(unsigned char) folded[i]] |= (uint64_t) 1 << i;
    p->is_number = tw_parse_i64(folded, &p->number);
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
static float likeness(const pattern *p, const char *s)
{
    char text[TW_STORE_MAX_TITLE + 1];
    int n = (int) twi_store_fold(s, strnlen(s, TW_STORE_MAX_TITLE), text, sizeof text);
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

static tw_status rank_all(twi_conn *c, const pattern *p, ranking *r, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_status st;

    TW_TRY(twi_prepare(c, TWI_SQL_ITEM_NAMES, &q, err));
    for (;;) {
        bool found;
        TW_TRY(twi_step(c, q, &found, err));
        if (!found)
            break;
        float id = likeness(p, twi_text(q, 1));
        float title = likeness(p, twi_text(q, 2));
        insert(r, sqlite3_column_int64(q, 0), id > title ? id : title);
    }
done:
    twi_done(q);
    return st;
}

tw_status tw_store_near(tw_store *s, const char *query, int k, tw_item_name *out, int *n,
                        tw_text *text, tw_error *err)
{
    pattern p;
    twi_conn *c;

    *n = 0;
    tw_text_clear(text);
    if (k < 1 || k > TW_STORE_MAX_NEAR)
        return tw_fail(err, TW_EINVAL, "k %d is outside 1..%d", k, TW_STORE_MAX_NEAR);
    ranking r = {.k = k};
    pattern_init(&p, query);
    if (p.len == 0)
        return TW_OK;
    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    TW_TRY(rank_all(c, &p, &r, err));
    TW_TRY(twi_names(c, r.rows, r.n, out, text, err));
    for (int i = 0; i < r.n; i++)
        out[i].score = r.scores[i];
    *n = r.n;
done:
    twi_read_end(s, c);
    return st;
}
