tw_test(oom towers_oom.c DEPENDS tw_towers)
