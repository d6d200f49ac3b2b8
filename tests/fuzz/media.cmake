tw_fuzz(fuzz_picture fuzz_picture.c DEPENDS tw_ingest)
tw_fuzz(fuzz_sound fuzz_sound.c DEPENDS tw_ingest)
