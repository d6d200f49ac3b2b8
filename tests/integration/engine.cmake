tw_test(integration check_busy.c DEPENDS tw_test_toy tw_engine TIMEOUT 180)
tw_test(integration damaged_files.c DEPENDS tw_test_toy tw_engine TIMEOUT 300)
