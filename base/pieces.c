#include "base/pieces.h"

#include <stdint.h>
#include <string.h>

#include "base/letters.h"
#include "base/unicode.h"
#include "base/utf8.h"

enum {
    CLUSTER_MAX = 32,  /* bytes of a character with its marks; further marks are not read */
    LONGEST_WORD = 48, /* letters that tw_pieces_fold_words leaves together */
    LONGEST_GRAM = 3,  /* characters of a piece of a script without spaces */
    PIECE_OF_TEXT = 4, /* how often such a piece counts: */
    PIECE_ALONE = 8    /* a sign is a word of its own */
};

#define FOLDED_CAP (SIZE_MAX / 4)

/* A folded word between its marks. starts[k] is where its kth character begins; starts[n] its end.
 */
typedef struct word {
    char bytes[4 * TW_PIECES_WORD_MAX + 2];
    size_t starts[TW_PIECES_WORD_MAX + 3];
    int n; /* characters, marks included */
} word;

/* What a character is in a text. */
typedef enum kind {
    GAP,    /* between words */
    UNREAD, /* as if it were not there */
    LETTER, /* of scripts that part words by spaces */
    MARK,   /* of the character before */
    HAN,    /* Han, kana, Hangul: one or two are a word */
    SEA,    /* Thai, Lao, Khmer, Myanmar and their kin: no spaces, short words */
    SIGN,   /* emoji and other signs */
} kind;

/* The last characters, marks and all, of a run of one kind. */
typedef struct run {
    kind kind; /* GAP: none */
    char bytes[LONGEST_GRAM * CLUSTER_MAX];
    size_t starts[LONGEST_GRAM + 1];
    int n;
} run;

/* The words since the last space, put together. */
typedef struct compound {
    word w;
    int parts;
} compound;

typedef struct state {
    tw_pieces *p;
    word w;
    compound c;
    run r;
    bool room; /* false: take has had enough */
} state;

void tw_pieces_fini(tw_pieces *p) { tw_text_fini(&p->folded); }

/* ---- words ----------------------------------------------------------------------------------- */

static void begin_word(word *w)
{
    w->bytes[0] = '<';
    w->starts[0] = 0;
    w->starts[1] = 1;
    w->n = 1;
}

static void add_letter(word *w, uint32_t cp)
{
    size_t at = w->starts[w->n];
    w->starts[++w->n] = at + tw_utf8_put(w->bytes + at, cp);
}

static bool end_word(const tw_pieces *p, word *w)
{
    const int most = p->ngram_max;

    add_letter(w, '>');
    if (p->words && !p->take(p->ctx, w->bytes, w->starts[w->n], 1))
        return false;
    for (int k = 0; k < w->n && most > 0; k++) {
        for (int len = p->ngram_min; len <= most && k + len <= w->n; len++) {
            if (len == w->n && p->words)
                continue; /* that is the word, counted above */
            if (!p->take(p->ctx, w->bytes + w->starts[k], w->starts[k + len] - w->starts[k], 1))
                return false;
        }
    }
    return true;
}

static void finish_word(state *s)
{
    if (s->w.n == 1 || !s->room)
        return;
    s->room = end_word(s->p, &s->w);
    begin_word(&s->w);
    s->c.parts += s->p->compounds;
}

/* One word adds nothing that it has not added itself. */
static void finish_compound(state *s)
{
    if (s->room && s->c.parts >= 2)
        s->room = end_word(s->p, &s->c.w);
    begin_word(&s->c.w);
    s->c.parts = 0;
}

static bool is_space(uint32_t cp)
{
    return cp == ' ' || (cp >= '\t' && cp <= '\r') || cp == 0xA0 ||
           (cp >= 0x2000 && cp <= 0x200A) || cp == 0x3000;
}

/* One character of a script with spaces, or one between words. */
static void read_plain(state *s, uint32_t cp, bool letter)
{
    if (letter) {
        add_letter(&s->w, cp);
        add_letter(&s->c.w, cp);
    }
    if (!letter || s->w.n > TW_PIECES_WORD_MAX)
        finish_word(s);
    if (s->room && (is_space(cp) || s->c.w.n > TW_PIECES_WORD_MAX))
        finish_compound(s);
}

