tw_test(crash crash_index.c DEPENDS tw_index)
