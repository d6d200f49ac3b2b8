tw_fuzz(fuzz_safetensors fuzz_safetensors.c DEPENDS tw_nn)
