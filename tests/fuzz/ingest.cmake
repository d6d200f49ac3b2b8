tw_fuzz(fuzz_ingest fuzz_ingest.c DEPENDS tw_ingest)
tw_fuzz(fuzz_ingest_time fuzz_ingest_time.c DEPENDS tw_ingest)