/* ---- scripts without spaces ------------------------------------------------------------------ */

/* The pieces that end with the run's last character. */
static void finish_character(state *s)
{
    const run *r = &s->r;
    const int most = r->kind == SEA ? 3 : 2;
    const int times = r->kind == SIGN ? PIECE_ALONE : PIECE_OF_TEXT;
    for (int len = 1; len <= most && len <= r->n && s->room; len++) {
        const size_t from = r->starts[r->n - len];
        s->room = s->p->take(s->p->ctx, r->bytes + from, r->starts[r->n] - from, times);
    }
}

static void finish_run(state *s)
{
    if (s->r.n > 0)
        finish_character(s);
    s->r = (run){.kind = GAP};
}

static void read_dense(state *s, uint32_t cp, kind k)
{
    run *r = &s->r;
    finish_word(s);
    finish_compound(s);
    if (r->kind != k)
        finish_run(s);
    else if (r->n > 0)
        finish_character(s);
    r->kind = k;
    if (r->n == LONGEST_GRAM) {
        const size_t first = r->starts[1];
        memmove(r->bytes, r->bytes + first, r->starts[r->n] - first);
        for (int i = 0; i < r->n; i++)
            r->starts[i] = r->starts[i + 1] - first;
        r->n--;
    }
    const size_t at = r->starts[r->n];
    r->starts[++r->n] = at + tw_utf8_put(r->bytes + at, cp);
}

static void read_mark(state *s, uint32_t cp)
{
    run *r = &s->r;
    if (r->n ==
        0) { /* a mark with nothing below it is none: folding makes such of spaced accents */
        if (s->w.n > 1)
            read_plain(s, cp, true);
        return;
    }
    const size_t from = r->starts[r->n - 1], at = r->starts[r->n];
    if (at - from + 4 <= CLUSTER_MAX)
        r->starts[r->n] = at + tw_utf8_put(r->bytes + at, cp);
}

/* ---- what is what ---------------------------------------------------------------------------- */

typedef struct block {
    uint32_t first, last;
} block;

/* Rising. */
static const block han_blocks[] = {
    {0x1100, 0x11ff},   {0x2e80, 0x2fdf},  {0x3005, 0x3007}, {0x3021, 0x3029}, {0x3031, 0x3035},
    {0x3038, 0x303c},   {0x3041, 0x30fa},  {0x30fc, 0x31bf}, {0x31f0, 0x31ff}, {0x3400, 0x4dbf},
    {0x4e00, 0xa4cf},   {0xa960, 0xa97c},  {0xac00, 0xd7fb}, {0xf900, 0xfaff}, {0x16fe0, 0x18cff},
    {0x1aff0, 0x1b2ff}, {0x20000, 0x3ffff}};
/* Thai and Lao; Myanmar; Khmer; Tai Le and New Tai Lue; Tai Tham; Balinese; Javanese; Myanmar's
 * extensions and Tai Viet. */
static const block sea_blocks[] = {{0x0e00, 0x0eff}, {0x1000, 0x109f}, {0x1780, 0x17ff},
                                   {0x1950, 0x19df}, {0x1a20, 0x1aaf}, {0x1b00, 0x1b7f},
                                   {0xa980, 0xa9ff}, {0xaa60, 0xaadf}};

static bool within(const block *b, size_t n, uint32_t cp)
{
    for (size_t i = 0; i < n && b[i].first <= cp; i++)
        if (cp <= b[i].last)
            return true;
    return false;
}

static bool is_digit(uint32_t cp) { return cp >= '0' && cp <= '9'; }

static kind kind_of_letter(uint32_t cp)
{
    if (cp < 0x0e00)
        return LETTER;
    if (within(han_blocks, sizeof han_blocks / sizeof han_blocks[0], cp))
        return HAN;
    return within(sea_blocks, sizeof sea_blocks / sizeof sea_blocks[0], cp) ? SEA : LETTER;
}

