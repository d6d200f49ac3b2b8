/* towers/text/text_wordpiece.h — a text as a row of word pieces, as BERT cuts it.
 *
 * Internal to towers/. Two steps. *Words*: the text is cleaned, its letters are
 * brought to lower case and lose their accents, and it is cut at white space, at
 * punctuation (a word of its own each) and around Han characters. *Pieces*: from
 * the left, the longest piece of the vocabulary; pieces inside a word begin
 * with "##" there. A word with a part that no piece fits is one [UNK].
 *
 *     "Café-crème!"  ->  cafe - cr ##eme !
 *
 * Any bytes are a text: what is no UTF-8 reads as U+FFFD and is dropped, as BERT
 * drops it. "[SEP]" written in a text is three words, not a mark, so no
 * text can forge one. A vocabulary comes from a file or is learnt from texts; it
 * is immutable, so threads may share it.
 *
 * Sources: Devlin et al. 2019 (BERT), its published uncased tokenizer; Schuster and Nakajima 2012;
 * Sennrich et al. 2016 for the merges that are learnt.
 */
#ifndef TW_TOWERS_TEXT_TEXT_WORDPIECE_H
#define TW_TOWERS_TEXT_TEXT_WORDPIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TWI_PIECES_MIN     16
#define TWI_PIECES_MAX     1000000 /* of a vocabulary from a file */
#define TWI_LEARN_MAX      30000   /* of one that is learnt */
#define TWI_WORD_CHARS_MAX 100     /* a longer word is one [UNK], as in BERT */
#define TWI_VOCAB_FILE_MAX ((size_t) 64 << 20)
#define TWI_LETTERS_MAX    3 /* that one character of a text may become */

typedef struct twi_wordpiece twi_wordpiece;
typedef struct twi_added twi_added; /* text_added.h */

/* How a text is cut into words; all false: as the cased models do. */
typedef struct twi_cutting {
    bool lower;      /* to lower case and, unless `accents`, without accents: the uncased models */
    bool accents;    /* of lower: accents stay */
    bool han_joined; /* a Han character is a letter like others, not a word of its own */
} twi_cutting;

#define TWI_CASED   ((twi_cutting){0})
#define TWI_UNCASED ((twi_cutting){.lower = true})

/* A vocabulary from lines, one piece each; its line is its id. A carriage return at the end of a
 * line is not part of it; of equal lines the last counts.
 *
 *   data (len)  copied
 *
 * TW_ECORRUPT: not TWI_PIECES_MIN..TWI_PIECES_MAX lines, a line over 400 bytes, no [UNK], [CLS] or
 * [SEP]. TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status twi_wordpiece_parse(twi_wordpiece **out, const char *data, size_t len,
                                           twi_cutting cut, tw_error *err);

/* The same from a tokenizer.json, with its added tokens. The marks themselves are none of these:
 * "[SEP]" in a text stays three words.
 *
 *   cut  NULL: as the file's normaliser says
 *
 * TW_ECORRUPT: no JSON, or a model, normaliser, splitter or frame other than BERT's; the sentence
 * says which. */
TW_NODISCARD tw_status twi_wordpiece_parse_json(twi_wordpiece **out, const char *data, size_t len,
                                                const twi_cutting *cut, tw_error *err);

/* Looks for the tokens of a list (text_added.h) in texts from now on. Once. TW_ECORRUPT: no such
 * list. TW_ENOMEM. On failure w is as it was. */
TW_NODISCARD tw_status twi_wordpiece_add(twi_wordpiece *w, const char *json, size_t len,
                                         tw_error *err);

/* A vocabulary learnt from n texts: the marks, the letters, then the pair of pieces that is met
 * most often joined to one, again and again, until there are `size` or no pair is met twice. Lower
 * case. The same texts in the same order give the same vocabulary.
 *
 *   lens  (n), or NULL when all texts are NUL-terminated
 *   size  TWI_PIECES_MIN..TWI_LEARN_MAX; the rarest letters are left out beyond half of it
 *
 * TW_EINVAL: size out of range. TW_ENOMEM. */
TW_NODISCARD tw_status twi_wordpiece_learn(twi_wordpiece **out, const char *const *texts,
                                           const size_t *lens, int64_t n, int size, tw_error *err);

void twi_wordpiece_destroy(twi_wordpiece *w); /* accepts NULL */

/* ids (max_tokens) <- [CLS], the pieces of the text, [SEP]; returns how many, 2..max_tokens. What
 * does not fit is cut off before [SEP]. max_tokens >= 2. Thread-safe. */
int twi_wordpiece_encode(const twi_wordpiece *w, const char *text, size_t len, int max_tokens,
                         int32_t *ids);

int twi_wordpiece_size(const twi_wordpiece *w); /* the largest id that encode gives, and one */
twi_cutting twi_wordpiece_cutting(const twi_wordpiece *w);
/* The list that was added, for storing; NULL: none. Lives as long as w. */
const char *twi_wordpiece_added(const twi_wordpiece *w);
int32_t twi_wordpiece_unknown(const twi_wordpiece *w); /* the id of [UNK] */

/* The vocabulary as twi_wordpiece_parse takes it, for storing. Lives as long as w. */
const char *twi_wordpiece_text(const twi_wordpiece *w, size_t *len);

/* ---- words, for the files of the tokenizer --------------------------------------------------- */

/* Where the cutting of a text into words stands, and the word that was cut last. */
typedef struct twi_words {
    const char *text;
    size_t len, at;
    twi_cutting cut;
    const twi_added *added; /* NULL: none are looked for */
    int32_t token;          /* the added token that was met instead of a word; -1: none */
    char word[4 * TWI_WORD_CHARS_MAX]; /* not terminated */
    size_t n;                          /* bytes of the word */
    int chars; /* TWI_WORD_CHARS_MAX + 1 and more: too long, `word` is cut */
} twi_words;

/* The next word; false after the last. */
bool twi_words_next(twi_words *w);

/* The character at `at` as it is compared, into out; *used is how many bytes it takes. Returns how
 * many it becomes, 0 for what is dropped; a white space is ' '. */
int twi_words_read(const twi_words *w, size_t at, size_t *used, uint32_t out[TWI_LETTERS_MAX]);

/* Whether cp is a word of its own: a sign, or a Han character where those are not joined. */
bool twi_words_stands_alone(const twi_words *w, uint32_t cp);

#endif
