tw_test(integration test_index_threads.c DEPENDS tw_index)
