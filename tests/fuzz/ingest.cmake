tw_fuzz(fuzz_ingest ingest_fuzz.c DEPENDS tw_ingest)
