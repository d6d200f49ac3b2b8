tw_fuzz(fuzz_seqmodel fuzz_seqmodel.c DEPENDS tw_seqmodel)
