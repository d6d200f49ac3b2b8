tw_test(oom towers_oom.c DEPENDS tw_towers)
tw_test(oom towers_measure_oom.c DEPENDS tw_towers)
