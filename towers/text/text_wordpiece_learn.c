/* Learning a vocabulary: byte-pair merges over the counts of words.
 *
 * All words lie in one row of *cells*, a cell being one symbol; the cells of a
 * word are linked, and a merge takes the right cell out:
 *
 *     l o w |  l o w e r      merge (o, w)      l ow . |  l ow . e r
 *
 * For every pair of symbols that stand side by side we keep how often they do
 * (weighted by the counts of their words) and a list of the cells where. A
 * list may name a cell where the pair no longer is: such are skipped. A heap holds
 * pairs by count; an entry whose count is out of date is corrected when it
 * comes up. So a merge costs what it changes, not the whole text. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/numbering.h"
#include "base/text.h"
#include "base/utf8.h"
#include "towers/text/text_wordpiece.h"

enum { WORDS_MAX = 1 << 22, MARKS = 5 };

static const char *const marks[MARKS] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

/* The array p with room for `want`, perhaps moved; NULL when out of memory, and then p still is. */
/* ---- the learner ----------------------------------------------------------------------------- */

typedef struct cell {
    int32_t symbol;     /* -1: merged away */
    int32_t prev, next; /* cells of the same word, -1: none */
    int64_t count;      /* of the word */
} cell;

typedef struct place {
    int32_t cell; /* the pair's left one */
    int32_t pair;
    int32_t next; /* the next place of the same pair, -1: none */
} place;

typedef struct pair_info {
    int64_t count;
    int32_t first;   /* place, -1: none */
    int32_t changed; /* the symbol whose making changed it last */
} pair_info;

typedef struct word_info {
    int64_t count;
    size_t start; /* where its bytes begin */
} word_info;

typedef struct entry {
    int64_t count;
    int32_t pair;
} entry;

typedef struct learner {
    tw_numbering words; /* by hash of the bytes: two words of one hash count as one */
    word_info *infos;   /* owned, by word */
    size_t infos_room;
    tw_text bytes; /* the words, NUL after each */

    tw_numbering letters;   /* 2 * code point + inner */
    int64_t *letter_counts; /* owned, by letter */
    size_t letter_room;
    int32_t *letter_symbol; /* owned, by letter; -1: left out */

    tw_text *symbols;   /* owned (size) */
    tw_numbering names; /* symbols by hash of the bytes: its places are the symbols */
    int size;

    cell *cells; /* owned */
    size_t n_cells, cells_room;
    tw_numbering pairs; /* left symbol << 32 | right */
    pair_info *about;   /* owned, by pair */
    size_t about_room;
    place *places; /* owned */
    size_t n_places, places_room;
    entry *heap; /* owned */
    size_t n_heap, heap_room;
} learner;

static void learner_fini(learner *l)
{
    tw_numbering_fini(&l->words);
    tw_numbering_fini(&l->letters);
    tw_numbering_fini(&l->names);
    tw_numbering_fini(&l->pairs);
    tw_text_fini(&l->bytes);
    for (int i = 0; l->symbols != NULL && i < l->size; i++)
        tw_text_fini(&l->symbols[i]);
    tw_free(l->symbols);
    tw_free(l->infos);
    tw_free(l->letter_counts);
    tw_free(l->letter_symbol);
    tw_free(l->cells);
    tw_free(l->about);
    tw_free(l->places);
    tw_free(l->heap);
}

static tw_status no_memory(tw_error *err)
{
    return tw_fail(err, TW_ENOMEM, "learning a vocabulary");
}

static tw_status count_word(learner *l, const twi_words *w, tw_error *err)
{
    tw_status st = TW_OK;
    const int32_t known = l->words.n;
    int32_t at;
    TW_TRY(tw_numbering_put(&l->words, tw_fnv1a(TW_FNV_START, w->word, w->n), &at, err));
    if (at == known) {
        TW_TRY(tw_grow(&l->infos, &l->infos_room, (size_t) at + 1, "words", err));
        l->infos[at] = (word_info){.start = l->bytes.len};
        TW_TRY(tw_text_add(&l->bytes, w->word, w->n, err));
        TW_TRY(tw_text_add(&l->bytes, "", 1, err));
    }
    l->infos[at].count++;
done:
    return st;
}

