tw_test(oom oom_ingest.c DEPENDS tw_ingest)
