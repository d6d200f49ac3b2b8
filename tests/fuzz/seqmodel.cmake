tw_fuzz(fuzz_seqmodel seqmodel_fuzz.c DEPENDS tw_seqmodel)
