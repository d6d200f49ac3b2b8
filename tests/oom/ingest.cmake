tw_test(oom ingest_oom.c DEPENDS tw_ingest)
