tw_test(property prop_nn_attention.c DEPENDS tw_nn)
tw_test(property prop_nn_dropout.c DEPENDS tw_nn)
tw_test(property prop_nn_trainer.c DEPENDS tw_nn)
