tw_test(crash crash_ingest.c DEPENDS tw_ingest)
