tw_test(crash crash_replace.c DEPENDS tw_base)
