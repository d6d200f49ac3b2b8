tw_test(integration test_check_busy.c DEPENDS tw_test_toy tw_engine TIMEOUT 180)
tw_test(integration test_damaged_files.c DEPENDS tw_test_toy tw_engine TIMEOUT 300)
tw_test(integration test_moved_dir.c DEPENDS tw_test_toy tw_engine TIMEOUT 120)
