tw_test(oom oom_numbering.c DEPENDS tw_base)
tw_test(oom oom_unicode.c DEPENDS tw_base)
