tw_fuzz(fuzz_ingest fuzz_ingest.c DEPENDS tw_ingest)
