/* towers/text_wordpiece.h — a text as a row of word pieces, as BERT cuts it.
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
#ifndef TW_TOWERS_TEXT_WORDPIECE_H
#define TW_TOWERS_TEXT_WORDPIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TWI_PIECES_MIN     16
#define TWI_PIECES_MAX     1000000 /* of a vocabulary from a file */
#define TWI_LEARN_MAX      30000   /* of one that is learnt */
#define TWI_WORD_CHARS_MAX 100     /* a longer word is one [UNK], as in BERT */
#define TWI_VOCAB_FILE_MAX ((size_t) 64 << 20)

typedef struct twi_wordpiece twi_wordpiece;

/* A vocabulary from lines, one piece each; its line is its id. A carriage return at the end of a
 * line is not part of it; of equal lines the last counts.
 *
 *   data (len)  copied
 *   lower       lower case and strip accents (the uncased models); else neither
 *
 * TW_ECORRUPT: not TWI_PIECES_MIN..TWI_PIECES_MAX lines, a line over 400 bytes, no [UNK], [CLS] or
 * [SEP]. TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status twi_wordpiece_parse(twi_wordpiece **out, const char *data, size_t len,
                                           bool lower, tw_error *err);

/* The same from a tokenizer.json, which says itself whether to lower. TW_ECORRUPT: no JSON, or a
 * model, normaliser or splitter other than BERT's. */
TW_NODISCARD tw_status twi_wordpiece_parse_json(twi_wordpiece **out, const char *data, size_t len,
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

int twi_wordpiece_size(const twi_wordpiece *w);
bool twi_wordpiece_lower(const twi_wordpiece *w);
int32_t twi_wordpiece_unknown(const twi_wordpiece *w); /* the id of [UNK] */

/* The vocabulary as twi_wordpiece_parse takes it, for storing. Lives as long as w. */
const char *twi_wordpiece_text(const twi_wordpiece *w, size_t *len);

/* ---- words, for the files of the tokenizer --------------------------------------------------- */

/* Where the cutting of a text into words stands, and the word that was cut last. */
typedef struct twi_words {
    const char *text;
    size_t len, at;
    bool lower;
    char word[4 * TWI_WORD_CHARS_MAX]; /* not terminated */
    size_t n;                          /* bytes of the word */
    int chars; /* TWI_WORD_CHARS_MAX + 1 and more: too long, `word` is cut */
} twi_words;

/* The next word; false after the last. */
bool twi_words_next(twi_words *w);

#endif
