/* towers/text/text_added.h — tokens that a tokenizer looks for in a text before it cuts words.
 *
 * Internal to towers/. They were added to a vocabulary after it was made ("<brand>") and are found
 * wherever they stand, inside words too. A *normalized* one is compared as the words are, cleaned
 * and in the tokenizer's case; any other byte by byte, and before those. Where several begin at one
 * place, the longest is taken.
 *
 * As JSON, in a tower's file and in a tokenizer.json: [{"id": 30522, "content": "<brand>",
 * "normalized": false}, ...].
 */
#ifndef TW_TOWERS_TEXT_TEXT_ADDED_H
#define TW_TOWERS_TEXT_TEXT_ADDED_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "towers/text/text_wordpiece.h"

#define TWI_ADDED_MAX       4096 /* tokens */
#define TWI_ADDED_CHARS_MAX 200  /* of one */

/* Reads the list. TW_ECORRUPT: no such list, an empty or too long token, an id outside
 * 0..TWI_PIECES_MAX-1, more than TWI_ADDED_MAX. TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status twi_added_parse(twi_added **out, const char *json, size_t len,
                                       twi_cutting cut, tw_error *err);
void twi_added_destroy(twi_added *a); /* accepts NULL */

/* The id of the token that stands at w->at, and how many bytes of the text it takes; -1: none. */
int32_t twi_added_match(const twi_added *a, const twi_words *w, size_t *used);

int32_t twi_added_largest(const twi_added *a); /* id */

#endif
