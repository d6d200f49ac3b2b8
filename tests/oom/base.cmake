tw_test(oom oom_unicode.c DEPENDS tw_base)