static tw_status count_words(learner *l, const char *const *texts, const size_t *lens, int64_t n,
                             tw_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        twi_words w = {
            .text = texts[i], .len = lens != NULL ? lens[i] : strlen(texts[i]), .cut = TWI_UNCASED};
        while (twi_words_next(&w)) {
            /* What comes when the table is full is new and rare. */
            if (w.chars > TWI_WORD_CHARS_MAX || l->words.n == WORDS_MAX)
                continue;
            tw_status st = count_word(l, &w, err);
            if (st != TW_OK)
                return st;
        }
    }
    return TW_OK;
}

/* A word's letters as keys, 2 * code point + inner; returns how many. */
static int letters_of(const learner *l, int32_t word, uint64_t out[TWI_WORD_CHARS_MAX])
{
    const char *bytes = l->bytes.data + l->infos[word].start;
    const size_t len = strlen(bytes);
    size_t used;
    int n = 0;
    for (size_t at = 0; at < len; at += used) {
        out[n] = 2 * (uint64_t) tw_utf8_next(bytes + at, len - at, &used) + (n > 0);
        n++;
    }
    return n;
}

static tw_status count_letters(learner *l, tw_error *err)
{
    uint64_t letter[TWI_WORD_CHARS_MAX];
    for (int32_t w = 0; w < l->words.n; w++) {
        int n = letters_of(l, w, letter);
        for (int k = 0; k < n; k++) {
            const int32_t known = l->letters.n;
            int32_t at;
            tw_status st = tw_numbering_put(&l->letters, letter[k], &at, err);
            if (st != TW_OK)
                return st;
            st = tw_grow(&l->letter_counts, &l->letter_room, (size_t) at + 1, "letters", err);
            if (st != TW_OK)
                return st;
            int64_t *counts = l->letter_counts;
            counts[at] = (at == known ? 0 : counts[at]) + l->infos[w].count;
        }
    }
    return TW_OK;
}

typedef struct letter_rank {
    int64_t count;
    uint64_t key;
    int32_t at;
} letter_rank;

static int by_count(const void *left, const void *right)
{
    const letter_rank *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return (a->key > b->key) - (a->key < b->key);
}

/* The symbol of these bytes, new or old; below 0 when out of memory. */
static int32_t add_symbol(learner *l, const char *bytes, size_t len)
{
    const int32_t known = l->names.n;
    int32_t at;
    if (tw_numbering_put(&l->names, tw_fnv1a(TW_FNV_START, bytes, len), &at, NULL) != TW_OK)
        return -1;
    if (at == known && tw_text_add(&l->symbols[at], bytes, len, NULL) != TW_OK)
        return -1;
    return at;
}

static int32_t add_letter(learner *l, uint64_t key)
{
    char bytes[6] = "##";
    const size_t inner = key & 1 ? 2 : 0;
    return add_symbol(l, bytes, inner + tw_utf8_put(bytes + inner, (uint32_t) (key >> 1)));
}

