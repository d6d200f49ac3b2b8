tw_test(crash crash_towers.c DEPENDS tw_towers)
