tw_test(oom oom_engine.c DEPENDS tw_test_toy tw_engine)
tw_test(oom oom_engine_cluster.c DEPENDS tw_test_toy tw_engine)
tw_test(oom oom_engine_eval.c DEPENDS tw_test_toy tw_engine)
