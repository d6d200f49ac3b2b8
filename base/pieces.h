/* base/pieces.h — from a text to the pieces that stand for it: words, n-grams, characters.
 *
 * One reader for the bag of words, for tf-idf and for whatever else counts the words of a text, so
 * that a baseline reads what a tower reads.
 *
 *     tw_pieces p = {.rules = TW_PIECES_RULES, .words = true, .take = count, .ctx = &counts};
 *     TW_TRY(tw_pieces_read(&p, title, strlen(title), err));
 *     ...
 *     tw_pieces_fini(&p);
 *
 * Which pieces a text has is part of every stored tower, so each set of rules has a number and is
 * fixed for ever:
 *
 *   1  words are runs of letters as they stand, brought to lower case one by
 *      one (base/letters.h); a word gives itself and the n-grams of "<word>"
 *   2  the text is first composed and case-folded (tw_unicode_fold), so one text
 *      in two spellings is one. Words are as above. Where a script writes no spaces, characters
 *      are what words are made of: each and each pair of neighbours is a piece, of Han, kana,
 *      Hangul and emoji; of Thai, Lao, Khmer, Myanmar and their kin also each three, a letter
 *      taken with its vowel signs. Such a piece counts several times, as it stands for what
 *      a word of several n-grams says.
 *
 *        "To be"          <to> <to to>  <be> <be be>        (n-grams of 3)
 *        "猫の本 mimi"     猫 の 本 猫の の本  <mimi> ...
 *
 * A text of plain ASCII has the same pieces by both, in the same order.
 */
#ifndef TW_BASE_PIECES_H
#define TW_BASE_PIECES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

#define TW_PIECES_WORD_MAX 256 /* code points; a longer word is read as several */
#define TW_PIECES_RULES    2   /* the newest */

typedef struct tw_pieces {
    int rules;                /* 1..TW_PIECES_RULES */
    bool words;               /* "<word>" whole */
    int ngram_min, ngram_max; /* of "<word>"; ngram_max 0: none */
    bool compounds;           /* words that no space parts are one more word */
    /* Takes a piece that counts `times`; false: enough, stop. */
    bool (*take)(void *ctx, const char *piece, size_t len, int times);
    void *ctx;
    tw_text folded; /* working memory, begins zeroed; end with tw_pieces_fini */
} tw_pieces;

void tw_pieces_fini(tw_pieces *p);

/* Hands all pieces of the text to take, in the order of the text. TW_ENOMEM. */
TW_NODISCARD tw_status tw_pieces_read(tw_pieces *p, const char *text, size_t len, tw_error *err);

/* Appends s as rules 2 read it. TW_ENOMEM. */
TW_NODISCARD tw_status tw_pieces_fold(tw_text *out, const char *s, size_t len, tw_error *err);

/* The same for a tokenizer that takes a long word for an unknown one: what has no space for longer
 * than that, as a sentence in Thai, is parted, never before a mark. */
TW_NODISCARD tw_status tw_pieces_fold_words(tw_text *out, const char *s, size_t len, tw_error *err);

#endif
