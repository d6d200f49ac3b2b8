tw_fuzz(fuzz_towers_text towers_fuzz_text.c DEPENDS tw_towers)
tw_fuzz(fuzz_towers_file towers_fuzz_file.c DEPENDS tw_towers)
tw_fuzz(fuzz_towers_wordpiece towers_fuzz_wordpiece.c DEPENDS tw_towers)
tw_fuzz(fuzz_towers_bert towers_fuzz_bert.c DEPENDS tw_towers)