/* The letters that are met most often become symbols, in at most half of the vocabulary. */
static tw_status choose_letters(learner *l, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t n = (size_t) l->letters.n;
    letter_rank *rank = tw_alloc(n, sizeof *rank);
    l->letter_symbol = tw_alloc(n, sizeof *l->letter_symbol);
    if (rank == NULL || l->letter_symbol == NULL) {
        st = no_memory(err);
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        rank[i] = (letter_rank){
            .count = l->letter_counts[i], .key = l->letters.keys[i], .at = (int32_t) i};
    qsort(rank, n, sizeof *rank, by_count);
    for (size_t i = 0; i < n; i++) {
        bool fits = l->names.n < l->size / 2;
        int32_t symbol = fits ? add_letter(l, rank[i].key) : -1;
        l->letter_symbol[rank[i].at] = symbol;
        if (fits && symbol < 0) {
            st = no_memory(err);
            goto done;
        }
    }
done:
    tw_free(rank);
    return st;
}

/* ---- pairs ----------------------------------------------------------------------------------- */

/* a before b: the larger count; of equal ones the pair that was met first. */
static bool before(entry a, entry b)
{
    return a.count != b.count ? a.count > b.count : a.pair < b.pair;
}

static bool heap_push(learner *l, entry e)
{
    if (tw_grow(&l->heap, &l->heap_room, l->n_heap + 1, "pairs", NULL) != TW_OK)
        return false;
    entry *heap = l->heap;
    size_t i = l->n_heap++;
    for (; i > 0 && before(e, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = e;
    return true;
}

static entry heap_pop(learner *l)
{
    entry top = l->heap[0], last = l->heap[--l->n_heap];
    size_t i = 0;
    for (size_t child = 1; child < l->n_heap; child = 2 * i + 1) {
        if (child + 1 < l->n_heap && before(l->heap[child + 1], l->heap[child]))
            child++;
        if (!before(l->heap[child], last))
            break;
        l->heap[i] = l->heap[child];
        i = child;
    }
    l->heap[i] = last;
    return top;
}

static uint64_t pair_key(const learner *l, int32_t at)
{
    const cell *c = &l->cells[at];
    return (uint64_t) c->symbol << 32 | (uint32_t) l->cells[c->next].symbol;
}

/* The pair that begins at cell `at` is there once more. False when out of memory. */
static bool add_pair(learner *l, int32_t at)
{
    if (at < 0 || l->cells[at].next < 0)
        return true;
    const int32_t known = l->pairs.n;
    int32_t pair;
    if (tw_numbering_put(&l->pairs, pair_key(l, at), &pair, NULL) != TW_OK ||
        l->n_places == INT32_MAX)
        return false;
    if (tw_grow(&l->about, &l->about_room, (size_t) pair + 1, "pairs", NULL) != TW_OK ||
        tw_grow(&l->places, &l->places_room, l->n_places + 1, "places", NULL) != TW_OK)
        return false;
    pair_info *about = l->about;
    place *places = l->places;
    if (pair == known)
        about[pair] = (pair_info){.first = -1};
    about[pair].count += l->cells[at].count;
    places[l->n_places] = (place){.cell = at, .pair = pair, .next = about[pair].first};
    about[pair].first = (int32_t) l->n_places++;
    return true;
}

/* Once less; its place is found out of date later. */
static void remove_pair(learner *l, int32_t at)
{
    if (at < 0 || l->cells[at].next < 0)
        return;
    int32_t pair = tw_numbering_find(&l->pairs, pair_key(l, at));
    l->about[pair].count -= l->cells[at].count;
}

/* Words as linked cells; a letter that was left out breaks a word in two. */
static tw_status lay_out(learner *l, tw_error *err)
{
    uint64_t letter[TWI_WORD_CHARS_MAX];
    for (int32_t w = 0; w < l->words.n; w++) {
        int n = letters_of(l, w, letter);
        int32_t prev = -1;
        for (int k = 0; k < n; k++) {
            int32_t at = (int32_t) l->n_cells;
            int32_t symbol = l->letter_symbol[tw_numbering_find(&l->letters, letter[k])];
            if (symbol < 0) {
                prev = -1;
                continue;
            }
            if (at == INT32_MAX ||
                tw_grow(&l->cells, &l->cells_room, l->n_cells + 1, "cells", NULL) != TW_OK)
                return no_memory(err);
            cell *cells = l->cells;
            cells[l->n_cells++] =
                (cell){.symbol = symbol, .prev = prev, .next = -1, .count = l->infos[w].count};
            if (prev >= 0)
                cells[prev].next = at;
            prev = at;
        }
    }
    for (size_t at = 0; at < l->n_cells; at++)
        if (!add_pair(l, (int32_t) at))
            return no_memory(err);
    for (int32_t p = 0; p < l->pairs.n; p++)
        if (!heap_push(l, (entry){.count = l->about[p].count, .pair = p}))
            return no_memory(err);
    return TW_OK;
}

/* Joins a pair into `symbol` wherever it stands. */
static bool merge(learner *l, int32_t pair, int32_t symbol)
{
    const int32_t left = (int32_t) (l->pairs.keys[pair] >> 32);
    const int32_t right = (int32_t) (l->pairs.keys[pair] & UINT32_MAX);
    for (int32_t p = l->about[pair].first; p >= 0; p = l->places[p].next) {
        const int32_t at = l->places[p].cell;
        cell *c = &l->cells[at];
        if (c->symbol != left || c->next < 0 || l->cells[c->next].symbol != right)
            continue; /* out of date */
        cell *gone = &l->cells[c->next];
        remove_pair(l, c->prev);
        remove_pair(l, at);
        remove_pair(l, c->next);
        c->symbol = symbol;
        c->next = gone->next;
        gone->symbol = -1;
        if (c->next >= 0)
            l->cells[c->next].prev = at;
        if (!add_pair(l, c->prev) || !add_pair(l, at))
            return false;
    }
    return true;
}

/* The symbol that a pair becomes: its bytes joined, perhaps one that another pair became. */
static int32_t join_pair(learner *l, int32_t pair)
{
    char bytes[4 * TWI_WORD_CHARS_MAX + 4];
    const tw_text *a = &l->symbols[l->pairs.keys[pair] >> 32];
    const tw_text *b = &l->symbols[l->pairs.keys[pair] & UINT32_MAX];
    memcpy(bytes, a->data, a->len);
    memcpy(bytes + a->len, b->data + 2, b->len - 2); /* the right one is inner: "##" first */
    return add_symbol(l, bytes, a->len + b->len - 2);
}

/* Every pair that has new places since `from` goes on the heap once, with its count of now. */
static bool push_changed(learner *l, size_t from, int32_t step)
{
    for (size_t p = from; p < l->n_places; p++) {
        pair_info *about = &l->about[l->places[p].pair];
        if (about->changed == step)
            continue;
        about->changed = step;
        if (!heap_push(l, (entry){.count = about->count, .pair = l->places[p].pair}))
            return false;
    }
    return true;
}

static tw_status merge_all(learner *l, tw_error *err)
{
    int32_t step = 0;
    while (l->names.n < l->size && l->n_heap > 0) {
        entry e = heap_pop(l);
        int64_t count = l->about[e.pair].count;
        if (count < e.count && count >= 2 && !heap_push(l, (entry){count, e.pair}))
            return no_memory(err);
        if (count != e.count || count < 2)
            continue; /* where it is more now, it is on the heap with that already */
        size_t from = l->n_places;
        int32_t symbol = join_pair(l, e.pair);
        if (symbol < 0 || !merge(l, e.pair, symbol) || !push_changed(l, from, ++step))
            return no_memory(err);
    }
    return TW_OK;
}

static tw_status write_out(twi_wordpiece **out, const learner *l, tw_error *err)
{
    tw_status st = TW_OK;
    tw_text text;
    tw_text_init(&text, TWI_VOCAB_FILE_MAX);
    for (int32_t i = 0; i < l->names.n || i < TWI_PIECES_MIN; i++) {
        if (i < l->names.n)
            TW_TRY(tw_text_add(&text, l->symbols[i].data, l->symbols[i].len, err));
        TW_TRY(tw_text_add(&text, "\n", 1, err));
    }
    TW_TRY(twi_wordpiece_parse(out, tw_text_cstr(&text), text.len, TWI_UNCASED, err));
done:
    tw_text_fini(&text);
    return st;
}

tw_status twi_wordpiece_learn(twi_wordpiece **out, const char *const *texts, const size_t *lens,
                              int64_t n, int size, tw_error *err)
{
    tw_status st = TW_OK;
    learner l = {.size = size};

    *out = NULL;
    if (size < TWI_PIECES_MIN || size > TWI_LEARN_MAX)
        return tw_fail(err, TW_EINVAL, "a vocabulary of %d pieces is outside %d..%d", size,
                       TWI_PIECES_MIN, TWI_LEARN_MAX);
    tw_text_init(&l.bytes, SIZE_MAX / 2);
    l.symbols = tw_alloc((size_t) size, sizeof *l.symbols);
    if (l.symbols == NULL)
        return no_memory(err);
    for (int i = 0; i < size; i++)
        tw_text_init(&l.symbols[i], 4 * TWI_WORD_CHARS_MAX + 8);
    for (int i = 0; i < MARKS; i++) {
        if (add_symbol(&l, marks[i], strlen(marks[i])) < 0) {
            st = no_memory(err);
            goto done;
        }
    }
    TW_TRY(count_words(&l, texts, lens, n, err));
    TW_TRY(count_letters(&l, err));
    TW_TRY(choose_letters(&l, err));
    TW_TRY(lay_out(&l, err));
    TW_TRY(merge_all(&l, err));
    TW_TRY(write_out(out, &l, err));
done:
    learner_fini(&l);
    return st;
}
