tw_test(oom oom_store.c DEPENDS tw_store)
