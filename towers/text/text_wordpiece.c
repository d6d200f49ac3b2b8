#include "towers/text/text_wordpiece.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/numbering.h"
#include "towers/text/text_added.h"

enum { PIECE_BYTES_MAX = 4 * TWI_WORD_CHARS_MAX };

typedef struct pieces {
    tw_string_numbering texts;
    int32_t *ids; /* owned, by number: of equal pieces the last counts */
} pieces;

struct twi_wordpiece {
    char *text; /* owned: the vocabulary, a newline after each piece */
    size_t text_len;
    int n;
    pieces kinds[2]; /* those that begin a word, and the inner ones, without "##" */
    size_t longest;  /* bytes of the longest piece */
    int32_t unk, cls, sep;
    twi_cutting cut;
    twi_added *added; /* owned; NULL: none */
    char *added_json; /* owned: what it was read from */
};

static const char INNER[] = "##";

/* hash: tw_fnv1a of the bytes. -1: none. */
static int32_t find(const twi_wordpiece *w, bool inner, uint64_t hash, const char *bytes,
                    size_t len)
{
    const pieces *p = &w->kinds[inner];
    const int32_t number = tw_string_numbering_find(&p->texts, hash, bytes, len);
    return number >= 0 ? p->ids[number] : -1;
}

static int32_t find_whole(const twi_wordpiece *w, const char *bytes)
{
    const size_t len = strlen(bytes);
    return find(w, false, tw_fnv1a(TW_FNV_START, bytes, len), bytes, len);
}

static tw_status add_line(twi_wordpiece *w, size_t at, size_t len, tw_error *err)
{
    const char *bytes = w->text + at;
    bool inner = len > 2 && memcmp(bytes, INNER, 2) == 0;
    if (len > PIECE_BYTES_MAX + 2)
        return tw_fail(err, TW_ECORRUPT, "piece %d of the vocabulary has %zu bytes, the most is %d",
                       w->n, len, PIECE_BYTES_MAX);
    at += inner ? 2 : 0;
    len -= inner ? 2 : 0;
    const int32_t id = w->n++;
    if (len == 0)
        return TW_OK; /* an empty line holds its id free */
    pieces *p = &w->kinds[inner];
    int32_t number;
    const tw_status st = tw_string_numbering_put(&p->texts, w->text + at, len, &number, err);
    if (st == TW_OK) {
        p->ids[number] = id;
        w->longest = len > w->longest ? len : w->longest;
    }
    return st;
}

static tw_status find_marks(twi_wordpiece *w, tw_error *err)
{
    w->unk = find_whole(w, "[UNK]");
    w->cls = find_whole(w, "[CLS]");
    w->sep = find_whole(w, "[SEP]");
    if (w->unk < 0 || w->cls < 0 || w->sep < 0) {
        return tw_fail(err, TW_ECORRUPT, "the vocabulary has no %s",
                       w->unk < 0   ? "[UNK]"
                       : w->cls < 0 ? "[CLS]"
                                    : "[SEP]");
    }
    return TW_OK;
}

static size_t count_lines(const char *data, size_t len)
{
    size_t n = len > 0 && data[len - 1] != '\n' ? 1 : 0;
    for (size_t i = 0; i < len; i++)
        n += data[i] == '\n';
    return n;
}

/* Takes the text over: a copy with a newline after each line. */
static tw_status make_room(twi_wordpiece *w, const char *data, size_t len, size_t lines,
                           tw_error *err)
{
    w->text = tw_alloc(len + 1, 1);
    for (int k = 0; k < 2; k++) {
        tw_string_numbering_init(&w->kinds[k].texts, len + lines + 1);
        w->kinds[k].ids = tw_alloc(lines, sizeof *w->kinds[k].ids);
    }
    if (w->text == NULL || w->kinds[0].ids == NULL || w->kinds[1].ids == NULL)
        return tw_fail(err, TW_ENOMEM, "a vocabulary of %zu pieces", lines);
    memcpy(w->text, data, len);
    w->text_len = len;
    if (data[len - 1] != '\n')
        w->text[w->text_len++] = '\n';
    return TW_OK;
}

