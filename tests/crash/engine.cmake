tw_test(crash crash_engine.c DEPENDS tw_test_toy tw_engine TIMEOUT 180)
