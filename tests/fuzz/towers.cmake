tw_fuzz(fuzz_towers_text fuzz_towers_text.c DEPENDS tw_towers)
tw_fuzz(fuzz_towers_file fuzz_towers_file.c DEPENDS tw_towers)
tw_fuzz(fuzz_towers_wordpiece fuzz_towers_wordpiece.c DEPENDS tw_towers)
tw_fuzz(fuzz_towers_bert fuzz_towers_bert.c DEPENDS tw_towers)
