/* towers/text/text_pieces.h — from a text to the pieces that stand for it: words, n-grams,
 * characters.
 *
 * Internal to towers/. One reader for the bag of words and for tf-idf, so that
 * the baseline sees what the tower sees. Which pieces a text has is part of
 * every stored tower, so each set of rules has a number and is fixed for ever:
 *
 *   1  words are runs of letters as they stand, brought to lower case one by
 *      one; a word gives itself and the n-grams of "<word>"
 *   2  the text is first composed and case-folded (tw_unicode_fold), so one text
 *      in two spellings is one. Words are as above. Where a script writes no spaces, characters
 *      are what words are made of: each and each pair of neighbours is a piece, of Han, kana,
 *      Hangul and emoji; of Thai, Lao, Khmer, Myanmar and their kin also each three, a letter
 *      taken with its vowel signs. Such a piece counts PIECE times, as it stands for what
 *      a word of several n-grams says.
 *
 *        "To be"          <to> <to to>  <be> <be be>        (n-grams of 3)
 *        "猫の本 mimi"     猫 の 本 猫の の本  <mimi> ...
 *
 * A text of plain ASCII has the same pieces by both, in the same order.
 */
#ifndef TW_TOWERS_TEXT_TEXT_PIECES_H
#define TW_TOWERS_TEXT_TEXT_PIECES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

#define TWI_WORD_MAX     256 /* code points; a longer word is read as several */
#define TWI_RULES_NEWEST 2

typedef struct twi_pieces {
    int rules;                /* 1..TWI_RULES_NEWEST */
    bool words;               /* "<word>" whole */
    int ngram_min, ngram_max; /* of "<word>"; ngram_max 0: none */
    bool compounds;           /* words that no space parts are one more word */
    /* Takes a piece that counts `times`; false: enough, stop. */
    bool (*take)(void *ctx, const char *piece, size_t len, int times);
    void *ctx;
    tw_text folded; /* working memory, begins zeroed; end with twi_pieces_fini */
} twi_pieces;

void twi_pieces_fini(twi_pieces *p);

/* Hands all pieces of the text to take, in the order of the text. TW_ENOMEM. */
TW_NODISCARD tw_status twi_pieces_read(twi_pieces *p, const char *text, size_t len, tw_error *err);

/* Appends s as rules 2 read it. TW_ENOMEM. */
TW_NODISCARD tw_status twi_normalise(tw_text *out, const char *s, size_t len, tw_error *err);

/* The same for a tokenizer that takes a long word for an unknown one: what has no space for longer
 * than that, as a sentence in Thai, is parted, never before a mark. */
TW_NODISCARD tw_status twi_normalise_words(tw_text *out, const char *s, size_t len, tw_error *err);

#endif
