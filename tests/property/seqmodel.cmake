tw_test(property seqmodel_learning.c DEPENDS tw_seqmodel)
