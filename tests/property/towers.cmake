tw_test(property towers_learning.c DEPENDS tw_towers)
tw_test(property towers_scripts.c DEPENDS tw_towers)
