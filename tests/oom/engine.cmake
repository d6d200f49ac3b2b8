tw_test(oom oom_engine.c DEPENDS tw_test_toy tw_engine)
tw_test(oom oom_cluster.c DEPENDS tw_test_toy tw_engine)
tw_test(oom oom_eval.c DEPENDS tw_test_toy tw_engine)
