tw_test(oom seqmodel_oom.c DEPENDS tw_seqmodel)