/* Of a folded text. Emoji by their blocks, so that those to come are signs already. */
static kind kind_of(uint32_t cp)
{
    if (cp < 0x80)
        return is_digit(cp) || (cp >= 'a' && cp <= 'z') ? LETTER : GAP;
    if (cp < 0x300)
        return tw_letter_is(cp) ? LETTER : GAP;
    if (cp >= 0x1f3fb && cp <= 0x1f3ff)
        return UNREAD; /* colours of skin */
    if (cp == 0xfffd)
        return LETTER; /* a malformed byte */
    if (cp >= 0x1f000 && cp <= 0x1fbff)
        return SIGN;
    switch (tw_unicode_kind_of(cp)) {
    case TW_UNICODE_OTHER: return GAP;
    case TW_UNICODE_LETTER: return kind_of_letter(cp);
    case TW_UNICODE_MARK: return MARK;
    case TW_UNICODE_FRAME: return UNREAD;
    case TW_UNICODE_SIGN: return cp < 0x2000 ? GAP : SIGN;
    }
    return GAP;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_as_it_is(state *s, const char *text, size_t len)
{
    for (size_t i = 0, used; i < len && s->room; i += used) {
        const uint32_t cp = tw_utf8_next(text + i, len - i, &used);
        read_plain(s, tw_letter_fold(cp), tw_letter_is(cp));
    }
}

static void read_folded(state *s, const char *text, size_t len)
{
    uint32_t before = 0;
    for (size_t i = 0, used; i < len && s->room; i += used) {
        const uint32_t cp = tw_utf8_next(text + i, len - i, &used);
        const kind k = kind_of(cp);
        /* "I" with a dot folds to "i" with a second dot: the language is not known, so as in
         * English. */
        const bool dotted = before == 'i' && cp == 0x307;
        before = cp;
        if (k == UNREAD || dotted)
            continue;
        if (k == MARK) {
            read_mark(s, cp);
        } else if (k == HAN || k == SEA || k == SIGN) {
            read_dense(s, cp, k);
        } else {
            finish_run(s);
            read_plain(s, cp, k == LETTER);
        }
    }
    finish_run(s);
}

tw_status tw_pieces_fold(tw_text *out, const char *s, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    size_t from = 0;
    /* Folding makes the letters "tm" and "sm" of these two, at the end of a name. */
    for (size_t i = 0; i + 3 <= len && st == TW_OK; i++) {
        if (s[i] != '\xe2' || s[i + 1] != '\x84' || (s[i + 2] != '\xa2' && s[i + 2] != '\xa0'))
            continue;
        st = tw_unicode_fold(out, s + from, i - from, err);
        if (st == TW_OK)
            st = tw_text_add(out, " ", 1, err);
        from = i + 3;
    }
    return st == TW_OK ? tw_unicode_fold(out, s + from, len - from, err) : st;
}

tw_status tw_pieces_fold_words(tw_text *out, const char *s, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    tw_text whole;
    int letters = 0;

    tw_text_init(&whole, FOLDED_CAP);
    TW_TRY(tw_pieces_fold(&whole, s, len, err));
    const char *text = tw_text_cstr(&whole);
    for (size_t i = 0, used; i < whole.len; i += used) {
        const uint32_t cp = tw_utf8_next(text + i, whole.len - i, &used);
        const kind k = kind_of(cp);
        letters = k == GAP ? 0 : letters + 1;
        if (letters > LONGEST_WORD && k != MARK && k != UNREAD) {
            TW_TRY(tw_text_add(out, " ", 1, err));
            letters = 1;
        }
        TW_TRY(tw_text_add(out, text + i, used, err));
    }
    TW_TRY(tw_text_add(out, "", 0, err));
done:
    tw_text_fini(&whole);
    return st;
}

tw_status tw_pieces_read(tw_pieces *p, const char *text, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    state s = {.p = p, .room = true};

    begin_word(&s.w);
    begin_word(&s.c.w);
    if (p->rules == 1) {
        read_as_it_is(&s, text, len);
    } else {
        if (p->folded.cap == 0)
            tw_text_init(&p->folded, FOLDED_CAP);
        tw_text_clear(&p->folded);
        st = tw_pieces_fold(&p->folded, text, len, err);
        if (st == TW_OK)
            read_folded(&s, tw_text_cstr(&p->folded), p->folded.len);
    }
    if (st == TW_OK) {
        finish_word(&s);
        finish_compound(&s);
    }
    return st;
}