tw_status twi_wordpiece_parse(twi_wordpiece **out, const char *data, size_t len, twi_cutting cut,
                              tw_error *err)
{
    tw_status st = TW_OK;
    size_t lines = count_lines(data, len);
    twi_wordpiece *w = NULL;

    *out = NULL;
    if (lines < TWI_PIECES_MIN || lines > TWI_PIECES_MAX || len > TWI_VOCAB_FILE_MAX)
        return tw_fail(err, TW_ECORRUPT, "a vocabulary of %zu pieces in %zu bytes; %d..%d are fine",
                       lines, len, TWI_PIECES_MIN, TWI_PIECES_MAX);
    w = tw_alloc(1, sizeof *w);
    if (w == NULL)
        return tw_fail(err, TW_ENOMEM, "vocabulary");
    w->cut = cut;
    TW_TRY(make_room(w, data, len, lines, err));
    for (size_t at = 0; at < w->text_len;) {
        const char *end = memchr(w->text + at, '\n', w->text_len - at);
        size_t n = (size_t) (end - (w->text + at));
        TW_TRY(add_line(w, at, n > 0 && end[-1] == '\r' ? n - 1 : n, err));
        at += n + 1;
    }
    TW_TRY(find_marks(w, err));
    *out = w;
    w = NULL;
done:
    twi_wordpiece_destroy(w);
    return st;
}

void twi_wordpiece_destroy(twi_wordpiece *w)
{
    if (w == NULL)
        return;
    tw_free(w->text);
    for (int k = 0; k < 2; k++) {
        tw_string_numbering_fini(&w->kinds[k].texts);
        tw_free(w->kinds[k].ids);
    }
    twi_added_destroy(w->added);
    tw_free(w->added_json);
    tw_free(w);
}

/* The longest piece that word[at..n) begins with, or -1; *used is its length. One pass forward
 * gives the hashes of all beginnings, as FNV-1a goes byte by byte; then the longest is tried first.
 */
static int32_t longest_piece(const twi_wordpiece *w, const char *word, size_t at, size_t n,
                             size_t *used)
{
    uint64_t hashes[PIECE_BYTES_MAX];
    size_t most = n - at < w->longest ? n - at : w->longest;
    uint64_t h = TW_FNV_START;
    for (size_t k = 0; k < most; k++)
        hashes[k] = h = tw_fnv1a(h, word + at + k, 1);
    for (size_t len = most; len > 0; len--) {
        /* A piece ends where a character ends; those of a file that do not are no pieces. */
        if (at + len < n && ((unsigned char) word[at + len] & 0xc0u) == 0x80u)
            continue;
        const int32_t id = find(w, at > 0, hashes[len - 1], word + at, len);
        if (id >= 0) {
            *used = len;
            return id;
        }
    }
    return -1;
}

/* The pieces of one word behind ids[0..n), as far as they fit; returns how many there are then. */
static int encode_word(const twi_wordpiece *w, const twi_words *word, int max, int32_t *ids, int n)
{
    const int first = n;
    if (word->chars > TWI_WORD_CHARS_MAX) {
        ids[n] = w->unk;
        return n + 1;
    }
    /* The word is cut to its end even where its pieces no longer fit: its last part decides whether
     * its first is a piece or [UNK]. */
    for (size_t at = 0; at < word->n;) {
        size_t used = 0;
        int32_t id = longest_piece(w, word->word, at, word->n, &used);
        if (id < 0) {
            ids[first] = w->unk;
            return first + 1;
        }
        if (n < max)
            ids[n++] = id;
        at += used;
    }
    return n;
}

int twi_wordpiece_encode(const twi_wordpiece *w, const char *text, size_t len, int max_tokens,
                         int32_t *ids)
{
    assert(max_tokens >= 2);
    twi_words words = {.text = text, .len = len, .cut = w->cut, .added = w->added};
    int n = 0;

    ids[n++] = w->cls;
    while (n < max_tokens - 1 && twi_words_next(&words)) {
        if (words.token >= 0)
            ids[n++] = words.token;
        else
            n = encode_word(w, &words, max_tokens - 1, ids, n);
    }
    ids[n++] = w->sep;
    return n;
}

tw_status twi_wordpiece_add(twi_wordpiece *w, const char *json, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    twi_added *added = NULL;
    char *text = NULL;

    assert(w->added == NULL);
    TW_TRY(twi_added_parse(&added, json, len, w->cut, err));
    text = tw_strndup(json, len);
    if (text == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%zu bytes of added tokens", len);
        goto done;
    }
    w->added = added;
    w->added_json = text;
    added = NULL;
done:
    twi_added_destroy(added);
    return st;
}

int twi_wordpiece_size(const twi_wordpiece *w)
{
    const int32_t largest = w->added != NULL ? twi_added_largest(w->added) : -1;
    return largest >= w->n ? largest + 1 : w->n;
}

twi_cutting twi_wordpiece_cutting(const twi_wordpiece *w) { return w->cut; }

const char *twi_wordpiece_added(const twi_wordpiece *w) { return w->added_json; }

int32_t twi_wordpiece_unknown(const twi_wordpiece *w) { return w->unk; }

const char *twi_wordpiece_text(const twi_wordpiece *w, size_t *len)
{
    *len = w->text_len;
    return w->text;
}
