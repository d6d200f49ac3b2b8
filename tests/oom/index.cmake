tw_test(oom oom_index.c DEPENDS tw_index)
