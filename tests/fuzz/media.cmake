tw_fuzz(fuzz_image fuzz_image.c DEPENDS tw_ingest)
tw_fuzz(fuzz_audio fuzz_audio.c DEPENDS tw_ingest)
