tw_fuzz(fuzz_unicode fuzz_unicode.c DEPENDS tw_base)
