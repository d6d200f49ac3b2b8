tw_test(oom oom_nn_checkpoint.c DEPENDS tw_nn)
tw_test(oom oom_nn_step.c DEPENDS tw_nn)
tw_test(oom oom_nn_safetensors.c DEPENDS tw_nn)
