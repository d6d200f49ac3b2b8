tw_fuzz(fuzz_index fuzz_index.c DEPENDS tw_index)
