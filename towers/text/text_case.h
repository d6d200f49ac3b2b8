/* towers/text/text_case.h — what the text towers take for a letter, for others who read texts.
 *
 * Part of every stored tower, so fixed for ever.
 */
#ifndef TW_TOWERS_TEXT_TEXT_CASE_H
#define TW_TOWERS_TEXT_TEXT_CASE_H

#include <stdbool.h>
#include <stdint.h>

/* Lower case, one to one: ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic; else cp itself. */
uint32_t tw_letter_fold(uint32_t cp);
/* Stands inside words: no blank, sign or punctuation. */
bool tw_letter_is(uint32_t cp);

#endif
