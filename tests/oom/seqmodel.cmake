tw_test(oom oom_seqmodel.c DEPENDS tw_seqmodel)
