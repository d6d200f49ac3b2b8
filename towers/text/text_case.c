#include "towers/text/text_case.h"

#include "towers/internal.h"

uint32_t tw_letter_fold(uint32_t cp) { return twi_fold(cp); }
bool tw_letter_is(uint32_t cp) { return twi_is_word(cp); }
