tw_test(property prop_seq_learning.c DEPENDS tw_seqmodel)
tw_test(property prop_seq_eval.c DEPENDS tw_seqmodel)
