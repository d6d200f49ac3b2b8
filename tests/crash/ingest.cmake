tw_test(crash ingest_crash.c DEPENDS tw_ingest)
