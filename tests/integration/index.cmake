tw_test(integration index_threads.c DEPENDS tw_index)
