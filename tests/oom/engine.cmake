tw_test(oom oom_engine.c DEPENDS tw_test_toy tw_engine)
