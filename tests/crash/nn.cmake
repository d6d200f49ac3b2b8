tw_test(crash crash_nn_safetensors.c DEPENDS tw_nn)
